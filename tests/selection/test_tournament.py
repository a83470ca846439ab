"""The tournament: against maximum likelihood by scipy, and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from tests.selection.elections import judged
from verifier_agent.selection import tournament
from verifier_agent.selection.tournament import comparisons, strengths
from verifier_agent.values import Judged


def said(place: str, against: str, won: float) -> dict[str, Any]:
    return {"against": against, "place": place, "won": won}


def field(
    won: dict[tuple[int, int], float], n: int, scores: dict[int, float] | None = None
) -> list[Judged]:
    """Return g0 … with each comparison reported by A."""
    return [
        judged(
            f"g{i}",
            str(i),
            (scores or {}).get(i),
            evidence={"pairs": [said("A", f"g{b}", w) for (a, b), w in won.items() if a == i]},
        )
        for i in range(n)
    ]


GAMES = st.dictionaries(
    st.tuples(st.integers(0, 4), st.integers(0, 4)).filter(lambda pair: pair[0] != pair[1]),
    st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0]),
    min_size=1,
    max_size=10,
)


@settings(max_examples=40, deadline=None)
@given(GAMES)
def test_strengths_are_the_most_likely_ones_that_scipy_finds(
    won: dict[tuple[int, int], float],
) -> None:
    found = strengths({(f"g{a}", f"g{b}"): w for (a, b), w in won.items()})
    names = sorted(found)

    def unlikely(logs: np.ndarray) -> float:
        strength = dict(zip(names, logs, strict=True))
        total = 0.0
        for (a, b), w in won.items():
            gap = strength[f"g{a}"] - strength[f"g{b}"]
            total += w * np.logaddexp(0, -gap) + (1 - w) * np.logaddexp(0, gap)
        # one draw of each against an average candidate, of strength 1
        return float(total + sum(0.5 * (np.logaddexp(0, -x) + np.logaddexp(0, x)) for x in logs))

    expected = minimize(unlikely, np.zeros(len(names)), method="BFGS", options={"gtol": 1e-9})
    assert np.log([found[name] for name in names]) == pytest.approx(expected.x, abs=1e-4)


def test_a_ring_is_decided_by_whom_one_beats() -> None:
    # a ring, each once as A and once as B: g0 beats g1, g1 beats g2, g2 beats g3, g3 draws with g0
    chosen = tournament()(field({(0, 1): 1.0, (1, 2): 1.0, (2, 3): 1.0, (3, 0): 0.5}, 4))
    assert (chosen.candidate, chosen.answer) == ("g0", "0")
    # as A it won all, as B half
    assert (chosen.confidence, chosen.basis) == (0.75, "score")
    assert sum(chosen.support.values()) == pytest.approx(1.0)
    assert max(chosen.support, key=lambda a: chosen.support[a]) == "0"


def test_a_judge_that_always_prefers_the_first_place_decides_nothing() -> None:
    won = {(0, 1): 1.0, (1, 2): 1.0, (2, 0): 1.0}
    assert tournament()(field(won, 3)).candidate == "g0"  # all are equal: the first by id
    assert tournament()(field(won, 3)).confidence == 0.5
    assert tournament()(field(won, 3, {0: 0.1, 1: 0.2, 2: 0.9})).candidate == "g2"


def test_a_comparison_that_both_sides_report_counts_once() -> None:
    both = [
        judged("g0", evidence={"pairs": [said("A", "g1", 0.8)]}),
        judged("g1", evidence={"pairs": [said("B", "g0", 0.2)]}),
    ]
    assert comparisons(both) == {("g0", "g1"): pytest.approx(0.8)}


def test_what_is_no_comparison_is_left_out() -> None:
    strange: list[Any] = [
        said("A", "g9", 1.0),  # nobody
        said("A", "g0", 1.0),  # itself
        said("C", "g1", 1.0),
        said("A", "g1", 2.0),
        {"against": "g1"},
        "g1",
    ]
    assert comparisons([judged("g0", evidence={"pairs": strange}), judged("g1")]) == {}
    chosen = tournament()(
        [judged("g0", "5", 0.2, evidence={"pairs": strange}), judged("g1", "7", 0.4)]
    )
    assert (chosen.answer, chosen.basis) == ("7", "score")


def test_those_that_never_fought_come_last() -> None:
    players = [judged("g0", "5", 1.0), *field({(1, 2): 1.0}, 3)[1:]]
    assert tournament()(players).candidate == "g1"
