"""The policy that goes on while it is worth the price: by votes, by verdicts, over models."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest
from langchain_core.messages import AIMessage, message_to_dict

from tests.search.trees import TASK, drawn
from verifier_agent.budget import Remaining, Spent
from verifier_agent.search import adaptive
from verifier_agent.search.adaptive.believing import believed
from verifier_agent.search.adaptive.racing import PRIOR, race
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Generate, Revise, Select, Verdict, Verify
from verifier_agent.verifiers import Form


def net(first: int, second: int, more: int, price: float) -> float:
    """The same worth by plain recursion: of the best way to end a race, its price taken off."""

    @cache
    def worth(a: int, b: int, left: int) -> float:
        share = (a + PRIOR) / (a + b + 2 * PRIOR)
        now = max(share, 1 - share)
        if not left:
            return now
        on = share * worth(a + 1, b, left - 1) + (1 - share) * worth(a, b + 1, left - 1)
        return max(now, on - 10 * price / (a + b + 1))

    return worth(first, second, more)


@pytest.mark.parametrize("counts", [(0, 0), (1, 0), (2, 1), (3, 3), (5, 1), (4, 4)])
@pytest.mark.parametrize("price", [0.0005, 0.003, 0.02])
def test_a_race_is_worth_what_the_best_way_to_end_it_is(
    counts: tuple[int, int], price: float
) -> None:
    found = race(*counts, 12, price)
    expected = net(*counts, 12, price)
    assert found.share + found.gain - found.cost == pytest.approx(expected, abs=1e-9)
    assert (found.least == 0) == (expected == pytest.approx(found.share, abs=1e-12))


def test_a_lead_that_the_rest_cannot_turn_is_worth_nothing_more() -> None:
    assert race(5, 3, 1, 0.0).least == 0
    assert race(5, 3, 2, 0.0).gain == 0  # at most a draw, in which either is as good
    assert race(5, 3, 4, 0.0).gain > 0


def actions(tree: Tree, remaining: Remaining | None = None, **options: object) -> list[object]:
    return list(adaptive(**options)(tree, remaining or Remaining()))  # type: ignore[arg-type]


def test_votes_that_agree_end_it_and_votes_that_do_not_go_on() -> None:
    [ending] = actions(drawn("7", "7", "7"))
    assert isinstance(ending, Select)
    assert ending.outcome == "agreed"
    assert "'7' has 3 of 3 votes" in ending.reason
    [more] = actions(drawn("7", "5", "7"))
    assert isinstance(more, Generate)
    assert "worth +0." in more.reason


def test_no_answer_leads_that_is_outnumbered_by_those_without_a_key() -> None:
    tree = drawn("7", None, None, "7", spent=Spent(calls=4))
    [more] = actions(tree, Remaining(calls=1))
    assert isinstance(more, Generate)
    assert "cannot be compared" in more.reason
    [ending] = actions(drawn(*[None] * 8))
    assert isinstance(ending, Select)
    assert "8 of 8 answers cannot be compared" in ending.reason


def test_answers_none_of_which_has_a_key_are_no_race_to_be_run_one_vote_at_a_time() -> None:
    counts, tree = [], drawn(None, None, None)
    while isinstance(one := actions(tree, n=16)[0], Generate):
        counts.append(one.n)
        tree = drawn(*[None] * (len(tree) + one.n))
    assert counts == [5]


def test_answers_in_words_do_not_contradict_each_other() -> None:
    belief = believed(drawn(*[None] * 3, scores=[0.8, 0.9, 0.9]).finished)
    assert belief is not None
    assert (belief.leader.candidate.id, belief.right) == ("g1", 0.9)
    mixed = believed(drawn(None, "7", "5", scores=[0.7, 0.5, 0.5]).finished)
    assert mixed is not None
    assert (mixed.leader.candidate.id, mixed.right) == ("g0", 0.7)
    [ending] = actions(drawn(*[None] * 3, scores=[1.0] * 3))
    assert isinstance(ending, Select)
    assert ending.outcome == "completed"


def test_a_bare_no_leaves_hope_and_a_score_near_nothing_leaves_less() -> None:
    [more] = actions(drawn("7", "5", scores=[0.0, 0.0]), price=0.05)
    assert isinstance(more, Generate)
    [ending] = actions(drawn("7", "5", scores=[1e-9, 1e-9]), price=0.05)
    assert isinstance(ending, Select)
    assert ending.outcome == "gave_up"


def test_it_asks_for_as_many_as_it_needs_before_it_could_end() -> None:
    [first] = actions(drawn("7"))
    assert isinstance(first, Generate)
    assert first.n == 2


def test_no_more_is_looked_ahead_than_can_be_paid_for() -> None:
    tree = drawn(*["7"] * 5, *["5"] * 4, spent=Spent(calls=9))
    [more] = actions(tree)
    assert isinstance(more, Generate)
    [ending] = actions(tree, Remaining(calls=1))
    assert isinstance(ending, Select)


def test_one_answer_that_is_believed_is_enough_and_a_doubtful_one_is_not() -> None:
    [ending] = actions(drawn("7", scores=[0.999]))
    assert isinstance(ending, Select)
    assert ending.outcome == "completed"
    [more] = actions(drawn("7", scores=[0.6]))
    assert isinstance(more, Generate)
    assert "believed right with 0.600" in more.reason


def test_a_question_that_looks_hopeless_is_given_up() -> None:
    answers = [str(n) for n in range(30)]
    [ending] = actions(drawn(*answers, scores=[1e-9] * 30))
    assert isinstance(ending, Select)
    assert ending.outcome == "gave_up"
    [more] = actions(drawn(*answers[:4], scores=[0.1] * 4))
    assert isinstance(more, Generate)


def test_proof_ends_it_at_once() -> None:
    tree = Tree(
        TASK,
        [Candidate(id="g0", text="a"), Candidate(id="g1", text="b")],
        [
            Verdict(candidate="g0", verifier="tests", score=0.0, hard=True),
            Verdict(candidate="g1", verifier="tests", score=1.0, hard=True),
        ],
    )
    [ending] = actions(tree)
    assert isinstance(ending, Select)
    assert ending.outcome == "verified"


def test_an_answer_that_was_refuted_has_no_vote() -> None:
    answers = ["-5"] * 3 + ["5"]
    candidates = [Candidate(id=f"g{i}", text=a, answer=a) for i, a in enumerate(answers)]
    said = [
        Verdict(
            candidate=c.id,
            verifier="reader",
            score=0.0 if c.answer == "-5" else 1.0,
            evidence={"refutes": True},
        )
        for c in candidates
    ]
    [more] = actions(Tree(TASK, candidates, said))
    assert isinstance(more, Generate)
    assert "'5' has 1 of 4 votes" in more.reason


def test_an_answer_in_the_right_form_is_not_believed_for_that() -> None:
    form = Form.of({"response_format": {"type": "json_object"}})
    texts = ["none", *['{"x": 1}'] * 3]
    candidates = [
        Candidate(id=f"g{i}", text=text, answer=text, message=message_to_dict(AIMessage(text)))
        for i, text in enumerate(texts)
    ]
    said = form.verify_sync(TASK, candidates)
    assert [verdict.score for verdict in said] == [0.0, 1.0, 1.0, 1.0]
    two, all_four = (Tree(TASK, candidates[:n], said[:n]) for n in (2, 4))
    assert believed(two.finished) is None
    [more] = actions(two)
    assert isinstance(more, Generate)
    [ending] = actions(all_four)
    assert isinstance(ending, Select)
    assert (ending.outcome, "has 3 of 4 votes" in ending.reason) == ("agreed", True)


@pytest.mark.parametrize("evidence", [{"answered": 2}, {"pairs": []}, {"outputs": [0]}], ids=str)
def test_a_share_of_the_answers_is_no_chance_to_be_right(evidence: dict[str, object]) -> None:
    candidates = [Candidate(id=f"g{i}", answer="7") for i in range(2)]
    said = [
        Verdict(candidate=c.id, verifier="alike", score=1.0, evidence=evidence) for c in candidates
    ]
    assert believed(Tree(TASK, candidates, said).finished) is None


def test_at_most_one_answer_is_right_so_rivals_lower_each_other() -> None:
    alone = believed(drawn("7", "7", scores=[0.8, 0.8]).finished)
    rivals = believed(drawn("7", "7", "5", scores=[0.8, 0.8, 0.8]).finished)
    assert alone is not None
    assert rivals is not None
    assert alone.right == pytest.approx(0.96)
    assert rivals.right == pytest.approx(24 / (1 + 24 + 4))


def test_the_best_is_revised_where_repairs_are_likelier_than_good_new_answers() -> None:
    tree = drawn("7", "5", scores=[0.02, 0.01])
    [revision] = actions(tree, repair=2.0)
    assert isinstance(revision, Revise)
    assert revision.target == "g0"
    [fresh] = actions(tree, repair=0.5)
    assert isinstance(fresh, Generate)
    [still] = actions(tree, repair=2.0, damage=1.0)
    assert isinstance(still, Revise)  # there is hardly anything to damage
    [sure] = actions(drawn("7", scores=[0.9]), repair=2.0, damage=0.5)
    assert isinstance(sure, Generate)


def test_several_models_are_asked_in_turn_and_a_failed_one_not_again() -> None:
    names = ("small", "middle", "large")
    [first] = actions(Tree(TASK), models=names)
    assert isinstance(first, Generate)
    assert first.model == "small"
    tree = Tree(
        TASK,
        [
            Candidate(id="g0", answer="7", mark="small"),
            Candidate(id="g1", mark="middle", error="refused"),
        ],
    )
    asked = Counter({a.model: a.n for a in actions(tree, models=names) if isinstance(a, Generate)})
    assert asked == {"large": 1, "small": 1}


def test_the_verifier_is_asked_only_where_the_votes_leave_it_open() -> None:
    [first] = actions(Tree(TASK), judge="undecided")
    assert isinstance(first, Generate)
    assert not first.judge
    [agreed] = actions(drawn("7", "7", "7"), judge="undecided")
    assert isinstance(agreed, Select)
    tree = drawn("7", "5", "7", "5", "3", spent=Spent(calls=5))
    [asked] = actions(tree, Remaining(calls=1), judge="undecided", price=0.1)
    assert isinstance(asked, Verify)
    assert len(asked.candidates) == 5
