"""From a recording to the replay that repeats it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from verifier_agent.evaluation.recordings.lines import lines
from verifier_agent.evaluation.recordings.pools import Survey
from verifier_agent.evaluation.recordings.transcripts import BEGINNING, Transcript
from verifier_agent.evaluation.replaying.recorded_scores import PREFIX
from verifier_agent.evaluation.replaying.replay import Replay

ORDERS = 5
"""In which the samples of a question are drawn."""
EXCHANGEABLE = ("best_of(", "sample(")
"""Policies that draw their samples whatever came before, so that any order is as likely."""
REPEATABLE = ("agreement", "arithmetic", "plausible")
"""Verifiers that judge recorded answers anew, and cost nothing."""


def recorded_settings(pool: Path | str) -> Replay:
    """Return how the runs of a recording were set up, for a replay: policy, selector, verifiers.

    Scores are those recorded. Where the policy may have ended a run early, replay draws in the
    order of the file: runs end early because of what came first. Other pools than recordings have
    no policy, and agreement for a verifier.
    """
    setup = _setup(pool)
    if setup is None:
        return Replay(seeds=ORDERS)
    names: list[str] = setup["verifiers"]
    scores = Survey.of(pool).scores if names else {}
    verifiers = [name if name in REPEATABLE else PREFIX + name for name in names]
    return Replay(
        policy=setup["policy"],
        selector=setup["selector"],
        verifier=[
            name for name in verifiers if name.removeprefix(PREFIX) in {*scores, *REPEATABLE}
        ],
        max_samples=setup["max_samples"],
        seeds=ORDERS,
        in_order=not setup["policy"].startswith(EXCHANGEABLE),
    )


def _setup(pool: Path | str) -> dict[str, Any] | None:
    first = next(lines(pool), None)
    if first is None or not first.data.startswith(BEGINNING):
        return None
    return first.read(Transcript).live.setup
