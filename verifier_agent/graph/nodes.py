"""The four nodes: thin sync and async lines around what `growing`, `judging`, `choosing` prepare
and record."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from langchain_core.runnables import RunnableConfig
from langgraph.config import get_stream_writer

from verifier_agent.graph import growing, judging
from verifier_agent.graph.calls import Reply
from verifier_agent.graph.choosing import answer_message, choose, sureness
from verifier_agent.graph.merging import Plain
from verifier_agent.graph.meter import Meter
from verifier_agent.graph.once import (
    Piece,
    Seen,
    ado_all,
    broken_off,
    do_all,
    in_turn,
    process,
    whole,
)
from verifier_agent.graph.settings import Parts, selector_of
from verifier_agent.graph.state import SCHEMA, Run
from verifier_agent.values import Cost, Select


def event(kind: str, run: str, plain: Plain, **more: Any) -> None:
    """Write a custom event to the host's stream: what happened, in which run, in plain JSON."""
    get_stream_writer()({"verifier_agent": kind, "run": run, kind: plain, **more})


class Round(Protocol):
    """The work of one node for one round: pieces to do, told of each result, then recorded."""

    @property
    def run(self) -> str:
        """The id of the run."""

    @property
    def pieces(self) -> Sequence[Piece]:
        """What is to be done, in an order that is the same whenever the round is done again."""

    def seen(self, place: int, result: Plain) -> None:
        """Take in the result of one piece, in whatever order they finish."""

    def bound(self, place: int) -> Cost:
        """Return the most that one piece can cost."""

    def costs(self, place: int) -> dict[str, Cost]:
        """Return what one that has been seen did cost, by the key of each candidate or verdict."""

    def record(self) -> Plain:
        """Return the state update."""


class Growth:
    """A round of `generate` or `revise`."""

    def __init__(self, parts: Parts, node: str, payload: Plain, *, broken: int) -> None:
        self.started = time.perf_counter()
        self.update = payload["update"]
        self.run = self.update["run"]["id"]
        self.work = growing.Work.from_dict(payload["work"])
        self.parts = parts
        self.node = node
        lost = broken + (self.work.process != process())
        self.requests = growing.requests(parts, self.work, self.started, lost=lost)
        self.made: dict[int, Plain] = {}
        self.pieces = [growing.piece(r, self.work.round) for r in self.requests]
        decision = self.update["decisions"][str(self.work.round)]
        if decision["actions"][0]["action"]["kind"] == node:  # once, though two may share a round
            event("decision", self.run, decision)

    def seen(self, place: int, result: Plain) -> None:
        """Read the candidates that one request gave."""
        made = growing.candidates(self.parts, self.requests[place], Reply.from_dict(result))
        self.made[place] = {candidate.id: candidate.to_dict() for candidate in made}
        for candidate in self.made[place].values():
            event("candidate", self.run, candidate)

    def bound(self, place: int) -> Cost:
        """Return the most that one request can cost, its retries included."""
        return growing.bound(self.parts, self.requests[place])

    def costs(self, place: int) -> dict[str, Cost]:
        """Return what its candidates did cost."""
        return _costs(self.made[place])

    def record(self) -> Plain:
        """Return the decision, the candidates, and the time."""
        return {
            **self.update,
            "candidates": {
                k: v for place in sorted(self.made) for k, v in self.made[place].items()
            },
            "clock": _clock(self.work.round, self.node, self.started),
        }


class Judgement:
    """A round of `verify`: of everything new, or of what the policy names."""

    def __init__(self, parts: Parts, state: Mapping[str, Any], *, broken: int) -> None:
        self.started = time.perf_counter()
        run = Run.of(state)
        self.run = run.id
        self.parts = parts
        self.task = run.task
        self.clock = run.plain.get("clock", {})
        self.update = state.get("update") or {"schema": SCHEMA, "turn": run.plain["turn"]}
        decision = run.decisions[-1]
        self.round = int(decision["round"])
        if decision["actions"][0]["action"]["kind"] == "verify":
            event("decision", run.id, decision)
        self.batches = judging.batches(
            parts,
            run.tree,
            judging.shown(run.decisions),
            run.remaining,
            deadline=self.started + run.remaining.seconds,
            lost=broken + self._moved(),
        )
        self.said: dict[int, Plain] = {}
        self.pieces = [judging.piece(parts, run.task, batch, self.round) for batch in self.batches]

    def _moved(self) -> bool:
        """True if the process that finished the last node of this round is not this one."""
        earlier = [self.clock.get(f"{self.round}:{node}") for node in ("generate", "revise")]
        return any(entry is not None and entry["process"] != process() for entry in earlier)

    def seen(self, place: int, result: Plain) -> None:
        """Read the verdicts of one batch."""
        batch = self.batches[place]
        said = judging.verdicts(self.parts, batch, result)
        self.said[place] = {verdict.key: verdict.to_dict() for verdict in said}
        for verdict in self.said[place].values():
            event("verdict", self.run, verdict)

    def bound(self, place: int) -> Cost:
        """Return the most that judging one batch can cost."""
        return judging.batch_bound(self.parts, self.task, self.batches[place])

    def costs(self, place: int) -> dict[str, Cost]:
        """Return what its verdicts did cost."""
        return _costs(self.said[place])

    def record(self) -> Plain:
        """Return the verdicts, and the time."""
        return {
            **self.update,
            "verdicts": {k: v for place in sorted(self.said) for k, v in self.said[place].items()},
            "clock": _clock(self.round, "verify", self.started),
        }


