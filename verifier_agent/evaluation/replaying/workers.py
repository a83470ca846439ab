"""Replay side by side: lines of a pool in, scored questions out, in order, a few at a time."""

from __future__ import annotations

import math
import multiprocessing
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from pathlib import Path

from langsmith import tracing_context

from verifier_agent.evaluation.recordings.lines import Line, lines
from verifier_agent.evaluation.recordings.pools import Question, Survey
from verifier_agent.evaluation.replaying.recorded import Recorded
from verifier_agent.evaluation.replaying.recorded_scores import PREFIX, Scale, Source, find_source
from verifier_agent.evaluation.replaying.replay import Replay, Replayer
from verifier_agent.evaluation.scoring import Scored, score

CHUNK = 16
"""Runs per piece of work: few, so that progress moves, Ctrl-C is quick and memory stays small."""
AHEAD = 3
"""Pieces of work per process that are read ahead."""


class Worker:
    """Replays and scores questions; each process has one."""

    def __init__(self, settings: Replay, survey: Survey, limits: Sequence[int]) -> None:
        self._replayer = Replayer.of(settings, survey, limits)
        self._scores = baseline_scores(settings, survey)

    def work(self, batch: Sequence[Line]) -> list[Scored]:
        """Replay a few questions. The labels stay in this function and the scorer."""
        with tracing_context(enabled=False):  # thousands of runs are nothing to send anywhere
            return [self._one(line) for line in batch]

    def _one(self, line: Line) -> Scored:
        question = line.read(Question)
        recorded = Recorded.of(question, in_order=self._replayer.settings.in_order)
        runs = self._replayer.replay(recorded)
        drawn = [recorded.drawn(run.seed)[: self._replayer.max_samples] for run in runs]
        source = self._scores
        scores = None if source is None else [source.score(a) for a in recorded.answers]
        return score(question, runs, drawn, scores)


def baseline_scores(settings: Replay, survey: Survey) -> Source | None:
    """Return the scores the baselines weigh by: a verifier's, or else the first recorded."""
    scales = {name: Scale(*ends) for name, ends in sorted(survey.scores.items())}
    found = [find_source(one, scales, tests=survey.tests) for one in settings.verifiers]
    found += [Source(PREFIX + name, scale) for name, scale in scales.items()]
    return next((source for source in found if source is not None), None)


def replay_all(
    pool: Path | str, settings: Replay, survey: Survey, limits: Sequence[int], jobs: int
) -> Iterator[Scored]:
    """Yield every question of the pool, replayed and scored, in the file's order.

    With `jobs` > 1 in as many processes; then settings must be picklable.
    """
    size = max(1, CHUNK // settings.seeds)
    jobs = min(jobs, math.ceil(survey.questions / size))  # a process takes a second to start
    if jobs == 1:
        worker = Worker(settings, survey, limits)
        for line in lines(pool):
            yield from worker.work([line])
        return
    # spawned, not forked: a fork copies locks that other threads may hold
    with ProcessPoolExecutor(
        jobs,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(settings, survey, limits),
    ) as executor:
        try:
            yield from _in_order(executor, _chunks(pool, size), jobs * AHEAD)
        finally:
            executor.shutdown(wait=False, cancel_futures=True)


def _chunks(pool: Path | str, size: int) -> Iterator[list[Line]]:
    read = lines(pool)
    while chunk := list(islice(read, size)):
        yield chunk


def _in_order(
    executor: ProcessPoolExecutor, chunks: Iterator[list[Line]], ahead: int
) -> Iterator[Scored]:
    # `executor.map` would read the whole pool at once
    waiting: deque[Future[list[Scored]]] = deque()
    for chunk in chunks:
        waiting.append(executor.submit(_work, chunk))
        if len(waiting) >= ahead:
            yield from waiting.popleft().result()
    while waiting:
        yield from waiting.popleft().result()


_workers: list[Worker] = []
"""This process's own worker, in a process that was started for it."""


def _begin(settings: Replay, survey: Survey, limits: Sequence[int]) -> None:
    # Ctrl-C reaches every process of a terminal; the one that was started by hand ends the others
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _workers.append(Worker(settings, survey, limits))


def _work(batch: Sequence[Line]) -> list[Scored]:
    return _workers[0].work(batch)
