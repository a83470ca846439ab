from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.selection.elections import election
from verifier_agent.selection import (
    best,
    by_meaning,
    by_steps,
    calibrated_vote,
    chain_vote,
    consensus,
    dual_agreement,
    frequent_best,
    selector,
    tournament,
    vote,
    weighted_vote,
)
from verifier_agent.testing import check_selector
from verifier_agent.values import Candidate, Judged, Selection, Verdict

SELECTORS = [
    best(),
    vote(),
    weighted_vote(),
    weighted_vote(0.1),
    weighted_vote(power=8),
    calibrated_vote(),
    calibrated_vote(0.8, clip=1e-6),
    frequent_best(),
    frequent_best(None, share=0.3),
    frequent_best(1),
    chain_vote(),
    chain_vote(2.0),
    tournament(),
    consensus(),
    dual_agreement(),
    dual_agreement(0.5),
    by_steps(),
    by_steps("min", weighted_vote()),
    by_steps("log_odds", calibrated_vote()),
    by_meaning(),
    by_meaning(weighted_vote()),
]


@pytest.mark.parametrize("named", SELECTORS, ids=repr)
def test_every_selector_keeps_the_laws(named: object) -> None:
    check_selector(named)  # type: ignore[arg-type]


def test_best_takes_the_highest_score_and_shares_support_by_score() -> None:
    chosen = best()(election(("5", 0.3), ("7", 0.6), ("5", 0.1)))
    assert (chosen.candidate, chosen.answer) == ("g1", "7")
    assert (chosen.confidence, chosen.basis) == (0.6, "score")
    assert chosen.support == pytest.approx({"5": 0.4, "7": 0.6})


def test_best_prefers_any_score_to_none_and_the_first_of_equals() -> None:
    assert best()(election(("5", None), ("7", 0.0))).candidate == "g1"
    assert best()(election(("5", 0.5), ("7", 0.5))).candidate == "g0"


def test_best_without_any_score_says_that_it_has_no_confidence() -> None:
    chosen = best()(election(("5", None), ("7", None)))
    assert (chosen.candidate, chosen.confidence, chosen.basis) == ("g0", None, "none")
    assert chosen.support == {}


def test_an_answer_without_a_key_is_shown_as_its_text() -> None:
    assert best()(election((None, 0.9), ("7", 0.6))).answer == "text 0"


def test_vote_counts_heads_and_takes_the_best_scored_of_the_winners() -> None:
    chosen = vote()(election(("7", 1.0), ("5", 0.1), ("5", 0.4), ("5", None), (None, 1.0)))
    assert (chosen.candidate, chosen.answer) == ("g2", "5")
    # 3 of 5 finished candidates; of the 4 answers that stood for election, 3
    assert (chosen.confidence, chosen.basis) == (0.6, "vote share")
    assert chosen.support == {"7": 0.25, "5": 0.75}


def test_weighted_vote_adds_up_scores_so_that_few_good_beat_many_bad() -> None:
    ballots = election(("5", 0.2), ("5", 0.2), ("5", 0.2), ("7", 0.9))
    chosen = weighted_vote()(ballots)
    # 0.9 against 3 × 0.2
    assert (chosen.candidate, chosen.answer) == ("g3", "7")
    assert chosen.confidence == pytest.approx(0.9 / 1.5)
    assert vote()(ballots).answer == "5"


def test_the_power_turns_from_the_count_to_the_best_score() -> None:
    ballots = election(("7", 0.9), ("5", 0.5), ("5", 0.5))
    # by hand: 0.9 to 0.5 + 0.5, 0.81 to 0.25 + 0.25
    assert weighted_vote()(ballots).answer == "5"
    squared = weighted_vote(power=2)(ballots)
    assert squared.answer == "7"
    assert squared.confidence == pytest.approx(0.81 / (0.81 + 0.5))


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(1, 99)),
        min_size=1,
        max_size=8,
        unique_by=lambda ballot: ballot[1],
    )
)
def test_a_high_power_chooses_like_best_and_a_low_one_like_a_vote(
    ballots: list[tuple[str, int]],
) -> None:
    # 3 % apart: the 8 ballots at most that score lower weigh less together, as 1.03 ** 100 > 8
    judged = election(*((answer, 1.03**-rank) for answer, rank in ballots))
    assert weighted_vote(power=100)(judged).answer == best()(judged).answer
    counted = vote()(judged)
    if sorted(counted.support.values())[-2:][0] < max(counted.support.values()):
        assert weighted_vote(power=1e-6)(judged).answer == counted.answer


def test_no_power_makes_small_scores_vanish() -> None:
    tiny = election(("7", 1e-30), ("5", 2e-30), ("7", 1e-30))
    assert weighted_vote(power=100)(tiny).answer == "5"


def test_weighted_vote_of_many_fair_beats_one_good() -> None:
    chosen = weighted_vote()(election(("7", 0.9), ("5", 0.5), ("5", 0.5), ("5", None)))
    # 1.0 against 0.9: the one without a score weighs nothing
    assert (chosen.candidate, chosen.answer) == ("g1", "5")
    assert chosen.support == pytest.approx({"7": 9 / 19, "5": 10 / 19})


@pytest.mark.parametrize("score", [None, 0.0])
def test_weighted_vote_without_weights_counts_heads(score: float | None) -> None:
    chosen = weighted_vote()(election(("7", score), ("5", score), ("5", score)))
    assert (chosen.answer, chosen.confidence) == ("5", pytest.approx(2 / 3))


def test_votes_without_comparable_answers_fall_back_to_the_best_score() -> None:
    for named in (vote(), weighted_vote()):
        chosen = named(election((None, 0.2), (None, 0.8)))
        assert (chosen.candidate, chosen.answer, chosen.basis) == ("g1", "text 1", "score")


