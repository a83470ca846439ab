"""How a hosted reward model is asked and read: what an answer looks like, what numbers mean. Pure.

The spec is the one of local reward models: the same preset reads the same model here and there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    messages_from_dict,
)

from verifier_agent.errors import ConfigurationError, UnreadableVerdict
from verifier_agent.models.openai_wire import write_messages
from verifier_agent.values import Task
from verifier_agent.verifiers.conversation import turns
from verifier_agent.verifiers.fences import defused
from verifier_agent.verifiers.local.readout import raw_score, unit_score
from verifier_agent.verifiers.local.spec import Labels, Number, PRMSpec

ROUNDING = 2**-8
"""Of bfloat16: by so much a probability may be off, and leave [0, 1]."""
EXACT = 1e-5
"""By so much numbers may miss 1 in sum that are probabilities without a doubt."""

Vector = tuple[float, ...]
"""What a head gave at one place: a number for each label, or a single one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a reward model is asked and read; what the parts mean is said at `HostedRewardModel`."""

    spec: PRMSpec
    model: str = ""
    template: str = ""
    bounds: tuple[float, float] | None = None
    """The lowest and the highest reward, where the scale is such a range."""
    attribute: str = ""
    label_token_ids: tuple[int, ...] = ()
    step_token_id: int | None = None

    def __post_init__(self) -> None:
        _check_spec(self.spec)
        if self.template and self.template.count("{answer}") != 1:
            raise ConfigurationError(
                f"reward template={self.template!r}: {{answer}} belongs in it, once"
            )
        if self.bounds is not None and not -math.inf < self.bounds[0] < self.bounds[1] < math.inf:
            raise ConfigurationError(f"reward scale={self.bounds!r}: lowest and highest reward")
        ids = self.label_token_ids
        if ids and (len(ids) != 2 or ids[0] == ids[1]):
            raise ConfigurationError(
                f"reward label_token_ids={ids!r}: the token of a good answer, then that of a bad "
                "one"
            )

    @property
    def by_steps(self) -> bool:
        """Whether each step gets a reward of its own."""
        return self.spec.marked

    @property
    def activated(self) -> bool:
        """Whether the server is asked for probabilities, where it can be asked."""
        if self.bounds is not None:
            return False
        return not isinstance(self.spec.readout, Number) or self.spec.scale == "probability"

    @property
    def scale(self) -> str:
        """What the raw numbers are, in words."""
        if self.bounds is not None:
            return f"{self.bounds[0]:g}..{self.bounds[1]:g}"
        return self.spec.scale

    def raw(self, vector: Sequence[float], *, activated: bool) -> float:
        """Return the reward in a vector, in the model's own unit.

        `activated`: the numbers of several labels are probabilities already. Raises
        UnreadableVerdict for a vector that does not fit the spec: too few or too many numbers,
        or probabilities that do not add up to one.
        """
        readout, count = self.spec.readout, len(vector)
        if isinstance(readout, Number):
            if count != 1:
                raise UnreadableVerdict(
                    f"{count} numbers where the spec reads one: the model has {count} labels, for "
                    "which a spec with readout=Labels(…) is needed"
                )
            return vector[0]
        label = readout.label if isinstance(readout, Labels) else 0
        fits = label < count if isinstance(readout, Labels) else count == 2
        if count < 2 or not fits:
            raise UnreadableVerdict(
                f"{count} numbers, which do not fit {readout}: one number is read with "
                'readout=Number(), and a probability of a single label (a "softmax" of one number) '
                "is always 1"
            )
        if not activated:
            if _is_distribution(vector, EXACT):
                raise UnreadableVerdict(
                    f"{list(vector)} are probabilities, where the labels' logits were expected"
                )
            return raw_score(self.spec, vector)
        if not _is_distribution(vector, ROUNDING * count):
            raise UnreadableVerdict(
                f"{list(vector)} are no probabilities of labels: they do not add up to 1 "
                "(does the server know use_activation?)"
            )
        share = vector[label]
        return 2 * share - 1 if self.spec.scale == "signed" else share

    def unit(self, raw: float) -> float:
        """Return a reward as a score in [0, 1]; raises UnreadableVerdict where it cannot be one."""
        if self.spec.scale == "logit" and self.bounds is None:
            return unit_score(raw, "logit")
        signed = (-1.0, 1.0) if self.spec.scale == "signed" else (0.0, 1.0)
        low, high = self.bounds or signed
        score = (raw - low) / (high - low)
        if not -ROUNDING <= score <= 1 + ROUNDING:
            raise UnreadableVerdict(
                f"the reward {raw!r} is not from {low:g} to {high:g}, as scale={self.scale!r} "
                "says: is it a logit?"
            )
        return min(1.0, max(0.0, score))


def _check_spec(spec: PRMSpec) -> None:
    """Raise ConfigurationError for what no server can be asked."""
    if spec.encoding == "pieces":
        raise ConfigurationError(
            "this spec tokenizes an answer piece by piece (encoding='pieces'), and servers take "
            "whole texts: its marks would melt into the steps; use LocalRewardModel"
        )
    if spec.read not in ("mark", "end"):
        raise ConfigurationError(
            f"read={spec.read!r}: servers give rewards at marks (read='mark') or of the whole "
            "(read='end'); use LocalRewardModel, or a policy that goes step by step, which has "
            "each beginning of an answer judged as a whole"
        )


def _is_distribution(vector: Sequence[float], error: float) -> bool:
    inside = all(-error <= number <= 1 + error for number in vector)
    return inside and abs(math.fsum(vector) - 1) <= error


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One answer to be judged, as it is shown."""

    question: str
    """What the answer answers, as one text."""
    answer: str
    """The answer; where steps are judged, each with its mark."""
    text: str
    """Both, by the template or a plain layout; empty where the server is to lay them out."""
    steps: int
    """How many rewards are expected; 0: one for the whole."""
    messages: Sequence[Mapping[str, Any]] = field(repr=False)
    """The conversation and the answer, in OpenAI's form."""


