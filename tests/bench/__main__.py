"""`make bench [-- NAME …]`: measure what docs/benchmarks.md reports, as ratios within one run."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.bench import accuracy, curves, speed, verifier

BENCHES: dict[str, Callable[[], None]] = {
    "imports": speed.imports,
    "size": speed.size,
    "overhead": speed.overhead,
    "generator": speed.generator,
    "adaptive": accuracy.adaptive_consistency,
    "curves": curves.by_difficulty,
    "verifier": verifier.verifier,
}


def main(names: list[str]) -> None:
    names = [name for name in names if name != "validation"]
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        raise SystemExit(f"unknown bench {unknown[0]!r}; known: {', '.join(BENCHES)}")
    for name in names or BENCHES:
        sys.stdout.write(f"\n## {name}\n")
        sys.stdout.flush()
        BENCHES[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
