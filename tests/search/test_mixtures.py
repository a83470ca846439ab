from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from tests.search.trees import TASK, drawn, grown
from verifier_agent.budget import Remaining, Spent
from verifier_agent.errors import ConfigurationError
from verifier_agent.search import (
    Policy,
    agree,
    agreement,
    beam,
    best_of,
    policy,
    rebase,
    revise,
    route,
    sample,
    scored,
    table,
    then,
    until,
)
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Candidate, Generate, Select, Verdict


def test_the_second_goes_on_from_the_answers_of_the_first() -> None:
    scores = {"g0": 0.1, "g1": 0.5}
    rounds, ending = grown(then(best_of(2), revise(2)), lambda name: scores.get(name, 0.2))
    assert rounds == [["g0", "g1"], ["g1.r0"], ["g1.r1"]]
    assert ending.outcome == "plateau"
    rounds, _ = grown(then(best_of(2), best_of(5)), lambda name: None)
    assert rounds == [["g0", "g1"], ["g2", "g3", "g4"]]


def test_steps_of_the_first_are_not_steps_of_the_second() -> None:
    rounds, _ = grown(then(beam(1, 2, depth=2), rebase(2, depth=2)), lambda name: 0.5)
    assert rounds == [["g0", "g1"], ["g0.g0", "g0.g1"], ["g2", "g3"], ["g2.g0", "g3.g0"]]
    rounds, _ = grown(then(rebase(2, depth=1), best_of(2)), lambda name: 0.5)
    assert rounds == [["g0", "g1"], ["g2", "g3"]]


def test_once_the_second_has_begun_the_first_is_not_asked_again() -> None:
    # the first has agreed on 7; the second's answers undo that, and it still goes on
    first = until(sample(8, batch=4), agree(0.95))
    votes = [Candidate(id=f"g{i}", answer="7", mark="first/") for i in range(4)]
    others = [Candidate(id=f"g{i}", answer="8", mark="second/") for i in (4, 5)]
    (more,) = then(first, best_of(9))(Tree(TASK, votes + others), Remaining())
    assert more == Generate(n=3, mark="second/", reason="best of 9")


def test_mixtures_of_mixtures_keep_their_parts_apart() -> None:
    nested = then(then(rebase(1, depth=2), rebase(1, depth=2)), rebase(1, depth=2))
    rounds, _ = grown(nested, lambda name: 0.5)
    assert rounds == [["g0"], ["g0.g0"], ["g1"], ["g1.g0"], ["g2"], ["g2.g0"]]
    other_way = then(rebase(1, depth=2), then(rebase(1, depth=2), rebase(1, depth=2)))
    assert grown(other_way, lambda name: 0.5)[0] == rounds


@policy
def told(tree: Tree, remaining: Remaining, reason: str) -> Sequence[Action]:
    """End with a reason."""
    return [Select(reason=reason)]


@pytest.mark.parametrize(
    ("answers", "chosen"),
    [
        ("7777", "easy"),
        ("7778", "easy"),
        ("7788", "easy"),  # half of them agree, and that is not above one half
        ("7889", "easy"),
        ("7654", "hard"),
    ],
)
def test_the_route_goes_by_how_many_of_the_first_answers_agree(answers: str, chosen: str) -> None:
    way = route(agreement(first=4), easy=told("easy"), hard=told("hard"))
    (end,) = way(drawn(*answers), Remaining())
    assert isinstance(end, Select)
    assert end.reason == chosen


def test_difficulties_by_hand() -> None:
    assert agreement(4)(drawn("7", "7", "8", None)) == 0.5
    assert agreement(4)(drawn(None, None, None, None)) == 1.0
    assert scored(3)(drawn("1", "2", "3", scores=[0.9, None, 0.6])) == pytest.approx(0.25)
    assert scored(3)(drawn("1", "2", "3")) == 1.0


def test_what_the_difficulty_reads_is_drawn_once_and_kept() -> None:
    rounds, _ = grown(route(agreement(3), best_of(5), best_of(8)), lambda name: 0.5)
    # answers without a key agree with none: it is hard
    assert rounds == [["g0", "g1", "g2"], ["g3", "g4", "g5", "g6", "g7"]]


