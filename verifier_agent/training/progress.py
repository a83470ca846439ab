"""Lines of progress on standard output."""

from __future__ import annotations

import sys


def say(line: str) -> None:
    """Print one line at once, also into a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
