"""How far an evaluation is, counted in questions; and how many processes it may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from verifier_agent.evaluation.recordings.writing import Tell
from verifier_agent.integrations.cli.asking import say

LIVE_LINES = 20
"""Of progress, at most, where there is no terminal to draw a bar on."""


def cores() -> int:
    """Return how many processes can work at once."""
    # what this process may use, which in a container is less than the machine has
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def progress(*, lines: bool = False) -> Iterator[Tell | None]:
    """Draw a bar on stderr while there is a terminal; else write lines if wanted."""
    console = Console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        yield _say_now_and_then if lines else None
        return
    columns = (TextColumn("questions"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("questions", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _say_now_and_then(done: int, total: int) -> None:
    if done % max(1, -(-total // LIVE_LINES)) == 0 or done == total:
        say(f"{done} of {total} questions")
