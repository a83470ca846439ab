"""The embedded generator as a LangChain chat model: real, seeded, offline, without a key."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import BaseTool
from pydantic import Field

from verifier_agent.budget import Footprint
from verifier_agent.embedded.decoding import (
    CONTEXT_WINDOW,
    LOCKSTEP,
    Prompt,
    Reply,
    Weights,
    draws,
    generator,
    grow,
)
from verifier_agent.embedded.footprint import footprint
from verifier_agent.embedded.tokenizer import SOLVE_ID, encode
from verifier_agent.errors import ConfigurationError

SETTINGS = ("temperature", "seed", "seeds", "n", "max_tokens", "logprobs")
"""What a call may set for itself, beside `stop`."""


class EmbeddedChatModel(BaseChatModel):
    """A small transformer that solves the questions of `verifier_agent.embedded.family`.

    The last human message is the question; a system message and earlier turns are accepted and
    not read. A trailing AI message is a partial solution: the reply holds only what comes after
    it, so a partial solution that ends with a line break is continued by the next line.

    `stop` follows OpenAI's rule: the text ends before the stop string. `finish_reason` is "stop"
    there and at the end of the answer, "length" where `max_tokens` or the context window cut the
    reply; `response_metadata["stop_sequence"]` tells them apart: the stop string that was met, or
    None. So `stop=["\\n"]` gives one step, and a step that ended the answer has no stop sequence.

    Sample i of a call depends on the seed, i and the messages, not on `n`; `seeds` gives each
    sample a seed of its own instead. Log-probabilities are the model's own (temperature 1).

    Every setting may be given per call too: `model.invoke(messages, temperature=0)`. Raises
    ConfigurationError for a question with an unknown word, or longer than the context window.
    """

    weights: Weights = "generator"
    """"sibling" has 14 times as many, for a small model beside a large one."""
    temperature: float = Field(default=1.0, ge=0)
    """0 always takes the likeliest token."""
    seed: int | None = None
    """None draws a new seed for each call."""
    n: int = Field(default=1, ge=1)
    """Samples per call, drawn together; the prompt is read once."""
    max_tokens: int | None = Field(default=None, ge=1)
    """The most tokens drawn for a sample; None: as many as the context window holds."""
    stop: list[str] | None = None
    logprobs: bool = False
    """Report tokens with log-probabilities in `response_metadata["logprobs"]["content"]`."""

    @property
    def model_name(self) -> str:
        """The name in responses, by which `resolve_model` finds it too."""
        return "embedded" if self.weights == "generator" else f"embedded-{self.weights}"

    @property
    def footprint(self) -> Footprint:
        """Its size, and what it takes of energy."""
        return footprint(generator(self.weights).parameters)

    @property
    def capabilities(self) -> dict[str, Any]:
        """What a call may ask of it: the fields of `verifier_agent.models.Capabilities`."""
        return {
            "name": self.model_name,
            "native_n": True,
            "prefix": True,
            "instructions": False,
            "seed": True,
            "seeds": True,
            "temperature": True,
            "logprobs": True,
            "cap": "max_tokens",
            "default_cap": self.max_tokens or CONTEXT_WINDOW,
            "free": True,
            "footprint": self.footprint,
            # no template: a token covers at least one byte, but for the marker after the question
            "margins": {"request": 2, "message": 1, "tools": 0},
        }

    @property
    def context_window(self) -> int:
        """How many tokens question, partial solution and reply may have together."""
        return CONTEXT_WINDOW

    @property
    def _llm_type(self) -> str:
        return "embedded"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name, "stop": self.stop} | {
            name: getattr(self, name) for name in SETTINGS if name != "seeds"
        }

    def get_num_tokens_from_messages(
        self,
        messages: list[BaseMessage],
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool] | None = None,
        **kwargs: Any,
    ) -> int:
        """Count the tokens that the model reads for these messages, exactly."""
        question, partial = _read(messages)
        return len(question) + len(partial)

    def get_token_ids(self, text: str) -> list[int]:
        """Return the token ids of a text; raises ConfigurationError for an unknown word."""
        return encode(text)

    def _streaming_disabled(self, **kwargs: Any) -> bool:
        # A stream carries one sample: with several, an attached stream handler gets them whole.
        samples = len(kwargs.get("seeds") or ()) or kwargs.get("n") or self.n
        return samples > 1 or super()._streaming_disabled(**kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        call = self._call(messages, stop, kwargs)
        generations = []
        for first in range(0, len(call.samples), LOCKSTEP):
            samples = call.samples[first : first + LOCKSTEP]
            replies = [Reply(call.prompt) for _ in samples]
            sources = [draws(call.prompt, *sample) for sample in samples]
            for _ in grow(generator(self.weights), call.prompt, replies, sources):
                pass
            for reply in replies:
                message = AIMessage(
                    content=reply.text,
                    response_metadata=call.metadata(reply),
                    usage_metadata=call.usage(reply),
                )
                generations.append(ChatGeneration(message=message))
        return ChatResult(generations=generations, llm_output={"model_name": self.model_name})

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        call = self._call(messages, stop, kwargs)
        if len(call.samples) > 1:
            raise ConfigurationError(f"a stream carries one sample, not {len(call.samples)}")
        reply = Reply(call.prompt)
        sources = [draws(call.prompt, *call.samples[0])]
        for (new,) in grow(generator(self.weights), call.prompt, [reply], sources):
            if new:
                chunk = ChatGenerationChunk(message=AIMessageChunk(content=new))
                if run_manager:
                    run_manager.on_llm_new_token(new, chunk=chunk)
                yield chunk
        last = AIMessageChunk(
            content="",
            response_metadata={"model_name": self.model_name, **call.metadata(reply)},
            usage_metadata=call.usage(reply),
            chunk_position="last",
        )
        yield ChatGenerationChunk(message=last)

    def _call(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]
    ) -> _Call:
        """Read the messages and settings of one call; raises ConfigurationError."""
        settings = self._settings(kwargs)
        question, partial = _read(messages)
        room = CONTEXT_WINDOW - len(question) - len(partial)
        if room < 1:
            raise ConfigurationError(
                f"question and partial solution have {CONTEXT_WINDOW - room} tokens; "
                f"the embedded generator's context window has {CONTEXT_WINDOW}, reply included"
            )
        stops = self.stop if stop is None else stop
        prompt = Prompt(
            question=question,
            partial=partial,
            temperature=settings["temperature"],
            limit=min(room, settings["max_tokens"] or room),
            stops=tuple(s for s in stops or () if s),
        )
        if settings["seeds"] is not None:
            samples = [(seed, 0) for seed in settings["seeds"]]
        else:
            seed = secrets.randbits(63) if settings["seed"] is None else settings["seed"]
            samples = [(seed, index) for index in range(settings["n"])]
        return _Call(prompt, samples, settings["logprobs"])

    def _settings(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the settings of a call: its own where given, else the model's."""
        unknown = sorted(kwargs.keys() - {*SETTINGS, "stream"})
        if unknown:
            raise ConfigurationError(
                f"the embedded model has no setting {unknown[0]!r}; it has {', '.join(SETTINGS)}"
            )
        own = {name: getattr(self, name, None) for name in SETTINGS}
        settings = own | {name: value for name, value in kwargs.items() if value is not None}
        seeds = settings["seeds"]
        if seeds is not None and kwargs.get("n") not in (None, len(seeds)):
            raise ConfigurationError(f"n is {kwargs['n']} but there are {len(seeds)} seeds")
        least = {"temperature": 0, "n": 1, "max_tokens": 1}
        for name, value in least.items():
            given = settings[name]
            if given is not None and given < value:
                raise ConfigurationError(f"{name} is {given}; it must be {value} or more")
        if seeds is not None and not seeds:
            raise ConfigurationError("seeds is empty; give one seed for each sample")
        return settings


