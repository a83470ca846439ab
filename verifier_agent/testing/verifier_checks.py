"""The laws of verifiers as a check that anybody can run on their own."""

from __future__ import annotations

import asyncio
import inspect
import json
import math
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

from verifier_agent.errors import ConfigurationError
from verifier_agent.models import text_bound
from verifier_agent.testing.verifier_trials import check_bad_texts, check_cancelling
from verifier_agent.values import Candidate, Cost, Task, Verdict, Verifier

ROUNDING = 1e-5
"""By so much a score may depend on how candidates are batched: single precision adds up."""

LARGEST = 1 << 18
"""Bytes of a verdict's plain form without its step scores: every checkpoint holds it."""

Ask = Callable[[Sequence[Candidate]], list[Verdict]]


def check_verifier(
    verifier: Verifier,
    task: Task,
    candidates: Sequence[Candidate],
    *,
    repeatable: bool = True,
    bad_texts: bool = True,
) -> None:
    """Check the laws of a verifier on these candidates. It is asked about twenty times.

    - A batch: one verdict each in the order of the candidates, under the verifier's name; an empty
      batch gives an empty list.
    - A verdict: scores in [0, 1]; a score or an error, and not both, for a missing score is no 0;
      it survives its plain form, which is UTF-8 and not large.
    - Costs: none exceeds `bound`; where `bound` says that calls are made, verdicts report some.
    - The optional attributes are what they are read as. `verify_sync`, where there is one, keeps
      the same laws.
    - Cancelled: a call ends as cancelled, at whatever point, and the next one is not disturbed.
    - Bad texts get verdicts too: nothing, a megabyte, half a character, brackets that never close;
      marks of steps inside a line ("<extra_0>", "</s>") add no step.
    - A repeatable verifier says the same again, from `verify_sync` too, after a cancelled call, and
      in whatever order it is shown the candidates; unless it is `relational`, also of each
      candidate by itself.

    Args:
        verifier: What to check.
        task: The question.
        candidates: At least two, with ids of their own; include some that it cannot judge.
        repeatable: False if it may say something else the next time, as a language model does.
        bad_texts: False to leave them out, where each costs money: one is a megabyte long.

    Raises:
        AssertionError: A law is broken; the message names it.
        ConfigurationError: There are too few candidates, or two of one id.
    """
    if len(candidates) < 2 or len({c.id for c in candidates}) < len(candidates):
        raise ConfigurationError("check_verifier needs at least two candidates, each with its id")
    _check_attributes(verifier, candidates)
    with _Loop() as loop:
        ways: dict[str, Ask] = {
            "verify": lambda shown: loop.wait(lambda: verifier.verify(task, shown))
        }
        direct = getattr(verifier, "verify_sync", None)
        if direct is not None:
            ways["verify_sync"] = lambda shown: direct(task, shown)
        said = {
            way: _check_batch(verifier, ask, task, candidates, way) for way, ask in ways.items()
        }
        _check_reported(verifier, task, candidates, said["verify"])
        if repeatable:
            _check_repeats(verifier, ways["verify"], candidates, said["verify"])
            if direct is not None:
                law = "says otherwise from verify_sync"
                _compare(verifier, law, said["verify"], said["verify_sync"])
        loop.wait(lambda: check_cancelling(verifier, task, candidates))
        again = _given(verifier, ways["verify"], candidates, "verify")
        if repeatable:
            _compare(verifier, "says otherwise after a call was cancelled", said["verify"], again)
        for way, ask in ways.items() if bad_texts else ():
            checked = partial(_check_batch, verifier, ask, task, way=way)
            check_bad_texts(verifier.name, checked)


