"""What `adaptive()` is worth with the reward model: fresh problems of the embedded family.

    python -m tests.bench embedded FOLDER [PROBLEMS]

keeps recorded answers and runs in FOLDER: run again, it goes on where it was.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from tests.bench.documents import WIDTH, write_section
from tests.bench.embedded_pool import SAMPLES, kept
from tests.bench.speed import say
from verifier_agent import Budget, Run, create_verifier_agent
from verifier_agent.budget import Remaining, Spent
from verifier_agent.embedded import LEVELS, Problem, examples
from verifier_agent.evaluation.metrics import intervals
from verifier_agent.search import PolicyFunction, resolve_policy
from verifier_agent.selection import SelectorFunction, calibrated_vote, weighted_vote
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Generate, Select, Task, Verdict, Verify

ORDERS = 3
FIT = 1200
REVISING = (
    "adaptive(16, price=0.05, repair=2)",
    "adaptive(16, price=0.02, repair=2)",
    "adaptive(32, price=0.02, repair=2)",
)
"""The first one's numbers were chosen on chains of revisions of 400 problems of the validation
split, for a quarter of the tokens; the others spend more."""
DRAWING = (
    "until(sample(8, batch=4), agree(0.95) | passed(0.95, count=2))",
    "adaptive(16)",
    "adaptive(16, price=0.01)",
    "adaptive(16, price=0.03)",
    'adaptive(16, judge="undecided")',
    "until(sample(16, batch=1), hopeless(5, 0.0001))",
    "until(sample(16, batch=1), hopeless(7, 0.0001))",
    "until(sample(16, batch=1), hopeless(5, 0.0001) | passed(0.95, count=2))",
    "selective(16)",
)
"""Policies that only draw, replayed on the recorded answers. How small a score says that a question
is hopeless, and after how many answers, was chosen on the problems that `fit` holds."""
FIXED = (1, 2, 3, 4, 6, 8, 10, 12, 14, 16)
WHOLE = f"best_of({SAMPLES})"
BASES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
Plain = dict[str, Any]
Done = np.ndarray
"""By question, mean over the orders: whether it was right, its tokens, and what was judged."""


def embedded(folder: str = ".training/embedded", count: str = "4000") -> None:
    """Record fresh problems, run the revising policy on them, and set all beside fixed samples."""
    home, test = Path(folder), problems("test", 2030, int(count))
    fit = read(kept(home / "fit.jsonl", problems("validation", 7, FIT)))[:FIT]
    pool = read(kept(home / "test.jsonl", test))[: len(test)]
    found = {f"best_of({n})": replayed(pool, f"best_of({n})") for n in FIXED}
    found |= {policy: replayed(pool, policy) for policy in DRAWING}
    for policy in REVISING:
        runs = {one["id"]: one["done"] for one in read(ran(home, policy, test))}
        found[policy] = np.array([runs[one["id"]] for one in pool])
    text = "\n".join([*table(pool, found), "", *votes(fit, pool, found), *signs(fit)])
    say(text)
    write_section("embedded", text)


def problems(split: Any, seed: int, count: int) -> list[Problem]:
    """Return about so many problems, the levels in turn."""
    each = math.ceil(count / len(LEVELS))
    levels = [examples(n, each, seed=seed, split=split) for n in LEVELS]
    return [problem for row in zip(*levels, strict=True) for problem in row]


def read(path: Path) -> list[Plain]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def ran(home: Path, policy: str, test: Sequence[Problem]) -> Path:
    """Return a file of a policy's runs; make those that it does not hold."""
    path = home / f"{re.sub(r'[^a-z0-9.]+', '-', policy)}.jsonl"
    agent = create_verifier_agent(
        "embedded",
        verifier="embedded-prm",
        policy=policy,
        selector=weighted_vote(),
        budget=Budget(calls=1000),
        seed=0,
    )
    held = path.read_text().splitlines() if path.exists() else []
    with path.open("a") as file:
        for problem in test[len(held) :]:
            run = Run.of(agent.invoke({"messages": [("user", problem.question)]}))
            right = float(run.selection.answer == problem.answer)
            judged = sum(len(j.verdicts) for j in run.tree.finished)
            line = {"id": problem.question, "done": [right, run.spent.tokens, judged]}
            file.write(json.dumps(line) + "\n")
            file.flush()
    return path


