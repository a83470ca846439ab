"""Verdicts only where they can change the choice: the same choice as with all of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from hypothesis import given
from hypothesis import strategies as st

from verifier_agent.budget import Remaining
from verifier_agent.search import selective
from verifier_agent.search.selecting import contenders
from verifier_agent.selection import weighted_vote
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Generate, Select, Task, Verdict, Verify

Answer = tuple[str | None, float | None]
"""An answer key, and what the verifier says of it: None where it cannot."""


def judged(answers: Sequence[Answer], seen: Collection[int], *, hard: bool = False) -> Tree:
    """Return the tree of these answers, with the verdicts of those that were seen."""
    verdicts = [
        Verdict(
            candidate=f"g{i}",
            verifier="v",
            score=(score := answers[i][1]),
            hard=hard,
            error="no reply" if score is None else None,
        )
        for i in seen
    ]
    made = [Candidate(id=f"g{i}", answer=key) for i, (key, _) in enumerate(answers)]
    return Tree(Task(question="?"), made, verdicts)


def judged_by_need(
    answers: Sequence[Answer], batch: int = 1, *, hard: bool = False
) -> tuple[Tree, Select]:
    """Let the policy ask for verdicts until it selects; return the tree and how it ended."""
    policy = selective(len(answers), batch)
    seen: list[int] = []
    while True:
        tree = judged(answers, seen, hard=hard)
        (action,) = policy(tree, Remaining())
        if isinstance(action, Select):
            return tree, action
        assert isinstance(action, Verify)
        assert 1 <= len(action.candidates) <= batch
        seen += [int(name.removeprefix("g")) for name in action.candidates]
        assert len(set(seen)) == len(seen), "nobody is judged twice"


# sixteenths, so that no rounding decides between sums
answers = st.lists(
    st.tuples(
        st.sampled_from(["4", "5", "6", None]),
        st.none() | st.integers(0, 16).map(lambda k: k / 16),
    ),
    min_size=1,
    max_size=12,
)


@given(answers, st.integers(1, 4))
def test_the_choice_is_that_of_all_verdicts(given: Sequence[Answer], batch: int) -> None:
    tree, _ = judged_by_need(given, batch)
    whole = weighted_vote()(judged(given, range(len(given))).finished)
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
    tree, ending = judged_by_need([("4", 0.0)] * 3 + [("5", 1.0)] * 2 + [("6", 1.0)])
    assert weighted_vote()(tree.finished).answer == "5"
    assert ending.reason == "no verdict on the other 2 can change the choice"
    # the third 4 could still have tied with what the 5s have
    assert {v.candidate for v in tree.verdicts} == {"g0", "g1", "g3", "g4"}


def test_where_every_verdict_counts_all_are_given() -> None:
    tree, ending = judged_by_need([("4", 0.25), ("5", 0.5), (None, 0.75)], batch=2)
    assert len(tree.verdicts) == 3
    assert ending.reason == "all 3 are judged"


def test_the_first_proof_ends_it() -> None:
    tree, ending = judged_by_need([("4", 0.0)] * 2 + [("5", 1.0)] * 2, hard=True)
    assert ending.outcome == "verified"
    # after one 4 is refuted, the 5s could get more
    assert [v.candidate for v in tree.verdicts] == ["g0", "g2"]


def test_what_one_hard_verifier_accepts_and_another_refutes_is_no_proof() -> None:
    made = [Candidate(id=f"g{i}", answer=str(i)) for i in range(2)]
    verdicts = [
        Verdict(candidate="g0", verifier="format", score=1.0, hard=True),
        Verdict(candidate="g0", verifier="tests", score=0.0, hard=True),
    ]
    (action,) = selective(2)(Tree(Task(question="?"), made, verdicts), Remaining())
    assert isinstance(action, Verify)
    assert action.candidates == ("g1",)


def test_what_is_refuted_has_no_vote_whatever_else_was_said_of_it() -> None:
    made = [Candidate(id=f"g{i}", answer=str(i)) for i in range(3)]
    verdicts = [
        Verdict(candidate="g0", verifier="tests", score=0.75, hard=True),
        Verdict(candidate="g0", verifier="form", score=0.0, evidence={"refutes": True}),
        Verdict(candidate="g1", verifier="tests", score=0.5, hard=True),
        Verdict(candidate="g2", verifier="tests", score=0.25, hard=True),
    ]
    tree = Tree(Task(question="?"), made, verdicts)
    assert weighted_vote()(tree.finished).answer == "1"
    assert contenders(tree.finished) == ()
    # with one more answer like the first, the second one's lead is not settled
    more = Tree(tree.task, [*made, Candidate(id="g3", answer="0")], verdicts)
    assert contenders(more.finished) == ("g3",)
