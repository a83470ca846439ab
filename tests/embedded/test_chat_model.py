from __future__ import annotations

import copy
import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage
from langchain_core.tracers._streaming import _StreamingCallbackHandler

from verifier_agent import embedded
from verifier_agent.embedded import EmbeddedChatModel, example
from verifier_agent.embedded.decoding import CONTEXT_WINDOW, LOCKSTEP, generator
from verifier_agent.embedded.tokenizer import SOLVE_ID, VOCABULARY, encode
from verifier_agent.embedded.transformer import log_softmax
from verifier_agent.errors import ConfigurationError

PROBLEM = example(3, 1)
ASKED = [HumanMessage(PROBLEM.question)]
MODEL = EmbeddedChatModel(seed=7)


def texts(model: EmbeddedChatModel, messages: list[Any] = ASKED, **settings: Any) -> list[str]:
    return [g.message.content for g in model._generate(messages, **settings).generations]


@settings(deadline=None, max_examples=15)
@given(st.integers(-5, 2**63), st.integers(1, 12), st.integers(1, 12))
def test_sample_i_does_not_depend_on_how_many_are_drawn(seed: int, n: int, more: int) -> None:
    assert texts(MODEL, seed=seed, n=n + more)[:n] == texts(MODEL, seed=seed, n=n)


def test_more_samples_than_fit_in_lockstep_are_the_same_samples() -> None:
    more, fewer = texts(MODEL, n=LOCKSTEP + 3), texts(MODEL, n=LOCKSTEP - 2)
    assert len(more) == LOCKSTEP + 3
    assert more[: LOCKSTEP - 2] == fewer


def test_the_same_seed_draws_the_same_and_another_draws_something_else() -> None:
    assert texts(MODEL, n=4) == texts(EmbeddedChatModel(seed=7), n=4)
    assert texts(MODEL, n=4) != texts(MODEL, n=4, seed=8)
    assert len(set(texts(EmbeddedChatModel(), [HumanMessage(example(6, 2).question)], n=4))) > 1


def test_each_sample_can_have_a_seed_of_its_own() -> None:
    apart = [texts(MODEL, seed=seed)[0] for seed in (3, 11, 5)]
    assert texts(MODEL, seeds=[3, 11, 5]) == apart
    assert texts(MODEL, seeds=[11, 3]) == [apart[1], apart[0]]


def test_temperature_zero_is_greedy_whatever_the_seed() -> None:
    greedy = set(texts(MODEL, n=3, temperature=0)) | set(texts(MODEL, temperature=0, seed=99))
    assert len(greedy) == 1
    ids = [*encode(PROBLEM.question), SOLVE_ID]
    question = len(ids)
    for token in encode(greedy.pop()):
        assert int(_logits(ids, question).argmax()) == token
        ids.append(token)


def _logits(ids: list[int], question: int) -> Any:
    """Score the next token by reading everything again, without a cache of earlier tokens."""
    model = generator()
    cache, states = model.question(ids[:question], room=len(ids) - question)
    if len(ids) > question:
        states = model.states(np.array([ids[question:]]), cache)
    return model.logits(states[0, -1])


def test_log_probabilities_are_those_of_an_independent_reading() -> None:
    reply = MODEL.invoke(ASKED, logprobs=True)
    content = reply.response_metadata["logprobs"]["content"]
    assert "".join(entry["token"] for entry in content) == reply.content
    assert all(bytes(entry["bytes"]).decode() == entry["token"] for entry in content)
    ids = [*encode(PROBLEM.question), SOLVE_ID]
    question, total = len(ids), 0.0
    for token in encode(reply.content):
        total += float(log_softmax(_logits(ids, question))[token])
        ids.append(token)
    assert sum(entry["logprob"] for entry in content) == pytest.approx(total, abs=1e-3)


def test_log_probabilities_come_only_when_asked_for() -> None:
    assert "logprobs" not in MODEL.invoke(ASKED).response_metadata
    assert "logprobs" in EmbeddedChatModel(seed=7, logprobs=True).invoke(ASKED).response_metadata