class _Call:
    """What one call asked for."""

    def __init__(self, prompt: Prompt, samples: list[tuple[int, int]], logprobs: bool) -> None:
        self.prompt = prompt
        self.samples = samples
        """Seed and index of each sample."""
        self.logprobs = logprobs

    def metadata(self, reply: Reply) -> dict[str, Any]:
        """Return how a reply ended and, if asked for, its log-probabilities."""
        metadata: dict[str, Any] = {
            "finish_reason": reply.finish,
            "stop_sequence": reply.stop_sequence,
        }
        if self.logprobs:
            content = [
                {"token": text, "logprob": logprob, "bytes": list(text.encode())}
                for text, logprob in reply.pieces
            ]
            metadata["logprobs"] = {"content": content}
        return metadata

    def usage(self, reply: Reply) -> UsageMetadata:
        """Count the tokens read and drawn for this sample."""
        return UsageMetadata(
            input_tokens=self.prompt.tokens,
            output_tokens=reply.tokens,
            total_tokens=self.prompt.tokens + reply.tokens,
        )


def _read(messages: Sequence[BaseMessage]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the token ids of the question and of the partial solution."""
    asked = [message for message in messages if isinstance(message, HumanMessage)]
    question = _text(asked[-1]).strip() if asked else ""
    if not question:
        raise ConfigurationError("there is no question: the last human message is empty or missing")
    last = messages[-1]
    partial = encode(_text(last)) if isinstance(last, AIMessage) else []
    return (*encode(question), SOLVE_ID), tuple(partial)


def _text(message: BaseMessage) -> str:
    """Return a message's text; raises ConfigurationError where it holds something else."""
    if isinstance(message.content, str):
        return message.content
    kinds = {b.get("type", "?") if isinstance(b, dict) else "text" for b in message.content}
    if kinds - {"text"}:
        raise ConfigurationError(
            f"the embedded model reads text only, not {', '.join(sorted(kinds - {'text'}))}"
        )
    return str(message.text)
