"""Which question gets the next answer: prices against exact arithmetic, priors against dice, and
the laws of the queue."""

from __future__ import annotations

import random
from fractions import Fraction
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier_agent.search.adaptive.allocating import Allocation
from verifier_agent.search.adaptive.prospects import (
    FARTHEST,
    SPEECHLESS,
    Prior,
    Prospect,
    fair_price,
)
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Task, Verdict


def exact_worth(first: int, second: int, price: Fraction) -> Fraction:
    """Return what going on is worth beyond ending now, by forward recursion in exact numbers."""

    @cache
    def worth(a: int, b: int, left: int) -> Fraction:
        share = Fraction(a + 1, a + b + 2)
        ended = max(share, 1 - share)
        if not left:
            return ended
        on = share * worth(a + 1, b, left - 1) + (1 - share) * worth(a, b + 1, left - 1) - price
        return max(ended, on)

    share = Fraction(first + 1, first + second + 2)
    return worth(first, second, FARTHEST) - max(share, 1 - share)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 0), (1, 1), (3, 1), (2, 2), (5, 4)])
def test_a_fair_price_is_where_going_on_stops_being_worth_it(first: int, second: int) -> None:
    price = Fraction(fair_price(first, second))
    assert exact_worth(first, second, price * 99 / 100) > 0
    assert exact_worth(first, second, price + Fraction(1, 10**5)) == 0


def test_even_races_are_worth_more_than_decided_ones_and_young_ones_more_than_old_ones() -> None:
    assert fair_price(1, 0) > fair_price(2, 0) > fair_price(4, 0) > fair_price(8, 0)
    assert fair_price(1, 1) > fair_price(2, 2) > fair_price(5, 5)
    assert fair_price(3, 3) > fair_price(3, 2) > fair_price(3, 1)


def tree(*answers: str | None, scores: tuple[float, ...] = (), hard: bool = False) -> Tree:
    """Return a tree of answers, "!" one that failed, each judged if there are scores."""
    candidates = [
        Candidate(id=f"g{i}", answer=a, error="refused")
        if a == "!"
        else Candidate(id=f"g{i}", answer=a)
        for i, a in enumerate(answers)
    ]
    verdicts = [
        Verdict(candidate=f"g{i}", verifier="v", score=score, hard=hard)
        for i, score in enumerate(scores)
    ]
    return Tree(Task(question="?"), candidates, verdicts)


def test_votes_are_read_off_a_tree_and_failures_count_as_drawn() -> None:
    found = Prospect.of(tree("7", "7", "5", None, "!"))
    assert found == Prospect(drawn=5, votes=2, rival=1)


def test_scores_are_read_as_chances_and_a_failure_as_a_bad_answer() -> None:
    found = Prospect.of(tree("7", "5", "!", scores=(0.5, 0.25)))
    assert (found.drawn, found.judged, found.good) == (3, 3, 0.75)
    # odds 1 and 1/3 of the two answers, of which at most one is right
    assert found.right == pytest.approx(1 / (1 + 1 + 1 / 3))
    assert found.gain(Prior(0.5, 2.0)) == pytest.approx((1 - found.right) * (1 + 0.75) / (2 + 3))


def test_what_is_proven_gains_nothing_and_what_is_disproven_can() -> None:
    proven = Prospect.of(tree("7", "5", scores=(0.0, 1.0), hard=True))
    disproven = Prospect.of(tree("7", "5", scores=(0.0, 0.0), hard=True))
    assert proven.gain(Prior()) == 0.0
    assert disproven.gain(Prior(0.5, 2.0)) == pytest.approx(1 / 4)
    assert (proven.ending(0.0, 0.0).outcome, disproven.ending(0.1, 0.2).outcome) == (
        "verified",
        "gave_up",
    )


def test_answers_that_nobody_can_compare_or_score_are_not_asked_for_without_end() -> None:
    silent = [Prospect.of(tree(*[None] * n)) for n in range(SPEECHLESS + 1)]
    assert all(p.gain(Prior()) > 0 for p in silent[:SPEECHLESS])
    assert silent[SPEECHLESS].gain(Prior()) == 0.0


@pytest.mark.parametrize("mean", [0.1, 0.5])
@pytest.mark.parametrize("concentration", [0.5, 2.0, 16.0])
def test_the_prior_is_found_again_in_what_it_made(mean: float, concentration: float) -> None:
    dice = random.Random(0)
    made = []
    for _ in range(2000):
        chance = dice.betavariate(mean * concentration, (1 - mean) * concentration)
        good = sum(dice.random() < chance for _ in range(8))
        made.append(Prospect(drawn=8, judged=8, good=good))
    found = Prior.fitted(made)
    assert found.mean == pytest.approx(mean, abs=0.03)
    assert concentration / 2 <= found.concentration <= concentration * 2