def test_a_stop_string_ends_the_reply_before_it_and_is_named() -> None:
    whole = MODEL.invoke(ASKED)
    step = MODEL.invoke(ASKED, stop=["\n"])
    assert step.content == whole.content.split("\n")[0]
    assert step.response_metadata["finish_reason"] == "stop"
    assert step.response_metadata["stop_sequence"] == "\n"
    assert whole.response_metadata["finish_reason"] == "stop"
    assert whole.response_metadata["stop_sequence"] is None
    inside = EmbeddedChatModel(seed=7, stop=["= "]).invoke(ASKED, logprobs=True)
    assert inside.content == whole.content.split("= ")[0]
    assert inside.response_metadata["stop_sequence"] == "= "
    tokens = [e["token"] for e in inside.response_metadata["logprobs"]["content"]]
    assert "".join(tokens).startswith(inside.content.rstrip())


def test_max_tokens_cuts_the_reply_and_says_so() -> None:
    reply = MODEL.invoke(ASKED, max_tokens=5)
    assert reply.response_metadata["finish_reason"] == "length"
    assert reply.usage_metadata is not None
    assert reply.usage_metadata["output_tokens"] == 5
    assert MODEL.invoke(ASKED).content.startswith(reply.content)


def test_a_partial_solution_is_continued_line_by_line_to_the_answer() -> None:
    partial = ""
    for _ in range(10):
        messages = [*ASKED, AIMessage(partial)] if partial else ASKED
        step = MODEL.invoke(messages, stop=["\n"], temperature=0)
        partial += step.content + "\n"
        if step.response_metadata["stop_sequence"] is None:
            break
    assert partial.rstrip("\n") == MODEL.invoke(ASKED, temperature=0).content
    assert partial.splitlines()[-1].startswith("Answer: ")


def test_a_continuation_holds_only_what_comes_after() -> None:
    whole = MODEL.invoke(ASKED, temperature=0).content
    first, rest = whole.split("\n", 1)
    assert MODEL.invoke([*ASKED, AIMessage(first + "\n")], temperature=0).content == rest
    half = first[: first.index("=") + 1]
    assert half + MODEL.invoke([*ASKED, AIMessage(half)], temperature=0).content == whole
    assert MODEL.invoke([*ASKED, AIMessage(whole)], temperature=0).content == ""


def test_only_the_last_question_is_read() -> None:
    history = [
        SystemMessage("Think of bananas."),
        HumanMessage("hello"),
        AIMessage("good day"),
        *ASKED,
    ]
    assert texts(MODEL, history) == texts(MODEL)


def test_a_stream_joins_to_the_same_message() -> None:
    for stop in (None, ["\n"], ["= 1"], ["\nAnswer"]):
        chunks = list(MODEL.stream(ASKED, stop=stop, logprobs=True))
        joined = chunks[0]
        for chunk in chunks[1:]:
            joined += chunk
        assert isinstance(joined, AIMessageChunk)
        reply = MODEL.invoke(ASKED, stop=stop, logprobs=True)
        assert joined.content == reply.content
        assert joined.usage_metadata == reply.usage_metadata
        assert joined.response_metadata == reply.response_metadata
    assert len(list(MODEL.stream(ASKED))) > 10


async def test_async_calls_give_the_same_messages() -> None:
    assert (await MODEL.ainvoke(ASKED)).content == MODEL.invoke(ASKED).content
    streamed = [chunk.content async for chunk in MODEL.astream(ASKED)]
    assert "".join(streamed) == MODEL.invoke(ASKED).content
    batch = await MODEL.abatch([ASKED, PROBLEM.question])
    assert [message.content for message in batch] == [MODEL.invoke(ASKED).content] * 2


async def test_several_samples_survive_an_attached_stream_handler() -> None:
    class Listener(BaseCallbackHandler, _StreamingCallbackHandler):
        def tap_output_aiter(self, run_id: Any, output: Any) -> Any:
            return output

        def tap_output_iter(self, run_id: Any, output: Any) -> Any:
            return output

    result = await MODEL.agenerate([ASKED], n=4, callbacks=[Listener()])
    assert [g.text for g in result.generations[0]] == texts(MODEL, n=4)
    result = await MODEL.agenerate([ASKED], seeds=[4, 5], callbacks=[Listener()])
    assert [g.text for g in result.generations[0]] == texts(MODEL, seeds=[4, 5])
    result = await MODEL.agenerate([ASKED], callbacks=[Listener()])
    assert [g.text for g in result.generations[0]] == texts(MODEL)