def _clock(number: int, node: str, started: float) -> Plain:
    seconds = time.perf_counter() - started
    return {f"{number}:{node}": {"seconds": seconds, "process": process()}}


class Nodes:
    """What the graph's nodes do, each in a sync and an async form."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def generate(self, payload: Plain, config: RunnableConfig) -> Plain:
        """Ask the model for new candidates."""
        return _do(self._growth("generate", payload, config), config)

    async def agenerate(self, payload: Plain, config: RunnableConfig) -> Plain:
        """Ask the model for new candidates."""
        return await _ado(self._growth("generate", payload, config), config)

    def revise(self, payload: Plain, config: RunnableConfig) -> Plain:
        """Ask the model for revisions."""
        return _do(self._growth("revise", payload, config), config)

    async def arevise(self, payload: Plain, config: RunnableConfig) -> Plain:
        """Ask the model for revisions."""
        return await _ado(self._growth("revise", payload, config), config)

    def verify(self, state: Plain, config: RunnableConfig) -> Plain:
        """Have the verifiers judge what is new."""
        return _do(self._judgement(state, config), in_turn(config))

    async def averify(self, state: Plain, config: RunnableConfig) -> Plain:
        """Have the verifiers judge what is new."""
        return await _ado(self._judgement(state, config), in_turn(config))

    def select(self, payload: Plain, config: RunnableConfig) -> Plain:
        """End the run: choose among all finished candidates, and answer."""
        run = Run.of(payload)
        if (meter := Meter.of(config, run.id)) is not None:
            meter.end(run.spent)
        ending = Select.from_dict(run.decisions[-1]["actions"][0]["action"])
        selector = selector_of(self.parts, run.plain["run"])
        selection = choose(selector, run.tree, ending, sureness(self.parts, selector))
        chosen, spent = selection.to_dict(), run.spent.to_dict()
        event("decision", run.id, run.decisions[-1])
        event("selection", run.id, chosen, spent=spent)
        answer = answer_message(run.tree, selection)
        return {
            "verifier_agent": {**payload["update"], "selection": chosen, "spent": spent},
            "messages": [answer] if answer is not None else [],
        }

    def _growth(self, node: str, payload: Plain, config: RunnableConfig) -> Growth:
        return Growth(self.parts, node, payload, broken=broken_off(config))

    def _judgement(self, state: Plain, config: RunnableConfig) -> Judgement:
        return Judgement(self.parts, state, broken=broken_off(config))


def _costs(plain: Mapping[str, Plain]) -> dict[str, Cost]:
    return {key: Cost.from_dict(one["cost"]) for key, one in plain.items()}


def _told(work: Round, config: RunnableConfig) -> Seen:
    """Return who is told of each result: the round, and the meter of a run that has one."""
    meter = Meter.of(config, work.run)
    if meter is None:
        return work.seen
    for place, piece in enumerate(work.pieces):
        meter.begin(piece.key, work.bound(place))

    def seen(place: int, result: Plain) -> None:
        work.seen(place, result)
        meter.finish(work.pieces[place].key, work.costs(place))

    return seen


def _do(work: Round, config: RunnableConfig) -> Plain:
    with whole(config):
        do_all(work.pieces, config, _told(work, config))
    return {"verifier_agent": work.record()}


async def _ado(work: Round, config: RunnableConfig) -> Plain:
    with whole(config):
        await ado_all(work.pieces, config, _told(work, config))
    return {"verifier_agent": work.record()}
