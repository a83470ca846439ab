"""Synthetic pools with known properties."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Plain = dict[str, Any]


def a_sample(answer: str | None, correct: int | None = None, **more: Any) -> Plain:
    labels = {} if correct is None else {"correct": correct}
    return {"text": f"So it is {answer}.", "answer": answer, **labels, **more}


def a_question(name: str, samples: Sequence[Plain], **more: Any) -> Plain:
    return {"id": name, "question": f"What is {name}?", "samples": list(samples), **more}


def write(path: Path, questions: Sequence[Plain], *, packed: bool = False) -> Path:
    text = "".join(json.dumps(question) + "\n" for question in questions)
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    return path


def coins(
    n: int, samples: int, shares: Sequence[float], *, seed: int = 0, tokens: int = 7
) -> list[Plain]:
    """Questions of which an exact share of the samples is right, and all wrong answers agree.

    Question i has the share `shares[i % len(shares)]`. Scores are 0.75 + noise for right answers
    and 0.25 + noise for wrong ones, far enough apart that none is out of order.
    """
    source = random.Random(seed)
    made = []
    for i in range(n):
        right = round(shares[i % len(shares)] * samples)
        marks = [1] * right + [0] * (samples - right)
        source.shuffle(marks)
        made.append(
            a_question(
                f"q{i}",
                [
                    a_sample(
                        "yes" if mark else "no",
                        mark,
                        tokens=tokens,
                        logprob=-1.5,
                        model="small" if place % 2 else "large",
                        scores={"prm": 0.25 + 0.5 * mark + source.uniform(-0.2, 0.2)},
                    )
                    for place, mark in enumerate(marks)
                ],
                gold="yes",
            )
        )
    return made
