"""The request that a judge is sent: instructions, then all that is shown, as marked data. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from verifier_agent.errors import ConfigurationError
from verifier_agent.values import Task
from verifier_agent.verifiers.conversation import QUESTION, turns
from verifier_agent.verifiers.fences import Block, block, defused, fence
from verifier_agent.verifiers.judges.prompts import Wording


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What all requests of one judge have in common."""

    wording: Wording
    criteria: Mapping[str, str]
    secret: bytes
    """What the marks are drawn from; nobody else knows it."""

    def messages(
        self, text: str, task: Task, answers: Sequence[Block], **values: Any
    ) -> list[BaseMessage]:
        """Return the request by the wording's text of that name, about `answers` to the task.

        The reference in `task.context["reference"]` is shown, if there is one.
        """
        given = task.context.get("reference")
        reference = [] if given is None or not str(given) else [("REFERENCE", str(given))]
        said = turns(task)
        roles = list(dict.fromkeys(role for role, _ in said if role != QUESTION))
        parts = [(self._heading(name), defused(t)) for name, t in (*said, *answers, *reference)]
        subject = "\n".join(t for _, t in said)
        mark = fence(self.secret, subject, [t for _, t in parts])
        clauses = {
            "reference": self.wording.fill("reference", fence=mark) if reference else "",
            "conversation": self.wording.fill(
                "conversation", fence=mark, roles=", ".join(map(self.wording.heading, roles))
            )
            if roles
            else "",
        }
        wanted = self.wanted(task).items()
        criteria = "\n".join(f"- {name}: {meaning}" for name, meaning in wanted)
        told = self.wording.fill(text, fence=mark, criteria=criteria, **clauses, **values)
        return [SystemMessage(told), HumanMessage(block(mark, parts, self.wording.heading("END")))]

    def wanted(self, task: Task) -> Mapping[str, str]:
        """Return what answers to this task are judged by: `task.context["criteria"]`, or its own.

        Raises ConfigurationError unless those are the name and the meaning of one or more.
        """
        given = task.context.get("criteria")
        return self.criteria if given is None else read_criteria(given)

    def _heading(self, name: str) -> str:
        """Return the heading of a block; of "ANSWER A", the heading of an answer, and "A"."""
        role, space, which = name.partition(" ")
        return self.wording.heading(role) + space + which


def read_criteria(given: Any) -> dict[str, str]:
    """Return criteria, by name what each means; raises ConfigurationError for what are none."""
    if not isinstance(given, Mapping) or not given:
        raise ConfigurationError(
            f"criteria={given!r}: a judge needs at least one criterion, by its name what it means, "
            'such as {"brevity": "at most three sentences"}'
        )
    for name, meaning in given.items():
        if not all(isinstance(text, str) and text.strip() for text in (name, meaning)):
            raise ConfigurationError(
                f"criteria[{name!r}]={meaning!r}: a name and a meaning are needed, in words"
            )
    return dict(given)
