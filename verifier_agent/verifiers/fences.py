"""How texts that nobody vouches for are shown to a model: between marks, as data. Pure.

Three things keep what is shown from being read as an instruction:

- A random mark stands around each text. It is drawn per judge from a secret, and anew where what
  is shown happens to hold it, so that no text can close its own block.
- The control tokens of chat templates (`<|im_end|>`, `[INST]`, `</s>`) lose their brackets, since
  many servers read them as control tokens wherever they stand.
- The report is read from the model's own words only; see `judges.reports`.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Sequence

Block = tuple[str, str]
"""The heading of a text, and the text."""

_NAMES = (
    r"/?s|/?SYS|<SYS>|</SYS>|bos|eos|unk|pad|mask|sep|cls|(?:start|end)_of_turn|"
    r"(?:begin|end)_of_(?:text|sentence)|extra_\d+|/?think|/?tool_call|/?tool_response"
)
_BRACKETS = (
    r"BOS|EOS|UNK|PAD|SEP|CLS|MASK|gMASK|sMASK|/?INST|/?[A-Z]+_(?:PROMPT|TOOLS|CALLS|RESULTS)"
)
_CONTROL = re.compile(
    rf"<[|\uff5c][^<>\n]{{0,64}}?[|\uff5c]>|<(?:{_NAMES})>|\[(?:{_BRACKETS})\]", re.IGNORECASE
)
"""The control tokens of published chat templates: ChatML, Llama 2 to 4, Mistral, Gemma, DeepSeek,
GLM, Qwen."""
_PLAIN = str.maketrans("<>[]", "()()")


def defused(text: str) -> str:
    """Return `text` with the brackets of control tokens made round; its length stays the same."""
    return _CONTROL.sub(lambda found: found.group().translate(_PLAIN), text)


def fence(secret: bytes, subject: str, shown: Sequence[str]) -> str:
    """Return a mark of 16 hexadecimal digits that stands in none of the texts `shown`.

    It is the same for the same `subject` unless what is shown holds it (a judge may have quoted
    it in feedback), so that what the candidates of one task have in common stays a common prefix,
    which providers cache.
    """
    for turn in itertools.count():
        seed = f"{turn}:{subject}".encode("utf-8", "replace")
        mark = hashlib.blake2b(seed, key=secret, digest_size=8).hexdigest()
        if not any(mark in text for text in shown):
            return mark
    raise AssertionError("itertools.count ends nowhere")


def block(mark: str, parts: Sequence[Block], end: str) -> str:
    """Return the texts, each between a line with its heading and the mark, and an end line."""
    return "\n".join(f"{heading} {mark}\n{text}\n{end} {mark}" for heading, text in parts)
