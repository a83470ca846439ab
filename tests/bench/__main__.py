"""`python -m tests.bench [NAME …]`: what docs/benchmarks.md reports, as ratios within one run."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.bench import (
    accuracy,
    arms,
    batch,
    blind,
    calibration,
    choosing,
    curves,
    embedded,
    ensemble,
    giving_up,
    local_models,
    programs,
    reading,
    risk,
    serve,
    sibling,
    speed,
    steps,
    stored,
    strategies,
    tuning,
    verifier,
)

QUICK: dict[str, Callable[[], None]] = {
    "imports": speed.imports,
    "size": speed.size,
    "overhead": speed.overhead,
    "replay": speed.replay,
    "generator": speed.generator,
    "scoring": speed.scoring,
    "stored": stored.stored,
    "adaptive": accuracy.adaptive_consistency,
}
WRITING: dict[str, Callable[..., None]] = {
    "arms": arms.arms,
    "batch": batch.batch,
    "batch-replayed": batch.batch_replayed,
    "blind": blind.votes,
    "calibration": calibration.calibration,
    "choosing": choosing.choosing,
    "curves": curves.by_difficulty,
    "defaults": blind.defaults,
    "embedded": embedded.embedded,
    "ensemble": ensemble.ensemble,
    "equivalence": programs.equivalence,
    "examples": choosing.examples,
    "giving-up": giving_up.giving_up,
    "humaneval": programs.human_eval,
    "growing-chains": local_models.growing_chains,
    "local-models": local_models.local_models,
    "reading": reading.reading,
    "risk": risk.risk,
    "serve": serve.serve,
    "sibling": sibling.sibling,
    "steps": steps.step_checkers,
    "strategies": strategies.strategies,
    "tuning": tuning.tuning,
    "verifier": verifier.verifier,
    "verifier-validation": verifier.validation,
}
"""Those that take long and write into docs/benchmarks.md themselves: run by name only, one at a
time, each with the arguments that follow its name (files of recorded answers, for instance)."""


def main(words: list[str]) -> None:
    known = QUICK | WRITING
    if words and words[0] in WRITING:
        WRITING[words[0]](*words[1:])
        return
    unknown = [name for name in words if name not in QUICK]
    if unknown:
        raise SystemExit(f"unknown bench {unknown[0]!r}; known: {', '.join(known)}")
    for name in words or QUICK:
        sys.stdout.write(f"\n## {name}\n")
        sys.stdout.flush()
        QUICK[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
