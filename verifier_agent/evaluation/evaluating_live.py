"""`evaluate_live`: ask a model the questions of a data set, record, score, and sum up."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import warnings
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from verifier_agent.evaluation.live import Live, ModelLike, Runner
from verifier_agent.evaluation.recordings.data import Entry, read_data
from verifier_agent.evaluation.recordings.lines import Line
from verifier_agent.evaluation.recordings.recording import Recording
from verifier_agent.evaluation.recordings.transcripts import Transcript, scored
from verifier_agent.evaluation.recordings.writing import Tell, check_out, writer
from verifier_agent.evaluation.replaying.recorded_scores import PREFIX
from verifier_agent.evaluation.settings import check_count
from verifier_agent.evaluation.summary import Summary

Plain = dict[str, Any]
T = TypeVar("T")


def evaluate_live(
    model: ModelLike,
    data: Path | str | Sequence[Entry],
    settings: Live | None = None,
    *,
    record: Path | str | None = None,
    out: Path | str | None = None,
    jobs: int | None = None,
    tell: Tell | None = None,
) -> Plain:
    """Run an agent on `data`, and return the object that `evaluate` returns for a pool.

    A question whose calls all fail counts as wrong. Works beside a running event loop too.

    Args:
        model: As for `create_verifier_agent`.
        data: A file with one JSON object per line, or "embedded:test"; see `docs/pools.md`. Or
            its entries, each with an id of its own.
        settings: What is run, and how often.
        record: A pool to keep every answer in. What it holds is not paid for again: the same
            command goes on where an earlier one was ended, and the figures cover both.
        out: A file for one JSON line per question and seed, written at the end.
        jobs: Questions in flight. Default: 8; 1 for a model that computes in this process.
        tell: Called with how many questions are done, and how many there are.

    Raises:
        ConfigurationError: Wrong settings, data, or another recording; nothing has been spent.
    """
    return _wait(
        aevaluate_live(model, data, settings, record=record, out=out, jobs=jobs, tell=tell)
    )


async def aevaluate_live(
    model: ModelLike,
    data: Path | str | Sequence[Entry],
    settings: Live | None = None,
    *,
    record: Path | str | None = None,
    out: Path | str | None = None,
    jobs: int | None = None,
    tell: Tell | None = None,
) -> Plain:
    """As `evaluate_live`; cancelling it cancels the requests under way."""
    settings = settings or Live()
    runner = Runner(model, settings)
    jobs = runner.together if jobs is None else jobs
    check_count("jobs", jobs)
    check_out(out, [record, data if isinstance(data, Path | str) else None])
    entries = read_data(data) if isinstance(data, Path | str) else list(data)
    with ExitStack() as stack:
        recording = None
        if record is not None:
            recording = stack.enter_context(Recording(record, runner.setup, entries))
        known = {} if recording is None else dict(recording.known)
        fresh = [entry for entry in entries if entry.id not in known]
        for entry in fresh:
            await runner.check(entry)
        write = writer(stack, out)
        if tell is not None:
            tell(len(known), len(entries))

        def keep(line: bytes) -> None:
            transcript = Line("live", 1, line).read(Transcript)
            if recording is not None:
                recording.add(line)
            known[transcript.id] = transcript
            if tell is not None:
                tell(len(known), len(entries))

        await _ask(runner, fresh, jobs, keep)
        weighed_by = runner.weighed_by
        source = None if weighed_by is None else PREFIX + weighed_by
        summary = Summary(settings.seeds, settings.max_samples, source, runner.sureness)
        _check_scores(weighed_by, [known[entry.id] for entry in entries])
        for entry in entries:
            found = scored(known[entry.id], weighed_by)
            summary.see(found)
            write(found)
    return summary.plain()


def _check_scores(verifier: str | None, transcripts: Sequence[Transcript]) -> None:
    """Warn of figures that look sound though the verifier judged nothing: they are paid for."""
    samples = [sample for one in transcripts for sample in one.samples if sample.text]
    if verifier is not None and samples and not any(verifier in s.scores for s in samples):
        warnings.warn(
            f"{verifier!r} gave no score to any of {len(samples)} answers: the figures are without "
            "it, and the baselines 'weighted' and 'best' mean nothing; `verifier-agent solve` with "
            "one of the questions says why",
            stacklevel=3,
        )


async def _ask(
    runner: Runner, entries: Sequence[Entry], jobs: int, keep: Callable[[bytes], None]
) -> None:
    """Run all questions, so many at once; `keep` gets each transcript. The first error ends all."""
    places = asyncio.Semaphore(jobs)

    async def one(entry: Entry) -> None:
        async with places:
            keep(await runner.run(entry))

    try:
        async with asyncio.TaskGroup() as group:
            for entry in entries:
                group.create_task(one(entry))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


def _wait(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop of its own, in a thread: this one may have a loop that runs.

    An interrupt cancels it, and waits for what has to be closed.
    """
    loop = asyncio.new_event_loop()
    task = loop.create_task(coroutine)

    def work() -> None:
        loop.run_until_complete(asyncio.wait([task]))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    thread = threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True)
    thread.start()
    try:
        thread.join()
    except BaseException:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        raise
    return task.result()
