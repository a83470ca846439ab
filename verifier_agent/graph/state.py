"""The one state channel: its plain form, and its typed view.

```
verifier_agent:
  schema, turn            a new question on the same thread is a new turn, and replaces the last
  run                     id, seed, budget, policy, …: fixed by the first decision
  decisions   round → what the controller decided, with reasons and allowances
  candidates  id → candidate
  verdicts    candidate|verifier|version → verdict
  clock       round:node → seconds, and the process that worked
  grants      number → another budget, under which the run goes on after a pause between rounds
  ending      the select action by which it is told to end there
  selection, spent        written once, by `select`
```
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NotRequired

from langchain_core.messages import (
    BaseMessage,
    HumanMessage,
    convert_to_messages,
    message_to_dict,
)
from langgraph.graph import MessagesState
from langgraph.managed import RemainingSteps

from verifier_agent.budget import Budget, Remaining, Spent
from verifier_agent.errors import ConfigurationError
from verifier_agent.graph.merging import Plain, Record, check_whole
from verifier_agent.ledger import Ledger
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Select, Selection, Task, Verdict

SCHEMA = 1
"""Version of the plain form; stored from the first release on."""


class State(MessagesState):
    """What the graph holds: the conversation, and the run under one key."""

    verifier_agent: Record
    remaining_steps: RemainingSteps


class Question(MessagesState):
    """A conversation; its last human message is the question."""

    verifier_agent: NotRequired[Record]
    """The record of an earlier turn."""


class Answer(MessagesState):
    """The conversation with its answer, and the record of the run."""

    verifier_agent: Record


def read_task(messages: list[BaseMessage], context: Mapping[str, Any]) -> Task:
    """Return the task: the last human message is the question.

    Raises ConfigurationError if there is none, or if it is empty.
    """
    human = next((m for m in reversed(messages) if isinstance(m, HumanMessage)), None)
    if human is None:
        raise ConfigurationError(
            "there is no question: `messages` holds no human message; "
            'invoke with {"messages": [("user", "…")]}'
        )
    if not human.text.strip() and isinstance(human.content, str):
        raise ConfigurationError("the question is empty: the last human message has no text")
    return Task(
        question=human.text,
        messages=tuple(message_to_dict(message) for message in messages),
        context=dict(context),
    )


class _Same:
    """A plain value by its identity: equal to itself alone."""

    __slots__ = ("plain",)

    def __init__(self, plain: Plain) -> None:
        self.plain = plain

    def __hash__(self) -> int:
        return id(self.plain)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.plain is other.plain


# Every edge and node reads the whole tree anew, and nearly all of it was there before; state is
# never changed in place.


@lru_cache(maxsize=2048)
def _candidate(same: _Same) -> Candidate:
    return Candidate.from_dict(same.plain)


@lru_cache(maxsize=4096)  # 64 rounds of answers that are compared make 2080, and are read twice
def _verdict(same: _Same) -> Verdict:
    return Verdict.from_dict(same.plain)


@dataclass(frozen=True, repr=False)
class Run:
    """The typed view of one run, read from the graph's state or output."""

    plain: Plain
    messages: tuple[BaseMessage, ...] = ()

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Run:
        """Read the run in a state or a result, also in one that came over a wire as JSON.

        Raises ConfigurationError if there is none, or only a part of one.
        """
        plain = state.get("verifier_agent")
        if not plain:
            raise ConfigurationError("this state holds no run: `verifier_agent` is missing")
        if plain.get("schema") != SCHEMA:
            written = plain.get("schema")
            raise ConfigurationError(
                f"this run was written with schema {written}, this version reads {SCHEMA}"
            )
        check_whole(plain)
        return cls(plain, tuple(convert_to_messages(state.get("messages", ()))))

    def __repr__(self) -> str:
        outcome = self.selection.outcome if "selection" in self.plain else "not ended"
        return f"<Run {self.id}: {outcome}, {len(self.candidates)} candidates>"

    def _repr_markdown_(self) -> str:
        """Return what a notebook shows of it: the answer and why, what was tried, what it cost."""
        from verifier_agent.graph.markdown import as_markdown  # in notebooks only

        return as_markdown(self)

    @property
    def id(self) -> str:
        """A unique name of the run."""
        return str(self.plain["run"]["id"])

    @property
    def seed(self) -> int:
        """The seed that all randomness comes from."""
        return int(self.plain["run"]["seed"])

    @cached_property
    def budget(self) -> Budget:
        """The limits of the run: those it was begun with, or was granted last."""
        grants = self.plain.get("grants", {})
        latest = grants[max(grants, key=int)] if grants else self.plain["run"]["budget"]
        return Budget.from_dict(latest)

    @cached_property
    def ending(self) -> Select | None:
        """How it was told to end; None if it was not."""
        told = self.plain.get("ending")
        return None if told is None else Select.from_dict(told)

    @cached_property
    def decisions(self) -> tuple[Plain, ...]:
        """What the controller decided, in order."""
        decisions = self.plain.get("decisions", {})
        return tuple(decisions[key] for key in sorted(decisions, key=int))

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """Every candidate, failed ones too, sorted by id."""
        return self.tree.candidates

    @cached_property
    def seconds(self) -> float:
        """Seconds inside the nodes: of nodes that ran side by side, the longest."""
        longest: dict[tuple[str, bool], float] = {}
        for key, entry in self.plain.get("clock", {}).items():
            number, node = key.split(":")
            phase = (number, node == "verify")
            longest[phase] = max(longest.get(phase, 0.0), entry["seconds"])
        return sum(longest.values())

    @cached_property
    def spent(self) -> Spent:
        """What was used: a fold over the costs of all candidates and verdicts."""
        costs = [one.cost for one in self._made] + [one.cost for one in self._said]
        return Spent.of(costs, self.seconds)

    @cached_property
    def _made(self) -> list[Candidate]:
        return [_candidate(_Same(plain)) for plain in self.plain.get("candidates", {}).values()]

    @cached_property
    def _said(self) -> list[Verdict]:
        return [_verdict(_Same(plain)) for plain in self.plain.get("verdicts", {}).values()]

    @cached_property
    def ledger(self) -> Ledger:
        """Everything that was used, told apart."""
        verdicts = self.tree.verdicts
        return Ledger.of(
            [candidate.cost for candidate in self.candidates],
            [verdict.cost for verdict in verdicts],
            depth=self._depth(verdicts),
            seconds=self.seconds,
        )

    def _depth(self, verdicts: Sequence[Verdict]) -> int:
        """Add up, over rounds, the most requests that one candidate and then one verdict took.

        Requests of a round go out side by side, its judging follows; a retry waits for what failed.
        """
        judging: dict[str, int] = {}
        for verdict in verdicts:
            before = judging.get(verdict.candidate, 0)
            judging[verdict.candidate] = max(before, verdict.cost.calls)
        depth = 0
        for decision in self.decisions:
            made = [name for planned in decision["actions"] for name in planned["ids"]]
            actions = [planned["action"] for planned in decision["actions"]]
            named = [name for action in actions for name in action.get("candidates", ())]
            depth += max((self.tree[n].cost.calls for n in made if n in self.tree), default=0)
            # each verdict counts once, in the round that first asked for it
            depth += max((judging.pop(name, 0) for name in (*made, *named)), default=0)
        return depth

    @property
    def remaining(self) -> Remaining:
        """What is left of the budget."""
        return Remaining.of(self.budget, self.spent)

    @cached_property
    def task(self) -> Task:
        """The question and its context."""
        return read_task(list(self.messages), self.plain["run"].get("context", {}))

    @cached_property
    def tree(self) -> Tree:
        """The candidates and verdicts."""
        return Tree(
            self.task if self.messages else Task(question=""),
            self._made,
            self._said,
            seed=self.seed,
            spent=self.spent,
        )

    @property
    def selection(self) -> Selection:
        """The answer; raises ConfigurationError while the run has not ended."""
        if "selection" not in self.plain:
            raise ConfigurationError("this run has not ended yet: it has no selection")
        return Selection.from_dict(self.plain["selection"])