def test_the_decision_reads_the_first_answers_only_and_stands() -> None:
    way = route(scored(2), easy=best_of(4), hard=best_of(6))
    tree = drawn("7", "7", "8", "9", scores=[0.9, 0.9, 0.0, 0.0])
    (end,) = way(tree, Remaining())
    assert isinstance(end, Select)
    begun = [*tree.candidates[:3], Candidate(id="g3", mark="hard/")]
    said = [Verdict(candidate=c.id, verifier="v", score=0.9) for c in begun]
    (more,) = way(Tree(TASK, begun, said), Remaining())
    assert isinstance(more, Generate)
    assert (more.n, more.mark) == (2, "hard/")


@pytest.mark.parametrize(
    "text",
    [
        "route(agreement(4), easy=revise(2), hard=beam(4, 4, 4))",
        "route(scored(), best_of(4), route(scored(2), chains(2, 2), mcts(8), above=0.9))",
        "until(then(best_of(4), revise()), agree(0.9) | spent(usd=0.05))",
        "cascade(('small', 'large'), agree(0.9), 8)",
        "then(bandit(('small', 'large'), 4), wider_or_deeper(8, models=('small', 'large')))",
        "forced(4, text='Wait')",
        "table(((best_of(1), best_of(4)), (revise(), beam(4, 4))), difficulty=agreement(2), "
        "above=(0.3,), budgets=(4, 16))",
    ],
)
def test_mixtures_are_written_as_text_and_as_plain_values(text: str) -> None:
    read = Policy.parse(text)
    assert Policy.parse(repr(read)) == read
    assert Policy.from_dict(read.to_dict()) == read


def test_factories_without_arguments_mean_their_defaults() -> None:
    assert route(agreement, best_of, revise) == route(agreement(), best_of(), revise())
    assert Policy.parse("route(agreement, best_of, revise)") == route(agreement, best_of, revise)


TABLE_OPTIONS: dict[str, Any] = {
    "difficulty": agreement(2),
    "above": (0.3,),
    "budgets": (4, 16),
}
CELLS = ((told("1 small"), told("1 large")), (told("2 small"), told("2 large")))
TABLE = table(CELLS, **TABLE_OPTIONS)


@pytest.mark.parametrize(
    ("answers", "left", "spent", "said"),
    [
        ("77", 14.0, 2, "1 large"),  # it may take 16 in all
        ("77", 13.0, 2, "1 small"),
        ("77", 0.0, 2, "1 small"),  # less than the first column: that one counts
        ("78", math.inf, 2, "2 large"),
        ("78", 2.0, 2, "2 small"),
    ],
)
def test_a_table_goes_by_the_first_answers_and_by_the_budget_of_the_run(
    answers: str, left: float, spent: int, said: str
) -> None:
    (end,) = TABLE(drawn(*answers, spent=Spent(calls=spent)), Remaining(calls=left))
    assert isinstance(end, Select)
    assert end.reason == said


def test_the_answers_that_a_table_reads_are_part_of_what_follows() -> None:
    way = table(((best_of(1),), (best_of(5),)), difficulty=agreement(3), above=(0.5,))
    rounds, _ = grown(way, lambda name: 0.5)
    assert rounds == [["g0", "g1", "g2"], ["g3", "g4"]]


def test_a_cell_that_was_begun_stands() -> None:
    begun = [Candidate(id="g0"), Candidate(id="g1"), Candidate(id="g2", mark="0.1/")]
    way = table(((best_of(3), best_of(4)), (best_of(9), best_of(9))), **TABLE_OPTIONS)
    (more,) = way(Tree(TASK, begun), Remaining(calls=1))
    assert isinstance(more, Generate)
    assert (more.n, more.mark) == (1, "0.1/")


def test_a_table_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"need 2 rows of 1 policies, not \[1\]"):
        table(((best_of(),),), difficulty=agreement(2), above=(0.5,))(drawn(), Remaining())
    with pytest.raises(ConfigurationError, match=r"above=.* needs a difficulty"):
        table(((best_of(),), (best_of(),)), above=(0.5,))(drawn(), Remaining())
    with pytest.raises(ConfigurationError, match="higher than the one before"):
        table(((best_of(),),), budgets=(4, 2))
