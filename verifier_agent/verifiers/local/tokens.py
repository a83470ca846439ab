"""The tokenizer of a checkpoint: ids with the places they stand for, and what text may not say."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from verifier_agent.errors import ConfigurationError, MissingExtra

try:
    from tokenizers import Tokenizer
except ImportError as error:
    raise MissingExtra("a local reward model", "onnx") from error

PIECES = 1024
"""Pieces of text whose ids are kept."""
LONGEST_KEPT = 2_000
"""Characters of such a piece."""
Span = tuple[int, int]
"""Where a token stands in the text: from, to; characters."""


class Tokens:
    """A `tokenizers.Tokenizer` that neither pads nor truncates."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        tokenizer.no_padding()
        tokenizer.no_truncation()
        added = tokenizer.get_added_tokens_decoder().values()
        literals = {
            token.content for token in added if token.special and not token.content[:1].isspace()
        }
        self.specials = tuple(sorted(literals, key=lambda text: (-len(text), text)))
        """Literals that are tokens of the chat's own wherever they stand, the longest first."""
        self.longest = max(map(len, tokenizer.get_vocab(with_added_tokens=True)))
        """Characters of the longest token."""
        # an answer that grows is read again after each step, and all but the last are as before
        self._kept = lru_cache(PIECES)(self._ids)

    @classmethod
    def read(cls, file: Path) -> Tokens:
        """Read a tokenizer.json; raises ConfigurationError if it is none."""
        try:
            return cls(Tokenizer.from_file(str(file)))
        except Exception as error:  # the library raises plain Exception
            raise ConfigurationError(f"{file}: no tokenizer: {error}") from None

    def spans(self, text: str, *, special: bool) -> tuple[list[int], list[Span]]:
        """Return ids and places; `special` adds the tokenizer's own first and last tokens."""
        encoded = self.tokenizer.encode(text, add_special_tokens=special)
        spans: list[Span] = []
        for start, end in encoded.offsets:
            # a token that was added stands nowhere, (0, 0); it is put where the one before it ended
            reached = spans[-1][1] if spans else 0
            spans.append((start, end) if end else (reached, reached))
        return list(encoded.ids), spans

    def ids(self, text: str) -> tuple[int, ...]:
        """Return the ids of a piece of text, none added."""
        return self._kept(text) if len(text) <= LONGEST_KEPT else self._ids(text)

    def _ids(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def text(self, ids: Sequence[int]) -> str:
        """Return what ids say, special tokens included."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=False))

    def single(self, text: str) -> int:
        """Return the one id of `text`; raises ConfigurationError if it is not one token."""
        ids = self.ids(text)
        if len(ids) != 1:
            raise ConfigurationError(
                f"{text!r} is {len(ids)} tokens to this tokenizer, and one is needed: the "
                "checkpoint is of another model than the preset is for"
            )
        return ids[0]
