"""What `check_verifier` does to a verifier besides asking it: bad texts, and calls cut short."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from verifier_agent.testing.bad_texts import bad_candidates, marked_pairs
from verifier_agent.values import Candidate, Task, Verdict, Verifier

TURNS = (1, 2, 8)
"""Turns of the event loop after which a call is cancelled: at its beginning, and under way."""
PATIENCE = 60.0
"""Seconds in which a cancelled call has to end; it is a limit for hangs, not for slow work."""


def check_bad_texts(name: str, checked: Callable[[Sequence[Candidate]], list[Verdict]]) -> None:
    """Show bad texts, in one batch; `checked` asks and checks the laws of a batch.

    Marks of steps in a text are text: they add no step.
    """
    bad = bad_candidates()
    pairs = marked_pairs(len(bad))
    said = checked([*bad, *(one for pair in pairs for one in pair)])[len(bad) :]
    for (_, shown), plain, marked in zip(pairs, said[::2], said[1::2], strict=True):
        if plain.error is None and marked.error is None:
            counts = len(plain.steps), len(marked.steps)
            assert counts[0] == counts[1], (
                f"{name!r}: a mark inside the text adds steps: {counts[1]} for {shown.text!r}, "
                f"{counts[0]} without the mark"
            )


async def check_cancelling(verifier: Verifier, task: Task, candidates: Sequence[Candidate]) -> None:
    """Cancel calls at several points: each has to end soon, and as cancelled."""
    name = verifier.name
    for turns in TURNS:
        work = asyncio.ensure_future(verifier.verify(task, candidates))
        for _ in range(turns):
            await asyncio.sleep(0)
        if work.done():
            await work
            return
        work.cancel()
        done, _ = await asyncio.wait([work], timeout=PATIENCE)
        assert done, f"{name!r}: does not end within {PATIENCE:g} s when it is cancelled"
        if work.cancelled():
            continue
        error = work.exception()
        told = f"raises {error!r}" if error else "returns verdicts"
        raise AssertionError(f"{name!r}: {told} when it is cancelled; let CancelledError by")
