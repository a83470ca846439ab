"""The controller edge: reads the state, decides, and sends each node its work."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from langchain_core.messages import message_to_dict
from langchain_core.runnables import RunnableConfig
from langgraph.graph import END
from langgraph.types import Send

from verifier_agent.errors import ConfigurationError
from verifier_agent.graph import judging
from verifier_agent.graph.brief import Brief, brief, check_continues
from verifier_agent.graph.charging import bound
from verifier_agent.graph.controller import Bounds, Decision, Planned, decide
from verifier_agent.graph.growing import Work
from verifier_agent.graph.merging import Plain, lean, merge
from verifier_agent.graph.once import process
from verifier_agent.graph.settings import Parts, begin, per_call, resume
from verifier_agent.graph.state import SCHEMA, Run
from verifier_agent.models import Capabilities
from verifier_agent.search.demands import APPENDING, CONTINUING, models_of, named_models
from verifier_agent.tree import Tree
from verifier_agent.values import Cost, Generate, Revise, Select, Verify

BYTES_PER_TOKEN = 4
"""To foresee how long an answer to be judged will be; the judging itself is bounded by bytes."""


class Controller:
    """The conditional edge from START and from `verify`."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def begin(self, state: Mapping[str, Any], config: RunnableConfig) -> list[Send]:
        """Begin a run: a new turn on its thread, with the settings of this call."""
        parts, run_id = per_call(self.parts, config)
        _check_demands(parts)
        earlier = state.get("verifier_agent") or {}
        if earlier and not (isinstance(earlier, dict) and {"schema", "turn"} <= earlier.keys()):
            raise ConfigurationError(
                f"the state key `verifier_agent` holds {earlier!r}, which is not this agent's: "
                "rename that key of the parent graph, or call the agent inside a node"
            )
        fresh = {"schema": SCHEMA, "turn": earlier.get("turn", 0) + 1, "run": begin(parts, run_id)}
        return self._decide({**state, "verifier_agent": fresh}, config)

    def go_on(self, state: Mapping[str, Any], config: RunnableConfig) -> list[Send] | str:
        """Decide the next round; after the end of a run there is none."""
        if "selection" in state["verifier_agent"]:
            return END  # somebody updates the state of a finished run
        return self._decide(state, config)

    def _decide(self, state: Mapping[str, Any], config: RunnableConfig) -> list[Send]:
        """Decide from the state alone.

        Edges cannot write state: the decision and the run's settings travel to the node with its
        work, and the node writes them down.
        """
        run = Run.of(state)
        parts = resume(self.parts, run.plain["run"])
        ending = run.ending
        decision = decide(
            parts.policy if ending is None else lambda tree, remaining: [ending],
            run.tree,
            run.remaining,
            bounds(parts, run),
            last=Decision.from_dict(run.decisions[-1]) if run.decisions else None,
            # outside of a step, in `update_state`, the host does not say how many it will allow
            steps=state["remaining_steps"] if _in_step(config) else sys.maxsize,
        )
        update: Plain = {
            "schema": SCHEMA,
            "turn": run.plain["turn"],
            "run": run.plain["run"],
            "decisions": {str(decision.round): decision.to_dict()},
        }
        action = decision.actions[0].action
        if not isinstance(action, Verify | Select):
            return _sends(parts, run, decision, update)
        record = merge(run.plain, update)
        if isinstance(action, Verify):
            wanted = judging.shown([*run.decisions, decision.to_dict()])
            record = lean(record, judging.read_by(parts.verifiers, run.tree, wanted))
        payload = {"messages": state["messages"], "verifier_agent": record, "update": update}
        return [Send(action.kind, payload)]


def _check_demands(parts: Parts) -> None:
    """Raise before anything is spent where the policy will ask for what there is not.

    PolicyError: a model that the agent does not have; ConfigurationError: one that is to continue
    a partial answer, and cannot.
    """
    for name in named_models(parts.policy):
        parts.answerer(Generate(model=name))
    for names in (CONTINUING, APPENDING):
        for model in models_of(parts.policy, names):
            able = parts.answerer(Generate(model=model))[1].capabilities
            check_continues(able, appended=names is APPENDING)


def _in_step(config: RunnableConfig) -> bool:
    return config.get("metadata", {}).get("langgraph_step") is not None


def _sends(parts: Parts, run: Run, decision: Decision, update: Plain) -> list[Send]:
    sends: list[Send] = []
    for node in ("generate", "revise"):
        planned = tuple(p for p in decision.actions if p.action.kind == node)
        if planned:
            work = Work(
                round=decision.round,
                seed=run.seed,
                process=process(),
                messages=tuple(message_to_dict(message) for message in run.messages),
                actions=planned,
                briefs=tuple(_brief(p, run.tree, parts) for p in planned),
            )
            sends.append(Send(node, {"work": work.to_dict(), "update": update}))
    return sends


def _brief(planned: Planned, tree: Tree, parts: Parts) -> Brief:
    assert isinstance(planned.action, Generate | Revise)
    return brief(planned.action, tree, parts.answerer(planned.action)[1].capabilities)


def bounds(parts: Parts, run: Run) -> Bounds:
    """Return how much requests to this agent's models and verifiers can cost at most."""

    def able(action: Generate | Revise) -> Capabilities:
        return parts.answerer(action)[1].capabilities

    @cache  # asked several times for one action, with other caps
    def prompt(action: Generate | Revise) -> int | None:
        shown = [*run.messages, *brief(action, run.tree, able(action)).messages()]
        return parts.answerer(action)[1].bound(shown)

    def request(action: Generate | Revise, cap: int) -> Cost:
        tokens = prompt(action)
        if tokens is None and run.remaining.priced:
            raise ConfigurationError(
                "a limit in tokens or dollars cannot hold: the messages have parts whose tokens "
                "cannot be bounded (images, audio, files), or a tool is run by the server; "
                "use a limit in calls or seconds"
            )
        # a model that retries by itself, unseen, may send each request several times
        sent = 1 + able(action).retries
        cost = Cost(calls=sent, input_tokens=(tokens or 0) * sent, output_tokens=cap * sent)
        return parts.metered(cost, able(action).name)

    def judgement(action: Generate | Revise, cap: int) -> Cost:
        if not action.judge:
            return Cost()
        size = len(brief(action, run.tree, able(action)).prefix.encode()) + cap * BYTES_PER_TOKEN
        judges = [verifier for verifier in parts.verifiers if judging.applies(verifier, run.tree)]
        return Cost.total(bound(parts, v, run.task, size) for v in judges)

    def cap(action: Generate | Revise) -> int | None:
        return parts.max_tokens or able(action).default_cap

    return Bounds(request=request, judging=judgement, cap=cap, attempts=parts.attempts)