class _Loop:
    """One event loop on a thread of its own, so that callers may have one or not."""

    def __enter__(self) -> _Loop:
        self._thread = ThreadPoolExecutor(1)
        self._runner = asyncio.Runner()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.submit(self._runner.close).result()
        self._thread.shutdown()

    def wait(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Await what `work` returns."""

        async def awaited() -> Any:
            return await work()

        return self._thread.submit(lambda: self._runner.run(awaited())).result()


def _check_attributes(verifier: Verifier, candidates: Sequence[Candidate]) -> None:
    assert isinstance(verifier, Verifier), f"{verifier!r} has no `name`, or no `verify`"
    name = verifier.name
    assert isinstance(name, str) and name, f"its name is {name!r}, which is no text"  # noqa: PT018
    assert verifier.name == name, f"its name changes: {name!r}, then {verifier.name!r}"
    for flag in ("hard", "refutes", "relational", "per_candidate"):
        value = getattr(verifier, flag, False)
        assert isinstance(value, bool), f"{name!r}: `{flag}` is {value!r}, not True or False"
    applies = getattr(verifier, "applies", None)
    if applies is not None:
        for shown in ([], [c for c in candidates if c.done]):
            told = applies(shown)
            assert isinstance(told, bool), f"{name!r}: `applies` says {told!r}, not True or False"


def _check_batch(
    verifier: Verifier, ask: Ask, task: Task, candidates: Sequence[Candidate], way: str
) -> list[Verdict]:
    """Ask once; check the shape of the batch and each verdict."""
    name = verifier.name
    nothing = _given(verifier, ask, [], way)
    assert not nothing, f"{name!r}: {way} gave {len(nothing)} verdicts for an empty batch"
    verdicts = _given(verifier, ask, candidates, way)
    assert len(verdicts) == len(candidates), (
        f"{name!r}: {way} gave {len(verdicts)} verdicts for {len(candidates)} candidates"
    )
    for verdict, candidate in zip(verdicts, candidates, strict=True):
        assert isinstance(verdict, Verdict), (
            f"{name!r}: {way} gave {verdict!r}, which is no Verdict"
        )
        assert verdict.candidate == candidate.id, (
            f"{name!r}: {way} answered for {verdict.candidate!r} where {candidate.id!r} was asked: "
            "verdicts come in the order of the candidates"
        )
        _check_verdict(name, verdict)
        _check_cost(verifier, task, candidate, verdict)
    return verdicts


def _given(verifier: Verifier, ask: Ask, shown: Sequence[Candidate], way: str) -> list[Verdict]:
    try:
        given = ask(shown)
    except Exception as error:
        raise AssertionError(
            f"{verifier.name!r}: {way} raised {error!r} for {len(shown)} candidates"
        ) from error
    assert not inspect.isawaitable(given), f"{verifier.name!r}: {way} gave something to await"
    try:
        return list(given)
    except TypeError:
        raise AssertionError(f"{verifier.name!r}: {way} gave {given!r}, which is no list") from None


def _check_verdict(name: str, verdict: Verdict) -> None:
    where = f"{name!r} of {verdict.candidate!r}"
    assert verdict.verifier == name, f"{where}: its verdict is signed {verdict.verifier!r}"
    assert verdict.score is not None or verdict.error, f"{where}: no score, and no error says why"
    assert verdict.score is None or not verdict.error, (
        f"{where}: a score of {verdict.score!r} and an error, {verdict.error!r}: where it failed "
        "the score is missing, None"
    )
    for score in (verdict.score, *verdict.steps):
        assert score is None or 0.0 <= score <= 1.0, f"{where}: a score is {score!r}, not in [0, 1]"
    assert verdict.raw is None or math.isfinite(verdict.raw), f"{where}: raw is {verdict.raw!r}"
    plain = verdict.to_dict()
    again = Verdict.from_dict(json.loads(json.dumps(plain, allow_nan=False))).to_dict()
    assert again == plain, f"{where}: its verdict changes in its plain form"
    text = json.dumps({**plain, "steps": []}, ensure_ascii=False)
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise AssertionError(f"{where}: its verdict is no UTF-8, which holds it: {error}") from None
    assert size <= LARGEST, f"{where}: its verdict is {size} bytes large, above {LARGEST}"


def _check_cost(verifier: Verifier, task: Task, candidate: Candidate, verdict: Verdict) -> None:
    bounds = getattr(verifier, "bound", None)
    if bounds is None:
        return
    most, cost = bounds(task, text_bound(candidate.text)), verdict.cost
    for unit in ("calls", "input_tokens", "output_tokens", "usd"):
        used, bound = getattr(cost, unit), getattr(most, unit)
        assert used is None or bound is None or used <= bound, (
            f"{verifier.name!r} of {candidate.id!r}: cost {used} {unit}, above its bound of {bound}"
        )


def _check_reported(
    verifier: Verifier, task: Task, candidates: Sequence[Candidate], said: Sequence[Verdict]
) -> None:
    """A verifier whose `bound` names calls reports some, if it judged anything."""
    bounds = getattr(verifier, "bound", None)
    if bounds is None or all(verdict.score is None for verdict in said):
        return
    most = sum(bounds(task, text_bound(c.text)).calls for c in candidates)
    reported = Cost.total(verdict.cost for verdict in said)
    assert not most or reported.calls, (
        f"{verifier.name!r}: no call is reported, and its bound is {most}: report what it cost"
    )


def _check_repeats(
    verifier: Verifier, ask: Ask, candidates: Sequence[Candidate], said: Sequence[Verdict]
) -> None:
    again = _given(verifier, ask, candidates, "verify")
    _compare(verifier, "says otherwise when asked again", said, again)
    turned = _given(verifier, ask, candidates[::-1], "verify")[::-1]
    _compare(verifier, "depends on the order of the candidates", said, turned, _is_like)
    if not getattr(verifier, "relational", False):
        alone = [v for c in candidates for v in _given(verifier, ask, [c], "verify")]
        law = "depends on the other candidates, but is not `relational`"
        _compare(verifier, law, said, alone, _is_like)


def _compare(
    verifier: Verifier,
    law: str,
    said: Sequence[Verdict],
    other: Sequence[Verdict],
    equal: Callable[[Verdict, Verdict], bool] | None = None,
) -> None:
    assert len(said) == len(other), f"{verifier.name!r} {law}: {len(said)}, then {len(other)}"
    for one, two in zip(said, other, strict=True):
        # a verifier that remembers what it read says the same for less
        same = equal(one, two) if equal else replace(one, cost=two.cost) == two
        assert same, f"{verifier.name!r} {law}: {one!r}, then {two!r}"


def _is_like(one: Verdict, two: Verdict) -> bool:
    """Compare what counts, and numbers but for rounding."""
    told = [(v.candidate, v.hard, v.error is None, len(v.steps)) for v in (one, two)]
    pairs = zip((one.score, *one.steps), (two.score, *two.steps), strict=False)
    return told[0] == told[1] and all(
        a == b or (a is not None and b is not None and abs(a - b) <= ROUNDING) for a, b in pairs
    )
