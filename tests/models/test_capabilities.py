"""What models can do, and the arguments that follow from it."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from typing import Any

import pytest
from langchain_core.language_models import FakeListChatModel
from pydantic import Field

from verifier_agent.errors import ConfigurationError
from verifier_agent.models import (
    Capabilities,
    Margins,
    OpenAIChatModel,
    call_options,
    capabilities,
    resolve_bound,
    with_capabilities,
)
from verifier_agent.models.capabilities import samples_its_own_way

SERVER = "http://127.0.0.1:9/v1"
WANTED: dict[str, Any] = {
    "n": 3,
    "temperature": 0.7,
    "seeds": [5, 6, 7],
    "stop": ["\n"],
    "max_tokens": 40,
    "logprobs": True,
}


class Configured(FakeListChatModel):
    """A stand-in for an integration: what counts is which fields it has."""

    responses: list[str] = Field(default=["x"])
    model: str = "some-model"
    temperature: float | None = None
    seed: int | None = None
    logprobs: bool | None = None
    max_tokens: int | None = 99
    max_retries: int | None = None


class OutputCapped(FakeListChatModel):
    responses: list[str] = Field(default=["x"])
    model_name: str = "other-model"
    max_output_tokens: int | None = None
    max_retries: int = 6
    logprobs: int | None = None


class SettledBeforehand(FakeListChatModel):
    """Ollama's integration: the options are the constructor's."""

    responses: list[str] = Field(default=["x"])
    model: str = "qwen3"
    num_predict: int | None = 128
    temperature: float | None = None
    seed: int | None = None


class Stating(FakeListChatModel):
    responses: list[str] = Field(default=["x"])

    @property
    def capabilities(self) -> dict[str, Any]:
        return {"name": "plain", "prefix": True, "margins": {"request": 1}}


def test_a_compatible_server_is_trusted_with_what_the_user_says_of_it() -> None:
    plain = capabilities(OpenAIChatModel(model="m", base_url=SERVER))
    assert (plain.name, plain.native_n, plain.prefix) == ("m", False, False)
    assert plain.seed
    assert plain.temperature
    assert plain.logprobs
    assert plain.stop
    assert (plain.cap, plain.default_cap, plain.retries, plain.free) == (
        "max_tokens",
        None,
        0,
        False,
    )
    able = OpenAIChatModel(
        model="m",
        base_url=SERVER,
        native_n=True,
        prefix="trailing",
        max_tokens=64,
        max_retries=2,
        margins=Margins(request=8),
    ).capabilities
    assert able.native_n
    assert able.prefix
    assert (able.default_cap, able.retries, able.margins.request) == (64, 2, 8)


@pytest.mark.parametrize("name", ["gpt-5-mini", "gpt-5.5", "gpt-6", "o3", "o4-mini", "GPT-5"])
def test_openais_reasoning_models_sample_their_own_way(name: str) -> None:
    able = OpenAIChatModel(model=name, api_key="sk-x").capabilities
    assert able.native_n
    assert not able.temperature
    assert not able.stop
    assert not able.logprobs
    assert able.cap == "max_tokens"
    # the same name elsewhere is some other model
    assert OpenAIChatModel(model=name, base_url=SERVER).capabilities.temperature


@pytest.mark.parametrize(
    "name", ["gpt-4o", "gpt-4.1-mini", "gpt-35-turbo", "gpt-5-chat-latest", "chatgpt-4o-latest"]
)
def test_other_models_of_openai_can_be_told_how_to_sample(name: str) -> None:
    assert not samples_its_own_way(name)


def test_other_models_are_read_from_their_fields() -> None:
    assert capabilities(Configured()) == Capabilities(
        name="some-model",
        seed=True,
        temperature=True,
        logprobs=True,
        cap="max_tokens",
        default_cap=99,
        retries=2,
    )
    assert capabilities(OutputCapped()) == Capabilities(
        name="other-model", cap="max_output_tokens", retries=6
    )
    assert capabilities(SettledBeforehand()) == Capabilities(
        name="qwen3",
        seed=True,
        temperature=True,
        cap="num_predict",
        within="options",
        settings={"num_predict": 128},
        default_cap=128,
    )
    assert capabilities(FakeListChatModel(responses=["x"])) == Capabilities(
        name="fake-list-chat-model"
    )


def test_settings_that_travel_in_one_dict_keep_what_it_holds() -> None:
    able = capabilities(SettledBeforehand(temperature=0.2))
    assert call_options(able, **WANTED) == {
        "options": {"temperature": 0.7, "seed": 5, "stop": ["\n"], "num_predict": 40}
    }
    assert call_options(able, stop=["\n"]) == {
        "options": {"temperature": 0.2, "num_predict": 128, "stop": ["\n"]}
    }
    assert call_options(able) == {}


class Profiled(Configured):
    thinking: dict[str, Any] | None = None


def test_langchains_profile_and_thinking_tell_of_a_fixed_temperature() -> None:
    assert capabilities(Profiled()).temperature
    assert capabilities(Profiled(profile={"temperature": True})).temperature
    assert not capabilities(Profiled(profile={"temperature": False})).temperature
    assert capabilities(Profiled(thinking={"type": "disabled"})).temperature
    assert not capabilities(Profiled(thinking={"type": "adaptive"})).temperature


def test_what_is_known_better_is_said_of_a_copy() -> None:
    plain = Configured()
    for model in (plain, OpenAIChatModel(model="m", base_url=SERVER)):
        better = with_capabilities(model, prefix=True, temperature=False)
        assert type(better) is type(model)
        assert capabilities(better) == replace(capabilities(model), prefix=True, temperature=False)
        for copied in (better.model_copy(), copy.deepcopy(better), resolve_bound(better.bind())[0]):
            assert capabilities(copied) == capabilities(better)
    pickled = pickle.loads(pickle.dumps(with_capabilities(plain, seed=False)))
    assert not capabilities(pickled).seed
    assert capabilities(with_capabilities(with_capabilities(plain, prefix=True), seed=False)).prefix


def test_a_capability_that_there_is_not_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"'prefx'.*prefix"):
        with_capabilities(Configured(), prefx=True)
    with pytest.raises(ConfigurationError, match="no chat model"):
        with_capabilities(Configured().bind(stop=["x"]), prefix=True)  # type: ignore[type-var]


def test_a_model_states_its_own() -> None:
    able = capabilities(Stating())
    assert (able.name, able.prefix, able.native_n) == ("plain", True, False)
    assert able.margins == Margins(request=1)


def test_the_embedded_model_can_do_all_and_is_free() -> None:
    pytest.importorskip("numpy")
    from verifier_agent.embedded import EmbeddedChatModel

    model = EmbeddedChatModel()
    able = capabilities(model)
    assert able.name == "embedded"
    assert all((able.native_n, able.prefix, able.seed, able.temperature, able.logprobs, able.free))
    assert able.cap == "max_tokens"
    assert not able.instructions


def test_only_what_is_understood_is_sent() -> None:
    def options(**able: Any) -> dict[str, Any]:
        return call_options(Capabilities(name="m", **able), **WANTED)

    assert options(stop=False) == {}
    assert options() == {"stop": ["\n"]}
    assert options(native_n=True, stop=False) == {"n": 3}
    assert options(temperature=True, stop=False) == {"temperature": 0.7}
    assert options(seed=True, stop=False) == {"seed": 5}
    assert options(seed=True, seeds=True, stop=False) == {"seeds": [5, 6, 7]}
    assert options(cap="max_output_tokens", stop=False) == {"max_output_tokens": 40}
    assert options(logprobs=True, stop=False) == {"logprobs": True}


def test_nothing_wanted_is_nothing_sent() -> None:
    able = Capabilities(
        name="m", native_n=True, seed=True, seeds=True, temperature=True, logprobs=True, cap="x"
    )
    assert call_options(able) == {}
    assert call_options(able, temperature=0.0) == {"temperature": 0.0}
