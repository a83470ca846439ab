"""Recorded scores as verifiers: "scores:NAME", and "tests" for the results of generated tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from verifier_agent.errors import ConfigurationError, nearest
from verifier_agent.evaluation.recorded import Answer, Desk
from verifier_agent.values import Candidate, Task, Verdict, Verifier
from verifier_agent.verifiers import VerifierLike

PREFIX = "scores:"
TESTS = "tests"


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


class RecordedScores:
    """Gives the scores that were recorded under one name.

    A number is the score; of a list, one number per step, the lowest is (a chain of steps is as
    good as its weakest, Lightman et al. 2023, appendix). `Verdict.raw` keeps the recorded number.
    An answer that has none recorded gets no score and an error. It costs nothing.
    """

    hard = False
    relational = False
    per_candidate = False

    def __init__(
        self,
        name: str,
        desk: Desk,
        recorded: Callable[[Answer], float | list[float] | None],
        scale: Scale,
    ) -> None:
        self.name = name
        self._desk = desk
        self._recorded = recorded
        self._scale = scale

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Look the scores up."""
        return self.verify_sync(task, candidates)

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Look the scores up."""
        return [self._verdict(task, candidate) for candidate in candidates]

    def _verdict(self, task: Task, candidate: Candidate) -> Verdict:
        given = self._recorded(self._desk.answer(task, candidate))
        if given is None or given == []:
            return Verdict(
                candidate=candidate.id, verifier=self.name, error="no score was recorded"
            )
        raw = min(given) if isinstance(given, list) else given
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=self._scale(raw),
            raw=raw,
            steps=tuple(map(self._scale, given)) if isinstance(given, list) else (),
        )


def recorded_verifiers(
    named: Sequence[VerifierLike], desk: Desk, scales: Mapping[str, Scale], *, tests: bool
) -> list[VerifierLike]:
    """Replace the names of recorded verifiers by the verifiers; leave the others as they are.

    Raises ConfigurationError for a name that the pool does not have, and for a judge: nothing
    here may call a model.
    """
    return [_recorded(one, desk, scales, tests) for one in named]


def _recorded(
    one: VerifierLike, desk: Desk, scales: Mapping[str, Scale], tests: bool
) -> VerifierLike:
    if not isinstance(one, str):
        return one
    if one == TESTS:
        if not tests:
            raise ConfigurationError("verifier 'tests': this pool has no results of tests")
        return _as_verifier(RecordedScores(TESTS, desk, lambda a: a.passed, Scale(0.0, 1.0)))
    if one.startswith(PREFIX):
        name = one.removeprefix(PREFIX)
        if name not in scales:
            known = nearest(name, scales) if scales else " (this pool has no recorded scores)"
            raise ConfigurationError(f"verifier {one!r}: no scores {name!r} in the pool{known}")
        return _as_verifier(RecordedScores(one, desk, lambda a: a.scores.get(name), scales[name]))
    if one.split(":")[0] == "judge":
        raise ConfigurationError(
            f"verifier {one!r} would call a model, and replay calls none; "
            "record its scores in the pool and name them: scores:NAME"
        )
    return one


def _as_verifier(verifier: Verifier) -> VerifierLike:
    return verifier