def replayed(pool: Sequence[Plain], policy: str, selector: SelectorFunction | None = None) -> Done:
    """Let a policy draw from the answers of every question, in several orders."""
    chosen, select = resolve_policy(policy), selector or weighted_vote()
    return np.array(
        [
            np.mean([replay(one, order, chosen, select) for order in range(ORDERS)], axis=0)
            for one in pool
        ]
    )


def replay(
    question: Plain, order: int, policy: PolicyFunction, select: SelectorFunction
) -> list[float]:
    """Let a policy draw answers, and verdicts of them, until it selects."""
    samples = list(question["samples"])
    random.Random(f"{order}:{question['id']}").shuffle(samples)
    drawn, judged = 0, set[int]()
    while True:
        tree = grown(samples[:drawn], judged)
        action = policy(tree, Remaining(calls=2 * SAMPLES - drawn - len(judged)))[0]
        if isinstance(action, Generate):
            fresh = range(drawn, min(drawn + action.n, SAMPLES))
            drawn, judged = fresh.stop, judged | (set(fresh) if action.judge else set())
        elif isinstance(action, Verify):
            judged = judged | {int(name[1:]) for name in action.candidates}
        else:
            assert isinstance(action, Select)
            break
    answer = select(tree.finished).answer
    right = max((s["correct"] for s in samples[:drawn] if s["answer"] == answer), default=0)
    tokens = sum(tokens_of(s["cost"]) for s in samples[:drawn])
    tokens += sum(tokens_of(samples[place]["verifier_cost"]) for place in judged)
    return [right, tokens, len(judged)]


def grown(samples: Sequence[Plain], judged: set[int]) -> Tree:
    """Return the tree of these answers, with the verdicts of those that were judged."""
    return Tree(
        Task(question="recorded"),
        [Candidate(id=f"g{place}", answer=s["answer"]) for place, s in enumerate(samples)],
        [
            Verdict(
                candidate=f"g{place}",
                verifier="prm",
                score=(score := samples[place]["scores"].get("prm")),
                error="not read" if score is None else None,
            )
            for place in judged
        ],
        spent=Spent(calls=len(samples) + len(judged)),
    )


def tokens_of(cost: Plain) -> int:
    return int(cost["input_tokens"] + cost["output_tokens"])


def table(pool: Sequence[Plain], found: dict[str, Done]) -> Iterator[str]:
    """Yield what is compared, and a row for each policy."""
    yield fill(
        f"{len(pool):,} fresh test problems, as many of each level from 1 to 6, of which the last "
        f"is hopeless. Fixed samples and policies that only draw: {SAMPLES} recorded answers a "
        f"problem, {ORDERS} orders, the weighted vote; with `repair`: one live run. Tokens are "
        "the generator's and the reward model's, prompts included, as a share of those of "
        f"{SAMPLES} samples; differences are to their weighted vote, with 95 % intervals by "
        "problem. Alike: the smallest fixed number of samples that is as right, and its tokens. "
        f"Each sample pays for its prompt; {SAMPLES} in one request, which pays for it once, would "
        f"have {once(pool):.2f} of these tokens.",
        WIDTH,
    )
    yield ""
    yield "| policy | % right | difference, points | tokens | alike | tokens, level 6 |"
    yield "|---|---|---|---|---|---|"
    whole, last = found[WHOLE], np.array([one["level"] == max(LEVELS) for one in pool])
    for policy, done in found.items():
        alike = [n for n in FIXED if found[f"best_of({n})"][:, 0].mean() >= done[:, 0].mean()]
        beside = found[f"best_of({alike[0]})"] if alike else None
        cells = [
            f"`{policy}`".replace("|", r"\|"),
            f"{100 * done[:, 0].mean():.1f}",
            points(done, whole),
            f"{share(done, whole):.3f}",
            "none" if beside is None else f"{alike[0]} ({share(beside, whole):.3f})",
            f"{share(done[last], whole[last]):.3f}",
        ]
        yield f"| {' | '.join(cells)} |"


