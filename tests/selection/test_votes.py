"""Votes against a few lines that are written independently, and guards worked out by hand."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.selection.elections import election, judged
from verifier_agent.errors import ConfigurationError
from verifier_agent.selection import (
    best,
    calibrated_vote,
    chain_vote,
    frequent_best,
    vote,
    weighted_vote,
)

BALLOTS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from([0.1, 0.25, 0.5, 0.75, 0.9])),
    min_size=2,
    max_size=12,
)


@settings(max_examples=150)
@given(BALLOTS)
def test_naive_majority_and_weighted_are_what_a_few_lines_say(
    ballots: list[tuple[str, float]],
) -> None:
    judged_ = election(*ballots)
    naive = max(ballots, key=lambda ballot: ballot[1])[0]
    counts = Counter(answer for answer, _ in ballots)
    sums: dict[str, float] = defaultdict(float)
    logits: dict[str, float] = defaultdict(float)
    for answer, p in ballots:
        sums[answer] += p
        logits[answer] += math.log(p / (1 - p)) - math.log(0.3 / 0.7)
    assert best()(judged_).answer == naive
    assert counts[str(vote()(judged_).answer)] == max(counts.values())
    assert sums[str(weighted_vote()(judged_).answer)] == pytest.approx(max(sums.values()))
    found = calibrated_vote(0.3)(judged_)
    assert logits[str(found.answer)] == pytest.approx(max(logits.values()))


def test_low_scores_vote_against_an_answer() -> None:
    # weighted: 3 x 0.3 = 0.9 beats 0.8; but 0.3 says that the answer is probably wrong
    ballots = election(("5", 0.3), ("5", 0.3), ("5", 0.3), ("7", 0.8))
    assert weighted_vote()(ballots).answer == "5"
    chosen = calibrated_vote()(ballots)
    assert (chosen.answer, chosen.candidate) == ("7", "g3")
    assert (chosen.confidence, chosen.basis) == (1.0, "vote share")
    assert chosen.support == {"5": 0.0, "7": 1.0}
    # where 0.3 is more than a random candidate gets, it is a vote in favour
    assert calibrated_vote(0.1)(ballots).answer == "5"


def test_the_share_of_a_calibrated_vote_is_of_the_weight_in_favour() -> None:
    chosen = calibrated_vote()(election(("5", 0.75), ("5", 0.9), ("7", 0.75), ("9", 0.1)))
    three, nine = math.log(3), math.log(9)
    assert chosen.answer == "5"
    assert chosen.confidence == pytest.approx((three + nine) / (2 * three + nine))


def test_where_all_votes_are_against_the_least_bad_is_as_sure_as_its_score() -> None:
    chosen = calibrated_vote()(election(("5", 0.2), ("7", 0.4), ("5", 0.3)))
    assert (chosen.answer, chosen.confidence, chosen.basis) == ("7", 0.4, "score")
    assert chosen.support == {}


def test_one_certain_score_does_not_decide_alone() -> None:
    ballots = election(("5", 1.0), ("7", 0.95), ("7", 0.95))
    assert calibrated_vote()(ballots).answer == "7"  # 2 x 2.9 against 4.6
    assert calibrated_vote(clip=1e-9)(ballots).answer == "5"


def test_a_calibrated_vote_without_scores_counts_heads() -> None:
    chosen = calibrated_vote()(election(("7", None), ("5", None), ("5", None)))
    assert (chosen.answer, chosen.confidence) == ("5", pytest.approx(2 / 3))


@pytest.mark.parametrize("base", [0.0, 1.0, -1.0])
def test_a_base_has_finite_odds(base: float) -> None:
    with pytest.raises(ConfigurationError):
        calibrated_vote(base)


RARE = election(("1", 0.99), ("5", 0.7), ("5", 0.6), ("7", 0.8), ("7", 0.2), ("9", 0.5))


def test_the_best_of_the_frequent_leaves_out_a_rare_high_score() -> None:
    assert best()(RARE).answer == "1"
    chosen = frequent_best(2)(RARE)
    assert (chosen.candidate, chosen.answer) == ("g3", "7")
    assert (chosen.confidence, chosen.basis) == (0.8, "score")
    # of 0.7 + 0.6 + 0.8 + 0.2
    assert chosen.support == pytest.approx({"5": 1.3 / 2.3, "7": 1.0 / 2.3})


def test_of_answers_that_are_equally_common_all_stay_or_none() -> None:
    assert frequent_best(1)(RARE) == frequent_best(2)(RARE)  # "5" and "7" are both first
    assert frequent_best(3)(RARE) == frequent_best(2)(RARE)  # "1" and "9" are both third
    assert frequent_best(4)(RARE).answer == "1"
    once = election(("1", 0.2), ("2", 0.9), ("3", 0.4))
    assert frequent_best(1)(once).answer == "2"


def test_a_share_is_of_all_candidates_and_the_commonest_always_stays() -> None:
    assert frequent_best(None, share=2 / 6)(RARE).answer == "7"
    assert frequent_best(None, share=0.9)(RARE).answer == "7"
    assert frequent_best(None)(RARE).answer == "1"


def test_more_abstentions_than_votes_for_the_leader_leave_it_to_the_score() -> None:
    assert frequent_best()(election(("5", 0.1), (None, 0.9), (None, 0.8))).answer == "text 1"


def test_a_long_chain_has_no_more_say_than_a_short_one() -> None:
    # chain g0 gives "5" four times; chains g1 and g2 give "7" once each
    chain = [judged(f"g0{'.r0' * i}", "5", 0.5) for i in range(4)]
    others = [judged("g1", "7", 0.45), judged("g2", "7", 0.4)]
    assert weighted_vote()([*chain, *others]).answer == "5"
    chosen = chain_vote()([*chain, *others])
    assert (chosen.answer, chosen.candidate) == ("7", "g1")
    assert chosen.confidence == pytest.approx(0.85 / 1.35)


def test_within_a_chain_the_winner_is_the_best_of_the_winning_answer() -> None:
    # Snell et al., section 6, by hand: "5" has 0.4 + 0.5 against 0.6 for "7"; its best is 0.5
    chain = [
        judged("g0", "5", 0.4),
        judged("g0.r0", "7", 0.6),
        judged("g0.r0.r0", "5", 0.5),
    ]
    rival = judged("g1", "7", 0.45)
    chosen = chain_vote()([*chain, rival])
    assert (chosen.answer, chosen.candidate) == ("5", "g0.r0.r0")
    assert chosen.support == pytest.approx({"5": 0.5 / 0.95, "7": 0.45 / 0.95})
