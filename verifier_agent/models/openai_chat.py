"""A small chat model over the openai SDK, for OpenAI and every server that speaks its chat API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils import from_env, secret_from_env
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator

from verifier_agent.models.capabilities import Capabilities, samples_its_own_way
from verifier_agent.models.openai_client import Server
from verifier_agent.models.openai_wire import (
    StreamReader,
    encodable,
    read_completion,
    write_messages,
    write_tool_choice,
)
from verifier_agent.models.structured import Method, by_response_format
from verifier_agent.models.tokens import Margins

OFFICIAL_URL = "https://api.openai.com/v1"


class OpenAIChatModel(BaseChatModel):
    """A chat model behind OpenAI's chat API.

    It sends one request per call: `max_retries` is 0, since a run retries in its nodes and counts
    what it retries. A call with `n` returns n generations from one request, with the usage of the
    whole call on the first message only, so that usage can be summed. Arguments of a call override
    the fields and are sent as they are, so a server's own parameters work (`top_k=20`).

    Errors are the SDK's own, and `UnusableReply` for an answer that is no chat completion.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    model: str = Field(min_length=1)
    base_url: str | None = Field(
        default_factory=from_env("OPENAI_BASE_URL", default=None), validate_default=True
    )
    """None: OpenAI's own API."""
    api_key: SecretStr | None = Field(
        default_factory=secret_from_env("OPENAI_API_KEY", default=None)
    )
    """Sent to `base_url`; may be left out for other servers than OpenAI's."""
    temperature: float | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    """The most tokens per answer, reasoning included."""
    seed: int | None = None
    stop: list[str] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    timeout: float | None = Field(default=None, gt=0)
    """Seconds without a byte from the server; None: the SDK's default, 600."""
    max_retries: int = Field(default=0, ge=0)
    """Requests that the SDK repeats by itself, unseen by a budget."""
    streaming: bool = False
    """True: `invoke` streams too."""
    native_n: bool | None = None
    """Whether the server takes `n`; None: only OpenAI's own is known to."""
    prefix: Literal["trailing"] | None = None
    """"trailing": the server continues a trailing assistant message, as vLLM and SGLang do."""
    extra_body: dict[str, Any] | None = None
    """Further fields of every request; those named above and a call's own arguments win."""
    default_headers: dict[str, str] | None = Field(default=None, repr=False)
    margins: Margins | None = None
    """What the server's chat template may add to a prompt; None: known for OpenAI's own only."""

    @field_validator("base_url")
    @classmethod
    def _check_url(cls, url: str | None) -> str | None:
        parts = urlsplit(url or OFFICIAL_URL)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("a base URL looks like http://localhost:8000/v1")
        if parts.username or parts.password:
            raise ValueError("credentials belong in api_key or default_headers, not in the URL")
        return url

    @model_validator(mode="after")
    def _check_key(self) -> Self:
        if self.official and self.api_key is None:
            raise ValueError("OpenAI needs a key: set OPENAI_API_KEY, or pass api_key")
        return self

    @property
    def official(self) -> bool:
        """True for OpenAI's own API."""
        host = urlsplit(self.base_url or OFFICIAL_URL).hostname or ""
        return host == "api.openai.com" or host.endswith(".api.openai.com")

    @property
    def model_name(self) -> str:
        """The model's name."""
        return self.model

    @property
    def capabilities(self) -> Capabilities:
        """What this model understands per call."""
        rigid = self.official and samples_its_own_way(self.model)
        known = Margins(request=64, message=16, tools=256) if self.official else Margins()
        return Capabilities(
            name=self.model,
            native_n=self.official if self.native_n is None else self.native_n,
            prefix=self.prefix is not None,
            seed=True,
            temperature=not rigid,
            stop=not rigid,
            logprobs=not rigid,
            schema=True,
            openai=True,
            cap="max_tokens",
            default_cap=self.max_tokens,
            retries=self.max_retries,
            margins=self.margins or known,
        )

    @property
    def _llm_type(self) -> str:
        return "verifier-agent-openai"

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return self.model_dump(exclude={"api_key", "default_headers"}, include=_OWN_FIELDS)

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return LangSmithParams(
            **{**super()._get_ls_params(stop=stop, **kwargs), "ls_provider": "openai"}
        )

    def _streaming_disabled(self, **kwargs: Any) -> bool:
        # a stream carries one answer: with several, a listening stream handler gets them whole
        return (kwargs.get("n") or 1) > 1 or super()._streaming_disabled(**kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        body, timeout = self._request(messages, stop, {**kwargs, **_PLAIN})
        return ChatResult(generations=read_completion(self._server.ask(body, timeout)))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        body, timeout = self._request(messages, stop, {**kwargs, **_PLAIN})
        return ChatResult(generations=read_completion(await self._server.aask(body, timeout)))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        body, timeout = self._request(messages, stop, {**kwargs, **_STREAM})
        reader = StreamReader()
        with self._server.listen(body, timeout) as events:
            for event in events:
                yield from reader.read(event)
        yield reader.last()

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        body, timeout = self._request(messages, stop, {**kwargs, **_STREAM})
        reader = StreamReader()
        async with await self._server.alisten(body, timeout) as events:
            async for event in events:
                for chunk in reader.read(event):
                    yield chunk
        yield reader.last()

    def _request(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]
    ) -> tuple[dict[str, Any], float | None]:
        """Return the body of a request, and the seconds to wait for its answer."""
        fields = ("model", "temperature", "max_tokens", "seed", "logprobs", "top_logprobs")
        given = {name: getattr(self, name) for name in fields} | kwargs
        given |= {"messages": write_messages(messages), "stop": stop or self.stop or None}
        if given["top_logprobs"] is not None:
            given["logprobs"] = True
        trailing = messages[-1] if messages else None
        if self.prefix and isinstance(trailing, AIMessage) and trailing.text:
            given |= {"continue_final_message": True, "add_generation_prompt": False}
        timeout, more = given.pop("timeout", None), given.pop("extra_body", None) or {}
        body = {**(self.extra_body or {}), **{k: v for k, v in given.items() if v is not None}}
        if "max_tokens" in body and "max_completion_tokens" not in given:
            body.pop("max_completion_tokens", None)  # the cap's other name must not lift it
        if self.official and "max_tokens" in body:
            body["max_completion_tokens"] = body.pop("max_tokens")
        return encodable(body | more), timeout

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | dict[str, Any] | bool | None = None,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer tools to the model.

        Args:
            tools: functions, pydantic classes, tools or schemas.
            tool_choice: "auto", "none", "any" (also "required" or True), or one tool's name.
            strict: whether the server must hold the arguments to the schema.
            kwargs: further arguments of every call, for instance `parallel_tool_calls=False`.
        """
        formatted = [convert_to_openai_tool(tool, strict=strict) for tool in tools]
        choice = write_tool_choice(tool_choice, formatted)
        return self.bind(tools=formatted, **({"tool_choice": choice} if choice else {}), **kwargs)

    def with_structured_output(
        self,
        schema: dict[str, Any] | type,
        *,
        method: Method = "function_calling",
        strict: bool | None = None,
        include_raw: bool = False,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Return answers of the form of `schema`, by a tool call or by `response_format`."""
        if method == "function_calling":
            return super().with_structured_output(schema, include_raw=include_raw, **kwargs)
        return by_response_format(
            self, schema, method=method, strict=strict, include_raw=include_raw, **kwargs
        )

    @property
    def _server(self) -> Server:
        return Server(
            base_url=self.base_url or OFFICIAL_URL,
            api_key=self.api_key or SecretStr("none"),
            headers=tuple(sorted((self.default_headers or {}).items())),
            timeout=self.timeout,
            max_retries=self.max_retries,
        )


_OWN_FIELDS = set(OpenAIChatModel.model_fields) - set(BaseChatModel.model_fields)
_PLAIN = {"stream": None, "stream_options": None}
_STREAM = {"stream": True, "stream_options": {"include_usage": True}}
