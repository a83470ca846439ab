"""The Responses API: from a request to what is asked, and from a run to what is sent. Pure."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from verifier_agent.integrations.server import chat, chat_wire
from verifier_agent.integrations.server import response_wire as made
from verifier_agent.integrations.server import responses_wire as wire
from verifier_agent.integrations.server.asking import Wanted
from verifier_agent.integrations.server.refusals import Refused
from verifier_agent.integrations.server.running import Answered, Event, Told
from verifier_agent.integrations.server.telling import Said, Tokens, line, progress, report
from verifier_agent.integrations.server.wire import Function, PlainFormat, RefusalPart


def read(request: wire.ResponsesRequest) -> Wanted:
    """Return what is wanted: that of the chat request which says the same."""
    text, reasoning = request.text or wire.TextOptions(), request.reasoning
    said: dict[str, Any] = {
        "model": request.model,
        "messages": _messages(request),
        "max_completion_tokens": request.max_output_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "tools": [_tool(tool) for tool in request.tools or ()] or None,
        "tool_choice": _choice(request.tool_choice),
        "parallel_tool_calls": request.parallel_tool_calls,
        "response_format": _format(text.format),
        "verbosity": text.verbosity,
        "reasoning_effort": reasoning.effort if reasoning else None,
        "verifier_agent": request.verifier_agent,
    }
    if not said["messages"]:
        raise Refused(400, "input: there is no message", code="invalid_value", param="input")
    return chat.read(chat_wire.ChatRequest(**said))


def _tool(tool: wire.Tool) -> chat_wire.Tool:
    function = Function(**tool.model_dump(exclude={"type"}))
    return chat_wire.Tool(type="function", function=function)


def _choice(choice: str | wire.NamedTool | None) -> Any:
    if not isinstance(choice, wire.NamedTool):
        return choice
    return {"type": "function", "function": {"name": choice.name}}


def _format(format_: PlainFormat | wire.SchemaFormat | None) -> Any:
    if not isinstance(format_, wire.SchemaFormat):
        return format_
    schema = format_.model_dump(exclude={"type"}, by_alias=True)
    return {"type": "json_schema", "json_schema": schema}


def _messages(request: wire.ResponsesRequest) -> list[dict[str, Any]]:
    """Return the conversation as chat messages; calls join the answer that made them."""
    messages: list[dict[str, Any]] = []
    if request.instructions:
        messages.append({"role": "system", "content": request.instructions})
    if isinstance(request.input, str):
        return [*messages, {"role": "user", "content": request.input}]
    for item in request.input:
        match item:
            case wire.Message():
                messages.append(_message(item))
            case wire.FunctionCallOutput():
                output = item.output if isinstance(item.output, str) else _parts(item.output)
                messages.append({"role": "tool", "tool_call_id": item.call_id, "content": output})
            case wire.FunctionCall():
                if not messages or messages[-1]["role"] != "assistant":
                    messages.append({"role": "assistant", "content": None})
                function = {"name": item.name, "arguments": item.arguments}
                call = {"id": item.call_id, "type": "function", "function": function}
                messages[-1].setdefault("tool_calls", []).append(call)
    return messages


def _message(message: wire.Message) -> dict[str, Any]:
    if isinstance(message.content, str):
        return {"role": message.role, "content": message.content}
    allowed = {"user": ("text", "image_url", "file"), "assistant": ("text", "refusal")}
    parts = _parts(message.content)
    wrong = [part for part in parts if part["type"] not in allowed.get(message.role, ("text",))]
    if wrong:
        raise Refused(
            400,
            f"input: a {message.role} message cannot hold {wrong[0]['type']}",
            code="invalid_value",
            param="input",
        )
    return {"role": message.role, "content": parts}


def _parts(content: Iterable[wire.Content]) -> list[dict[str, Any]]:
    return [_part(part) for part in content]


def _part(part: wire.Content) -> dict[str, Any]:
    match part:
        case wire.InputText() | wire.OutputText():
            return {"type": "text", "text": part.text}
        case RefusalPart():
            return {"type": "refusal", "refusal": part.refusal}
        case wire.InputImage():
            image = {"url": part.image_url, "detail": part.detail or "auto"}
            return {"type": "image_url", "image_url": image}
        case wire.InputFile():
            return {"type": "file", "file": part.model_dump(exclude={"type"}, exclude_none=True)}


class Responses:
    """The response to one request, whole or as a stream of events."""

    def __init__(self, request: wire.ResponsesRequest) -> None:
        self._request = request
        self._id = f"resp_{uuid.uuid4().hex}"
        self._created = int(time.time())
        self._number = -1
        self._progress = bool(request.verifier_agent and request.verifier_agent.progress)
        self._answer: Answered | None = None

    def response(self, answer: Answered | None = None) -> made.Response:
        """Return the response; without an answer, as it is while that is worked on."""
        request = self._request
        said = answer and Said.of(answer.message, answer.run.id)
        cut = {"length": "max_output_tokens", "content_filter": "content_filter"}
        reason = cut.get(said.ending) if said else None
        more: dict[str, Any] = {"verifier_agent": report(answer.run)} if answer else {}
        return made.Response(
            id=self._id,
            object="response",
            created_at=self._created,
            status="in_progress" if not said else "incomplete" if reason else "completed",
            error=None,
            incomplete_details=made.Incomplete(reason=reason) if reason else None,  # type: ignore[arg-type]
            instructions=request.instructions,
            max_output_tokens=request.max_output_tokens,
            metadata=request.metadata or {},
            model=request.model,
            output=list(self._output(said)) if said else [],
            parallel_tool_calls=request.parallel_tool_calls is not False,
            previous_response_id=None,
            store=False,
            temperature=request.temperature,
            text=request.text or wire.TextOptions(format=PlainFormat(type="text")),
            tool_choice=request.tool_choice or "auto",
            tools=request.tools or [],
            top_p=request.top_p,
            truncation="disabled",
            usage=usage(answer) if answer else None,
            **more,
        )

    def _output(self, said: Said) -> Iterator[made.Made]:
        name = self._id.removeprefix("resp_")
        if said.reasoning:
            text = made.ReasoningText(type="reasoning_text", text=said.reasoning)
            yield made.MadeReasoning(id=f"rs_{name}", type="reasoning", summary=[], content=[text])
        content: list[made.MadeText | made.MadeRefusal] = []
        if said.text or not (said.refusal or said.calls):
            content.append(
                made.MadeText(type="output_text", text=said.text, annotations=[], logprobs=[])
            )
        if said.refusal:
            content.append(made.MadeRefusal(type="refusal", refusal=said.refusal))
        if content:
            yield made.MadeMessage(
                id=f"msg_{name}",
                type="message",
                role="assistant",
                status="completed" if said.ending in ("stop", "tool_calls") else "incomplete",
                content=content,
            )
        for i, (call, function, arguments) in enumerate(said.calls):
            yield made.MadeCall(
                id=f"fc_{name}_{i}",
                type="function_call",
                call_id=call,
                name=function,
                arguments=arguments,
                status="completed",
            )

    def begin(self) -> Iterator[str]:
        """Open the stream."""
        for kind in ("response.created", "response.in_progress"):
            yield self._event(kind, response=_plain(self.response()))

    def next(self, told: Told) -> Iterator[str]:
        """Say what has happened; the answer is sent whole, once it is chosen."""
        if isinstance(told, Event):
            if self._progress:
                yield self._event(
                    "response.verifier_agent.progress", progress=_plain(progress(told))
                )
            return
        self._answer = told
        for place, item in enumerate(self.response(told).output):
            yield from self._item(place, item)

    def end(self) -> Iterator[str]:
        """Close the stream with the whole response."""
        whole = self.response(self._answer)
        yield self._event(f"response.{whole.status}", response=_plain(whole))

    def failed(self, refused: Refused) -> Iterator[str]:
        """Say that there is no answer, as OpenAI's clients understand it."""
        error = refused.body().error
        yield self._event("error", message=error.message, code=error.code, param=error.param)

    def _item(self, place: int, item: made.Made) -> Iterator[str]:
        whole = _plain(item)
        blank: dict[str, Any] = {"content": []} if "content" in whole else {"arguments": ""}
        opened = {**whole, **blank, **({"status": "in_progress"} if "status" in whole else {})}
        at = {"item_id": item.id, "output_index": place}
        yield self._event("response.output_item.added", output_index=place, item=opened)
        if isinstance(item, made.MadeCall):
            kind = "response.function_call_arguments"
            yield self._event(f"{kind}.delta", **at, delta=item.arguments)
            yield self._event(f"{kind}.done", **at, name=item.name, arguments=item.arguments)
        else:
            for index, part in enumerate(whole["content"]):
                yield from self._part({**at, "content_index": index}, part)
        yield self._event("response.output_item.done", output_index=place, item=whole)

    def _part(self, at: dict[str, Any], part: dict[str, Any]) -> Iterator[str]:
        field = "refusal" if part["type"] == "refusal" else "text"
        kind, told = f"response.{part['type']}", part[field]
        more: dict[str, Any] = {"logprobs": []} if part["type"] == "output_text" else {}
        yield self._event("response.content_part.added", **at, part={**part, field: ""})
        yield self._event(f"{kind}.delta", **at, delta=told, **more)
        yield self._event(f"{kind}.done", **at, **{field: told}, **more)
        yield self._event("response.content_part.done", **at, part=part)

    def _event(self, kind: str, **more: Any) -> str:
        self._number += 1
        return line({"type": kind, "sequence_number": self._number, **more}, event=kind)


def usage(answer: Answered) -> made.Usage:
    """Return the tokens of everything that was done."""
    tokens = Tokens.of([answer.run])
    return made.Usage(
        input_tokens=tokens.prompt,
        input_tokens_details=made.InputDetails(cached_tokens=tokens.cached, cache_write_tokens=0),
        output_tokens=tokens.generated,
        output_tokens_details=made.OutputDetails(reasoning_tokens=tokens.reasoning),
        total_tokens=tokens.prompt + tokens.generated,
    )


def _plain(value: Any) -> dict[str, Any]:
    return dict(value.model_dump(exclude_unset=True, by_alias=True))
