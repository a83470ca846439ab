"""Text of the reasoning family to token ids and back: whole words, single digits."""

from __future__ import annotations

import re
from collections.abc import Sequence

from verifier_agent.embedded.family import PEOPLE, THINGS, example
from verifier_agent.errors import ConfigurationError

PAD, END, SOLVE = "<pad>", "<end>", "<solve>"
"""Filler behind a sequence; the end of a solution; between question and solution."""

SIGNS = (".", "?", ":", "=", "+", "-", "*", "/", "\n")
# fmt: off
WORDS = (
    "has", "more", "fewer", "than", "times", "as", "many", "half", "How", "does", "have", "Answer",
)
# fmt: on
VOCABULARY: tuple[str, ...] = (PAD, END, SOLVE, *"0123456789", *SIGNS, *WORDS, *THINGS, *PEOPLE)
IDS = {token: index for index, token in enumerate(VOCABULARY)}
PAD_ID, END_ID, SOLVE_ID, NEWLINE_ID = IDS[PAD], IDS[END], IDS[SOLVE], IDS["\n"]

_PIECE = re.compile(r"\n|\d|[A-Za-z]+|[^\sA-Za-z\d]")
_NO_SPACE_BEFORE = frozenset(".?:\n")


class OutsideVocabulary(ConfigurationError):
    """A text holds something that the embedded models never saw."""

    def __init__(self, word: str) -> None:
        super().__init__(
            f"the embedded models do not know {word!r}: they only read questions such as "
            f"{example(1, 0).question!r}; for others name another model, as 'openai:gpt-5-mini'"
        )
        self.word = word


def encode(text: str) -> list[int]:
    """Return the token ids of a text; blanks are flexible, except inside a number.

    Raises OutsideVocabulary, which names the first unknown word.
    """
    apart = re.search(r"\d[^\S\n]+\d+", text)
    known = text if apart is None else text[: apart.start()]
    ids = []
    for piece in _PIECE.findall(known):
        if piece not in IDS:
            raise OutsideVocabulary(piece)
        ids.append(IDS[piece])
    if apart is not None:
        raise OutsideVocabulary(apart.group())
    return ids


def piece_text(token: int, before: int | None) -> str:
    """Return what a token adds to a text that ends with the token `before` (None: at its start).

    The pieces of a text, joined, are the text. Special tokens add nothing.
    """
    piece = VOCABULARY[token]
    if token < len((PAD, END, SOLVE)):
        return ""
    glued = before is None or piece in _NO_SPACE_BEFORE or VOCABULARY[before] in ("\n", SOLVE)
    glued = glued or (piece.isdigit() and before is not None and VOCABULARY[before].isdigit())
    return piece if glued else f" {piece}"


def decode(ids: Sequence[int], before: int | None = None) -> str:
    """Return the text of token ids that follow the token `before` (None: at the start)."""
    pieces = []
    for token in ids:
        pieces.append(piece_text(token, before))
        before = token
    return "".join(pieces)
