from __future__ import annotations

import pytest

from tests.search.trees import TASK, drawn, grown
from verifier_agent.budget import Remaining
from verifier_agent.search import chains, revise
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Revise, Verdict

# N: the sequential-to-parallel ratios of Snell et al. 2024 as (sequential, parallel)
RATIOS = {
    1: [(1, 1)],
    2: [(1, 2), (2, 1)],
    4: [(1, 4), (1, 1), (4, 1)],
    8: [(1, 8), (1, 2), (2, 1), (8, 1)],
    16: [(1, 16), (1, 4), (1, 1), (4, 1), (16, 1)],
    32: [(1, 32), (1, 8), (1, 2), (2, 1), (8, 1), (32, 1)],
}


@pytest.mark.parametrize(
    ("n", "sequential", "parallel"),
    [(n, *ratio) for n, ratios in RATIOS.items() for ratio in ratios],
)
def test_every_ratio_of_the_paper_is_a_grid_of_the_same_cost(
    n: int, sequential: int, parallel: int
) -> None:
    length = round((n * sequential / parallel) ** 0.5)
    count = n // length
    assert length * parallel == count * sequential
    rounds, _ = grown(chains(count, length), lambda name: 0.5)
    assert [len(names) for names in rounds] == [count] * length
    assert sum(map(len, rounds)) == n


def test_each_chain_revises_its_own_best() -> None:
    scores = {"g0": 0.5, "g0.r0": 0.7, "g1": 0.5, "g1.r0": 0.3}
    rounds, ending = grown(chains(2, 3), lambda name: scores.get(name, 0.1))
    assert rounds == [["g0", "g1"], ["g0.r0", "g1.r0"], ["g0.r0.r0", "g1.r1"]]
    assert ending.reason == "2 chains of 3 attempts"


def test_only_a_clear_lead_replaces_the_best() -> None:
    scores = {"g0": 0.5, "g0.r0": 0.55, "g0.r1": 0.65, "g0.r1.r0": 0.7}
    rounds, _ = grown(chains(1, 5, margin=0.1), lambda name: scores.get(name, 0.5))
    # 0.55 and 0.70 lead by less than 0.1
    assert rounds == [["g0"], ["g0.r0"], ["g0.r1"], ["g0.r1.r0"], ["g0.r1.r1"]]
    rounds, _ = grown(revise(3, margin=0.1), lambda name: scores.get(name, 0.5))
    assert rounds == [["g0"], ["g0.r0"], ["g0.r1"], ["g0.r1.r0"]]


def test_a_revision_is_shown_the_last_four_attempts_of_its_chain() -> None:
    ids = ["g0", "g0.r0", "g0.r1", "g0.r2", "g0.r3", "g1", "g1.r0"]
    candidates = [
        Candidate(
            id=name,
            parent=name.rpartition(".")[0] or None,
            via="revise" if "." in name else "generate",
            error="refused" if name == "g0.r2" else None,
        )
        for name in ids
    ]
    said = [Verdict(candidate=name, verifier="v", score=0.9 - 0.1 * len(name)) for name in ids]
    long, short = chains(2, 9)(Tree(TASK, candidates, said), Remaining())
    assert isinstance(long, Revise)
    assert isinstance(short, Revise)
    assert (long.target, long.shown) == ("g0", ("g0.r0", "g0.r1", "g0.r3"))
    assert (short.target, short.shown) == ("g1", ("g1.r0",))


def test_the_reviser_shows_the_last_four_attempts_too() -> None:
    candidates = [Candidate(id="g0")] + [
        Candidate(id=f"g0.r{i}", parent="g0", via="revise") for i in range(5)
    ]
    (more,) = revise(9)(Tree(TASK, candidates), Remaining())
    assert isinstance(more, Revise)
    assert (more.target, more.shown) == ("g0", ("g0.r2", "g0.r3", "g0.r4"))


def test_a_chain_whose_draft_failed_is_given_up() -> None:
    rounds, _ = grown(chains(2, 3), lambda name: 0.5, failed=lambda name: name == "g0")
    assert rounds == [["g0", "g1"], ["g1.r0"], ["g1.r1"]]


def test_drafts_that_are_there_are_the_first_chains() -> None:
    tree = drawn("1", "2", "3", scores=[0.1, 0.2, 0.3])
    targets = [a.target for a in chains(2, 2)(tree, Remaining()) if isinstance(a, Revise)]
    assert targets == ["g0", "g1"]