def test_usage_counts_each_sample_by_itself() -> None:
    result = MODEL.generate([ASKED], n=3)
    for generation in result.generations[0]:
        usage = generation.message.usage_metadata
        assert usage["input_tokens"] == len(encode(PROBLEM.question)) + 1
        assert usage["output_tokens"] == len(encode(generation.text)) + 1
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert MODEL.get_num_tokens_from_messages(ASKED) == usage["input_tokens"]
    continued = [*ASKED, AIMessage("Ann = 6")]
    assert MODEL.get_num_tokens_from_messages(continued) == usage["input_tokens"] + 3


def test_pickles_and_copies_hold_no_weights_and_answer_the_same() -> None:
    texts(MODEL)
    stored = pickle.dumps(MODEL)
    assert len(stored) < 2_000
    for other in (pickle.loads(stored), copy.deepcopy(MODEL)):
        assert other == MODEL
        assert texts(other) == texts(MODEL)


def test_threads_share_one_set_of_weights() -> None:
    seen: list[object] = []
    threads = [threading.Thread(target=lambda: seen.append(generator())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(model) for model in seen}) == 1


def test_it_says_what_it_is() -> None:
    assert MODEL.model_name == "embedded"
    assert MODEL._llm_type == "embedded"
    assert MODEL._identifying_params["seed"] == 7
    assert 300_000 <= (MODEL.footprint.parameters or 0) <= 600_000
    assert MODEL.invoke(ASKED).response_metadata["model_name"] == "embedded"


@pytest.mark.parametrize(
    ("messages", "match"),
    [
        ([HumanMessage("How many bananas?")], "'bananas'"),
        ([HumanMessage("  ")], "no question"),
        ([SystemMessage("How many apples?")], "no question"),
        ([*ASKED, AIMessage("Ann equals 3")], "'equals'"),
        ([HumanMessage([{"type": "image", "url": "https://x.test/a.png"}])], "text only"),
        ([HumanMessage("Mia has 1 " + "apples " * CONTEXT_WINDOW)], "context window"),
    ],
)
def test_unreadable_messages_are_configuration_errors(messages: list[Any], match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        MODEL.invoke(messages)


@pytest.mark.parametrize(
    ("settings_", "match"),
    [
        ({"temperature": -0.1}, "temperature is -0.1"),
        ({"n": 0}, "n is 0"),
        ({"max_tokens": 0}, "max_tokens is 0"),
        ({"temprature": 1.0}, "'temprature'"),
        ({"seeds": []}, "seeds is empty"),
        ({"seeds": [1, 2], "n": 3}, "2 seeds"),
    ],
)
def test_wrong_settings_are_configuration_errors(settings_: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        MODEL.invoke(ASKED, **settings_)


def test_a_stream_of_several_samples_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="one sample, not 2"):
        list(MODEL._stream(ASKED, n=2))


def test_a_reply_that_fills_the_context_window_ends_by_length() -> None:
    room = 12
    question = encode(PROBLEM.question)
    filler = "Ann = 6 " * ((CONTEXT_WINDOW - len(question) - 1 - room) // 3)
    reply = MODEL.invoke([*ASKED, AIMessage(filler)], stop=["Answer"])
    usage = reply.usage_metadata
    assert usage is not None
    assert usage["total_tokens"] <= CONTEXT_WINDOW
    if reply.response_metadata["stop_sequence"] is None:
        assert reply.response_metadata["finish_reason"] in ("length", "stop")


def test_the_vocabulary_has_no_word_twice() -> None:
    assert len(set(VOCABULARY)) == len(VOCABULARY)


def test_the_sibling_is_another_model_with_fourteen_times_the_weights() -> None:
    sibling = EmbeddedChatModel(weights="sibling", seed=7)
    assert sibling.model_name == "embedded-sibling"
    sizes = [model.footprint.parameters or 0 for model in (sibling, MODEL)]
    assert sizes[0] / sizes[1] == pytest.approx(14, abs=0.5)
    easy = example(1, 1)
    solution = texts(sibling, [HumanMessage(easy.question)], temperature=0)[0]
    assert solution.splitlines()[-1] == f"Answer: {easy.answer}"
    assert pickle.loads(pickle.dumps(sibling)) == sibling


def test_all_shipped_weights_take_at_most_sixteen_megabytes() -> None:
    shipped = list(Path(embedded.__file__).parent.glob("*.npz"))
    assert {path.stem for path in shipped} == {"generator", "reward_model", "sibling"}
    assert sum(path.stat().st_size for path in shipped) <= 16_000_000
