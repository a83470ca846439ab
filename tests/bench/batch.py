"""What one budget over many questions is worth against the same for each: recorded answers, in
random orders."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tests.bench.blind import interval
from tests.bench.documents import write_section
from verifier_agent.evaluation import Replay, evaluate
from verifier_agent.evaluation.baselines import majority
from verifier_agent.evaluation.recordings.pools import Question, Sample, read_pool
from verifier_agent.evaluation.replaying.recorded import Recorded
from verifier_agent.search.adaptive.allocating import Allocation
from verifier_agent.search.adaptive.prospects import Prospect
from verifier_agent.selection import weighted_vote
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Judged, Task, Verdict

ORDERS = 20
MEANS = (2, 4, 8)
BLIND = Task(question="blinded")
Drawn = Sequence[Sample]


@dataclass(frozen=True)
class Evidence:
    """What the batch is shown of an answer beside its key, and how one is chosen."""

    name: str
    verdict: Callable[[Sample], tuple[float, bool] | None]
    """Its score, and whether that is proof."""
    right: Callable[[Drawn], int]


def judged(sample: Sample, place: int, evidence: Evidence) -> Judged:
    candidate = Candidate(id=f"g{place}", answer=sample.answer)
    said = evidence.verdict(sample)
    if said is None:
        return Judged(candidate=candidate)
    verdict = Verdict(candidate=candidate.id, verifier="recorded", score=said[0], hard=said[1])
    return Judged(candidate=candidate, verdicts=(verdict,))


def by_votes(drawn: Drawn) -> int:
    return (drawn[majority([(s.answer, None) for s in drawn])].correct or 0) if drawn else 0


def by_proof(drawn: Drawn) -> int:
    return max((s.correct or 0 for s in drawn), default=0)


def scored(name: str) -> Evidence:
    def score(sample: Sample) -> tuple[float, bool]:
        given = sample.scores[name]
        return (min(given) if isinstance(given, list) else given), False

    def right(drawn: Drawn) -> int:
        weigh = weighted_vote()
        chosen = weigh([judged(s, i, evidence) for i, s in enumerate(drawn)]).candidate
        return drawn[int(str(chosen)[1:])].correct or 0

    evidence = Evidence(f"scores:{name}", score, right)
    return evidence


VOTES = Evidence("votes", lambda sample: None, by_votes)
PROOF = Evidence("proof", lambda sample: (float(sample.correct or 0), True), by_proof)


def shared_out(orders: Sequence[Drawn], total: int, evidence: Evidence) -> list[int]:
    """Return how many answers each question is given of `total`: what `solve_many` does with one
    job at a time, without the graph."""
    queue = Allocation([Prospect()] * len(orders))
    given = [0] * len(orders)
    for _ in range(total):
        place = queue.take()
        if place is None:
            break
        given[place] += 1
        drawn = orders[place][: given[place]]
        if given[place] < len(orders[place]):
            every = [judged(s, i, evidence) for i, s in enumerate(drawn)]
            tree = Tree(BLIND, [j.candidate for j in every], [v for j in every for v in j.verdicts])
            queue.put(place, Prospect.of(tree))
    return given


def batch(*pools: str) -> None:
    """Share out one budget over each pool: "POOL" by votes, "POOL:proof", "POOL:scores:NAME"."""
    lines = [
        "| pool | goes by | mean answers | uniform, % | where it gains most, % | gain, points |",
        "|---|---|---|---|---|---|",
    ]
    for named in pools:
        path, _, how = named.partition(":")
        kind, _, name = how.partition(":")
        evidence = {"": VOTES, "proof": PROOF}.get(kind) or scored(name)
        for mean in MEANS if kind != "proof" else (*MEANS, 16, 32):
            same, shared = compared(list(read_pool(path)), mean, evidence)
            low, high = (100 * end for end in interval([shared - same]))
            lines.append(
                f"| {path.rpartition('/')[2].partition('.')[0]} | {evidence.name} | {mean} "
                f"| {100 * same.mean():.2f} | {100 * shared.mean():.2f} "
                f"| {100 * (shared - same).mean():+.2f} [{low:+.2f}, {high:+.2f}] |"
            )
            sys.stdout.write(f"{lines[-1]}\n")
            sys.stdout.flush()
    write_section("batch", "\n".join(lines))


def compared(
    questions: Sequence[Question], mean: int, evidence: Evidence
) -> tuple[np.ndarray, np.ndarray]:
    """Return by question the share of orders in which it is right: with the same number of answers
    for each question, and with one budget for all."""
    same, shared = np.zeros(len(questions)), np.zeros(len(questions))
    for order in range(ORDERS):
        orders = [
            [question.samples[place] for place in Recorded.of(question).drawn(order)]
            for question in questions
        ]
        given = shared_out(orders, mean * len(questions), evidence)
        same += [evidence.right(drawn[:mean]) / ORDERS for drawn in orders]
        shared += [
            evidence.right(drawn[:n]) / ORDERS for drawn, n in zip(orders, given, strict=True)
        ]
    return same, shared


def batch_replayed(pool: str, mean: str = "4") -> None:
    """Check one order through the product: the same choices as without the graph."""
    settings = Replay(mean_samples=int(mean), selector="vote", verifier="agreement")
    found = evaluate(pool, settings)
    questions = list(read_pool(pool))
    orders = [[q.samples[p] for p in Recorded.of(q).drawn(0)] for q in questions]
    given = shared_out(orders, int(mean) * len(questions), VOTES)
    right = np.mean([by_votes(drawn[:n]) for drawn, n in zip(orders, given, strict=True)])
    gain = found["differences"]["majority"]
    low, high = (100 * end for end in gain["interval"])
    sys.stdout.write(
        f"replayed {100 * found['accuracy']:.2f}, without the graph {100 * right:.2f}; "
        f"gain {100 * gain['accuracy']:+.2f} [{low:+.2f}, {high:+.2f}]\n"
    )
