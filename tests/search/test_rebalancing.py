from __future__ import annotations

from zlib import crc32

from hypothesis import given
from hypothesis import strategies as st

from tests.search.trees import grown
from verifier_agent.search import rebase
from verifier_agent.search.stepwise.rebalancing import apportioned


def test_seats_are_apportioned_as_in_the_textbook() -> None:
    # the worked example of Hare's quota: 100 000 votes for ten seats
    votes = {"a": 47_000, "b": 16_000, "c": 15_800, "d": 12_000, "e": 6_100, "f": 3_100}
    assert apportioned(10, votes) == {"a": 5, "b": 2, "c": 1, "d": 1, "e": 1}


@given(
    st.integers(0, 300),
    st.dictionaries(st.text(max_size=3), st.floats(1e-9, 1e9), min_size=1, max_size=20),
)
def test_every_seat_is_given_and_none_is_more_than_one_off(
    seats: int, weights: dict[str, float]
) -> None:
    given_ = apportioned(seats, weights)
    assert sum(given_.values()) == seats
    total = sum(weights.values())
    for name, weight in weights.items():
        assert abs(given_.get(name, 0) - seats * weight / total) < 1 + 1e-6


def test_a_tree_computed_by_hand() -> None:
    # softmax(score / 0.1) of the first steps, as shares of 4 places:
    # e^0 : e^-1 : e^-4 : e^-8 = 1 : 0.3679 : 0.0183 : 0.0003 -> 2.885, 1.061, 0.053, 0.001
    # whole parts 2 and 1, and the place that is left goes to the fraction 0.885: 3 and 1
    scores = {"g0": 0.9, "g1": 0.8, "g2": 0.5, "g3": 0.1}
    # g0.g0 completes its answer: 3 places are left, and three equals take one each
    scores |= {"g0.g0": 1.0, "g0.g1": 0.6, "g0.g2": 0.6, "g1.g0": 0.6}
    # of the next level 0.7 : 0.6 : 0.3 -> 1 : 0.3679 : 0.0183, of 3 places 2.164, 0.796, 0.040
    scores |= {"g0.g1.g0": 0.7, "g0.g2.g0": 0.6, "g1.g0.g0": 0.3}
    rounds, ending = grown(rebase(4, depth=4), scores.get, done=lambda name: name == "g0.g0")
    assert rounds == [
        ["g0", "g1", "g2", "g3"],
        ["g0.g0", "g0.g1", "g0.g2", "g1.g0"],
        ["g0.g1.g0", "g0.g2.g0", "g1.g0.g0"],
        ["g0.g1.g0.g0", "g0.g1.g0.g1", "g0.g2.g0.g0"],
    ]
    assert ending.reason == "every answer is complete or 4 steps long"


@given(st.integers(1, 20), st.integers(0, 10**6), st.floats(0.01, 5.0))
def test_every_level_has_exactly_as_many_steps_as_there_are_places(
    width: int, salt: int, balance: float
) -> None:
    def score(name: str) -> float:
        return crc32(f"{name} {salt}".encode()) % 101 / 100

    def done(name: str) -> bool:
        return crc32(f"{name} {salt} done".encode()) % 4 == 0

    rounds, _ = grown(rebase(width, balance=balance, depth=6), score, done)
    places = width
    for names in rounds:
        assert len(names) == places
        places -= sum(map(done, names))
    assert places == 0 or len(rounds) == 6


def test_without_scores_the_places_are_shared_evenly() -> None:
    rounds, _ = grown(rebase(3, depth=2), lambda name: None)
    assert rounds[1] == ["g0.g0", "g1.g0", "g2.g0"]


def test_the_places_of_failed_steps_go_to_the_others() -> None:
    rounds, _ = grown(rebase(3, depth=2), lambda name: 0.5, failed=lambda name: name == "g1")
    assert rounds[1] == ["g0.g0", "g0.g1", "g2.g0"]
