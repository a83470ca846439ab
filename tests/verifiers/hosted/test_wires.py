"""Every wire in every dialect: right scores in the right order, or an error; never a default."""

from __future__ import annotations

from typing import Any

import pytest

from tests.verifiers.hosted.asking import (
    ANSWERS,
    REWARDS,
    STEP_WAYS,
    STEPS,
    TASK,
    TEMPLATE,
    WAYS,
    Way,
    ask,
    rate,
    serve,
    sigmoid,
    verifier,
)
from verifier_agent.aggregation import aggregate
from verifier_agent.models import text_bound
from verifier_agent.testing import RewardServer, RowFault, check_verifier
from verifier_agent.values import Candidate, Verdict
from verifier_agent.verifiers import HostedRewardModel
from verifier_agent.verifiers.local import PRESETS

ALL = [pytest.param(way, id=f"{n}-{way.title}") for n, way in enumerate(WAYS)]
BY_STEPS = [pytest.param(way, id=f"{n}-{way.title}") for n, way in enumerate(STEP_WAYS)]
OTHERS = (Candidate(id="g8", error="refused"), Candidate(id="g9", text=" \n "))


@pytest.mark.parametrize("how", ["async", "sync"])
@pytest.mark.parametrize("way", ALL)
async def test_each_answer_gets_its_own_reward(way: Way, how: str) -> None:
    with serve(way) as server:
        verdicts = await ask(verifier(way, server), how)
    assert [v.error for v in verdicts] == [None, None, None]
    for verdict in verdicts:
        logit = REWARDS[verdict.candidate]
        assert verdict.raw == pytest.approx(way.expected(logit))
        assert verdict.score == pytest.approx(sigmoid(logit))
        assert verdict.evidence["wire"] == way.wire.name
        assert verdict.evidence["scale"] == way.raw


@pytest.mark.parametrize("way", BY_STEPS)
async def test_each_step_gets_its_own_reward(way: Way) -> None:
    with serve(way) as server:
        one = verifier(way, server)
        (verdict,) = await ask(one, "async", [STEPS])
    expected = [sigmoid(number) for number in (0.25, 1.5, -0.75)]
    assert verdict.error is None
    assert verdict.steps == pytest.approx(expected)
    assert verdict.evidence["raw"] == pytest.approx(expected)
    product = expected[0] * expected[1] * expected[2]
    aggregated = product if one.reading.spec.aggregate == "product" else min(expected)
    assert verdict.score == pytest.approx(aggregated)
    assert verdict.feedback == "step 3 is probably wrong: `So it is [-0.75].`"


@pytest.mark.parametrize("way", [*ALL, *BY_STEPS])
def test_every_wire_keeps_the_laws_of_verifiers(way: Way) -> None:
    with serve(way, window=4096) as server:  # some of the texts are longer
        one = verifier(way, server)
        bad = way in (WAYS[0], WAYS[1], WAYS[-1], *STEP_WAYS)  # a megabyte each: not on every wire
        check_verifier(one, TASK, [*ANSWERS, *OTHERS], bad_texts=bad)


PRESETS_SERVED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("qwen2.5-math-prm", {"wire": "pooling"}, {"labels": 2, "mark": "<extra_0>"}),
    ("qwen2.5-math-rm", {"wire": "pooling"}, {}),
    ("qwen2.5-math-rm", {"wire": "classify"}, {}),
    ("skywork-reward-v2", {"wire": "classify"}, {}),
    (
        "skywork-reward-v2",
        {"wire": "pooling", "dialect": "sglang", "template": TEMPLATE},
        {"dialect": "sglang"},
    ),
    ("math-shepherd", {"wire": "pooling"}, {"labels": 2, "good": 0, "mark": " ки"}),
    (
        "math-shepherd",
        {
            "wire": "score",
            "dialect": "sglang",
            "label_token_ids": (648, 387),
            "step_token_id": 12902,
        },
        {"dialect": "sglang", "mark": " ки", "mark_id": 12902, "label_ids": (648, 387)},
    ),
]
"""Each preset that a server can be asked for, on each of its wires."""


@pytest.mark.parametrize(
    ("name", "settings", "served"),
    PRESETS_SERVED,
    ids=[f"{n}-{name}" for n, (name, _, _) in enumerate(PRESETS_SERVED)],
)
async def test_every_preset_that_can_be_hosted_is_read_rightly(
    name: str, settings: dict[str, Any], served: dict[str, Any]
) -> None:
    with RewardServer(rate, **served) as server:
        one = HostedRewardModel(server.url, spec=name, **settings)
        (verdict,) = await one.verify(TASK, [STEPS])
    assert verdict.error is None
    expected = [sigmoid(number) for number in (0.25, 1.5, -0.75)]
    if PRESETS[name].read == "mark":
        assert verdict.steps == pytest.approx(expected)
        assert verdict.score == pytest.approx(aggregate(expected, PRESETS[name].aggregate))
    else:
        assert verdict.raw == pytest.approx(-0.75)
        assert verdict.score == pytest.approx(expected[-1])


