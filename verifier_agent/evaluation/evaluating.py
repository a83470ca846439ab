"""`evaluate`: replay a pool, score it, and sum it up in one plain object."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from verifier_agent.calibration import Calibration
from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation.calibrating import fit_selection
from verifier_agent.evaluation.measured import smaller_limits
from verifier_agent.evaluation.recordings.pools import Survey
from verifier_agent.evaluation.recordings.writing import Tell, check_out, writer
from verifier_agent.evaluation.replaying.replay import Replay, Replayer
from verifier_agent.evaluation.replaying.together import replay_together
from verifier_agent.evaluation.replaying.workers import baseline_scores, replay_all
from verifier_agent.evaluation.scoring import Scored
from verifier_agent.evaluation.settings import check_count
from verifier_agent.evaluation.summary import Summary

Plain = dict[str, Any]


def evaluate(
    pool: Path | str,
    settings: Replay | None = None,
    *,
    calibrate_on: Path | str | None = None,
    out: Path | str | None = None,
    jobs: int = 1,
    tell: Tell | None = None,
) -> Plain:
    """Replay `pool` through the real graph, and return what came of it as one plain object.

    The object's keys are explained in `docs/pools.md`. Figures that need labels are None without.

    Args:
        pool: A file in the pool format, plain or gzip.
        settings: What is replayed, and how often.
        calibrate_on: A labelled pool to fit confidence on first, replayed with the same settings,
            which then have no calibration.
        out: A file for one JSON line per question and seed.
        jobs: Processes to work in. With more than one, settings must be picklable, and a script
            needs its `if __name__ == "__main__"`.
        tell: Called after each question.

    Raises:
        ConfigurationError: A bad pool, named by file, line and field, or wrong settings; nothing
            has been replayed.
    """
    settings = settings or Replay()
    _check_jobs(jobs, settings)
    if calibrate_on is not None and settings.calibration is not None:
        raise ConfigurationError("calibration and calibrate_on: give one of them, not both")
    if calibrate_on is not None and settings.mean_samples is not None:
        raise ConfigurationError(
            "calibrate_on and mean_samples: fit a calibration by itself first, and pass that"
        )
    pools = [Path(p) for p in (pool, calibrate_on) if p is not None]
    check_out(out, pools)
    surveys = [Survey.of(p) for p in pools]
    survey, models = _together(*surveys), tuple(sorted(surveys[-1].models))
    settings = replace(settings, max_samples=settings.max_samples or survey.most_samples)
    # a risk cannot be checked before there is what it goes by
    bare = settings if calibrate_on is None else replace(settings, risk=None)
    Replayer.of(bare, survey)  # so that wrong settings are found here, not in every process
    done = 0

    def replayed(path: Path | str, limits: list[int], given: Replay) -> Iterator[Scored]:
        nonlocal done
        together = given.mean_samples is not None
        for scored in (
            replay_together(path, given, survey)
            if together
            else replay_all(path, given, survey, limits, jobs)
        ):
            done += 1
            if tell is not None:
                tell(done, survey.questions)
            yield scored

    with ExitStack() as stack:
        write = writer(stack, out)
        if calibrate_on is not None:
            fit = fit_selection(replayed(calibrate_on, [], bare), bare, survey)
            fitted = Calibration(generators=models, selections=(fit,))
            settings = replace(settings, calibration=fitted)
        replayer = Replayer.of(settings, survey)
        sureness = settings.sureness(replayer.selector, replayer.verifiers)
        limits = smaller_limits(settings.max_samples or 1)
        source = baseline_scores(settings, survey)
        summary = Summary(
            settings.seeds, settings.max_samples, source.name if source else None, sureness
        )
        for scored in replayed(pool, limits, settings):
            summary.see(scored)
            write(scored)
    found = summary.plain()
    if settings.mean_samples is not None:
        # the beginnings of its runs are no batch with a smaller budget
        for figures in (found, *found["by_difficulty"]):
            figures["by_budget"] = []
    return found


def _check_jobs(jobs: int, settings: Replay) -> None:
    check_count("jobs", jobs)
    if jobs > 1:
        try:
            pickle.dumps(settings)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ConfigurationError(
                f"jobs={jobs}: the settings cannot be sent to other processes ({error}); "
                "use jobs=1, or functions defined at the top of a module"
            ) from None


def _together(first: Survey, *others: Survey) -> Survey:
    """Return one survey, so that numbers are read on the same scale in every pool."""
    scores = dict(first.scores)
    for other in others:
        missing = sorted(first.scores.keys() ^ other.scores.keys())
        if missing:
            raise ConfigurationError(f"only one of the two pools has the scores {missing[0]!r}")
        for name, (low, high) in other.scores.items():
            scores[name] = (min(low, scores[name][0]), max(high, scores[name][1]))
    most = max(survey.most_samples for survey in (first, *others))
    questions = sum(survey.questions for survey in (first, *others))
    return replace(first, questions=questions, scores=scores, most_samples=most)
