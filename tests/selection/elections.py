"""Elections for tests of selectors, written out by hand."""

from __future__ import annotations

from typing import Any

from verifier_agent.values import Candidate, Judged, Verdict


def election(*ballots: tuple[str | None, float | None]) -> tuple[Judged, ...]:
    """Return candidates g0, g1, … with these answers and scores."""
    return tuple(judged(f"g{i}", answer, score) for i, (answer, score) in enumerate(ballots))


def judged(name: str, answer: str | None = None, score: float | None = None, **said: Any) -> Judged:
    """Return one candidate with one verdict."""
    return Judged(
        candidate=Candidate(id=name, text=f"text {name[1:]}", answer=answer),
        verdicts=(Verdict(candidate=name, verifier="v", score=score, **said),),
    )
