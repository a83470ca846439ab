"""What several models are worth as arms: learned on some questions, measured on others."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tests.bench.blind import interval
from tests.bench.documents import write_section
from verifier_agent.calibration import fit_one_coin
from verifier_agent.evaluation import Question, Replay, read_pool
from verifier_agent.evaluation.recordings.pools import Survey
from verifier_agent.evaluation.replaying.recorded import Recorded
from verifier_agent.evaluation.replaying.simulating import Simulator
from verifier_agent.search import Policy, adaptive, agree, best_of, sample, until
from verifier_agent.selection import Selector, reliable_vote, vote

LEFT_OUT = "o1"
"""Models whose names begin so are left out."""
ASKED = 12
"""The most reliable of the questions that were learned on may be asked: chosen once, round."""
PARTITIONS, FOLDS = 4, 5
"""Twenty fits. The arms choose the order, and each model has one answer to a question, so it is
the questions learned on that vary, where other benches vary the order of the samples."""
PRICES = (0.03, 0.01, 0.003)


@dataclass(frozen=True)
class Rule:
    """A policy and a selector, as learned on some questions."""

    policy: Policy
    selector: Selector


def arms(*pools: str) -> None:
    """Compare choosing whom to ask with fixed panels of models, pool by pool."""
    lines = ["| pool | rule | % right | calls a question |", "|---|---|---|---|"]
    for pool in pools:
        questions = [without_left_out(question) for question in read_pool(pool)]
        name = pool.rpartition("/")[2].partition(".")[0]
        for rule, (right, calls) in measured(questions).items():
            low, high = (100 * end for end in interval([right]))
            lines.append(
                f"| {name} | {rule} | {100 * right.mean():.2f} [{low:.2f}, {high:.2f}] "
                f"| {calls.mean():.2f} |"
            )
    write_section("arms", "\n".join(lines))
    sys.stdout.write("\n".join(lines) + "\n")


def without_left_out(question: Question) -> Question:
    """Return the question without the answers of models that are left out."""
    kept = [s for s in question.samples if not (s.model or "").startswith(LEFT_OUT)]
    return question.model_copy(update={"samples": kept})


def measured(questions: Sequence[Question]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return by rule whether each question was right and how many calls it took, on average over
    the partitions; by a rule that was learned on other questions."""
    survey = Survey()
    for question in questions:
        survey.see(question)
    sums: dict[str, np.ndarray] = {}
    place = {question.id: at for at, question in enumerate(questions)}
    for partition in range(PARTITIONS):
        for fold in folds(questions, partition):
            held_out = {question.id for question in fold}
            others = [question for question in questions if question.id not in held_out]
            for name, rule in rules(others).items():
                simulator = Simulator(Replay(verifier=None, selector=rule.selector), survey)
                total = sums.setdefault(name, np.zeros((len(questions), 2)))
                for question in fold:
                    point = simulator.run(Recorded.of(question), partition, rule.policy)
                    chosen = point.sample
                    right = 0 if chosen is None else question.samples[chosen].correct or 0
                    total[place[question.id]] += right, point.samples_used
    return {name: (t[:, 0] / PARTITIONS, t[:, 1] / PARTITIONS) for name, t in sums.items()}


def folds(questions: Sequence[Question], partition: int) -> Iterator[list[Question]]:
    """Yield the parts of one partition, drawn from the ids."""
    order = sorted(questions, key=lambda q: random.Random(f"{partition}:{q.id}").random())
    for at in range(FOLDS):
        yield order[at::FOLDS]


def rules(questions: Sequence[Question]) -> dict[str, Rule]:
    """Return what these questions teach, and what needs no teaching."""
    labelled = [
        [(s.model, s.answer, s.correct or 0) for s in question.samples if s.model]
        for question in questions
    ]
    known = fit_one_coin(labelled)
    right = dict(zip(known.models, known.arguments["right"], strict=True))
    ranked = sorted(known.models, key=lambda model: (-right[model], model))[:ASKED]
    reliability = fit_one_coin(labelled, ranked)
    weighed = reliable_vote(reliability)
    found = {
        f"`adaptive(reliability=…, price={price:g})`": Rule(
            adaptive(reliability=reliability, price=price), weighed
        )
        for price in PRICES
    }
    each = len(known.models)
    return found | {
        "the most reliable model": Rule(best_of(1, model=ranked[0]), vote()),
        f"the {ASKED} most reliable, weighed": Rule(
            adaptive(reliability=reliability, price=0), weighed
        ),
        f"`adaptive()`, the {ASKED} most reliable in turn": Rule(
            adaptive(ASKED, models=tuple(ranked)), vote()
        ),
        "`agree(0.95)`, all models in any order": Rule(
            until(sample(each, batch=1), agree(0.95)), vote()
        ),
        "majority of all models": Rule(best_of(each), vote()),
    }
