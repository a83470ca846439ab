"""`make bench [-- NAME …]`: measure what docs/benchmarks.md reports, as ratios within one run."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.bench import accuracy, curves, speed, verifier

QUICK: dict[str, Callable[[], None]] = {
    "imports": speed.imports,
    "size": speed.size,
    "overhead": speed.overhead,
    "replay": speed.replay,
    "generator": speed.generator,
    "scoring": speed.scoring,
    "adaptive": accuracy.adaptive_consistency,
}
WRITING: dict[str, Callable[[], None]] = {
    "curves": curves.by_difficulty,
    "verifier": verifier.verifier,
    "verifier-validation": verifier.validation,
}
"""Those that take long and write into docs/benchmarks.md themselves: run by name only."""


def main(names: list[str]) -> None:
    known = QUICK | WRITING
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"unknown bench {unknown[0]!r}; known: {', '.join(known)}")
    for name in names or QUICK:
        sys.stdout.write(f"\n## {name}\n")
        sys.stdout.flush()
        known[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
