"""Verdicts only where they can change the choice: the same choice as with all of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from verifier_agent.budget import Remaining
from verifier_agent.search import selective
from verifier_agent.selection import weighted_vote
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Generate, Select, Task, Verdict, Verify

Answer = tuple[str | None, float]


def judged_by_need(
    answers: list[Answer], batch: int = 1, *, hard: bool = False
) -> tuple[Tree, Select]:
    """Let the policy ask for verdicts until it selects; return the tree and how it ended."""
    policy = selective(len(answers), batch)
    made = [Candidate(id=f"g{i:03}", answer=key) for i, (key, _) in enumerate(answers)]
    scores = {c.id: score for c, (_, score) in zip(made, answers, strict=True)}
    verdicts: list[Verdict] = []
    while True:
        tree = Tree(Task(question="?"), made, verdicts)
        (action,) = policy(tree, Remaining())
        if isinstance(action, Select):
            return tree, action
        assert isinstance(action, Verify)
        assert 1 <= len(action.candidates) <= batch
        fresh = set(action.candidates) - {v.candidate for v in verdicts}
        assert fresh == set(action.candidates), "nobody is judged twice"
        verdicts += [
            Verdict(candidate=name, verifier="v", score=scores[name], hard=hard)
            for name in action.candidates
        ]


def all_judged(answers: list[Answer]) -> Tree:
    made = [Candidate(id=f"g{i:03}", answer=key) for i, (key, _) in enumerate(answers)]
    verdicts = [
        Verdict(candidate=c.id, verifier="v", score=score)
        for c, (_, score) in zip(made, answers, strict=True)
    ]
    return Tree(Task(question="?"), made, verdicts)


# sixteenths, so that sums are exact in whatever order they are taken
answers = st.lists(
    st.tuples(st.sampled_from(["4", "5", "6", None]), st.integers(0, 16).map(lambda k: k / 16)),
    min_size=1,
    max_size=12,
)


@given(answers, st.integers(1, 4))
def test_the_choice_is_that_of_all_verdicts(given: list[Answer], batch: int) -> None:
    tree, _ = judged_by_need(given, batch)
    whole = weighted_vote()(all_judged(given).finished)
    chosen = weighted_vote()(tree.finished)
    assert chosen.answer == whole.answer


def test_it_draws_without_verdicts_first() -> None:
    (action,) = selective(5)(Tree(Task(question="?"), [], []), Remaining())
    assert isinstance(action, Generate)
    assert (action.n, action.judge) == (5, False)


def test_a_majority_that_scores_well_leaves_the_others_unjudged() -> None:
    tree, ending = judged_by_need([("4", 1.0)] * 5 + [("5", 1.0)] * 3)
    # four of the five outweigh whatever the three could get
    assert len(tree.verdicts) == 4
    assert ending.reason == "no verdict on the other 4 can change the choice"


def test_a_minority_that_scores_well_wins_once_the_majority_cannot() -> None:
    tree, _ = judged_by_need([("4", 0.0)] * 3 + [("5", 1.0)] * 2 + [("6", 1.0)])
    assert weighted_vote()(tree.finished).answer == "5"
    # the third 4 could still have tied with what the 5s have
    assert {v.candidate for v in tree.verdicts} == {"g000", "g001", "g003", "g004"}


def test_the_first_proof_ends_it() -> None:
    tree, ending = judged_by_need([("4", 0.0)] * 2 + [("5", 1.0)] * 2, hard=True)
    assert ending.outcome == "verified"
    # after one 4 is refuted, the 5s could get more
    assert [v.candidate for v in tree.verdicts] == ["g000", "g002"]


def test_a_verdict_without_a_score_is_not_asked_for_again() -> None:
    made = [Candidate(id=f"g{i}", answer="4") for i in range(2)]
    verdicts = [Verdict(candidate=c.id, verifier="v", error="no reply") for c in made]
    (action,) = selective(2)(Tree(Task(question="?"), made, verdicts), Remaining())
    assert isinstance(action, Select)
