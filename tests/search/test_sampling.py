from __future__ import annotations

import pytest

from tests.search.trees import drawn, grown
from verifier_agent.budget import Remaining
from verifier_agent.search import agree, best_of, passed, sample, until
from verifier_agent.values import Generate, Select


def test_best_of_draws_all_at_once_and_ends() -> None:
    rounds, ending = grown(best_of(3), lambda name: 0.5)
    assert rounds == [["g0", "g1", "g2"]]
    assert ending.outcome == "completed"


def test_best_of_asks_only_for_what_is_missing() -> None:
    (action,) = best_of(5, temperature=0.7)(drawn("1", "2"), Remaining())
    assert isinstance(action, Generate)
    assert (action.n, action.parent, action.until, action.temperature) == (3, None, "end", 0.7)


def test_sample_draws_in_batches_with_a_rest() -> None:
    rounds, ending = grown(sample(10, batch=4), lambda name: None)
    assert [len(names) for names in rounds] == [4, 4, 2]
    assert ending.reason == "all 10 answers drawn"


@pytest.mark.parametrize(("drawn_so_far", "asked"), [(0, 4), (1, 3), (3, 1), (4, 4), (8, 2)])
def test_a_round_cut_short_is_made_up_for_before_the_next_begins(
    drawn_so_far: int, asked: int
) -> None:
    (action,) = sample(10, batch=4)(drawn(*["1"] * drawn_so_far), Remaining())
    assert isinstance(action, Generate)
    assert action.n == asked


def test_sampling_stops_between_batches_once_the_answers_agree() -> None:
    adaptive = until(sample(32, batch=2), agree(0.95))
    (more,) = adaptive(drawn("7", "7"), Remaining())
    assert isinstance(more, Generate)
    (end,) = adaptive(drawn("7", "7", "7", "7"), Remaining())
    assert isinstance(end, Select)
    assert end.outcome == "agreed"
    assert end.reason.startswith("agree() holds")


def test_a_stop_rule_is_asked_before_the_policy() -> None:
    (end,) = until(best_of(8), passed(0.9))(drawn("7", scores=[0.95]), Remaining())
    assert isinstance(end, Select)
    assert end.outcome == "completed"
    assert end.reason.startswith("passed() holds")
