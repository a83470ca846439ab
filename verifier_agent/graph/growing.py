"""What the nodes `generate` and `revise` do: from planned actions to requests to candidates. Pure
but for the two functions that send."""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from langchain_core.messages import AIMessage, BaseMessage, messages_from_dict

from verifier_agent.budget import Allowance
from verifier_agent.graph.brief import Brief
from verifier_agent.graph.calls import Call, Failure, Reply, asend, send
from verifier_agent.graph.controller import Planned
from verifier_agent.graph.once import Piece
from verifier_agent.graph.settings import Parts
from verifier_agent.graph.tables import Answerer
from verifier_agent.models import call_options, text_bound, tool_calls_text, usage_cost
from verifier_agent.plain import Value
from verifier_agent.values import Candidate, Cost, Generate, Revise

STEP_END = "\n"
"""A step is one line."""
STATED = "verifier_agent"
"""The key in a message's response metadata under which a chat model may state what its text does
not tell: `answer` (the answer key, or None for none), `model` (which one wrote it) and `calls`
(how many the message counts as). So recorded answers keep what was recorded with them."""


LOST = Failure(error="lost in a crash", billed=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work(Value):
    """The payload of one node for one round: everything it needs, nothing it does not."""

    round: int
    seed: int
    process: str
    """The process that decided; work found by another one has survived a crash."""
    messages: tuple[dict[str, Any], ...]
    actions: tuple[Planned, ...]
    briefs: tuple[Brief, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request to the model, and the candidates it is to give."""

    action: Generate | Revise
    brief: Brief
    allowance: Allowance
    ids: tuple[str, ...]
    name: str
    """The model's."""
    answerer: Answerer
    call: Call
    lost: int
    """How often it may have been sent already, by a process that died or in a round broken off."""


def requests(parts: Parts, work: Work, started: float, *, lost: int) -> list[Request]:
    """Return the requests of a round in the order of their ids.

    `started` is when the node began, on the clock of `time.perf_counter`; `lost` says how often
    they may have been sent already.
    """
    conversation = messages_from_dict(list(work.messages))
    made: list[Request] = []
    for planned, brief in zip(work.actions, work.briefs, strict=True):
        action = planned.action
        assert isinstance(action, Generate | Revise)
        shown = [*conversation, *brief.messages()]
        model, answerer = parts.answerer(action)
        able = answerer.capabilities
        groups = [planned.ids] if able.native_n else [(name,) for name in planned.ids]
        made += [
            Request(
                action=action,
                brief=brief,
                allowance=planned.allowance,
                ids=ids,
                name=model,
                answerer=answerer,
                call=_call(answerer, action, shown, planned.allowance, ids, work.seed, started),
                lost=lost,
            )
            for ids in groups
        ]
    return made


def _call(
    answerer: Answerer,
    action: Generate | Revise,
    shown: Sequence[BaseMessage],
    allowance: Allowance,
    ids: Sequence[str],
    seed: int,
    started: float,
) -> Call:
    stepwise = isinstance(action, Generate) and action.until == "step"
    able, bound = answerer.capabilities, answerer.options
    options = call_options(
        able,
        n=len(ids),
        temperature=action.temperature,
        seeds=[draw_seed(seed, name) for name in ids],
        stop=[STEP_END, *(bound.get("stop") or ())] if stepwise else (),
        max_tokens=allowance.max_tokens,
        # token probabilities are asked for only where they cost nothing
        logprobs=able.free,
    )
    return Call(
        messages=shown,
        options={**bound, **options},
        attempts=allowance.attempts,
        deadline=math.inf if allowance.seconds is None else started + allowance.seconds,
    )


def draw_seed(seed: int, candidate: str) -> int:
    """Return the seed of one candidate: it depends on the run's seed and its id, nothing else."""
    digest = hashlib.blake2b(f"{seed}:{candidate}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) >> 1


def piece(request: Request, number: int) -> Piece:
    """Return the request as work that is paid for once."""

    def again() -> tuple[tuple[Failure, ...], Call | None]:
        if not request.lost:
            return (), request.call
        # this runs only if no reply was recorded: what was sent before is charged in full
        tries, spare = request.allowance.attempts, request.allowance.spare
        if request.lost > 1 or not spare:
            return (LOST,) * (tries + spare), None
        return (LOST,) * tries, replace(request.call, attempts=spare)

    def work() -> dict[str, Any]:
        lost, call = again()
        reply = send(request.answerer.model, call) if call else Reply()
        return replace(reply, failures=lost + reply.failures).to_dict()

    async def awork() -> dict[str, Any]:
        lost, call = again()
        reply = await asend(request.answerer.model, call) if call else Reply()
        return replace(reply, failures=lost + reply.failures).to_dict()

    return Piece(f"{number}:{request.ids[0]}", work, awork)


def bound(parts: Parts, request: Request) -> Cost:
    """Return the most that the request can cost: all its attempts served, and no usage reported."""
    allowance = request.allowance
    tries = allowance.attempts + (allowance.spare if request.lost else 0)
    whole = Cost.total(charges(allowance, len(request.ids), (), (LOST,) * tries))
    return parts.metered(whole, request.answerer.capabilities.name)


def candidates(parts: Parts, request: Request, reply: Reply) -> list[Candidate]:
    """Return one candidate per id asked for; what went wrong is in their `error`."""
    messages = cast(list[AIMessage], messages_from_dict(list(reply.messages)))
    costs = charges(request.allowance, len(request.ids), messages, reply.failures)
    missing = (
        reply.failures[-1].error
        if reply.failures
        else f"the model returned {len(messages)} of {len(request.ids)} answers"
    )
    made: list[Candidate] = []
    for place, (name, cost) in enumerate(zip(request.ids, costs, strict=True)):
        candidate = Candidate(
            id=name,
            parent=parent_of(request.action),
            via=request.action.kind,
            model=request.name,
            mark=request.action.mark,
            cost=parts.metered(cost, request.answerer.capabilities.name),
            error=missing,
        )
        if place < len(messages):
            candidate = replace(
                _with_message(parts, request, candidate, messages[place]),
                message=reply.messages[place],
                logprob=reply.logprobs[place],
            )
        made.append(candidate)
    return made


def parent_of(action: Generate | Revise) -> str | None:
    """Return the candidate that the action's candidates are made from."""
    return action.parent if isinstance(action, Generate) else action.target


def _with_message(
    parts: Parts, request: Request, candidate: Candidate, message: AIMessage
) -> Candidate:
    text = str(message.text)
    stated = _stated(message)
    stepwise = isinstance(request.action, Generate) and request.action.until == "step"
    if request.brief.asked == "step":
        # it may write more than it was asked for, and does not tell by which end it stopped
        text = next((line for line in text.splitlines() if line.strip()), "")
        done = not text or _key(parts, stated, message, text) is not None
    else:
        done = not stepwise or message.response_metadata.get("stop_sequence") != STEP_END
    whole = request.brief.prefix + text
    said = (
        message.text.strip()
        or message.tool_calls
        or message.invalid_tool_calls
        or message.additional_kwargs.get("refusal")
        or stated.get("answer")
    )
    # what was continued may have been the whole answer already: then nothing more is no error
    empty = not said and not request.brief.prefix
    fit = request.answerer.form.objection(message) is None
    return replace(
        candidate,
        # who reads the text is shown the calls too
        text="\n".join(filter(None, (whole.rstrip("\n"), tool_calls_text(message)))),
        done=done,
        # what is not of the form that was asked for has no vote
        answer=_key(parts, stated, message, whole) if done and fit and not empty else None,
        error="the model returned an empty message" if empty else None,
        model=stated.get("model", candidate.model),
    )


def _stated(message: AIMessage) -> dict[str, Any]:
    """Return what the chat model stated, as far as it is of the right kind."""
    stated = message.response_metadata.get(STATED)
    if not isinstance(stated, dict):
        return {}
    answer, model, calls = (stated.get(key) for key in ("answer", "model", "calls"))
    right: dict[str, Any] = {}
    if "answer" in stated and (answer is None or isinstance(answer, str)):
        right["answer"] = answer
    if isinstance(model, str):
        right["model"] = model
    if isinstance(calls, int) and calls >= 1:
        right["calls"] = calls
    return right


def _key(parts: Parts, stated: dict[str, Any], message: AIMessage, whole: str) -> str | None:
    """Return the answer key; a function that fails on a text loses its key, not the candidate."""
    if "answer" in stated:
        return cast(str | None, stated["answer"])
    if message.tool_calls:
        from verifier_agent.answers import tool_calls_key  # its patterns take a while

        return tool_calls_key(message.tool_calls)
    try:
        key = parts.answer(whole)
    except Exception as error:
        warnings.warn(f"answer function: {type(error).__name__}: {error}", stacklevel=2)
        return None
    if key is not None and not isinstance(key, str):
        warnings.warn(f"answer function gave {key!r}; a key is text or None", stacklevel=2)
        return str(key)
    return key


def charges(
    allowance: Allowance, n: int, messages: Sequence[AIMessage], failures: Sequence[Failure]
) -> list[Cost]:
    """Return what each of the `n` answers of one request cost; the first carries what they share.

    A reply that reports no usage is charged at its allowance, and so is a failed attempt that the
    server may have served; an attempt it refused costs a call and no tokens.
    """
    costs = [Cost()] * n
    reported = usage_cost(messages)
    if any(cost is not None for cost in reported):
        costs[: len(reported)] = [cost or Cost() for cost in reported]
    elif messages:
        # without a cap, what was said is the bound: a token is at least a byte
        most = sum(
            allowance.max_tokens or text_bound(m.text + tool_calls_text(m)) for m in messages
        )
        costs[0] = Cost(
            calls=1, input_tokens=allowance.input_tokens, output_tokens=most, exact=False
        )
    for place, message in enumerate(messages):
        if "calls" in (stated := _stated(message)):
            costs[place] = replace(costs[place], calls=stated["calls"])
    for failure in failures:
        costs[0] += Cost(
            calls=int(failure.sent),
            input_tokens=allowance.input_tokens if failure.billed else 0,
            output_tokens=(allowance.max_tokens or 0) * n if failure.billed else 0,
            exact=not failure.billed,
        )
    return costs