def test_no_preset_is_left_out() -> None:
    local_only = {"rlhflow-prm", "skywork-o1-prm", "pure-prm", "trl-prm", "prefix-classifier"}
    assert {name for name, _, _ in PRESETS_SERVED} | local_only == set(PRESETS)


VALUES: tuple[RowFault, ...] = ("nan", "infinity", "text", "null")
"""One row holds no number."""
COUNTS: tuple[RowFault, ...] = ("no_rows", "missing_row", "extra_row")
INDICES: tuple[RowFault, ...] = ("duplicate_index", "shifted_index", "shuffled")
SHAPES: tuple[RowFault, ...] = ("missing_step", "extra_step", "extra_label", "swapped_documents")


def has_indices(way: Way) -> bool:
    """Say whether its rows name the answer that they belong to."""
    bare = {("pooling", "sglang"), ("classify", "tei"), ("score", "sglang")}
    return way.wire.shows != "chat" and (way.wire.name, way.wire.dialect) not in bare


def is_wrong(way: Way, fault: RowFault, answers: int) -> bool | None:
    """Say whether a server that does this says something wrong; None: that depends on the row."""
    by_steps = way in STEP_WAYS
    match fault:
        case "duplicate_index":
            return has_indices(way) and answers > 1
        case "shifted_index":
            return has_indices(way)
        case "shuffled":
            return False
        case "missing_step" | "extra_step":
            return by_steps or None
        case "extra_label":
            return by_steps or None
        case "swapped_documents":
            return way.wire.name == "rerank" and way.wire.dialect in ("vllm", "sglang")
    return True


@pytest.mark.parametrize("way", [*ALL, *BY_STEPS])
async def test_a_wrong_reply_is_an_error_and_no_score_is_ever_wrong(way: Way) -> None:
    answers = [STEPS] if way in STEP_WAYS else list(ANSWERS)
    current: list[RowFault] = []
    with serve(way, fault=lambda request: current[-1]) as server:
        one = verifier(way, server)
        for fault in (*VALUES, *COUNTS, *INDICES, *SHAPES):
            current.append(fault)
            check(way, fault, one.batch, await one.verify(TASK, answers))


def check(way: Way, fault: RowFault, batch: int, verdicts: list[Verdict]) -> None:
    """Check that each verdict is right, or an error, and an error where something is wrong."""
    for verdict in verdicts:
        # how many labels a head has nobody says: a third one's logit is as good as the others
        more_labels = fault == "extra_label" and way.wire.activated is False
        if verdict.error is None and way not in STEP_WAYS and not more_labels:
            assert verdict.score == pytest.approx(sigmoid(REWARDS[verdict.candidate])), fault
        elif verdict.error is not None:
            assert (verdict.score, verdict.raw, verdict.steps) == (None, None, ()), fault
            assert verdict.error.startswith("UnreadableVerdict: "), fault
    failed = [verdict for verdict in verdicts if verdict.error is not None]
    wrong = is_wrong(way, fault, min(len(verdicts), batch))
    assert wrong is None or bool(failed) == wrong, fault
    if wrong and fault in (*COUNTS, *INDICES):  # no row of the reply can be trusted
        assert len(failed) == len(verdicts), fault


@pytest.mark.parametrize("way", [*ALL, *BY_STEPS])
async def test_what_a_server_does_not_report_is_charged_at_its_bound(way: Way) -> None:
    answers = [STEPS] if way in STEP_WAYS else list(ANSWERS)
    costs = {}
    for fault in (None, "no_usage"):
        with serve(way, fault=fault) as server:
            one = verifier(way, server)
            verdicts = await ask(one, "async", answers)
            costs[fault] = [verdict.cost for verdict in verdicts]
            assert sum(cost.calls for cost in costs[fault]) == server.calls
            if fault is None:
                assert sum(cost.input_tokens for cost in costs[None]) == server.input_tokens
    assert all(cost.exact for cost in costs[None])
    if way.wire.dialect != "tei":  # it tells in a header, not in the body
        bounds = [one.bound(TASK, text_bound(c.text)) for c in answers]
        assert not any(cost.exact for cost in costs["no_usage"])
        assert sum(c.input_tokens for c in costs["no_usage"]) == (
            sum(bound.input_tokens for bound in bounds) // one.attempts
        )