def test_one_answer_each_says_how_good_they_are_and_not_how_different() -> None:
    found = Prior.fitted([Prospect(drawn=1, judged=1, good=good) for good in (1, 0, 0, 0)])
    assert found.mean == pytest.approx(0.25, abs=0.03)
    assert found.concentration == Prior().concentration
    assert Prior.fitted([Prospect(drawn=3, votes=2, rival=1)]) == Prior()


def taken(queue: Allocation) -> int:
    place = queue.take()
    assert place is not None
    return place


prospects = st.builds(
    lambda votes, rival, silent, judged: (
        Prospect(drawn=votes + rival + silent, votes=max(votes, rival), rival=min(votes, rival))
        if judged is None
        else Prospect(drawn=len(judged), judged=len(judged), good=sum(judged), right=max(judged))
    ),
    st.integers(0, 4),
    st.integers(0, 4),
    st.integers(0, 2),
    st.none() | st.lists(st.floats(0, 1), min_size=1, max_size=4),
)


@given(st.lists(prospects, min_size=1, max_size=8), st.data())
def test_nothing_is_taken_twice_and_the_best_comes_first(
    known: list[Prospect], data: st.DataObject
) -> None:
    queue = Allocation(known)
    dropped = data.draw(st.sets(st.integers(0, len(known) - 1)))
    for place in dropped:
        queue.drop(place)
    gains = {i: queue.gain(i) for i in range(len(known)) if i not in dropped}
    taken = []
    while (place := queue.take()) is not None:
        taken.append(place)
    assert sorted(taken) == [i for i, gain in sorted(gains.items()) if gain > 0]
    assert [gains[i] for i in taken] == sorted((gains[i] for i in taken), reverse=True)


@given(st.lists(prospects, min_size=2, max_size=8))
def test_the_same_calls_lead_to_the_same_choices(known: list[Prospect]) -> None:
    def choices() -> list[int | None]:
        queue, made = Allocation(known), []
        for _ in range(20):
            place = queue.take()
            made.append(place)
            if place is not None:
                old = queue.prospects[place]
                queue.put(
                    place, Prospect(drawn=old.drawn + 1, votes=old.votes + 1, rival=old.rival)
                )
        return made

    assert choices() == choices()


def test_a_dear_answer_has_to_gain_more() -> None:
    queue = Allocation([Prospect()] * 2)
    for _ in range(2):
        place = taken(queue)
        queue.put(place, Prospect(drawn=2, votes=1, rival=1), cost=1.0 + 9.0 * (place == 0))
    assert queue.take() == 1


def test_a_price_leaves_undone_what_is_not_worth_it() -> None:
    known = [Prospect(drawn=9, votes=9), Prospect(drawn=2, votes=1, rival=1)]
    assert [Allocation(known, price=0.01).take(), Allocation(known, price=0.5).take()] == [1, None]


def test_every_question_gets_a_first_answer_before_any_gets_a_second() -> None:
    queue = Allocation([Prospect()] * 10)
    first = []
    for _ in range(10):
        place = taken(queue)
        first.append(place)
        queue.put(place, Prospect(drawn=1, judged=1, good=0.5, right=0.0))
    assert first == list(range(10))


def test_votes_go_where_they_are_split_and_scores_where_they_give_hope() -> None:
    def spent(answer: dict[str, float], scored: bool, seed: int) -> int:
        """Solve 30 easy questions and 30 of the other kind; return the answers for these."""
        dice = random.Random(seed)
        drawn: list[list[str]] = [[] for _ in range(60)]
        queue = Allocation([Prospect()] * 60)
        for _ in range(240):
            place = taken(queue)
            kind = answer if place >= 30 else {"right": 0.95, "wrong": 0.05}
            drawn[place] += dice.choices(list(kind), list(kind.values()))
            scores = tuple(float(a == "right") for a in drawn[place]) if scored else ()
            queue.put(place, Prospect.of(tree(*drawn[place], scores=scores, hard=scored)))
        return sum(map(len, drawn[30:]))

    assert spent({"right": 0.5, "wrong": 0.5}, False, 0) > 150
    # with proof, one right answer ends a question
    assert spent({"right": 0.1, "wrong": 0.9}, True, 0) > 180
