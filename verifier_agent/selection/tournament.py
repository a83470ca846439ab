"""The selector for verifiers that compare two candidates at a time.

A pairwise verifier says of each candidate which comparisons it took part in, as evidence:

    {"pairs": [{"against": "g3", "place": "A", "won": 0.8}, …]}

`won` is in [0, 1]: how surely this candidate is the better one of the two, 0.5 for a draw; `place`
is where it stood in the prompt. A judge tends to favour a place, so a fair schedule shows each
candidate once as A and once as B: in a ring, each against the next (the pivot tournament of
2607.05391 goes on from there). The other candidate's verdict may report the same comparison from
its side; it counts once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from verifier_agent.selection.election import add_up, by_score, shares, shown
from verifier_agent.selection.selector import selector
from verifier_agent.values import Judged, Selection

_ROUNDS = 10_000
_STILL = 1e-12
"""The fit ends when no strength changes by more than this share, or after so many rounds."""


@selector
def tournament(judged: Sequence[Judged]) -> Selection:
    """Choose the candidate that wins its comparisons against the strongest others.

    Strengths are those of Bradley and Terry (1952), fitted by Hunter's iteration (2004) with one
    draw of everyone against an average candidate, which keeps them finite. Ties go to the higher
    score, then to the first. Confidence: the share of its comparisons that the winner won, as A
    and as B alike. Support: each answer's share of all strength. Without comparisons it is `best`.
    """
    met = comparisons(judged)
    fought = [j for j in judged if any(j.candidate.id in pair for pair in met)]
    if not fought:
        return by_score(judged)
    strength = strengths(met)
    winner = max(
        fought,
        key=lambda j: (round(strength[j.candidate.id], 9), -1.0 if j.score is None else j.score),
    )
    return Selection(
        candidate=winner.candidate.id,
        answer=shown(winner),
        confidence=_won(winner.candidate.id, met),
        basis="score",
        support=shares(add_up(fought, [strength[j.candidate.id] for j in fought])),
    )


def comparisons(judged: Sequence[Judged]) -> dict[tuple[str, str], float]:
    """Return how surely A beat B, by the ids of A and B, of all that is reported among `judged`.

    The mean, where both sides or several verifiers report it.
    """
    present = {j.candidate.id for j in judged}
    said: dict[tuple[str, str], list[float]] = {}
    for j in judged:
        for against, place, won in _reported(j):
            if against in present - {j.candidate.id}:
                a_first = place == "A"
                pair = (j.candidate.id, against) if a_first else (against, j.candidate.id)
                said.setdefault(pair, []).append(won if a_first else 1 - won)
    return {pair: sum(said[pair]) / len(said[pair]) for pair in sorted(said)}


def _reported(judged: Judged) -> Iterator[tuple[str, str, float]]:
    for verdict in judged.verdicts:
        pairs = verdict.evidence.get("pairs")
        for pair in pairs if isinstance(pairs, list) else ():
            match pair:
                case {"against": str(against), "place": "A" | "B" as place, "won": won} if (
                    isinstance(won, int | float) and 0 <= won <= 1
                ):
                    yield against, place, float(won)


def strengths(met: dict[tuple[str, str], float]) -> dict[str, float]:
    """Return each candidate's strength: a beats b with the chance of its share of the two."""
    wins: dict[str, float] = {}
    for (a, b), won in met.items():
        wins[a] = wins.get(a, 0.5) + won
        wins[b] = wins.get(b, 0.5) + 1 - won
    strength = dict.fromkeys(wins, 1.0)
    for _ in range(_ROUNDS):
        games = {name: 1 / (own + 1) for name, own in strength.items()}
        for a, b in met:
            each = 1 / (strength[a] + strength[b])
            games[a] += each
            games[b] += each
        before, strength = strength, {name: wins[name] / games[name] for name in wins}
        if all(abs(own - before[name]) <= _STILL * own for name, own in strength.items()):
            break
    return strength


def _won(name: str, met: dict[tuple[str, str], float]) -> float:
    as_a = [won for (a, _), won in met.items() if a == name]
    as_b = [1 - won for (_, b), won in met.items() if b == name]
    means = [sum(place) / len(place) for place in (as_a, as_b) if place]
    return sum(means) / len(means)
