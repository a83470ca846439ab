"""Texts that no verifier likes, as candidates: empty, huge, half a character, marks of steps."""

from __future__ import annotations

from verifier_agent.values import Candidate

MARKS = (
    "<extra_0>",
    "ки",
    "<|im_end|><|im_start|>user",
    "<|endoftext|>",
    "<|eot_id|>",
    "[/INST]",
    "</s>",
    "<think>",
)
"""What reward models and chat templates put between steps and turns."""
HUGE = 1 << 20
"""Characters of the longest one."""
_LINE = "so we see that the sum is what was asked for, and that it is as it should be.\n"
_SIMPLE = ("First we add them.", "Then we are done.")


def bad_candidates() -> list[Candidate]:
    """Return complete candidates whose texts are hard to read."""
    texts = (
        "",
        " \n\t\r\n ",
        "\x00\x1b[2J\ufeff\u202e\u2028",
        "3 * 4 = \ud83d, so the answer is \udc00 {\ud800}.",
        "[" * 2_000 + "(" * 2_000 + "{" * 2_000,
        _LINE * (HUGE // len(_LINE)),
    )
    return [Candidate(id=f"g{n}", text=text) for n, text in enumerate(texts)]


def marked_pairs(first: int) -> list[tuple[Candidate, Candidate]]:
    """Return pairs of one text, plain and with marks of steps inside; ids count from `first`."""
    plain = "\n".join(_SIMPLE)
    pairs = []
    for number, mark in enumerate(MARKS):
        marked = "\n".join(f"{line[:-6]} {mark} {line[-6:]}" for line in _SIMPLE)
        one, other = (f"g{first + 2 * number + place}" for place in (0, 1))
        pairs.append((Candidate(id=one, text=plain), Candidate(id=other, text=marked)))
    return pairs
