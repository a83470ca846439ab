from __future__ import annotations

import pytest
from scipy import integrate, stats

from tests.search.trees import TASK, drawn, grown
from verifier_agent.budget import Remaining
from verifier_agent.search import thompson
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Revise, Verdict


@pytest.mark.parametrize(("trust", "visits"), [(5.0, 0), (20.0, 0), (5.0, 3)])
def test_what_is_revised_is_drawn_from_the_posteriors_of_the_paper(
    trust: float, visits: int
) -> None:
    scores = [0.8, 0.5]
    drafts = [Candidate(id=f"g{i}") for i in range(2)]
    failed = [
        Candidate(id=f"g0.r{i}", parent="g0", via="revise", error="refused") for i in range(visits)
    ]
    said = [Verdict(candidate=f"g{i}", verifier="v", score=s) for i, s in enumerate(scores)]
    first = stats.beta(1 + trust * 0.8, 1 + trust * 0.2 + visits)
    second = stats.beta(1 + trust * 0.5, 1 + trust * 0.5)
    expected, _ = integrate.quad(lambda x: first.pdf(x) * second.cdf(x), 0, 1)
    chosen = 0
    for seed in range(1000):
        tree = Tree(TASK, drafts + failed, said, seed=seed)
        (action,) = thompson(9, first=2, trust=trust)(tree, Remaining())
        assert isinstance(action, Revise)
        chosen += action.target == "g0"
    assert stats.binomtest(chosen, 1000, expected).pvalue > 0.001


def test_it_makes_so_many_answers_in_all() -> None:
    for batch in (1, 4):
        rounds, ending = grown(thompson(9, batch, first=2), lambda name: 0.5)
        assert rounds[0] == ["g0", "g1"]
        assert all(".r" in name for names in rounds[1:] for name in names)
        assert sum(map(len, rounds)) == 9
        assert ending.reason == "9 of 9 answers are made"


def test_a_missing_score_counts_neither_for_nor_against() -> None:
    chosen = {
        action.target
        for seed in range(50)
        for action in thompson(3, first=2)(
            Tree(TASK, drawn("1", "2").candidates, seed=seed), Remaining()
        )
        if isinstance(action, Revise)
    }
    assert chosen == {"g0", "g1"}


def test_with_nothing_to_revise_it_ends() -> None:
    rounds, _ = grown(thompson(9, first=2), lambda name: None, failed=lambda name: True)
    assert rounds == [["g0", "g1"]]
