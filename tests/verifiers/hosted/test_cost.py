"""What a request cost is read where servers tell it, and divided among its answers without loss."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verifiers.hosted.asking import TASK, TEMPLATE, rate
from verifier_agent.models import text_bound
from verifier_agent.testing import RewardServer, characters
from verifier_agent.values import Candidate, Cost
from verifier_agent.verifiers import HostedRewardModel
from verifier_agent.verifiers.hosted.exchange import shares, tokens_told

COUNTS = st.integers(min_value=0, max_value=10_000)


@given(st.lists(COUNTS, min_size=1, max_size=9), st.floats(0, 1), COUNTS)
def test_shares_add_up_to_the_whole_and_none_is_above_its_bound(
    most: list[int], part: float, output: int
) -> None:
    bounds = [Cost(calls=1, input_tokens=max(one, 1)) for one in most]
    total = int(part * sum(bound.input_tokens for bound in bounds))
    cost = Cost(calls=2, input_tokens=total, output_tokens=output, usd=None, exact=False)
    parts = shares(cost, bounds)
    assert Cost.total(parts) == cost
    assert all(
        share.input_tokens <= bound.input_tokens for share, bound in zip(parts, bounds, strict=True)
    )


@pytest.mark.parametrize(
    ("reply", "tokens"),
    [
        ({"usage": {"prompt_tokens": 7, "total_tokens": 7}}, 7),
        ({"usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}}, 7),
        ({"usage": {"total_tokens": 9}}, 9),
        ({"usage": {"total_tokens": 9, "completion_tokens": 2}}, 7),
        ({"meta": {"tokens": {"input_tokens": 12.0}}}, 12),
        ([{"meta_info": {"prompt_tokens": 3}}, {"meta_info": {"prompt_tokens": 4}}], 7),
        ([{"meta_info": {"prompt_tokens": 3}}, {"meta_info": {}}], None),
        ([{"score": 1.0}], None),
        ({"usage": {"prompt_tokens": -1}}, None),
        ({"usage": {"prompt_tokens": "7"}}, None),
        ({"usage": {"prompt_tokens": True}}, None),
        ({"usage": None, "meta": {"billed_units": {"search_units": 1}}}, None),
        ({}, None),
        (None, None),
    ],
)
def test_tokens_are_read_where_servers_tell_them(reply: Any, tokens: int | None) -> None:
    assert tokens_told(reply) == tokens


@settings(max_examples=20, deadline=None)
@given(st.text(max_size=60))
def test_no_text_has_more_tokens_than_its_bound(text: str) -> None:
    with RewardServer(rate, tokenize=characters) as server:
        one = HostedRewardModel(server.url, wire="classify", scale="logit", template=TEMPLATE)
        candidate = Candidate(id="g0", text=text)
        (verdict,) = one.verify_sync(TASK, [candidate])
        bound = one.bound(TASK, text_bound(text))
    assert verdict.cost.input_tokens == server.input_tokens
    assert server.input_tokens <= bound.input_tokens
