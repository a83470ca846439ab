"""The files that are written of recorded answers: checked before the work, whole after it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation.scoring import Scored

Tell = Callable[[int, int], None]
"""Told how many questions are done, and how many there are."""


def check_out(out: Path | str | None, others: Sequence[Path | str | None]) -> None:
    """Raise ConfigurationError if `out` is one of the other files, which it would wipe out, or has
    no folder: before anything is done that would be lost."""
    if out is None:
        return
    place = Path(out).resolve()
    if any(other is not None and Path(other).resolve() == place for other in others):
        raise ConfigurationError(f"out={str(out)!r} is used otherwise too; name another file")
    if not place.parent.is_dir():
        raise ConfigurationError(f"out={str(out)!r}: there is no such folder")


def write_text(out: Path | str, text: str) -> None:
    """Write the whole of a file; raises ConfigurationError where that cannot be done."""
    try:
        Path(out).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"out={str(out)!r}: {error.strerror or error}") from None


def writer(stack: ExitStack, out: Path | str | None) -> Callable[[Scored], None]:
    """Return what writes a scored question to `out`, which the stack closes; None: nowhere."""
    if out is None:
        return lambda scored: None
    try:
        file = stack.enter_context(Path(out).open("w", encoding="utf-8"))  # noqa: SIM115
    except OSError as error:
        raise ConfigurationError(f"out={str(out)!r}: {error.strerror or error}") from None

    def write(scored: Scored) -> None:
        for run in scored.runs:
            line = {
                "id": run.id,
                "seed": run.seed,
                "answer": run.answer,
                "sample": run.end.sample,
                "samples_used": run.end.samples_used,
                "tokens": run.end.tokens,
                "confidence": run.confidence,
                "basis": run.basis,
                "outcome": run.outcome,
            }
            file.write(json.dumps(line) + "\n")

    return write
