"""`calibrate`: what scores and votes are worth, fitted on the replay of a labelled pool."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

from verifier_agent.calibration import (
    Calibration,
    Confidence,
    Method,
    ScoreFit,
    SelectionFit,
    auroc,
    discrimination,
    fit_calibrator,
    fit_offset,
    fit_tally,
    named,
    selective,
)
from verifier_agent.evaluation.measured import smaller_limits
from verifier_agent.evaluation.metrics import brier_skill, calibration_error_by_mass, mean
from verifier_agent.evaluation.recordings.pools import Survey
from verifier_agent.evaluation.recordings.writing import Tell
from verifier_agent.evaluation.replaying.recorded_scores import recorded_as
from verifier_agent.evaluation.replaying.replay import Replay, Replayer
from verifier_agent.evaluation.replaying.workers import replay_all
from verifier_agent.evaluation.scoring import Rated, Scored, Weighed
from verifier_agent.search import best_of
from verifier_agent.selection import SelectorFunction
from verifier_agent.values import Verifier

FEWEST = 100
"""Answers of one generator, with some right and some wrong, for a calibrator of its own."""
FOLDS = 2


def calibrate(
    pool: Path | str,
    settings: Replay | None = None,
    *,
    selectors: Sequence[str | SelectorFunction] = (),
    method: Method = "platt",
    jobs: int = 1,
    tell: Tell | None = None,
) -> Calibration:
    """Return what scores and confidences are worth, as fitted on a labelled pool.

    First each verifier's scores of all recorded answers, then, with scores that are P(correct),
    the confidence of each selector at the ends and the beginnings of runs.

    Args:
        pool: A file in the pool format, with `correct`.
        settings: What runs are like: verifiers, policy, seeds. A calibration or risk in them does
            not count: scores and votes are fitted as they are.
        selectors: Whose confidence is calibrated. Default: that of the settings.
        method: How scores are fitted.
        jobs: Processes to work in, as for `evaluate`.
        tell: Called after each question of each replay with how many are done, of how many.

    Raises:
        ConfigurationError: A bad pool, one without labels, or wrong settings.
    """
    settings = settings or Replay()
    survey = Survey.of(pool)
    most = settings.max_samples or survey.most_samples
    settings = replace(settings, max_samples=most, calibration=None, risk=None)
    scored_alone = _absolute(Replayer.of(settings, survey).verifiers)
    chosen: Sequence[str | SelectorFunction | None] = selectors or [settings.selector]
    told = _counted(tell, (len(chosen) + scored_alone) * survey.questions)

    def replayed(given: Replay, limits: list[int]) -> Iterator[Scored]:
        for scored in replay_all(pool, given, survey, limits, jobs):
            told()
            yield scored

    fitted = Calibration(generators=tuple(sorted(survey.models)), source=pool_source(pool, survey))
    if scored_alone:
        drawn = replace(settings, policy=best_of(most), selector=None, seeds=1)
        fitted = replace(fitted, scores=fit_scores(replayed(drawn, []), survey, method))
    fits = []
    for selector in chosen:
        given = replace(settings, selector=selector, calibration=fitted)
        runs = replayed(given, smaller_limits(most))
        fits.append(fit_selection(runs, given, survey))
    return replace(fitted, selections=tuple(fits))


def fit_selection(runs: Iterable[Scored], settings: Replay, survey: Survey) -> SelectionFit:
    """Return how sure the answers of runs like these are, and of the shorter ones they hold.

    Raises ConfigurationError if there is nothing to fit to.
    """
    weighed = {scored.id: scored.weighed for scored in runs}
    replayer = Replayer.of(settings, survey)
    held_out = _held_out(weighed)
    return SelectionFit(
        selector=repr(replayer.selector),
        verifiers=tuple(named(verifier.name) for verifier in replayer.verifiers),
        policy=repr(replayer.policy),
        confidence=_fit(weighed, weighed),
        curve=selective(held_out),
        figures={
            "questions": len(held_out),
            "accuracy": mean([right for _, right in held_out]),
            "brier_skill": brier_skill(held_out),
            "ece_by_mass": calibration_error_by_mass(held_out),
            "auroc": auroc(held_out),
        },
    )


Runs = Mapping[str, tuple[tuple[Weighed, ...], ...]]
"""By question: its runs, each at its end and at its shorter beginnings."""


def _fit(weighed: Runs, ids: Iterable[str]) -> Confidence:
    return fit_tally([one for name in ids for run in weighed[name] for one in run])


def _held_out(weighed: Runs) -> list[tuple[float, int]]:
    """Return confidence and outcome at the end of one run of each question, by a fit to the others.

    Halves by a number drawn from the id, so that the order of the file does not matter.
    """
    ids = sorted(weighed, key=lambda name: random.Random(f"fold:{name}").random())
    found: list[tuple[float, int]] = []
    for fold in range(FOLDS):
        others = [name for place, name in enumerate(ids) if place % FOLDS != fold]
        if not any(run for name in others for run in weighed[name]):
            continue
        confidence = _fit(weighed, others)
        ends = [weighed[name][0][0] for name in ids[fold::FOLDS] if any(weighed[name][:1])]
        found += [(confidence(evidence), right) for evidence, right in ends]
    return found


def fit_scores(runs: Iterable[Scored], survey: Survey, method: Method) -> tuple[ScoreFit, ...]:
    """Return what each verifier's scores are worth: for all generators together, and for each one
    that has enough answers, right and wrong."""
    questions = [scored.rated for scored in runs]
    rated = [one for question in questions for one in question]
    fits: list[ScoreFit] = []
    for verifier in sorted({one.verifier for one in rated}):
        own = [one for one in rated if one.verifier == verifier]
        together = _score_fit(verifier, None, own, survey, method)
        ballots = [
            [
                (one.answer, together.calibrator(one.score), one.right)
                for one in question
                if one.verifier == verifier and one.answer is not None
            ]
            for question in questions
        ]
        fits.append(replace(together, offset=fit_offset(ballots)))
        for generator in sorted({one.generator for one in own if one.generator is not None}):
            theirs = [one for one in own if one.generator == generator]
            if len(theirs) >= FEWEST and len({one.right for one in theirs}) == 2:
                fits.append(_score_fit(verifier, generator, theirs, survey, method))
    return tuple(fits)


def _score_fit(
    verifier: str, generator: str | None, rated: Sequence[Rated], survey: Survey, method: Method
) -> ScoreFit:
    pairs = [(one.score, one.right) for one in rated]
    cut = discrimination(pairs)
    low, high = survey.scores.get(recorded_as(verifier, survey.scores)[0], (0.0, 1.0))
    return ScoreFit(
        verifier=verifier,
        generator=generator,
        calibrator=fit_calibrator(pairs, method),
        scale=(0.0, 1.0) if low >= 0.0 and high <= 1.0 else (low, high),
        answers=len(pairs),
        right=sum(right for _, right in pairs),
        auroc=auroc(pairs),
        j=None if cut is None else cut.j,
        cut=None if cut is None else cut.score,
    )


def _absolute(verifiers: Sequence[Verifier]) -> bool:
    """True if a verifier judges each answer by itself, and its word is no proof."""
    return any(
        not getattr(verifier, "relational", False) and not getattr(verifier, "hard", False)
        for verifier in verifiers
    )


def pool_source(pool: Path | str, survey: Survey) -> dict[str, str | int]:
    """Return what tells a pool from others, for what was fitted on it."""
    digest = hashlib.sha256(Path(pool).read_bytes()).hexdigest()
    name, questions, answers = Path(pool).name, survey.questions, survey.samples
    return {"pool": name, "sha256": digest, "questions": questions, "answers": answers}


def _counted(tell: Tell | None, total: int) -> Callable[[], None]:
    done = count(1)

    def told() -> None:
        if tell is not None:
            tell(next(done), total)

    return told
