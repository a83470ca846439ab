"""Measure policies, verifiers and selectors: on recorded answers without a model, or live."""

from verifier_agent.evaluation.calibrating import calibrate
from verifier_agent.evaluation.comparing.compare import Comparison, compare
from verifier_agent.evaluation.evaluating import evaluate
from verifier_agent.evaluation.evaluating_live import aevaluate_live, evaluate_live
from verifier_agent.evaluation.live import Live
from verifier_agent.evaluation.recordings.data import Entry, read_data
from verifier_agent.evaluation.recordings.pools import Question, Sample, read_pool
from verifier_agent.evaluation.recordings.rates import Rates
from verifier_agent.evaluation.replaying.repeating import recorded_settings
from verifier_agent.evaluation.replaying.replay import Replay
from verifier_agent.evaluation.tuning.tune import Tuning, tune
from verifier_agent.evaluation.weighing import weigh_verifiers

__all__ = [
    "Comparison",
    "Entry",
    "Live",
    "Question",
    "Rates",
    "Replay",
    "Sample",
    "Tuning",
    "aevaluate_live",
    "calibrate",
    "compare",
    "evaluate",
    "evaluate_live",
    "read_data",
    "read_pool",
    "recorded_settings",
    "tune",
    "weigh_verifiers",
]
