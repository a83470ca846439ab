"""From scores and votes to P(correct), fitted on a labelled pool. Pure, without numpy.

`Calibration` is what a file holds and an agent goes by; the rest is what it is made of.
"""

from verifier_agent.calibration.calibrators import (
    Calibrator,
    beta,
    calibrator,
    isotonic,
    lower_bound,
    platt,
)
from verifier_agent.calibration.confidences import Confidence, confidence, fit_tally, tally
from verifier_agent.calibration.discrimination import Cut, auroc, discrimination, roc
from verifier_agent.calibration.evidence import Evidence, weigh
from verifier_agent.calibration.fitted import (
    RECORDED,
    Calibration,
    ScoreFit,
    SelectionFit,
    enough,
    named,
)
from verifier_agent.calibration.fitting import METHODS, Method, fit_calibrator
from verifier_agent.calibration.offsets import fit_offset
from verifier_agent.calibration.reliabilities import (
    Poll,
    Reliability,
    Vote,
    one_coin,
    reliability,
)
from verifier_agent.calibration.reliability_fits import Labelled, fit_one_coin
from verifier_agent.calibration.risk import Answered, risk_threshold, selective

__all__ = [
    "METHODS",
    "RECORDED",
    "Answered",
    "Calibration",
    "Calibrator",
    "Confidence",
    "Cut",
    "Evidence",
    "Labelled",
    "Method",
    "Poll",
    "Reliability",
    "ScoreFit",
    "SelectionFit",
    "Vote",
    "auroc",
    "beta",
    "calibrator",
    "confidence",
    "discrimination",
    "enough",
    "fit_calibrator",
    "fit_offset",
    "fit_one_coin",
    "fit_tally",
    "isotonic",
    "lower_bound",
    "named",
    "one_coin",
    "platt",
    "reliability",
    "risk_threshold",
    "roc",
    "selective",
    "tally",
    "weigh",
]
