"""Whether a stated risk is kept: pools split at random a hundred times, fitted and measured."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tests.bench.calibration import FITTED
from tests.bench.documents import write_section
from verifier_agent.calibration import Calibration, enough
from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation.calibrating import fit_selection
from verifier_agent.evaluation.measured import smaller_limits
from verifier_agent.evaluation.recordings.pools import Survey
from verifier_agent.evaluation.replaying.workers import replay_all
from verifier_agent.evaluation.scoring import Scored

SPLITS = 100
RISKS = (0.05, 0.1, 0.2)


def risk(*pools: str) -> None:
    """Count the splits whose other half was answered no more wrongly than stated."""
    table = ["| pool | stated risk | kept | refused | answered | answered, where not refused |"]
    table.append("|---|---|---|---|---|---|")
    for pool in pools:
        survey = Survey.of(pool)
        bare = Calibration(generators=tuple(sorted(survey.models)), source={})
        given = replace(FITTED, calibration=bare)
        limits = smaller_limits(given.max_samples or survey.most_samples)
        runs = list(replay_all(pool, given, survey, limits, 1))
        splits = [split(runs, number, survey) for number in range(SPLITS)]
        name = pool.rpartition("/")[2].partition(".")[0]
        for at, stated in enumerate(RISKS):
            table.append(f"| {name} | {stated:.0%} | {told([one[at] for one in splits], stated)} |")
    write_section("risk", "\n".join(table))
    sys.stdout.write("\n".join(table) + "\n")


Answered = tuple[float, float] | None
"""Shares of the other half's questions that are answered, and of those that are wrong; None where
no threshold was sure enough."""


def split(runs: Sequence[Scored], number: int, survey: Survey) -> list[Answered]:
    """Fit on one half of the questions; return what each stated risk leaves of the other."""
    order = random.Random(f"split:{number}").sample(runs, len(runs))
    fitting, testing = order[: len(order) // 2], order[len(order) // 2 :]
    fit = fit_selection(fitting, FITTED, survey)
    ends = [one.weighed[0][0] for one in testing if any(one.weighed[:1])]
    judged = [(fit.confidence(evidence), right) for evidence, right in ends]
    found: list[Answered] = []
    for stated in RISKS:
        try:
            threshold = enough(fit, stated)
        except ConfigurationError:
            found.append(None)
            continue
        answered = [right for confidence, right in judged if confidence >= threshold]
        wrong = 1 - sum(answered) / len(answered) if answered else 0.0
        found.append((len(answered) / len(testing), wrong))
    return found


def told(splits: Sequence[Answered], stated: float) -> str:
    """Return the cells of one row."""
    tried = [one for one in splits if one is not None]
    refused = len(splits) - len(tried)
    kept = refused + sum(wrong <= stated for _, wrong in tried)
    answered = [share for share, _ in tried]
    every = sum(answered) / len(splits)
    spread = (
        f"{np.mean(answered):.1%} ({min(answered):.0%} to {max(answered):.0%})" if tried else "-"
    )
    return f"{kept} of {len(splits)} | {refused} | {every:.1%} | {spread}"
