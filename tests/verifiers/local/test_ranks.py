from __future__ import annotations

import pytest

from verifier_agent.verifiers.local.ranks import rank_agreement, ranks


def test_equal_values_share_the_mean_of_their_ranks() -> None:
    assert ranks([0.5, 0.1, 0.5, 0.9]) == [2.5, 1.0, 2.5, 4.0]


def test_agreement_is_one_minus_what_spearman_takes_for_each_difference() -> None:
    one, other = [10.0, 20.0, 30.0, 40.0, 50.0], [2.0, 1.0, 4.0, 3.0, 5.0]
    assert rank_agreement(one, other) == pytest.approx(1 - 6 * (1 + 1 + 1 + 1) / (5 * (25 - 1)))
    assert rank_agreement(one, one) == pytest.approx(1.0)
    assert rank_agreement(one, one[::-1]) == pytest.approx(-1.0)


def test_a_ranking_without_an_order_agrees_with_none() -> None:
    assert rank_agreement([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]) == 0.0
