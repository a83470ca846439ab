"""Recorded scores as verifiers: "scores:NAME", and "tests" for the results of generated tests."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel

from verifier_agent.aggregation import AGGREGATIONS, Aggregation, aggregate
from verifier_agent.calibration import RECORDED
from verifier_agent.errors import ConfigurationError, nearest
from verifier_agent.evaluation.replaying.recorded import Answer, Desk
from verifier_agent.values import Candidate, Task, Verdict, Verifier
from verifier_agent.verifiers import VerifierLike, resolve_verifiers
from verifier_agent.verifiers.ensembles.combinations import Combination
from verifier_agent.verifiers.names import is_combined
from verifier_agent.weighting import Weights

PREFIX = RECORDED
TESTS = "tests"
RECORDED_STEPS = {str(how): how for how in AGGREGATIONS if how != "model"}
"""By which names recorded steps can be put together; no verifier is there to make a score."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From a verifier's own unit to [0, 1].

    Numbers that all lie in [0, 1] stay as they are. Any others are stretched linearly, the lowest
    of the pool to 0 and the highest to 1: that keeps their order, and promises no more.
    """

    lowest: float
    highest: float

    def __call__(self, number: float) -> float:
        """Return `number` in [0, 1]; beyond the ends of the scale it is cut."""
        if self.lowest >= 0.0 and self.highest <= 1.0:
            return number
        if self.lowest == self.highest:
            return 0.5
        # halved before they are subtracted, since the range itself may be beyond floats
        share = (number / 2 - self.lowest / 2) / (self.highest / 2 - self.lowest / 2)
        return min(1.0, max(0.0, share))


@dataclass(frozen=True, slots=True)
class Source:
    """Where the numbers of one verifier are found in a recorded answer."""

    name: str
    """As it is written: "scores:NAME", "scores:NAME@HOW" or "tests"."""
    scale: Scale = Scale(0.0, 1.0)
    how: Aggregation = "min"
    """How the scores of steps become one."""

    def of(self, answer: Answer) -> float | list[float] | None:
        """Return what was recorded, in its own unit: one number, or one per step."""
        if self.name == TESTS:
            return answer.passed
        return answer.scores.get(self.name.removeprefix(PREFIX).removesuffix(f"@{self.how}"))

    def raw(self, answer: Answer) -> float | None:
        """Return the recorded number that counts: of steps the lowest, if that is what counts."""
        given = self.of(answer)
        if isinstance(given, list):
            return min(given, default=None) if self.how == "min" else None
        return given

    def evidence(self, answer: Answer) -> dict[str, Any]:
        """Return which tests were passed, in the form that `dual_agreement` reads."""
        if self.name != TESTS or answer.tests is None:
            return {}
        return {"tests": answer.tests, "weights": list(answer.weights)}

    def score(self, answer: Answer) -> float | None:
        """Return the number that counts, in [0, 1]."""
        given = self.of(answer)
        if isinstance(given, list):
            return aggregate([self.scale(step) for step in given], self.how)
        return None if given is None else self.scale(given)


class RecordedScores:
    """Gives the scores that were recorded under one name.

    A number is the score; of a list, one number per step, the lowest is (a chain of steps is as
    good as its weakest, Lightman et al. 2023, appendix), or what "scores:NAME@HOW" asks for.
    `Verdict.raw` keeps the recorded number. An answer that has none recorded gets no score and an
    error. It costs nothing.
    """

    hard = False
    relational = False
    per_candidate = False

    def __init__(self, source: Source, desk: Desk) -> None:
        self.name = source.name
        self._source = source
        self._desk = desk

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Look the scores up."""
        return self.verify_sync(task, candidates)

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Look the scores up."""
        return [self._verdict(task, candidate) for candidate in candidates]

    def _verdict(self, task: Task, candidate: Candidate) -> Verdict:
        answer = self._desk.answer(task, candidate)
        given, score = self._source.of(answer), self._source.score(answer)
        if score is None:
            return Verdict(
                candidate=candidate.id, verifier=self.name, error="no score was recorded"
            )
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=score,
            raw=self._source.raw(answer),
            steps=tuple(map(self._source.scale, given)) if isinstance(given, list) else (),
            evidence=self._source.evidence(answer),
        )


def recorded_verifiers(
    named: Sequence[VerifierLike],
    desk: Desk,
    scales: Mapping[str, Scale],
    model: BaseChatModel,
    *,
    tests: bool,
) -> tuple[Verifier, ...]:
    """Return the verifiers that are named: recorded ones, ensembles of them, and any that judge by
    themselves.

    Raises ConfigurationError for a name that the pool does not have, and for a judge: nothing
    here may call a model.
    """
    made: list[VerifierLike] = []
    for one in named:
        if not (isinstance(one, str) and is_combined(one)):
            source = find_source(one, scales, tests=tests)
            made.append(one if source is None else RecordedScores(source, desk))
            continue
        combination = Combination.read(one)
        read, names = dict(scales), combination.names
        if combination.weights is not None:
            read, names = _as_fitted(combination.weights, scales)
        inside = recorded_verifiers(names, desk, read, model, tests=tests)
        made.append(combination.of(inside))
    return resolve_verifiers(made, model=model)


def _as_fitted(
    weights: Weights, scales: Mapping[str, Scale]
) -> tuple[dict[str, Scale], tuple[str, ...]]:
    """Return the scales that recorded numbers were read by when weights were fitted, and the names
    of verifiers, recorded ones as such."""
    read, names = dict(scales), []
    for member in weights.members:
        recorded, _ = recorded_as(member.verifier, scales)
        if recorded in scales:
            read[recorded] = Scale(*member.scale)
        names.append(f"{PREFIX}{member.verifier}" if recorded in scales else member.verifier)
    return read, tuple(names)


def find_source(one: VerifierLike, scales: Mapping[str, Scale], *, tests: bool) -> Source | None:
    """Return where the numbers of this verifier are recorded; None if it judges by itself.

    Raises what `recorded_verifiers` raises.
    """
    if not isinstance(one, str):
        return None
    if one == TESTS:
        if not tests:
            raise ConfigurationError("verifier 'tests': this pool has no results of tests")
        return Source(TESTS)
    if one.startswith(PREFIX):
        name, how = recorded_as(one.removeprefix(PREFIX), scales)
        if name not in scales:
            known = nearest(name, scales) if scales else " (it has no scores)"
            raise ConfigurationError(f"verifier {one!r}: no scores {name!r} in the pool{known}")
        return Source(one, scales[name], how)
    if one.split(":")[0] == "judge":
        raise ConfigurationError(
            f"verifier {one!r} would call a model, and replay calls none; "
            "record its scores in the pool and name them: scores:NAME"
        )
    return None


def recorded_as(name: str, known: Collection[str]) -> tuple[str, Aggregation]:
    """Return under which of the `known` names the numbers of NAME or NAME@HOW are recorded, and
    how those of steps become one."""
    inner, _, ending = name.rpartition("@")
    if name not in known and ending in RECORDED_STEPS:
        return inner, RECORDED_STEPS[ending]
    return name, "min"
