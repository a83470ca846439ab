"""What several models' answers say together: against Bayes' rule by enumeration, and by sense."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier_agent.calibration import Reliability, fit_one_coin, one_coin
from verifier_agent.errors import ConfigurationError

SOLO = one_coin(("a", "b", "c"), (0.9, 0.8, 0.6), ((0.2,) * 3,) * 3)
"""Three models that err alike no more than others."""


def enumerated(
    right: tuple[float, ...], alike: float, answers: tuple[str, ...]
) -> dict[str, float]:
    """Bayes' rule spelt out: for each truth the chance of all that was said, in order.

    A wrong model repeats each wrong answer given before it with the chance `alike`, else it gives
    a new one.
    """
    chances: dict[str | None, float] = {}
    for truth in (*dict.fromkeys(answers), None):
        chance = 1.0
        for at, answer in enumerate(answers):
            if answer == truth:
                chance *= right[at]
                continue
            before = set(answers[:at]) - {truth}
            fresh = 1 - alike * len(before)
            chance *= (1 - right[at]) * (alike if answer in before else fresh)
        chances[truth] = chance
    total = sum(chances.values())
    return {truth: chance / total for truth, chance in chances.items() if truth is not None}


@pytest.mark.parametrize("answers", list(product("xyz", repeat=3)))
def test_the_posterior_is_what_bayes_rule_says(answers: tuple[str, ...]) -> None:
    poll = SOLO(list(zip("abc", answers, strict=True)))
    expected = enumerated((0.9, 0.8, 0.6), 0.2, answers)
    assert dict(poll.chances) == pytest.approx(expected)
    assert sum(poll.chances.values()) + poll.unseen == pytest.approx(1.0)
    assert expected[str(poll.leader)] == max(expected.values())


def test_two_that_err_alike_say_less_than_two_that_do_not() -> None:
    alike = ((0.9, 0.9, 0.1), (0.9, 0.9, 0.1), (0.1, 0.1, 0.9))
    family = one_coin(("big", "small", "other"), (0.8, 0.8, 0.8), alike)
    within = family([("big", "7"), ("small", "7")]).chances["7"]
    across = family([("big", "7"), ("other", "7")]).chances["7"]
    assert family([("big", "7")]).chances["7"] < within < across
    # and so the other one is asked, where both are as reliable
    begun = family([("big", "7")])
    assert begun.tells("other") > begun.tells("small")


def test_several_answers_of_one_model_are_one_vote() -> None:
    once = SOLO([("a", "7")])
    assert SOLO([("a", "7")] * 3).chances["7"] == pytest.approx(once.chances["7"])
    split = SOLO([("a", "7"), ("a", "5")])
    assert split.chances["7"] == pytest.approx(split.chances["5"])


def test_strangers_and_the_silent_name_no_answer() -> None:
    assert SOLO([("stranger", "7")]).leader is None
    assert SOLO([]).unseen == 1.0
    silent = SOLO([("a", None)])
    assert (silent.leader, silent.unseen) == (None, 1.0)


votes = st.lists(st.tuples(st.sampled_from("abcd"), st.none() | st.sampled_from("xyz")), max_size=8)


@settings(max_examples=100)
@given(votes)
def test_chances_add_up_and_no_vote_is_expected_to_tell_less_than_nothing(
    given_: list[tuple[str, str | None]],
) -> None:
    poll = SOLO(given_)
    assert math.fsum([*poll.chances.values(), poll.unseen]) == pytest.approx(1.0)
    assert all(0 <= chance <= 1 for chance in poll.chances.values())
    assert all(poll.tells(model) >= 0 for model in "abc")


def test_the_more_reliable_one_tells_more() -> None:
    for said in ([], [("b", "7")]):
        poll = SOLO(said)
        assert poll.tells("a") > poll.tells("c")


QUESTIONS = [
    [("big", "7", 1), ("small", "7", 1), ("other", "7", 1)],
    [("big", "5", 0), ("small", "5", 0), ("other", "7", 1)],
    [("big", "5", 0), ("small", "5", 0), ("other", "4", 0)],
    [("big", "7", 1), ("small", None, 0), ("other", None, 0)],
]


def test_it_is_fitted_by_counting() -> None:
    fitted = fit_one_coin(QUESTIONS)
    assert fitted.models == ("big", "other", "small")
    assert fitted.arguments["right"] == (0.5, 0.5, round(2 / 6, 4))
    rows = fitted.arguments["alike"]
    # both wrong: big and small twice, twice alike; big and other once, other and small twice, never
    every = (2 + 1) / (5 + 2)
    assert rows[0][2] == rows[2][0] == pytest.approx((2 + 20 * every) / 22, abs=1e-4)
    assert rows[1][2] == rows[2][1] == pytest.approx(20 * every / 22, abs=1e-4)
    assert fit_one_coin(QUESTIONS, ["small", "big"]).models == ("small", "big")


def test_wrong_answers_that_are_never_the_same_can_be_fitted() -> None:
    wrong = [[("a", f"{n}", 0), ("b", f"-{n}", 0)] for n in range(400)]
    always = [("c", "7", 1)] * 30_000
    fitted = fit_one_coin([*wrong, always])
    assert fitted.arguments["alike"][0][1] == 1e-4
    assert fitted.arguments["right"][2] == 1 - 1e-4


def test_it_survives_its_plain_form_and_its_text() -> None:
    fitted = fit_one_coin(QUESTIONS)
    assert Reliability.from_dict(fitted.to_dict()) == fitted
    assert Reliability.parse(repr(fitted)) == fitted


def test_what_cannot_be_learned_or_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'huge'"):
        fit_one_coin(QUESTIONS, ["big", "huge"])
    with pytest.raises(ConfigurationError, match="names the model"):
        fit_one_coin([])
    with pytest.raises(ConfigurationError, match="2 models need different names, 2 numbers"):
        one_coin(("a", "b"), (0.5,), ((0.5, 0.5), (0.5, 0.5)))([])
