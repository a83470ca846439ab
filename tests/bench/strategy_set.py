"""The strategies that are set side by side, and what the literature says of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from verifier_agent.embedded import EmbeddedChatModel
from verifier_agent.values import Candidate, Task


def likelihood(task: Task, candidate: Candidate) -> float:
    """Score an answer by its probability under the model that wrote it."""
    assert candidate.logprob is not None
    return math.exp(candidate.logprob)


MODELS: Mapping[str, Any] = {
    "generator": EmbeddedChatModel(logprobs=True),
    "sibling": EmbeddedChatModel(weights="sibling", logprobs=True),
    "both": {"small": EmbeddedChatModel(), "large": EmbeddedChatModel(weights="sibling")},
}


@dataclass(frozen=True)
class Strategy:
    """A line in a picture: one way to spend, at several sizes."""

    name: str
    family: str
    policies: tuple[str, ...]
    verifier: str = "prm"
    selector: str = "weighted_vote(power=4)"
    models: str = "generator"


@dataclass(frozen=True)
class Claim:
    """That one strategy at a size (its place) beats another on some levels."""

    text: str
    source: str
    better: tuple[str, int]
    worse: tuple[str, int]
    levels: tuple[int, ...] = (1, 2, 3, 4, 5)


FRESH = tuple(f"best_of({n})" for n in (1, 2, 4, 8, 16))
BOTH = "('small', 'large')"
REFERENCE = Strategy("weighted vote", "whole answers", FRESH)
STRATEGIES = (
    REFERENCE,
    Strategy("majority", "whole answers", FRESH, verifier="", selector="vote"),
    Strategy("likeliest", "whole answers", FRESH, verifier="likelihood", selector="best"),
    Strategy("best-scored", "whole answers", FRESH, selector="best"),
    Strategy("frequent best", "whole answers", FRESH[2:], selector="frequent_best"),
    Strategy(
        "until two pass",
        "whole answers",
        tuple(f"until(sample({n}, batch=2), passed(0.9, count=2))" for n in (4, 8, 16)),
    ),
    Strategy("revision", "going back", tuple(f"revise({n}, threshold=0.9)" for n in (2, 4, 8, 16))),
    Strategy("chains", "going back", ("chains(1, 4)", "chains(2, 4)", "chains(4, 4)")),
    Strategy("one chain", "going back", ("chains(1, 4)", "chains(1, 8)", "chains(1, 16)")),
    Strategy("thompson", "going back", tuple(f"thompson({n}, batch=2)" for n in (4, 8, 16))),
    Strategy(
        "wider or deeper", "going back", tuple(f"wider_or_deeper({n}, batch=2)" for n in (4, 8, 16))
    ),
    Strategy(
        "wide, then deep",
        "going back",
        (
            "then(best_of(2), revise(2))",
            "then(best_of(4), revise(4))",
            "then(best_of(8), revise(8))",
        ),
    ),
    Strategy("beam", "step by step", ("beam(1, 4)", "beam(2, 4)", "beam(4, 4)")),
    Strategy("DVTS", "step by step", ("beam(2, 4, groups=2)", "beam(4, 4, groups=4)")),
    Strategy("lookahead", "step by step", ("beam(2, 2, lookahead=1)", "beam(2, 4, lookahead=1)")),
    Strategy("rebase", "step by step", ("rebase(4)", "rebase(8)", "rebase(16)")),
    Strategy("particles", "step by step", ("particles(4)", "particles(8)", "particles(16)")),
    Strategy(
        "particle Gibbs",
        "step by step",
        ("particles(4, iterations=2)", "particles(4, iterations=4)"),
    ),
    Strategy("mcts", "trees and two models", ("mcts(4, 2)", "mcts(8, 2)", "mcts(16, 4)")),
    Strategy(
        "route",
        "trees and two models",
        (
            "route(agreement(4), best_of(4), beam(2, 4))",
            "route(agreement(4), best_of(4), beam(4, 4))",
        ),
    ),
    Strategy(
        "sibling, likeliest",
        "whole answers",
        ("best_of(1)", "best_of(4)"),
        verifier="likelihood",
        selector="best",
        models="sibling",
    ),
    Strategy(
        "cascade to the sibling",
        "trees and two models",
        tuple(f"cascade({BOTH}, passed(0.9), n={n})" for n in (1, 2)),
        models="both",
    ),
)

CLAIMS = (
    Claim(
        "a verifier's weights in the vote beat the bare vote",
        "Li et al. 2023",
        ("weighted vote", 4),
        ("majority", 4),
    ),
    Claim(
        "weighted vote beats the best-scored answer",
        "Snell et al. 2024; Wu et al. 2024",
        ("weighted vote", 4),
        ("best-scored", 4),
    ),
    Claim(
        "on easy questions search over steps is worse than sampling",
        "Snell et al. 2024, section 5",
        ("weighted vote", 4),
        ("beam", 2),
        (1, 2),
    ),
    Claim(
        "on medium and hard questions it is better",
        "Snell et al. 2024, section 5",
        ("beam", 2),
        ("weighted vote", 4),
        (3, 4, 5),
    ),
    Claim(
        "with larger budgets diverse beams beat one beam",
        "Beeching et al. 2024",
        ("DVTS", 1),
        ("beam", 2),
    ),
    Claim(
        "lookahead is worse than a beam of the same budget",
        "Snell et al. 2024, section 5.2",
        ("beam", 1),
        ("lookahead", 0),
    ),
    Claim(
        "REBASE beats sampling with a weighted vote",
        "Wu et al. 2024",
        ("rebase", 2),
        ("weighted vote", 4),
    ),
    Claim(
        "tree search by rollouts is worse than sampling",
        "Wu et al. 2024",
        ("weighted vote", 4),
        ("mcts", 2),
    ),
    Claim(
        "particles beat a beam, whose cuts are final",
        "Puri et al. 2025",
        ("particles", 2),
        ("beam", 2),
    ),
    Claim(
        "on easy questions one long chain of revisions beats parallel samples",
        "Snell et al. 2024, section 6",
        ("one chain", 2),
        ("weighted vote", 4),
        (1, 2),
    ),
    Claim(
        "on hard questions several chains beat one",
        "Snell et al. 2024, section 6",
        ("chains", 2),
        ("one chain", 2),
        (4, 5),
    ),
    Claim(
        "choosing between wider and deeper beats sampling alone",
        "Inoue et al. 2025",
        ("wider or deeper", 2),
        ("weighted vote", 4),
    ),
)
