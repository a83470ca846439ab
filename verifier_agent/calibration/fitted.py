"""`Calibration`: what was fitted on a labelled pool, for the runs of an agent. Plain, frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from verifier_agent.calibration.calibrators import Calibrator
from verifier_agent.calibration.confidences import Confidence
from verifier_agent.calibration.evidence import weigh
from verifier_agent.calibration.risk import Answered, risk_threshold
from verifier_agent.errors import ConfigurationError
from verifier_agent.plain import Value, read_file
from verifier_agent.values import Judged, Selection, Verdict

RECORDED = "scores:"
"""What the name of a verifier begins with where its scores are recorded ones."""
SCHEMA = 1


def named(verifier: str) -> str:
    """Return the name of who gave a score, whether it is recorded or not."""
    return verifier.removeprefix(RECORDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreFit(Value):
    """What the scores of one verifier mean for the answers of one generator."""

    verifier: str
    generator: str | None = None
    """None: of all generators together."""
    calibrator: Calibrator
    scale: tuple[float, float] = (0.0, 1.0)
    """The verifier's own numbers that were read as 0 and 1, where they are not in [0, 1]."""
    answers: int
    """On how many it was fitted."""
    right: int
    auroc: float | None = None
    j: float | None = None
    """Youden's J of the best cut: 1 - FPR - FNR."""
    cut: float | None = None
    """The score of that cut."""
    offset: float | None = None
    """The b of `calibrated_vote`, for P(correct); fitted for all generators together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionFit(Value):
    """How sure an answer is that one selector chooses from what these verifiers judged."""

    selector: str
    verifiers: tuple[str, ...]
    policy: str
    """Of the runs it was fitted on; the bound on a risk holds for runs of this policy."""
    confidence: Confidence
    curve: tuple[Answered, ...] = ()
    """What comes of answering above a threshold, one run of each question. Its confidences are
    those of fits to the other half, while `confidence` is fitted to all: a bound from it is exact
    for the former, and nearly so for the latter."""
    figures: dict[str, float | None] = field(default_factory=dict)
    """How good it is on questions it was not fitted on: each half scored by a fit to the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration(Value):
    """From scores and votes to P(correct), as fitted on a labelled pool.

    It speaks only of what it has seen: scores of other verifiers or of other generators' answers
    stay as they are, and so does the confidence of another selector.
    """

    schema: int = SCHEMA
    generators: tuple[str, ...] = ()
    """Whose answers it was fitted on; empty where the pool did not say: then it is for any."""
    scores: tuple[ScoreFit, ...] = ()
    selections: tuple[SelectionFit, ...] = ()
    source: dict[str, Any] = field(default_factory=dict)
    """Where it comes from: the pool's name and digest, how many questions and answers."""

    @classmethod
    def read(cls, given: Calibration | Mapping[str, Any] | Path | str) -> Calibration:
        """Return a calibration from one, from its plain form, or from a file of it.

        Raises ConfigurationError for a file that cannot be read or is none.
        """
        return read_file(cls, given, "calibration", SCHEMA)

    def score_fit(self, verifier: str, generator: str) -> ScoreFit | None:
        """Return what fits best to a verifier's scores of a generator's answers."""
        own = {fit.generator: fit for fit in self.scores if fit.verifier == named(verifier)}
        return own.get(generator) or (own.get(None) if self._knows((generator,)) else None)

    def verdict(self, verdict: Verdict, generator: str) -> Verdict:
        """Return the verdict with P(correct) for a score; `raw` keeps the verifier's own number.

        Proof stays proof, and a score nothing is known of stays as it is. Where the verifier had
        no unit of its own, `raw` is the score; in any case `evidence["uncalibrated"]` is.
        """
        fit = None if verdict.hard else self.score_fit(verdict.verifier, generator)
        if fit is None or verdict.score is None:
            return verdict
        return replace(
            verdict,
            score=fit.calibrator(verdict.score),
            raw=verdict.score if verdict.raw is None else verdict.raw,
            evidence={**verdict.evidence, "uncalibrated": verdict.score},
        )

    def selection_fit(self, selector: str, verifiers: Sequence[str]) -> SelectionFit | None:
        """Return how sure the selector's choices are where these verifiers judge."""
        wanted = sorted(map(named, verifiers))
        found = (fit for fit in self.selections if fit.selector == selector)
        return next((fit for fit in found if sorted(fit.verifiers) == wanted), None)

    def selection(
        self, selection: Selection, judged: Sequence[Judged], fit: SelectionFit
    ) -> Selection:
        """Return the selection with P(correct) for its confidence.

        It stays as it is where it rests on answers of a kind that was not seen: of another
        generator, revised, or searched step by step.
        """
        evidence = weigh(selection, judged)
        if evidence is None or not evidence.drawn or not self._knows(evidence.models):
            return selection
        return replace(selection, confidence=fit.confidence(evidence), basis="P(correct)")

    def _knows(self, generators: Sequence[str]) -> bool:
        return not self.generators or set(generators) <= set(self.generators)


def enough(fit: SelectionFit, risk: float) -> float:
    """Return the confidence from which on answers are wrong at most `risk` of the time.

    Raises ConfigurationError if there is none for which that is sure enough.
    """
    if not 0.0 < risk < 1.0:
        raise ConfigurationError(f"risk={risk!r}: a number between 0 and 1 is needed")
    found = risk_threshold(fit.curve, risk)
    if found is None:
        raise ConfigurationError(
            f"risk={risk:g}: no confidence of {fit.selector} is known to be enough; state a higher "
            "risk, or calibrate on more questions"
        )
    return found.threshold
