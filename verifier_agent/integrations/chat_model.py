"""`VerifiedChatModel`: a chat model whose every answer was generated, verified and selected."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import PrivateAttr

from verifier_agent.accounts import Account
from verifier_agent.budget import Budget, Footprint, Price
from verifier_agent.errors import ConfigurationError
from verifier_agent.graph.agent import Agent
from verifier_agent.graph.build import DEFAULT_BUDGET, assemble, read_parts
from verifier_agent.graph.settings import PER_CALL, Parts, read_budget
from verifier_agent.integrations.answered import answered, chunks
from verifier_agent.integrations.isolated import Isolated, Manager, distinct, host_account
from verifier_agent.models import ModelLike, in_place_of, resolve_model
from verifier_agent.search import PolicyLike
from verifier_agent.selection import SelectorFunction
from verifier_agent.verifiers import VerifierLike


class VerifiedChatModel(BaseChatModel):
    """A chat model that answers with what a verifier agent selects.

    It goes wherever a chat model goes: chains, `create_agent`, `bind_tools`,
    `with_structured_output`, `with_retry`, `with_fallbacks`, `batch`, caches. Each call is one run
    under its own budget. The answer is the chosen message as the inner model wrote it, tool calls
    and reasoning included; its `usage_metadata` is the true total of all calls, judges' too, and
    `response_metadata["verifier_agent"]` says how it was found. Inner calls are hidden from
    callbacks and streams, but for tracers, which see them below this model's run. A stream yields
    the answer once it is chosen; until then custom events tell a surrounding graph of decisions,
    candidates and verdicts, and callback handlers too, if the call is not streamed: langchain
    streams a model without a run manager, and neither handlers nor tracers see into it.

    Any setting of a run can be given per call or bound: `model.invoke(question, budget=…,
    policy=…, context={"reference": "4"}, seed=1)`. What else is given per call reaches the inner
    model. A call is not checkpointed; where every paid call must survive a crash, or a person
    judges, use the graph of `create_verifier_agent` as a node.

    Args:
        model: as for `create_verifier_agent`. For a name, further arguments go to its class:
            `VerifiedChatModel("openai:NAME", base_url=…)`.
        verifier: as for `create_verifier_agent`, and so are policy, budget, selector, prices,
            footprints, max_tokens, max_retries, seed, answer and account.
        temperature: of the inner model's answers where the policy names none; None: its own.
        timeout: seconds for one whole call; at its end the best answer so far is given.
        stop: strings that end an answer, where a call gives none.
        options: fields of every chat model, such as `cache`, `rate_limiter` (counts calls of this
            model, not the inner ones) or `tags`; and arguments of a named model's class.

    Raises:
        ConfigurationError: a wrong argument; nothing has been spent.
        GenerationError: per call, if no candidate was usable.
    """

    model: Any
    verifier: Any = "auto"
    policy: Any = None
    budget: Any = None
    selector: Any = None
    prices: Any = None
    footprints: Any = None
    temperature: float | None = None
    max_tokens: int | None = None
    max_retries: int | None = None
    timeout: float | None = None
    stop: list[str] | None = None
    seed: int | None = None
    answer: Any = None
    account: Any = None
    streaming: bool = False
    """True: each call goes through the stream, as with langchain's own integrations."""
    _parts: Parts = PrivateAttr()

    def __init__(
        self,
        model: ModelLike | Mapping[str, ModelLike],
        *,
        verifier: VerifierLike | Sequence[VerifierLike] = "auto",
        policy: PolicyLike | None = None,
        budget: Budget | Mapping[str, Any] | None = None,
        selector: str | SelectorFunction | None = None,
        prices: Mapping[str, Price | Mapping[str, float]] | None = None,
        footprints: Mapping[str, Footprint | Mapping[str, Any]] | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        max_retries: int | None = None,
        timeout: float | None = None,
        stop: Sequence[str] | None = None,
        seed: int | None = None,
        answer: Callable[[str], str | None] | None = None,
        account: Account | None = None,
        **options: Any,
    ) -> None:
        shared = {*BaseChatModel.model_fields, "streaming"}
        own = {key: value for key, value in options.items() if key in shared}
        rest = {key: value for key, value in options.items() if key not in own}
        inner = model
        if rest:
            if not isinstance(model, str):
                given = ", ".join(sorted(rest))
                raise ConfigurationError(
                    f"{given}: no arguments of VerifiedChatModel; those of an inner model are "
                    "taken where it is named, else set them on the model itself"
                )
            inner = resolve_model(model, **rest)
        run: dict[str, Any] = {
            "verifier": verifier,
            "policy": policy,
            "selector": selector,
            "prices": prices,
            "footprints": footprints,
            "max_tokens": max_tokens,
            "max_retries": max_retries,
            "seed": seed,
            "answer": answer,
        }
        parts = read_parts(inner, budget=_within(budget, timeout), **run)
        bound = {"temperature": temperature, "stop": list(stop) if stop else None}
        parts = parts.bind({key: value for key, value in bound.items() if value is not None})
        _check_temperature(parts, temperature)
        own.setdefault("profile", next(iter(parts.models.values())).model.profile)
        own |= {"model": inner, "account": account, "budget": budget, "timeout": timeout, **bound}
        super().__init__(**run, **own)
        self._parts = parts

    @property
    def model_name(self) -> str:
        """The name of the model that writes the answers, of the first where there are several."""
        return next(iter(self._parts.models.values())).capabilities.name

    @property
    def _inner(self) -> BaseChatModel:
        return next(iter(self._parts.models.values())).model

    @property
    def _llm_type(self) -> str:
        return "verifier-agent"

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        """What tells this model from others: a cache keeps their answers apart by it."""
        parts = self._parts
        return {
            "models": {
                name: [one.model._llm_type, dict(one.model._identifying_params), dict(one.options)]
                for name, one in parts.models.items()
            },
            "verifier": str(self.verifier),  # a function by itself: others may have its name
            "policy": str(parts.policy),
            "selector": str(parts.selector),
            "budget": parts.budget.to_dict(),
            "max_tokens": parts.max_tokens,
            "seed": parts.seed,
            "answer": str(self.answer),
        }

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        named = {"model": self.model_name, **kwargs}
        params = super()._get_ls_params(stop=stop or self.stop, **named)
        provider = self._inner._get_ls_params(stop=stop, **named).get("ls_provider", "")
        return LangSmithParams(**{**params, "ls_provider": provider})

    def get_token_ids(self, text: str) -> list[int]:
        """Return the token ids of a text, as the inner model counts them."""
        return self._inner.get_token_ids(text)

    def get_num_tokens_from_messages(
        self,
        messages: list[BaseMessage],
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool] | None = None,
        **kwargs: Any,
    ) -> int:
        """Count the tokens of messages, as the inner model does."""
        return self._inner.get_num_tokens_from_messages(messages, tools, **kwargs)

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer tools to the model, as the inner model's own method does."""
        self._check_one_kind()
        if tool_choice is not None:
            kwargs["tool_choice"] = tool_choice
        return in_place_of(self._inner, self, self._inner.bind_tools(tools, **kwargs))

    def with_structured_output(
        self, schema: dict[str, Any] | type, **kwargs: Any
    ) -> Runnable[LanguageModelInput, Any]:
        """Return answers of the form of `schema`, as the inner model's own method does."""
        self._check_one_kind()
        return in_place_of(self._inner, self, self._inner.with_structured_output(schema, **kwargs))

    def _check_one_kind(self) -> None:
        kinds = {type(one.model).__name__ for one in self._parts.models.values()}
        if len(kinds) > 1:
            raise ConfigurationError(
                f"tools and structured output are written in the form of one provider, and the "
                f"models are {', '.join(sorted(kinds))}: bind them to each model, and give those"
            )

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._result(answered(self._call(messages, stop, run_manager, kwargs).run()))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._result(answered(await self._call(messages, stop, run_manager, kwargs).arun()))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        yield from chunks(answered(self._call(messages, stop, run_manager, kwargs).run()))

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        call = self._call(messages, stop, run_manager, kwargs)
        for chunk in chunks(answered(await call.arun())):
            yield chunk

    def _call(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        manager: Manager,
        kwargs: dict[str, Any],
    ) -> Isolated:
        """Return the run of one call: its own settings, and the rest for the inner model."""
        settings = {key: kwargs[key] for key in PER_CALL if kwargs.get(key) is not None}
        if (above := host_account()) is not None:
            settings.setdefault("account", above)
        if "budget" in settings:
            settings["budget"] = _within(settings["budget"], self.timeout)
        options = {key: value for key, value in kwargs.items() if key not in PER_CALL}
        if stop:
            options["stop"] = stop
        parts = self._parts.bind(options) if options else self._parts
        parts.check()
        graph = assemble(parts).compile(name="verifier_agent")
        return Isolated(
            graph=Agent.of(graph, parts=parts, account=self.account),
            input={"messages": distinct(messages)},
            settings=settings,
            manager=manager,
        )

    def _result(self, message: AIMessage) -> ChatResult:
        return ChatResult(
            generations=[ChatGeneration(message=message)],
            llm_output={"model_name": self.model_name},
        )


def _within(budget: Budget | Mapping[str, Any] | None, timeout: float | None) -> Budget:
    """Return the budget with at most `timeout` seconds."""
    limits = DEFAULT_BUDGET if budget is None else read_budget(budget)
    if timeout is None:
        return limits
    return replace(limits, seconds=min(timeout, limits.seconds or timeout))


def _check_temperature(parts: Parts, temperature: float | None) -> None:
    stated = [one.capabilities for one in parts.models.values()]
    unable = [one.name for one in stated if not one.temperature]
    if temperature is not None and unable:
        raise ConfigurationError(
            f"temperature={temperature!r}: {unable[0]!r} takes none per call; set it on the model"
        )
