"""Replay of a whole pool as one batch, under one budget."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from langsmith import tracing_context

from verifier_agent.evaluation.measured import Measured, Point
from verifier_agent.evaluation.recordings.pools import Survey, read_pool
from verifier_agent.evaluation.replaying.recorded import Recorded
from verifier_agent.evaluation.replaying.replay import Replay, Replayer
from verifier_agent.evaluation.replaying.workers import baseline_scores
from verifier_agent.evaluation.scoring import Scored, score
from verifier_agent.evaluation.usage import usage


def replay_together(pool: Path | str, settings: Replay, survey: Survey) -> Iterator[Scored]:
    """Yield every question of the pool, in the file's order, replayed in one batch for each seed.

    What the baselines are given is the same number of samples for every question, so that they
    spend what the batch may spend. The labels stay in this function and the scorer.
    """
    questions = list(read_pool(pool))
    recorded = [Recorded.of(question, in_order=settings.in_order) for question in questions]
    replayer = Replayer.of(settings, survey)
    with tracing_context(enabled=False):  # thousands of runs are nothing to send anywhere
        batches = [replayer.run_together(recorded, seed) for seed in range(settings.seeds)]
    source = baseline_scores(settings, survey)
    for question, one, runs in zip(questions, recorded, zip(*batches, strict=True), strict=True):
        measured = [
            _unreached(one, seed) if run is None else replayer.measured(one, seed, run)
            for seed, run in enumerate(runs)
        ]
        drawn = [one.drawn(seed)[: settings.mean_samples] for seed in range(settings.seeds)]
        scores = None if source is None else [source.score(answer) for answer in one.answers]
        yield score(question, measured, drawn, scores)


def _unreached(question: Recorded, seed: int) -> Measured:
    return Measured(
        id=question.id,
        seed=seed,
        answer=None,
        end=Point(sample=None, samples_used=0, tokens=0, usage=usage([], [])),
        confidence=None,
        basis="none",
        outcome="budget",
        curve=(),
    )
