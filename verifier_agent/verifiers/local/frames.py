"""The literal text around a question and its steps: a chat template, rendered once and cut up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from verifier_agent.errors import ConfigurationError
from verifier_agent.plain import Value
from verifier_agent.verifiers.local.spec import PRMSpec

Render = Callable[[Sequence[Mapping[str, str]]], str]
"""From the messages of a chat to its text, without a prompt for another turn."""

QUESTION, ANSWER = "QUESTION-7f3a9c", "ANSWER-51d0e2"
"""Stand-ins that no template has a use for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame(Value):
    """What stands before, between and behind: with it no chat template is needed any more.

    The text is opening, question, begin; then each step, answer, mark, with joint between them;
    then closing.
    """

    opening: str = ""
    begin: str = ""
    answer: str = ""
    joint: str = ""
    closing: str = ""
    special: bool = False
    """Whether the tokenizer adds its own special tokens."""


def frame_of(spec: PRMSpec, render: Render | None, bos: str) -> Frame:
    """Return the frame of a spec.

    `render` is the checkpoint's chat template, None if it has none; `bos` its first token, or "".
    Raises ConfigurationError where a template is needed and missing, or rewrites what it is given,
    so that steps could not be found in it again.
    """
    if spec.layout == "plain":
        opening, begin = spec.question.replace("{bos}", bos).split("{question}")
        whole = spec.encoding == "whole"
        return Frame(opening=opening, begin=begin, joint=spec.joint, special=whole)
    if render is None:
        raise ConfigurationError(
            f"layout={spec.layout!r}: the checkpoint's tokenizer has no chat template"
        )
    before, between = spec.question.replace("{bos}", "").split("{question}")
    if spec.layout == "chat":
        text = render(_messages(spec, [(QUESTION, ANSWER)]))
        opening, begin, closing = _cut(text, [QUESTION, ANSWER])
        return Frame(
            opening=opening + before, begin=between + begin, joint=spec.joint, closing=closing
        )
    return _turns(spec, render, before, between)


def _messages(spec: PRMSpec, turns: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    messages = [] if spec.system is None else [{"role": "system", "content": spec.system}]
    for said, answered in turns:
        messages += [
            {"role": "user", "content": said},
            {"role": "assistant", "content": answered},
        ]
    return messages


def _turns(spec: PRMSpec, render: Render, before: str, between: str) -> Frame:
    """Return the frame of a conversation; it must look the same however many turns there are."""
    cuts = []
    for count in (1, 2, 3):
        said = [(f"{QUESTION}{n}", f"{ANSWER}{n}") for n in range(count)]
        text = render(_messages(spec, said))
        cuts.append(_cut(text, [stand_in for turn in said for stand_in in turn]))
    openings = {pieces[0] for pieces in cuts}
    answers = {piece for pieces in cuts for piece in pieces[1:-1:2]}
    joints = {piece for pieces in cuts for piece in pieces[2:-1:2]}
    if max(map(len, (openings, answers, joints))) > 1:
        raise ConfigurationError(
            "the checkpoint's chat template shows a turn in another way when turns follow it; "
            "layout 'turns' cannot be read with it"
        )
    return Frame(
        opening=openings.pop() + before,
        begin=between,
        answer=answers.pop(),
        joint=joints.pop(),
        closing=cuts[0][-1],
    )


def _cut(text: str, stand_ins: Sequence[str]) -> list[str]:
    """Return the pieces of a rendered chat around the stand-ins, which occur once, in order."""
    pieces, rest = [], text
    for stand_in in stand_ins:
        piece, found, rest = rest.partition(stand_in)
        if not found or stand_in in rest:
            raise ConfigurationError(
                "the checkpoint's chat template leaves out, repeats or moves what is said in a "
                "chat; it cannot be used to score one"
            )
        pieces.append(piece)
    return [*pieces, rest]