def once(pool: Sequence[Plain]) -> float:
    """Return the tokens of all samples if the generator's prompt were paid for once a problem, as
    a share of what they are when each sample pays for it."""
    paid = [sum(tokens_of(s["cost"]) for s in one["samples"]) for one in pool]
    judged = [sum(tokens_of(s["verifier_cost"]) for s in one["samples"]) for one in pool]
    again = [sum(s["cost"]["input_tokens"] for s in one["samples"][1:]) for one in pool]
    return 1 - float(sum(again)) / (sum(paid) + sum(judged))


def share(one: Done, other: Done) -> float:
    """Return the tokens of one as a share of the other's."""
    return float(one[:, 1].mean() / other[:, 1].mean())


def points(one: Done, other: Done) -> str:
    """Write by how many points one is righter than the other, with its interval."""
    difference = (100 * (one[:, 0] - other[:, 0])).tolist()
    low, high = intervals({"d": difference})["d"]
    return f"{np.mean(difference):+.1f} [{low:+.1f}, {high:+.1f}]"


def votes(fit: Sequence[Plain], pool: Sequence[Plain], found: dict[str, Done]) -> Iterator[str]:
    """Yield what the calibrated vote, and verdicts only where votes are undecided, are worth."""
    rights = {b: replayed(fit, WHOLE, calibrated_vote(b))[:, 0].mean() for b in BASES}
    base = max(rights, key=lambda b: rights[b])
    for n in (6, SAMPLES):
        done = replayed(pool, f"best_of({n})", calibrated_vote(base))
        yield (
            f"- `calibrated_vote({base:g})` of {n}, its base the best of {len(BASES)} on other "
            f"problems: {points(done, found[WHOLE])} to the weighted vote of {SAMPLES}"
        )
    for sparing, always in (
        ('adaptive(16, judge="undecided")', "adaptive(16)"),
        ("selective(16)", WHOLE),
    ):
        asked = found[sparing][:, 2].mean() / found[always][:, 2].mean()
        yield (
            f"- `{sparing}` asks for {asked:.2f} times the verdicts of `{always}`, and is right "
            f"more often by {points(found[sparing], found[always])} points"
        )


def signs(fit: Sequence[Plain]) -> Iterator[str]:
    """Yield how the chance of a good answer depends on what there is, where no score is good.

    By a Poisson regression of the mean score of those to come on the logarithms of the best score
    and of the number of answers; Newton's method.
    """
    rows, later = [], []
    for one in fit:
        samples = list(one["samples"])
        random.Random(f"0:{one['id']}").shuffle(samples)
        scores = [s["scores"].get("prm", 0.0) for s in samples]
        for n in range(1, SAMPLES):
            if (top := max(scores[:n])) > 0.5:
                break
            rows.append([1.0, math.log(max(top, 1e-9)), math.log(n)])
            later.append(np.mean(scores[n:]))
    x, y, weights = np.array(rows), np.array(later), np.array([-1.0, 0.0, 0.0])
    for _ in range(50):
        rate = np.exp(x @ weights)
        weights = weights + np.linalg.solve((x * rate[:, None]).T @ x, x.T @ (y - rate))
    start, power, fall = math.exp(weights[0]), weights[1], weights[2]
    yield (
        "- after n answers of which none scores above 0.5, the mean score of the next ones is "
        f"{start:.2f} · best^{power:.2f} · n^{fall:.2f}, on the problems it was fitted to"
    )
