"""`weigh_verifiers`: how much each verifier counts, fitted on the recorded answers of a pool."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from verifier_agent.calibration import named
from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation.calibrating import pool_source
from verifier_agent.evaluation.metrics import intervals, mean
from verifier_agent.evaluation.recordings.pools import Question, Survey, read_pool
from verifier_agent.evaluation.recordings.writing import Tell
from verifier_agent.evaluation.replaying.recorded import Desk, Draws, Recorded, ReplayChatModel
from verifier_agent.evaluation.replaying.recorded_scores import (
    PREFIX,
    Scale,
    recorded_as,
    recorded_verifiers,
)
from verifier_agent.graph.growing import STATED
from verifier_agent.graph.tables import single
from verifier_agent.values import Candidate, Task, Verifier
from verifier_agent.verifiers import VerifierLike
from verifier_agent.weighting import SHARE, Method, Scored, Weights, best_right, fit_weights

FOLDS = 2


def weigh_verifiers(
    pool: Path | str,
    verifiers: Sequence[VerifierLike] = (),
    *,
    method: Method = "latent",
    labels: int | None = None,
    share: float = SHARE,
    seed: int = 0,
    tell: Tell | None = None,
) -> Weights:
    """Return how much the word of each verifier counts, fitted on a pool.

    Where the pool has labels, `Weights.figures` says how often the answer with the highest
    weighted score is right, beside the plain mean and the best verifier alone: on questions that
    the weights were not fitted on, for the figures each half by a fit to the other. Labels are not
    looked at for the weights, unless the method is "labels".

    Args:
        pool: A file in the pool format.
        verifiers: As for `Replay`: "scores:NAME", or what judges without a call. Of two alike the
            first is kept, so name cheap ones first. Default: all scores that are recorded.
        method: "latent", "moments" or "labels".
        labels: For "labels": how many labelled questions, drawn by `seed`. Default: all.
        share: Without labels: how many of a question's answers are right, about.
        seed: Of the questions whose labels are used.
        tell: Called after each question that was scored with how many are, of how many.

    Raises:
        ConfigurationError: A bad pool, verifiers that the pool has not, or nothing to fit to.
    """
    survey = Survey.of(pool)
    verifiers = verifiers or [PREFIX + name for name in sorted(survey.scores)]
    if not verifiers:
        raise ConfigurationError(f"{pool}: no scores are recorded; name verifiers that judge")
    judges = Judges.of(verifiers, survey)
    scored = []
    for question in read_pool(pool):
        scored.append(judges.scored(question))
        if tell is not None:
            tell(len(scored), survey.questions)
    names = judges.names
    able = [one for one in scored if one.labels is not None]
    drawn = _drawn(able, labels, seed) if method == "labels" else scored
    found = fit_weights(names, drawn, method, share=share)
    fitted = {id(one) for one in drawn}
    others = [one for one in able if id(one) not in fitted]
    return replace(
        found,
        members=tuple(replace(m, scale=judges.scale(m.verifier)) for m in found.members),
        figures=_figures(names, able, found, others, share),
        source=pool_source(pool, survey),
    )


@dataclass(frozen=True, slots=True)
class Judges:
    """Verifiers that judge recorded answers."""

    verifiers: tuple[Verifier, ...]
    scales: dict[str, Scale]
    desk: Desk

    @classmethod
    def of(cls, named_: Sequence[VerifierLike], survey: Survey) -> Judges:
        """Return the verifiers; raises ConfigurationError for one that would call a model."""
        desk = Desk()
        scales = {name: Scale(*ends) for name, ends in survey.scores.items()}
        model = ReplayChatModel(desk=desk)
        found = recorded_verifiers(named_, desk, scales, model, tests=survey.tests)
        unable = [v.name for v in single(found) if not hasattr(v, "verify_sync")]
        if unable:
            raise ConfigurationError(f"{unable[0]!r} is async only; record its scores, and name it")
        return cls(found, scales, desk)

    @property
    def names(self) -> list[str]:
        """Their names, recorded or not."""
        return [named(verifier.name) for verifier in self.verifiers]

    def scale(self, name: str) -> tuple[float, float]:
        """Return what numbers were read as 0 and 1."""
        scale = self.scales.get(recorded_as(name, self.scales)[0], Scale(0.0, 1.0))
        ends = (scale.lowest, scale.highest)
        return (0.0, 1.0) if ends[0] >= 0.0 and ends[1] <= 1.0 else ends

    def scored(self, question: Question) -> Scored:
        """Return what they say of the independent whole answers to a question."""
        recorded = Recorded.of(question)
        task, candidates = shown(recorded)
        message = str(recorded.message(0).id)
        self.desk.runs[message] = Draws(recorded, 0)
        try:
            said = [list(_scores(v, task, candidates)) for v in self.verifiers]
        finally:
            del self.desk.runs[message]
        labels = [question.samples[at].correct for at in recorded.places]
        return Scored(
            scores=list(zip(*said, strict=True)),
            labels=None if None in labels else [int(bool(label)) for label in labels],
        )


def shown(recorded: Recorded) -> tuple[Task, list[Candidate]]:
    """Return the question and its independent whole answers, as a verifier is shown them."""
    message = {
        "type": "human",
        "data": {"content": recorded.question, "id": recorded.message(0).id},
    }
    candidates = [_candidate(recorded, at) for at in recorded.places]
    return Task(question=recorded.question, messages=(message,)), candidates


def _candidate(recorded: Recorded, at: int) -> Candidate:
    answer = recorded.answers[at]
    stated = {STATED: {"sample": at}}
    return Candidate(
        id=f"g{at}",
        text=answer.text,
        answer=answer.key,
        model=answer.model,
        logprob=answer.logprob,
        message={"type": "ai", "data": {"content": answer.text, "response_metadata": stated}},
    )


def _scores(
    verifier: Verifier, task: Task, candidates: Sequence[Candidate]
) -> Iterator[float | None]:
    judge = getattr(verifier, "verify_sync")  # noqa: B009  # it is no part of the protocol
    for verdict in judge(task, candidates):
        yield verdict.score


def _drawn(able: Sequence[Scored], labels: int | None, seed: int) -> Sequence[Scored]:
    """Return so many of the labelled questions, drawn by the seed; None: all."""
    if labels is None:
        return able
    if labels < 1 or labels > len(able):
        raise ConfigurationError(f"labels={labels}: the pool has {len(able)} labelled questions")
    return random.Random(seed).sample(list(able), labels)


def _figures(
    names: Sequence[str],
    able: Sequence[Scored],
    found: Weights,
    others: Sequence[Scored],
    share: float,
) -> dict[str, float | None]:
    """Return what the weights are worth on labelled questions that they were not fitted on: the
    `others`, or, where there is none, each half by a fit to the other, if halves are enough."""
    if len(able) < 2 * FOLDS:
        return {}
    try:
        folds = [(found, list(others))] if others else _halves(names, able, found, share)
    except ConfigurationError:  # half of the questions is too little to fit to
        return {}
    rows = [
        (*_rights(names, weights, one), *singles)
        for weights, held in folds
        for one in held
        if one.labels is not None
        for singles in [[best_right(c, one.labels) for c in zip(*one.scores, strict=True)]]
    ]
    ours, plain, *alone = map(list, zip(*rows, strict=True))
    best = max(alone, key=sum)
    gain = {"mean": [a - b for a, b in zip(ours, plain, strict=True)]}
    low, high = intervals(gain).get("mean", (None, None))
    return {
        "questions": len(rows),
        "accuracy": mean(ours),
        "mean": mean(plain),
        "gain": mean(gain["mean"]),
        "gain_low": low,
        "gain_high": high,
        "best_alone": mean(best),
    }


def _halves(
    names: Sequence[str], able: Sequence[Scored], found: Weights, share: float
) -> list[tuple[Weights, list[Scored]]]:
    """Return fits to each half of the questions, with the other half."""
    order = list(able)
    random.Random("halves").shuffle(order)
    halves = [order[fold::FOLDS] for fold in range(FOLDS)]
    return [
        (fit_weights(names, other, found.method, share=share), held)
        for held, other in zip(halves, halves[::-1], strict=True)
    ]


def _rights(names: Sequence[str], weights: Weights, one: Scored) -> tuple[float, float]:
    """Return how right the best answer is by the weights, and by the plain mean."""
    assert one.labels is not None
    sums = [weights.log_odds(dict(zip(names, scores, strict=True))) for scores in one.scores]
    means = [mean([s for s in scores if s is not None]) for scores in one.scores]
    return best_right(sums, one.labels), best_right(means, one.labels)
