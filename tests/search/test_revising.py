from __future__ import annotations

import pytest

from tests.search.trees import TASK, grown
from verifier_agent.budget import Remaining
from verifier_agent.search import revise
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Revise, Select, Verdict


def test_a_good_draft_is_left_alone() -> None:
    rounds, ending = grown(revise(3), lambda name: 0.9)
    assert rounds == [["g0"]]
    assert (ending.outcome, ending.reason) == ("completed", "score 0.90 reaches 0.90")


def test_each_round_revises_the_incumbent_not_the_last_revision() -> None:
    scores = {"g0": 0.5, "g0.r0": 0.3, "g0.r1": 0.6, "g0.r1.r0": 0.6}
    rounds, ending = grown(revise(3), scores.get)
    # r0 is worse, so the draft is revised again; r1 is better, so it is revised next
    assert rounds == [["g0"], ["g0.r0"], ["g0.r1"], ["g0.r1.r0"]]
    assert ending.outcome == "plateau"


def test_it_stops_as_soon_as_a_revision_is_good_enough() -> None:
    scores = {"g0": 0.5, "g0.r0": 0.8, "g0.r1": 0.1}
    rounds, ending = grown(revise(3, 2, threshold=0.75), scores.get)
    assert rounds == [["g0"], ["g0.r0", "g0.r1"]]
    assert ending.outcome == "completed"


def test_an_answer_that_nobody_could_judge_is_revised() -> None:
    rounds, _ = grown(revise(2), lambda name: None)
    assert rounds == [["g0"], ["g0.r0"], ["g0.r1"]]


def test_without_a_usable_draft_there_is_nothing_to_revise() -> None:
    rounds, ending = grown(revise(), lambda name: None, failed=lambda name: True)
    assert rounds == [["g0"]]
    assert ending.outcome == "failed"


@pytest.mark.parametrize(("hard", "outcome"), [(True, "verified"), (False, "completed")])
def test_only_proof_is_called_verified(hard: bool, outcome: str) -> None:
    said = [Verdict(candidate="g0", verifier="tests", score=1.0, hard=hard)]
    (end,) = revise()(Tree(TASK, [Candidate(id="g0")], said), Remaining())
    assert isinstance(end, Select)
    assert end.outcome == outcome


def test_revisions_that_the_budget_cut_are_made_up_for() -> None:
    candidates = [Candidate(id="g0"), Candidate(id="g0.r0", parent="g0", via="revise")]
    (more,) = revise(1, 3)(Tree(TASK, candidates), Remaining())
    assert isinstance(more, Revise)
    assert (more.target, more.n) == ("g0", 2)