def asked(task: Task, text: str, reading: Reading) -> Asked | None:
    """Return what is to be judged of one answer; None if it has no text."""
    spec = reading.spec
    steps = [_shown(step, spec) for step in spec.steps(text)]
    if not steps:
        return None
    told = [spec.step_text(number, step) + spec.mark for number, step in enumerate(steps, 1)]
    answer, question = spec.joint.join(told), _shown(_question(task), spec)
    return Asked(
        question=question,
        answer=answer,
        text=_laid_out(reading, question, answer),
        steps=len(steps) if spec.marked else 0,
        messages=_messages(task, answer, spec),
    )


def _shown(text: str, spec: PRMSpec) -> str:
    """Return a text in which nothing is a control token, or the mark: what is said is data."""
    text, mark = defused(text), spec.mark.strip()
    while mark and mark in text:
        text = text.replace(mark, " " + mark[1:])
    return text.strip()


def _question(task: Task) -> str:
    """Return the question; with what was said before it, if more than the system and it spoke."""
    spoken = [turn for turn in turns(task) if turn[0] != "SYSTEM"]
    if len(spoken) == 1:
        return task.question or spoken[0][1]
    return "\n\n".join(f"{role}: {text}" for role, text in spoken)


def _laid_out(reading: Reading, question: str, answer: str) -> str:
    if reading.template:
        before, after = (part.replace("{question}", question) for part in pieces(reading))
        return before + answer + after
    if reading.spec.layout == "plain":
        # the server's tokenizer adds its first token by itself
        return reading.spec.question.replace("{bos}", "").replace("{question}", question) + answer
    return ""


def pieces(reading: Reading) -> tuple[str, str]:
    """Return what stands before and behind the answer, with "{question}" in it.

    By the template, or by a plain layout.
    """
    if not reading.template:
        return reading.spec.question.replace("{bos}", ""), ""
    before, after = reading.template.split("{answer}")
    return before, after


def _messages(task: Task, answer: str, spec: PRMSpec) -> list[dict[str, Any]]:
    """Return the conversation, the answer last; the spec's system message replaces others."""
    before: list[BaseMessage] = messages_from_dict(list(task.messages)) or [
        HumanMessage(task.question)
    ]
    if spec.system is not None:
        before = [SystemMessage(spec.system), *(m for m in before if m.type != "system")]
    written = write_messages([*before, AIMessage(answer)])
    for message in written[:-1]:
        message["content"] = _shown_content(message.get("content"), spec)
    asking = [message for message in written if message["role"] == "user"][-1:]
    for message in asking:
        if isinstance(message["content"], str):
            hook = spec.question.replace("{bos}", "")
            message["content"] = hook.replace("{question}", message["content"])
    return written


def _shown_content(content: Any, spec: PRMSpec) -> Any:
    if isinstance(content, str):
        return _shown(content, spec)
    if isinstance(content, list):
        return [
            {**part, "text": _shown(part["text"], spec)} if "text" in part else part
            for part in content
        ]
    return content
