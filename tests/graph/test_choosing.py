"""What a run answers with, by how it ended and whom it chooses among."""

from __future__ import annotations

import pytest

from verifier_agent.budget import Remaining
from verifier_agent.graph.choosing import choose
from verifier_agent.search import proven, selective
from verifier_agent.selection import SelectorFunction, best, vote, weighted_vote
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Cost, Select, Task, Verdict

TASK = Task(question="?")
MADE = [Candidate(id=f"g{i}", text=key, answer=key) for i, key in enumerate(("5", "4", "4"))]
PROOF = Verdict(candidate="g0", verifier="tests", score=1.0, hard=True)
LIKED = [
    Verdict(candidate=name, verifier="judge", score=score)
    for name, score in (("g0", 0.1), ("g1", 1.0), ("g2", 0.9))
]


@pytest.mark.parametrize("selector", [vote(), weighted_vote(), best()], ids=str)
def test_a_run_that_ended_with_proof_answers_with_what_is_proven(
    selector: SelectorFunction,
) -> None:
    tree = Tree(TASK, MADE, [PROOF, *LIKED])
    assert proven()(tree)
    assert selector(tree.finished).answer == ("5" if str(selector) == "best()" else "4")
    chosen = choose(selector, tree, Select(outcome="verified", reason="proven() holds"))
    assert (chosen.candidate, chosen.answer, chosen.outcome) == ("g0", "5", "verified")
    assert chosen.confidence == 1.0


def test_a_proof_among_answers_that_were_never_judged_is_what_is_chosen() -> None:
    tree = Tree(TASK, MADE, [PROOF])
    (ending,) = selective(3)(tree, Remaining())
    assert isinstance(ending, Select)
    assert choose(vote(), tree, ending).answer == "5"


def test_without_proof_all_stand_for_election() -> None:
    tree = Tree(TASK, MADE, LIKED)
    assert choose(vote(), tree, Select(outcome="verified")).answer == "4"
    assert choose(vote(), tree, Select(outcome="completed")).answer == "4"
    doubtful = Tree(TASK, MADE, [PROOF, *LIKED])
    assert choose(vote(), doubtful, Select(outcome="budget")).answer == "4"


def test_the_reason_names_a_verifier_that_was_paid_and_gave_no_score() -> None:
    said = [
        Verdict(candidate=c.id, verifier="judge", error="no\nreport", cost=Cost(calls=2))
        for c in MADE
    ]
    votes = [Verdict(candidate=c.id, verifier="agreement", score=0.5) for c in MADE]
    ending = Select(reason="all drawn")
    # what a provider said of it is not for whoever reads reasons
    assert choose(vote(), Tree(TASK, MADE, said), ending).reason == (
        "all drawn; judge gave no score"
    )
    assert "judge gave no score" in choose(vote(), Tree(TASK, MADE, [*said, *votes]), ending).reason
    once = Verdict(candidate="g1", verifier="judge", score=0.5, version=1)
    assert choose(vote(), Tree(TASK, MADE, [*said, once]), ending).reason == "all drawn"


def test_the_reason_passes_over_a_free_verifier_that_found_nothing_to_check_beside_others() -> None:
    free = [Verdict(candidate=c.id, verifier="arithmetic", error="nothing to check") for c in MADE]
    ending = Select(reason="all drawn")
    assert choose(vote(), Tree(TASK, MADE, [*free, *LIKED]), ending).reason == "all drawn"
    alone = choose(vote(), Tree(TASK, MADE, free), ending)
    assert alone.reason == "all drawn; arithmetic gave no score"
