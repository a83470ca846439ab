"""How step scores become one: against a few lines that are written independently."""

from __future__ import annotations

import asyncio
import pickle
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from verifier_agent import Run, create_verifier_agent
from verifier_agent.aggregation import AGGREGATIONS, Aggregation, aggregate, rescored
from verifier_agent.embedded import EmbeddedChatModel, EmbeddedRewardModel, example
from verifier_agent.errors import ConfigurationError
from verifier_agent.testing import check_verifier
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers import Aggregated, resolve_verifiers

STEPS = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(STEPS)
def test_every_rule_is_what_one_line_says(steps: list[float]) -> None:
    assert aggregate(steps, "last") == steps[-1]
    assert aggregate(steps, "min") == sorted(steps)[0]
    assert aggregate(steps, "product") == pytest.approx(reduce(lambda a, b: a * b, steps))
    assert aggregate(steps, "mean") == pytest.approx(sum(steps) / len(steps))
    cut = [min(max(p, 1e-7), 1 - 1e-7) for p in steps]
    assert aggregate(steps, "log_odds") == pytest.approx(expit(sum(logit(p) for p in cut)))
    assert aggregate(steps, "model") is None


@given(STEPS, st.sampled_from(AGGREGATIONS))
def test_a_score_is_in_its_range_and_unjudged_steps_do_not_count(
    steps: list[float], how: Aggregation
) -> None:
    score = aggregate(steps, how)
    assert score is None or 0.0 <= score <= 1.0
    gaps = [one for step in steps for one in (None, step)]
    assert aggregate([*gaps, None], how) == score


@pytest.mark.parametrize("how", AGGREGATIONS)
def test_no_judged_step_is_no_score(how: Aggregation) -> None:
    assert aggregate([], how) is None
    assert aggregate([None, None], how) is None


def test_ten_thousand_sure_steps_overflow_nothing() -> None:
    assert aggregate([1.0] * 10_000, "log_odds") == 1.0
    assert aggregate([0.0] * 10_000, "log_odds") == 0.0
    assert aggregate([0.0, 1.0], "log_odds") == pytest.approx(0.5)


def test_a_verdict_without_steps_and_proof_keep_their_score() -> None:
    plain = Verdict(candidate="g0", verifier="v", score=0.3)
    proof = Verdict(candidate="g0", verifier="v", score=0.0, steps=(1.0,), hard=True)
    failed = Verdict(candidate="g0", verifier="v", error="no")
    assert [rescored(v, "last") for v in (plain, proof, failed)] == [plain, proof, failed]


PROBLEM = example(3, 1)
TASK = Task(question=PROBLEM.question)
CANDIDATES = [
    Candidate(id="g0", text=PROBLEM.solution),
    Candidate(id="g1", text="not a line that it can read: é"),
    Candidate(id="g2", text=PROBLEM.solution.splitlines()[0], done=False),
]


@pytest.mark.parametrize("how", ["last", "min", "product", "mean", "log_odds"])
def test_the_embedded_reward_model_speaks_the_same_words(how: Aggregation) -> None:
    own = EmbeddedRewardModel(aggregate=how)
    wrapped = Aggregated(EmbeddedRewardModel(), how)
    for mine, other in zip(
        own.verify_sync(TASK, CANDIDATES), wrapped.verify_sync(TASK, CANDIDATES), strict=True
    ):
        assert (mine.score, mine.steps, mine.error) == (other.score, other.steps, other.error)
    check_verifier(wrapped, TASK, CANDIDATES)


def test_a_wrapped_verifier_is_what_it_was_but_for_name_and_score() -> None:
    inner = EmbeddedRewardModel()
    wrapped = Aggregated(inner, "last")
    assert wrapped.name == "embedded-prm@last"
    assert (wrapped.hard, wrapped.footprint) == (False, inner.footprint)
    assert wrapped.bound(TASK, 7) == inner.bound(TASK, 7)
    assert not hasattr(wrapped, "applies")
    said = asyncio.run(wrapped.verify(TASK, CANDIDATES))
    assert {verdict.verifier for verdict in said} == {"embedded-prm@last"}
    assert said == wrapped.verify_sync(TASK, CANDIDATES)
    again = pickle.loads(pickle.dumps(wrapped))
    assert again.verify_sync(TASK, CANDIDATES) == said


def test_a_rule_is_named_behind_a_verifier_in_text() -> None:
    model = EmbeddedChatModel()
    (wrapped,) = resolve_verifiers("embedded-prm@mean", model=model)
    assert isinstance(wrapped, Aggregated)
    (arithmetic,) = resolve_verifiers("arithmetic@last", model=model)
    lines = Candidate(id="g0", text="2 + 2 = 4\nso we see")
    (verdict,) = asyncio.run(arithmetic.verify(Task(question="q"), [lines]))
    assert (verdict.score, verdict.verifier) == (1.0, "arithmetic@last")
    with pytest.raises(ConfigurationError, match="embedded-prm@avg"):
        resolve_verifiers("embedded-prm@avg", model=model)
    with pytest.raises(ConfigurationError, match=r"unknown aggregation 'mi'.*min"):
        Aggregated(EmbeddedRewardModel(), "mi")  # type: ignore[arg-type]


def test_a_run_searches_and_chooses_by_the_rule_that_is_named() -> None:
    agent = create_verifier_agent(
        "embedded", verifier="embedded-prm@last", policy="best_of(4)", selector="best", seed=1
    )
    run = Run.of(agent.invoke({"messages": [("user", PROBLEM.question)]}))
    judged = [j for j in run.tree.finished if j.score is not None]
    assert judged
    for one in judged:
        assert one.score == one.verdicts[0].steps[-1]
    assert run.selection.confidence == max(j.score or 0.0 for j in judged)
