"""How a reward model is to be read: one frozen value per family of models, and no code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from verifier_agent.aggregation import Aggregation, check_aggregation
from verifier_agent.errors import ConfigurationError
from verifier_agent.plain import Value

Layout = Literal["chat", "turns", "plain"]
Place = Literal["mark", "before_mark", "each_prefix", "end"]
Scale = Literal["probability", "logit", "signed"]

STEP_LABEL = re.compile(r"step\s+\d+\s*[:.)]\s*", re.IGNORECASE)
"""What a step may begin with already, where a template numbers steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels(Value):
    """A classification head: P(`label`), by softmax over all labels."""

    kind: Literal["labels"] = "labels"
    label: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPair(Value):
    """A language model's own head: P(`good`) by softmax over two tokens; others do not count."""

    kind: Literal["tokens"] = "tokens"
    good: str = "+"
    bad: str = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Value):
    """A head with one output, taken as it is."""

    kind: Literal["number"] = "number"


Readout = Labels | TokenPair | Number


@dataclass(frozen=True, slots=True, kw_only=True)
class PRMSpec(Value):
    """What a process or outcome reward model was trained to read, and how its output is read.

    Raises ConfigurationError for parts that do not fit together.
    """

    layout: Layout
    """"chat": the model's chat template around a question and one answer. "turns": a user's turn
    for each step, each answered by the mark. "plain": text, as `question` and `step` say."""
    system: str | None = None
    """The system message of a chat; None: none is given, and the template's own default holds."""
    question: str = "{question}"
    """What stands before the first step; "{bos}" is the tokenizer's first token, if it has one.
    In "turns" it begins the first turn."""
    step: str = "{step}"
    """How a step is shown; with "{number}" it is numbered from 1, and its own "Step 1:" dropped."""
    mark: str = ""
    """The step token, put behind each step. In "turns" it is the answer to a step."""
    joint: str = ""
    """What stands between a mark, or a step without one, and the next step."""
    encoding: Literal["whole", "pieces"] = "whole"
    """"whole": the text is one string for the tokenizer, which adds its special tokens to a plain
    layout. "pieces": question, steps and marks are tokenized one by one, with none added."""
    read: Place
    """"mark": at the mark. "before_mark": at the token before it, which predicts it.
    "each_prefix": for each step at the end of the text up to it. "end": once, at the end."""
    readout: Readout = Labels()
    scale: Scale = "probability"
    """Of the raw scores. "probability": as they are. "logit": any number, the score is its
    sigmoid, and compares answers to one question only. "signed": from -1 to 1, P(good) - P(bad)."""
    split: str = r"\n\s*\n"
    """The regular expression between steps; empty pieces are no steps."""
    truncation_side: Literal["left", "right"] | None = None
    """Which steps go, whole, where a text is too long for the model; None: it is not scored."""
    aggregate: Aggregation = "min"
    """From the scores of steps to the verdict's."""

    def __post_init__(self) -> None:
        check_aggregation(self.aggregate)
        if self.aggregate == "model":
            raise ConfigurationError("aggregate='model': steps are scored here, not answers")
        try:
            re.compile(self.split)
        except re.error as error:
            raise ConfigurationError(
                f"split={self.split!r}: no regular expression: {error}"
            ) from None
        if self.marked != bool(self.mark):
            raise ConfigurationError(
                f"read={self.read!r} with mark={self.mark!r}: a mark is read at, or there is none"
            )
        if self.scale == "logit" and not isinstance(self.readout, Number):
            raise ConfigurationError(
                f"scale='logit' with {self.readout}: labels are read as probabilities, whose "
                "sigmoid says nothing"
            )
        if self.layout == "turns" and not self.marked:
            raise ConfigurationError(f"read={self.read!r}: turns are answered by a mark")
        if self.encoding == "pieces" and (self.layout != "plain" or self.read != "mark"):
            raise ConfigurationError("encoding='pieces' is for a plain layout, read at its marks")
        for name, hook in (("question", self.question), ("step", self.step)):
            if hook.count(f"{{{name}}}") != 1:
                raise ConfigurationError(f"{name}={hook!r}: {{{name}}} belongs in it, once")

    @property
    def marked(self) -> bool:
        """Whether scores are read at or before a mark."""
        return self.read in ("mark", "before_mark")

    def step_text(self, number: int, text: str) -> str:
        """Return how the step of that number, from 1, is shown; without the mark."""
        if "{number}" in self.step:
            label = STEP_LABEL.match(text)
            text = text[label.end() :] if label else text
        return self.step.replace("{number}", str(number), 1).replace("{step}", text, 1)

    def steps(self, text: str) -> tuple[str, ...]:
        """Return the steps of an answer, without the space around them."""
        pieces = [text] if self.read == "end" else re.split(self.split, text)
        return tuple(piece.strip() for piece in pieces if piece.strip())
