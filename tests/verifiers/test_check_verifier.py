"""`check_verifier` passes what keeps the laws, and names the law that is broken."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from verifier_agent.errors import ConfigurationError
from verifier_agent.testing import check_verifier
from verifier_agent.values import Candidate, Cost, Task, Verdict
from verifier_agent.verifiers import Agreement, FunctionVerifier

TASK = Task(question="What is 3 * 4?")
CANDIDATES = [
    Candidate(id="g0", text="3 * 4 = 12", answer="12"),
    Candidate(id="g1", text="3 * 4 = 13", answer="13"),
    Candidate(id="g2", text="It is twelve.", answer="12"),
    Candidate(id="g3", text="3 * 4 =", done=False),
    Candidate(id="g4", error="refused"),
]


async def slow(task: Task, candidate: Candidate) -> float:
    await asyncio.sleep(0)
    return len(candidate.text) / 100


async def test_it_can_be_used_where_an_event_loop_is_running() -> None:
    check_verifier(FunctionVerifier(slow), TASK, CANDIDATES)


class Plain:
    """Keeps all laws; each test breaks one."""

    name: Any = "plain"

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> Any:
        return [self.one(candidate) for candidate in candidates]

    def one(self, candidate: Candidate) -> Verdict:
        return Verdict(candidate=candidate.id, verifier=self.name, score=0.5)


def breaking(**changes: Any) -> Plain:
    """Return a verifier with some attributes or methods of its own."""
    return type("Broken", (Plain,), changes)()


def saying(change: Callable[[Plain, list[Verdict]], Any]) -> Plain:
    """Return a verifier whose batch is changed before it is given."""

    async def verify(self: Plain, task: Task, candidates: Sequence[Candidate]) -> Any:
        return change(self, [self.one(candidate) for candidate in candidates])

    return breaking(verify=verify)


def unchecked(verdict: Verdict, field: str, value: Any) -> Verdict:
    """Change a verdict behind its own back, as a subclass could."""
    object.__setattr__(verdict, field, value)
    return verdict


def with_cost(self: Plain, candidate: Candidate) -> Verdict:
    return replace(Plain.one(self, candidate), cost=Cost(calls=3, input_tokens=9))


def raising(verdicts: list[Verdict]) -> Any:
    raise RuntimeError("boom")


async def swallowing(self: Plain, task: Task, candidates: Sequence[Candidate]) -> Any:
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(0.01)
    return [self.one(candidate) for candidate in candidates]


async def translating(self: Plain, task: Task, candidates: Sequence[Candidate]) -> Any:
    try:
        await asyncio.sleep(0.01)
    except asyncio.CancelledError:
        raise TimeoutError("too late") from None
    return [self.one(candidate) for candidate in candidates]


async def disturbed(self: Any, task: Task, candidates: Sequence[Candidate]) -> Any:
    """Remembers a call that was cut short, as one does that shares a buffer."""
    left, self.busy = getattr(self, "busy", False), True
    await asyncio.sleep(0.01)
    self.busy = False
    score = 0.0 if left else 1.0
    return [replace(self.one(candidate), score=score) for candidate in candidates]


def refusing(self: Plain, candidate: Candidate) -> Verdict:
    if not candidate.text.strip() and candidate.error is None:
        raise ValueError("nothing to read")
    return Plain.one(self, candidate)


def echoing(self: Plain, candidate: Candidate) -> Verdict:
    whole = candidate.text.encode("utf-8", "replace").decode()
    return replace(Plain.one(self, candidate), feedback=f"{whole} is wrong")


def splitting(self: Plain, candidate: Candidate) -> Verdict:
    steps = candidate.text.split("<extra_0>")
    return replace(Plain.one(self, candidate), steps=(0.5,) * len(steps))


class Later:
    def __await__(self) -> Any:
        yield


TURN = itertools.count()
BROKEN = {
    "has no `name`, or no `verify`": object(),
    "its name is ''": breaking(name=""),
    "its name changes": breaking(name=property(lambda self: f"n{next(TURN)}")),
    "`hard` is 'yes'": breaking(hard="yes"),
    "`applies` says None": breaking(applies=lambda self, finished: None),
    "raised RuntimeError": saying(lambda self, said: raising(said)),
    "gave 4 verdicts for 5": saying(lambda self, said: said[:-1]),
    "gave 1 verdicts for an empty batch": saying(
        lambda self, said: said or [Verdict(candidate="", verifier="plain", score=1.0)]
    ),
    "gave None, which is no list": saying(lambda self, said: None),
    "which is no Verdict": saying(lambda self, said: [0.5 for _ in said]),
    "answered for 'g4' where 'g0'": saying(lambda self, said: said[::-1]),
    "is signed 'other'": saying(lambda self, said: [replace(v, verifier="other") for v in said]),
    "no score, and no error": saying(lambda self, said: [replace(v, score=None) for v in said]),
    "a score is 1.5": saying(lambda self, said: [unchecked(v, "score", 1.5) for v in said]),
    "a score is nan": saying(
        lambda self, said: [unchecked(v, "steps", (0.1, float("nan"))) for v in said]
    ),
    "raw is inf": saying(lambda self, said: [unchecked(v, "raw", float("inf")) for v in said]),
    "cost 3 calls, above its bound of 1": breaking(
        one=with_cost, bound=lambda self, task, size: Cost(calls=1, input_tokens=9)
    ),
    "a score of 0.0 and an error, 'lost'": saying(
        lambda self, said: [replace(v, score=0.0, error="lost") for v in said]
    ),
    "is no UTF-8": saying(lambda self, said: [replace(v, feedback="\ud800") for v in said]),
    "bytes large, above": saying(
        lambda self, said: [replace(v, evidence={"log": "x" * 300_000}) for v in said]
    ),
    "no call is reported": breaking(bound=lambda self, task, size: Cost(calls=1)),
    "returns verdicts when it is cancelled": breaking(verify=swallowing),
    "raises TimeoutError('too late') when it is cancelled": breaking(verify=translating),
    "says otherwise after a call was cancelled": breaking(verify=disturbed),
    "raised ValueError('nothing to read')": breaking(one=refusing),
    "of 'g5': its verdict is 10": breaking(one=echoing),
    "a mark inside the text adds steps: 3 for": breaking(one=splitting),
    "says otherwise when asked again": saying(
        lambda self, said: [replace(v, score=1 / (2 + next(TURN))) for v in said]
    ),
    "depends on the order": saying(
        lambda self, said: [replace(v, score=i / 10) for i, v in enumerate(said)]
    ),
    "is not `relational`": saying(
        lambda self, said: [replace(v, score=1 / len(said)) for v in said]
    ),
    "says otherwise from verify_sync": breaking(
        verify_sync=lambda self, task, shown: [replace(self.one(c), score=0.4) for c in shown]
    ),
    "verify_sync gave 0 verdicts for 5": breaking(verify_sync=lambda self, task, shown: []),
    "verify_sync gave something to await": breaking(verify_sync=lambda self, task, shown: Later()),
}


@pytest.mark.parametrize("law", BROKEN)
def test_a_broken_law_is_named(law: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_verifier(BROKEN[law], TASK, CANDIDATES)  # type: ignore[arg-type]  # on purpose
    assert law in str(caught.value)


def test_a_relational_verifier_may_depend_on_the_others() -> None:
    shares = saying(lambda self, said: [replace(v, score=1 / len(said)) for v in said])
    shares.relational = True  # type: ignore[attr-defined]
    check_verifier(shares, TASK, CANDIDATES)


def test_a_verifier_that_is_not_repeatable_may_say_something_else() -> None:
    moody = saying(lambda self, said: [replace(v, score=1 / (2 + next(TURN))) for v in said])
    check_verifier(moody, TASK, CANDIDATES, repeatable=False)


def test_bad_texts_can_be_left_out() -> None:
    check_verifier(breaking(one=refusing), TASK, CANDIDATES, bad_texts=False)


@pytest.mark.parametrize("given", [[], CANDIDATES[:1], [CANDIDATES[0], CANDIDATES[0]]])
def test_too_few_candidates_are_refused(given: list[Candidate]) -> None:
    with pytest.raises(ConfigurationError, match="at least two candidates"):
        check_verifier(Agreement(), TASK, given)
