"""From a question and steps to token ids, with the places where scores are read. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from verifier_agent.errors import ConfigurationError, UnreadableVerdict
from verifier_agent.verifiers.local.frames import Frame
from verifier_agent.verifiers.local.spec import PRMSpec
from verifier_agent.verifiers.local.tokens import Span, Tokens

Numbered = tuple[int, str]
"""A step and its number, from 1."""


class TooLong(UnreadableVerdict):
    """The text is longer than the model reads."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One sequence for the network, cut where others may go on in another way."""

    segments: tuple[tuple[int, ...], ...]
    """Token ids; what stands behind the last place that is read is left out."""
    reads: tuple[int, ...]
    """Of which segments the last token is read, in order."""

    @property
    def length(self) -> int:
        """How many tokens it has."""
        return sum(map(len, self.segments))


class Reader:
    """Turns questions and steps into readings as a spec and its frame say."""

    def __init__(self, spec: PRMSpec, frame: Frame, tokens: Tokens) -> None:
        self.spec, self.frame, self.tokens = spec, frame, tokens
        in_text = spec.marked and spec.layout != "turns"
        self._literals = (spec.mark.strip() or spec.mark,) if in_text else ()
        self._mark_ids = tokens.ids(spec.mark) if spec.encoding == "pieces" else ()
        self._mark: int | None = None
        self._check_marks()

    def _check_marks(self) -> None:
        """Find the id of the mark, on a text of two steps; raises ConfigurationError if none."""
        if self.spec.encoding == "pieces":
            decoded = self.tokens.text(self._mark_ids)
            if decoded.strip(" ") != self.spec.mark.strip(" "):
                raise ConfigurationError(
                    f"mark {self.spec.mark!r}: this tokenizer does not know it"
                )
        elif self.spec.marked:
            try:
                ids = {self.marks("a", [(1, "b"), (2, "c")])}
            except UnreadableVerdict as error:
                raise ConfigurationError(
                    f"{error}: the checkpoint is of another model than the preset is for"
                ) from None
            self._mark = ids.pop()[0]

    def marks(self, question: str, steps: Sequence[Numbered]) -> tuple[int, ...]:
        """Return the id of the mark of each step."""
        text, places = self._text(question, steps)
        ids, spans = self.tokens.spans(text, special=self.frame.special)
        return tuple(ids[at] for at in self._marks_at(text, places, ids, spans))

    def shown(self, text: str, literals: Sequence[str] = ()) -> str:
        """Return a text with `literals`, and what would be special tokens in it, made plain text.

        The first character of each becomes a space: what a candidate says is data, and cannot add
        a step or a turn. Half surrogate pairs become "?".
        """
        text = text.encode("utf-8", "replace").decode()
        for literal in (*self.tokens.specials, *literals):
            while literal in text:
                text = text.replace(literal, " " + literal[1:])
        return text.strip()

    def read(self, question: str, steps: Sequence[str], window: int) -> tuple[list[Reading], range]:
        """Return the readings of an answer, and which of its steps are in them.

        One reading, or with `each_prefix` one for each step. Raises TooLong if they do not fit
        into `window` tokens, and UnreadableVerdict if there is nothing to read or a mark is lost.
        """
        if not steps:
            raise UnreadableVerdict("there is no text to judge")
        least = sum(map(len, steps)) // self.tokens.longest
        if least > window and (self.spec.truncation_side is None or len(steps) == 1):
            # some tokenizers take minutes for a word of a megabyte
            raise TooLong(f"the answer has over {least} tokens; the model reads {window}")
        question, kept = self.shown(question), range(len(steps))
        while True:
            numbered = [
                (at + 1, self.spec.step_text(at + 1, self.shown(steps[at], self._literals)))
                for at in kept
            ]
            readings = self._readings(question, numbered)
            over = max(reading.length for reading in readings) - window
            if over <= 0:
                return readings, kept
            kept = self._fewer(kept, readings[-1], over, window)

    def _fewer(self, kept: range, longest: Reading, over: int, window: int) -> range:
        """Drop as many steps as make up for `over` tokens, from the side that the spec says."""
        side = self.spec.truncation_side
        if side is None or self.spec.read == "end" or len(kept) == 1:
            raise TooLong(
                f"question and answer have {over + window} tokens; the model reads {window}"
            )
        steps = [len(segment) for segment in longest.segments[1 : 1 + len(kept)]]
        dropped = 0
        for length in steps if side == "left" else reversed(steps):
            dropped += 1
            over -= length
            if over <= 0:
                break
        dropped = min(dropped, len(kept) - 1)
        return kept[dropped:] if side == "left" else kept[:-dropped]

    def _readings(self, question: str, steps: Sequence[Numbered]) -> list[Reading]:
        if self.spec.encoding == "pieces":
            return [self._pieces(question, steps)]
        if self.spec.read == "each_prefix":
            return [self._whole(question, steps[:n]) for n in range(1, len(steps) + 1)]
        return [self._whole(question, steps)]

    def _pieces(self, question: str, steps: Sequence[Numbered]) -> Reading:
        frame, ids = self.frame, self.tokens.ids
        asked = ids(frame.opening + question + frame.begin)
        told = [(*ids(step), *self._mark_ids) for _, step in steps]
        return _reading((asked, *told), range(1, len(told) + 1))

    def _whole(self, question: str, steps: Sequence[Numbered]) -> Reading:
        text, places = self._text(question, steps)
        ids, spans = self.tokens.spans(text, special=self.frame.special)
        begin = len(self.frame.opening + question + self.frame.begin)
        if self.spec.marked:
            back = 0 if self.spec.read == "mark" else 1
            ends = [at + 1 - back for at in self._marks_at(text, places, ids, spans)]
            cuts = [_before(spans, begin), *ends]
            reads = range(1, len(ends) + 1)
        else:
            # the last token of a step may be another one when more follows it, as in ".\n\n"
            ends = [_before(spans, end) - 1 for end in self._ends(text, begin, places)]
            cuts = sorted({_before(spans, begin), *ends, len(ids)} - {0, -1})
            reads = range(len(cuts) - 1, len(cuts))
        return _reading([tuple(ids[a:b]) for a, b in pairwise([0, *cuts])], reads)

    def _text(self, question: str, steps: Sequence[Numbered]) -> tuple[str, list[Span]]:
        """Return the whole text, and where the marks stand, or the steps where there are none."""
        frame, mark = self.frame, self.spec.mark
        text, places = frame.opening + question + frame.begin, []
        for place, (_, step) in enumerate(steps):
            text += (frame.joint if place else "") + step + frame.answer
            places.append((len(text), len(text) + len(mark)))
            text += mark
        return text + frame.closing, places

    def _ends(self, text: str, begin: int, places: Sequence[Span]) -> list[int]:
        """Return where the steps of a text without marks end."""
        if self.spec.read != "end":
            return [end for _, end in places]
        between, end = re.compile(self.spec.split), places[0][1]
        return [*(match.start() for match in between.finditer(text, begin, end)), end]

    def _marks_at(
        self, text: str, places: Iterable[Span], ids: Sequence[int], spans: Sequence[Span]
    ) -> list[int]:
        """Return at which tokens the marks stand; raises UnreadableVerdict unless each is one."""
        found = []
        for number, (start, end) in enumerate(places, 1):
            at = _covering(spans, end - 1)
            first, last = spans[at]
            alone = last == end and text[first:end].strip() == text[start:end].strip()
            if not alone or self._mark not in (None, ids[at]):
                raise UnreadableVerdict(
                    f"the mark {self.spec.mark!r} of step {number} is not one token of its own here"
                )
            found.append(at)
        return found


def _reading(segments: Sequence[tuple[int, ...]], reads: Iterable[int]) -> Reading:
    """Return a reading; where nothing stands before the first step, its first segment goes."""
    empty = 0 if segments[0] else 1
    return Reading(tuple(segments[empty:]), tuple(at - empty for at in reads))


def _covering(spans: Sequence[Span], place: int) -> int:
    """Return the last token that covers a character."""
    return max(0, bisect_right(spans, place, key=lambda span: span[0]) - 1)


def _before(spans: Sequence[Span], place: int) -> int:
    """Return how many tokens end at or before a place."""
    return bisect_right(spans, place, key=lambda span: span[1])