def test_one_stray_key_does_not_beat_many_good_answers_in_words() -> None:
    ballots = election(*[(None, 0.9)] * 7, ("unclear", 0.1))
    for named in (vote(), weighted_vote()):
        chosen = named(ballots)
        assert (chosen.candidate, chosen.answer) == ("g0", "text 0")
        assert (chosen.confidence, chosen.basis) == (0.9, "score")


def test_abstentions_lower_the_confidence_by_what_they_weigh() -> None:
    ballots = election(("5", 0.5), ("5", 0.5), ("7", 0.25), (None, 0.75))
    assert vote()(ballots).confidence == 0.5  # 2 of 4
    chosen = weighted_vote()(ballots)
    assert (chosen.answer, chosen.confidence, chosen.basis) == ("5", 0.5, "vote share")  # 1 of 2
    assert chosen.support == pytest.approx({"5": 0.8, "7": 0.2})


def test_the_leader_stands_until_more_abstain_than_vote_for_it() -> None:
    voters = [("5", 0.5), ("5", 0.5)]
    for named in (vote(), weighted_vote()):
        even = named(election(*voters, *[(None, 0.5)] * 2))
        assert (even.answer, even.confidence, even.basis) == ("5", 0.5, "vote share")
        more = named(election(*voters, *[(None, 0.5)] * 2, (None, 0.75)))
        assert (more.answer, more.confidence, more.basis) == ("text 4", 0.75, "score")


def test_without_any_score_the_leader_stands_however_many_abstain() -> None:
    ballots = election((None, None), ("5", None), ("5", None), *[(None, None)] * 3)
    assert vote()(ballots).answer == "5"


def test_abstentions_with_bad_scores_outvote_heads_but_not_weights() -> None:
    ballots = election(("5", 0.9), ("5", 0.8), *[(None, 0.1)] * 3)
    assert weighted_vote()(ballots).confidence == pytest.approx(1.7 / 2.0)
    assert weighted_vote()(ballots).basis == "vote share"
    assert vote()(ballots).basis == "score"  # 3 heads against 2: `best`
    assert vote()(ballots).answer == "5"


@pytest.mark.parametrize(
    ("score", "basis"), [(0.7, "score"), (0.0, "score"), (None, "none")], ids=repr
)
def test_a_single_vote_is_as_sure_as_its_score_and_never_certain(
    score: float | None, basis: str
) -> None:
    for named in (vote(), weighted_vote()):
        chosen = named(election(("5", score)))
        assert (chosen.answer, chosen.confidence, chosen.basis) == ("5", score, basis)
        assert chosen.support == {"5": 1.0}


def test_an_abstention_beside_a_single_vote_makes_no_second_vote() -> None:
    for named in (vote(), weighted_vote()):
        chosen = named(election(("5", 0.7), (None, 0.2)))
        assert (chosen.answer, chosen.confidence, chosen.basis) == ("5", 0.7, "score")


def test_the_only_vote_with_weight_is_a_single_vote() -> None:
    chosen = weighted_vote()(election(("5", 0.0), ("7", 0.6), ("5", None)))
    assert (chosen.answer, chosen.confidence, chosen.basis) == ("7", 0.6, "score")


def test_a_tie_goes_to_the_answer_that_came_first() -> None:
    assert vote()(election(("5", 0.1), ("7", 0.9))).answer == "5"
    assert weighted_vote()(election(("5", 0.5), ("7", 0.5))).answer == "5"


def test_proof_counts_as_the_whole_score() -> None:
    disproved = Judged(
        candidate=Candidate(id="g0", answer="5"),
        verdicts=(
            Verdict(candidate="g0", verifier="judge", score=1.0),
            Verdict(candidate="g0", verifier="tests", score=0.0, hard=True),
        ),
    )
    doubtful = Judged(
        candidate=Candidate(id="g1", answer="7"),
        verdicts=(Verdict(candidate="g1", verifier="judge", score=0.1),),
    )
    assert best()((disproved, doubtful)).answer == "7"
    assert weighted_vote()((disproved, doubtful)).answer == "7"


def test_the_checks_find_what_is_wrong_with_a_selector() -> None:
    def first(judged: Sequence[Judged]) -> Selection:
        one = judged[0].candidate
        return Selection(candidate=one.id, answer=one.answer or one.text)

    def overconfident(judged: Sequence[Judged]) -> Selection:
        return first(judged) if judged else Selection(confidence=2.0, basis="score", answer="x")

    def wrong_answer(judged: Sequence[Judged]) -> Selection:
        return Selection(candidate=judged[0].candidate.id, answer="?") if judged else Selection()

    def stranger(judged: Sequence[Judged]) -> Selection:
        return Selection(candidate="g99", answer="5") if judged else Selection()

    counter = iter(range(10**6))

    def moody(judged: Sequence[Judged]) -> Selection:
        return Selection(reason=str(next(counter)))

    for broken, law in (
        (overconfident, "from nobody"),
        (wrong_answer, r"answers '\?'"),
        (stranger, "which is nobody"),
        (moody, "not pure"),
    ):
        with pytest.raises(AssertionError, match=law):
            check_selector(broken)


@selector
def shortest(judged: Sequence[Judged]) -> Selection:
    """Choose the shortest text."""
    if not judged:
        return Selection()
    one = min(judged, key=lambda j: len(j.candidate.text)).candidate
    return Selection(candidate=one.id, answer=one.text if one.answer is None else one.answer)


def test_a_selector_of_ones_own_keeps_the_laws_too() -> None:
    check_selector(shortest())
