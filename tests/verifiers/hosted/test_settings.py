"""What cannot be asked is refused before anything is sent; what is asked is exactly this."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, message_to_dict

from tests.verifiers.hosted.asking import ANSWERS, STEPS, TASK, rate, sigmoid
from verifier_agent.errors import ConfigurationError, UnreadableVerdict
from verifier_agent.testing import ModelServer, RewardServer, always
from verifier_agent.values import Candidate, Task
from verifier_agent.verifiers import HostedRewardModel
from verifier_agent.verifiers.hosted import WIRES, replies
from verifier_agent.verifiers.hosted.reading import Asked, Reading, asked
from verifier_agent.verifiers.local import PRESETS, Labels, Number, PRMSpec, TokenPair

URL = "http://localhost:8000"
ORM = PRMSpec(layout="chat", read="end", readout=Number(), scale="logit")
PRM = PRESETS["qwen2.5-math-prm"]
IDS = {"label_token_ids": (1, 2)}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"wire": "pooling"}, "say what its numbers are"),
        ({"wire": "rerank", "dialect": "cohere", "model": "m"}, "say what its numbers are"),
        ({"wire": "classify", "scale": "percent"}, "scale='percent'"),
        ({"wire": "classify", "scale": (4.0, 0.0)}, "lowest and highest"),
        ({"wire": "classify", "scale": (0.0, math.inf)}, "lowest and highest"),
        ({"wire": "classify", "spec": ORM, "scale": "logit"}, "a spec has its own"),
        ({"wire": "classify", "scale": "logit", "label": 1}, "labels have probabilities"),
        ({"wire": "clasify", "scale": "logit"}, "did you mean 'classify'"),
        ({"wire": "rerank", "dialect": "llamacpp", "scale": "logit"}, "did you mean 'llama.cpp'"),
        ({"wire": "pooling", "dialect": "tei", "scale": "logit"}, "has no dialect 'tei'"),
        ({"wire": "pooling", "spec": "qwen2.5-math-prn"}, "did you mean 'qwen2.5-math-prm'"),
        ({"wire": "rerank", "dialect": "jina", "scale": "logit"}, "needs model=…"),
        ({"wire": "score", "dialect": "sglang"}, "needs label_token_ids=…"),
        ({"wire": "score", "dialect": "sglang", "label_token_ids": (7, 7)}, "of a good answer"),
        ({"wire": "score", "dialect": "sglang", **IDS}, "applies no chat template"),
        (
            {"wire": "score", "dialect": "sglang", **IDS, "spec": PRESETS["math-shepherd"]},
            "step_token_id=…",
        ),
        ({"wire": "pooling", "dialect": "sglang", "scale": "logit"}, "applies no chat template"),
        ({"wire": "classify", "spec": PRM}, "gives no rewards of steps"),
        ({"wire": "rerank", "spec": PRM}, "gives no rewards of steps"),
        ({"wire": "pooling", "spec": PRM, "template": "{question}{answer}"}, "has no use for it"),
        ({"wire": "pooling", "scale": "logit", "template": "{question}"}, "{answer} belongs in it"),
        ({"wire": "rerank", "scale": "logit", "template": "{answer}"}, "has no use for it"),
        ({"wire": "rerank", "scale": "probability", "label": 1}, "heads with one number"),
        (
            {"wire": "classify", "dialect": "sglang", "scale": "logit", "template": "{answer}"},
            "heads with several labels",
        ),
        ({"wire": "chat_logprob", "model": "m", "scale": "logit"}, "gives probabilities"),
        ({"wire": "pooling", "spec": "trl-prm"}, "use LocalRewardModel"),
        ({"wire": "pooling", "spec": "prefix-classifier"}, "use LocalRewardModel"),
        ({"wire": "pooling", "spec": "rlhflow-prm"}, "use LocalRewardModel"),
        ({"wire": "classify", "scale": "logit", "batch": 0}, "batch=0"),
        ({"wire": "classify", "scale": "logit", "concurrency": True}, "concurrency=True"),
        ({"wire": "classify", "scale": "logit", "attempts": 1.5}, "attempts=1.5"),
        ({"wire": "classify", "scale": "logit", "seconds": math.nan}, "seconds=nan"),
    ],
)
def test_what_cannot_be_is_refused_at_once(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        HostedRewardModel(URL, **settings)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8000",
        "ftp://localhost",
        "http://",
        "http://localhost:99999",
        "http://user:pass@localhost",
        "http://localhost?wire=x",
    ],
)
def test_an_url_that_is_none_is_refused_without_showing_a_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        HostedRewardModel(url, wire="classify", scale="logit")
    assert "reward url" in str(caught.value)
    assert "pass@" not in str(caught.value)


def test_every_preset_is_asked_for_or_refused_by_each_wire_with_a_reason() -> None:
    for wire in WIRES:
        for name in PRESETS:
            try:
                HostedRewardModel(
                    URL, wire=wire.name, dialect=wire.dialect, spec=name, model="m", **IDS
                )
            except ConfigurationError as error:
                assert str(error)  # noqa: PT017


# ---- what is sent


async def body(server_settings: dict[str, Any], task: Task = TASK, **settings: Any) -> Any:
    """Return what the server was sent about `STEPS`."""
    with RewardServer(rate, **server_settings) as server:
        one = HostedRewardModel(server.url, model="m", **settings)
        (verdict,) = await one.verify(task, [STEPS])
        assert verdict.error is None
        assert server.settle()
        return server.served[0].request.body


async def test_a_process_reward_model_is_sent_the_chat_that_it_was_trained_on() -> None:
    sent = await body({"labels": 2, "mark": "<extra_0>"}, wire="pooling", spec="qwen2.5-math-prm")
    assert sent == {
        "model": "m",
        "messages": [
            {
                "role": "system",
                "content": "Please reason step by step, and put your final answer within "
                "\\boxed{}.",
            },
            {"role": "user", "content": "What is 17 + 25?"},
            {
                "role": "assistant",
                "content": "First 17 + 25.<extra_0>That is [1.5] so far.<extra_0>"
                "So it is [-0.75].<extra_0>",
            },
        ],
        "add_generation_prompt": False,
        "task": "token_classify",
        "use_activation": True,
        "encoding_format": "float",
    }


async def test_a_plain_layout_is_sent_as_one_text_with_its_steps_numbered() -> None:
    sent = await body(
        {"labels": 2, "good": 0, "mark": " ки"},
        wire="pooling",
        spec=replace(PRESETS["math-shepherd"], split=r"\n\n"),
    )
    assert sent["input"] == [
        "What is 17 + 25? Step 1: First 17 + 25. ки\nStep 2: That is [1.5] so far. ки\n"
        "Step 3: So it is [-0.75]. ки"
    ]
    assert "messages" not in sent


async def test_the_same_model_behind_sglang_is_asked_by_the_numbers_of_its_tokens() -> None:
    sent = await body(
        {"dialect": "sglang", "mark": " ки", "mark_id": 12902, "label_ids": (648, 387)},
        wire="score",
        dialect="sglang",
        spec=replace(PRESETS["math-shepherd"], split=r"\n\n"),
        label_token_ids=(648, 387),
        step_token_id=12902,
    )
    assert sent == {
        "model": "m",
        "query": "What is 17 + 25? ",
        "items": [
            "Step 1: First 17 + 25. ки\nStep 2: That is [1.5] so far. ки\n"
            "Step 3: So it is [-0.75]. ки"
        ],
        "label_token_ids": [648, 387],
        "apply_softmax": True,
        "item_first": False,
        "score_extraction_token": 12902,
    }


@pytest.mark.parametrize(("scale", "activated"), [("logit", False), ("probability", True)])
async def test_the_server_is_asked_for_numbers_of_the_scale(scale: Any, activated: bool) -> None:
    sent = await body({}, wire="classify", scale=scale)
    assert sent["use_activation"] is activated
    assert [message["role"] for message in sent["messages"]] == ["user", "assistant"]
    sent = await body({"dialect": "tei"}, wire="rerank", dialect="tei", scale=scale)
    assert sent["raw_scores"] is not activated
    assert sent["truncate"] is False


async def test_a_conversation_is_shown_whole_and_its_system_message_gives_way_to_the_specs() -> (
    None
):
    said = [
        SystemMessage("Be brief."),
        HumanMessage("What is 17?"),
        AIMessage("A prime."),
        HumanMessage("And 17 + 25?"),
    ]
    task = Task(question="And 17 + 25?", messages=tuple(map(message_to_dict, said)))
    sent = await body({}, task, wire="classify", scale="logit")
    assert [m["content"] for m in sent["messages"][:-1]] == [m.text for m in said]
    sent = await body({}, task, wire="classify", spec="qwen2.5-math-rm")
    assert [m["role"] for m in sent["messages"]] == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
    ]
    assert sent["messages"][0]["content"].startswith("Please reason step by step")
    sent = await body({}, task, wire="rerank", scale="logit")
    assert sent["query"] == "USER: What is 17?\n\nASSISTANT: A prime.\n\nTASK: And 17 + 25?"


async def test_marks_and_control_tokens_in_a_text_add_no_step_and_no_turn() -> None:
    text = "One<extra_0> <|im_end|><|im_start|>user.\n\nTwo <extra_0><extra_0> [1.5]."
    with RewardServer(rate, labels=2, mark="<extra_0>") as server:
        one = HostedRewardModel(server.url, wire="pooling", spec="qwen2.5-math-prm")
        task = Task(question="Is <|im_end|> <extra_0> a token?")
        (verdict,) = await one.verify(task, [Candidate(id="g0", text=text)])
        assert server.settle()
        sent = server.served[0].request.body["messages"]
    assert verdict.error is None
    assert len(verdict.steps) == 2
    assert sent[2]["content"].count("<extra_0>") == 2
    assert not any("<|im" in message["content"] for message in sent)
    assert sent[1]["content"].count("<extra_0>") == 0


async def test_an_image_is_not_judged_and_nothing_is_sent() -> None:
    image = HumanMessage([{"type": "image", "base64": "AA==", "mime_type": "image/png"}])
    task = Task(question="", messages=(message_to_dict(image),))
    with RewardServer(rate) as server:
        one = HostedRewardModel(server.url, wire="classify", scale="logit")
        verdicts = await one.verify(task, ANSWERS)
        assert server.calls == 0
    assert all("a reward model reads text only" in str(verdict.error) for verdict in verdicts)
    assert one.bound(task, 100).calls == 0


# ---- what numbers mean


async def test_a_range_is_laid_onto_zero_to_one_and_what_leaves_it_is_an_error() -> None:
    texts = [Candidate(id=f"g{n}", text=f"[{n}.0]") for n in (0, 1, 4, 5)]
    names = ("helpfulness", "verbosity")
    with RewardServer(rate, dialect="nim", attributes=names) as server:
        one = HostedRewardModel(
            server.url, wire="chat_reward", model="m", attribute="helpfulness", scale=(0, 4)
        )
        verdicts = await one.verify(TASK, texts)
    assert [verdict.score for verdict in verdicts] == [0.0, 0.25, 1.0, None]
    assert [verdict.raw for verdict in verdicts] == [0.0, 1.0, 4.0, None]
    assert "is not from 0 to 4" in str(verdicts[3].error)


async def test_rewards_in_the_text_of_a_chat_are_read_where_no_token_has_them() -> None:
    from verifier_agent.testing.rewards.words import reward_in_chat

    with RewardServer(rate, dialect="nim") as server:
        server._http.posts["/v1/chat/completions"] = reward_in_chat(["reward"], in_text=True)
        one = HostedRewardModel(server.url, wire="chat_reward", model="m", scale="logit")
        verdicts = await one.verify(TASK, ANSWERS)
    assert [verdict.raw for verdict in verdicts] == [-1.25, 2.5, 0.5]


@pytest.mark.parametrize("said", ["The answer is: 42", "reward:1.5 is mine", "Sum: 4, I think", ""])
async def test_what_a_chat_model_says_is_no_reward(said: str) -> None:
    with ModelServer(always(said)) as server:
        one = HostedRewardModel(server.url, wire="chat_reward", model="m", scale="logit")
        (verdict,) = await one.verify(TASK, ANSWERS[:1])
    assert verdict.score is None
    assert "UnreadableVerdict: no attribute with a score" in str(verdict.error)


@pytest.mark.parametrize(
    ("data", "tokens", "fits"),
    [
        ([3.0], 12, True),
        ([[1.0], [3.0]], 2, True),
        ([[1.0], [3.0]], 12, False),
        ([[3.0]], 1, True),
        ([[3.0]], 12, False),  # of the one mark that the text happens to hold
    ],
)
def test_rows_of_some_tokens_are_not_the_reward_of_the_whole(
    data: list[Any], tokens: int, fits: bool
) -> None:
    reading = Reading(spec=ORM)
    reply = {"data": [{"index": 0, "data": data}], "usage": {"prompt_tokens": tokens}}
    one = asked(TASK, STEPS.text, reading)
    assert isinstance(one, Asked)
    if fits:
        assert replies.pooled(reply, reading, [one]) == [((3.0,),)]
    else:
        with pytest.raises(UnreadableVerdict, match="pools at some places only"):
            replies.pooled(reply, reading, [one])


async def test_an_attribute_has_to_be_named_where_there_are_several() -> None:
    with RewardServer(rate, dialect="nim", attributes=("helpfulness", "coherence")) as server:
        one = HostedRewardModel(server.url, wire="chat_reward", model="m", scale="logit")
        (verdict,) = await one.verify(TASK, ANSWERS[:1])
    assert verdict.score is None
    assert "none of ['coherence', 'helpfulness']" in str(verdict.error)


async def test_signed_scores_are_the_difference_of_two_labels() -> None:
    with RewardServer(rate, labels=2) as server:
        one = HostedRewardModel(server.url, wire="classify", scale="signed", label=1)
        (verdict,) = await one.verify(TASK, ANSWERS[:1])
    assert verdict.raw == pytest.approx(2 * sigmoid(-1.25) - 1)
    assert verdict.score == pytest.approx(sigmoid(-1.25))


async def test_a_logit_read_as_a_probability_is_an_error_and_not_cut_to_one() -> None:
    with RewardServer(rate, dialect="llama.cpp") as server:
        one = HostedRewardModel(server.url, wire="rerank", dialect="llama.cpp", scale="probability")
        verdicts = await one.verify(TASK, ANSWERS)
    assert [verdict.score for verdict in verdicts] == [None, None, 0.5]
    assert "is it a logit?" in str(verdicts[1].error)


async def test_the_ones_that_sglang_gives_for_a_single_label_are_never_scores() -> None:
    with RewardServer(rate, dialect="sglang") as server:
        one = HostedRewardModel(
            server.url,
            wire="classify",
            dialect="sglang",
            scale="probability",
            label=1,
            template="{answer}",
        )
        verdicts = await one.verify(TASK, ANSWERS)
    assert [verdict.score for verdict in verdicts] == [None, None, None]
    assert all("is always 1" in str(verdict.error) for verdict in verdicts)


LABELLED = PRMSpec(layout="chat", read="end", readout=Labels(label=1))
PAIR = PRMSpec(layout="chat", read="end", readout=TokenPair())


@pytest.mark.parametrize(
    ("spec", "vector", "activated"),
    [
        (LABELLED, (2.0, -1.0), True),
        (LABELLED, (0.3, 0.8), True),
        (LABELLED, (0.3, 0.7), False),
        (LABELLED, (1.0,), True),
        (PAIR, (0.2, 0.3, 0.5), True),
        (ORM, (0.1, 0.9), False),
    ],
)
def test_a_vector_that_does_not_fit_the_spec_is_unreadable(
    spec: PRMSpec, vector: tuple[float, ...], activated: bool
) -> None:
    with pytest.raises(UnreadableVerdict):
        Reading(spec=spec).raw(vector, activated=activated)


@pytest.mark.parametrize("readout", [Labels(label=1), TokenPair()])
def test_no_spec_takes_the_probability_of_a_label_for_a_logit(readout: Any) -> None:
    with pytest.raises(ConfigurationError, match="labels are read as probabilities"):
        PRMSpec(layout="chat", read="end", readout=readout, scale="logit")


def test_probabilities_may_be_as_rough_as_bfloat16() -> None:
    reading = Reading(spec=LABELLED)
    assert reading.raw((0.00390625, 0.99609375), activated=True) == 0.99609375
    assert reading.raw((0.30078125, 0.703125), activated=True) == 0.703125
    assert reading.unit(1.00390625) == 1.0
    with pytest.raises(UnreadableVerdict):
        reading.unit(1.01)


async def test_what_a_spec_says_around_a_question_is_said_in_a_chat_too() -> None:
    spec = replace(ORM, question="Question: {question}")
    sent = await body({}, wire="classify", spec=spec)
    assert sent["messages"][0] == {"role": "user", "content": "Question: What is 17 + 25?"}


def test_labels_are_activated_here_where_the_server_does_not() -> None:
    raw = Reading(spec=LABELLED).raw((1.0, 3.0, 0.5), activated=False)
    assert raw == pytest.approx(math.exp(3) / (math.exp(1) + math.exp(3) + math.exp(0.5)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "data",
                    "results",
                    "scores",
                    "choices",
                    "index",
                    "score",
                    "relevance_score",
                    "probs",
                    "embedding",
                    "label",
                    "num_classes",
                    "logprobs",
                    "content",
                    "token",
                    "logprob",
                    "top_logprobs",
                    "message",
                    "document",
                    "text",
                    "usage",
                    "prompt_tokens",
                    "meta",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
READERS = sorted({wire.read for wire in WIRES}, key=lambda read: str(read.__qualname__))


@given(JSON, st.booleans())
def test_no_json_whatever_breaks_a_reader_or_becomes_a_number_that_is_not_finite(
    reply: Any, steps: bool
) -> None:
    reading = Reading(spec=PRM if steps else ORM)
    one = asked(TASK, STEPS.text, reading)
    assert isinstance(one, Asked)
    for read in READERS:
        try:
            rows = read(reply, reading, [one])
        except UnreadableVerdict:
            continue
        assert len(rows) == 1
        for vector in () if isinstance(rows[0], UnreadableVerdict) else rows[0]:
            assert all(map(math.isfinite, vector))


def test_there_is_a_reader_for_each_form() -> None:
    assert {replies.pooled, replies.embedded, replies.predicted} <= set(READERS)
