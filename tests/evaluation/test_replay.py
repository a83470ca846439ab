from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evaluation.making import Plain, a_question, a_sample, coins, write
from tests.evaluation.spying import GOLD, Spy
from verifier_agent import Budget, Candidate, Task, Verdict, create_verifier_agent
from verifier_agent.budget import Remaining
from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation import Question, Replay, evaluate
from verifier_agent.evaluation.baselines import adaptive_consistency, best, majority, weighted
from verifier_agent.evaluation.measured import Measured
from verifier_agent.evaluation.recordings.pools import Survey
from verifier_agent.evaluation.replaying.recorded import Recorded, ReplayChatModel
from verifier_agent.evaluation.replaying.recorded_scores import Scale
from verifier_agent.evaluation.replaying.replay import Replayer
from verifier_agent.graph import Run
from verifier_agent.search import resolve_policy
from verifier_agent.selection import vote
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Judged, Selection


def questions(plain: Sequence[Plain]) -> list[Question]:
    return [Question.model_validate(p) for p in plain]


def replayer(plain: Sequence[Plain], limits: Sequence[int] = (), **options: Any) -> Replayer:
    survey = Survey()
    for question in questions(plain):
        survey.see(question)
    return Replayer.of(Replay(**options), survey, limits)


def replay(
    plain: Sequence[Plain], limits: Sequence[int] = (), **options: Any
) -> list[list[Measured]]:
    ready = replayer(plain, limits, **options)
    in_order = ready.settings.in_order
    return [ready.replay(Recorded.of(q, in_order=in_order)) for q in questions(plain)]


POOL = coins(4, 20, [0.3, 0.5, 0.8, 0.6])


@settings(max_examples=50)
@given(n=st.integers(1, 60), k=st.integers(1, 60), seed=st.integers(0, 100))
def test_answers_are_drawn_without_replacement(n: int, k: int, seed: int) -> None:
    plain = a_question("q", [a_sample(str(i), tokens=i) for i in range(n)])
    recorded = Recorded.of(Question.model_validate(plain))
    run = replayer([plain], policy=f"best_of({k})", verifier=None).run(recorded, seed)
    drawn = [candidate.answer for candidate in run.candidates]
    assert drawn == [str(place) for place in recorded.drawn(seed)][:k]
    assert len(set(drawn)) == min(n, k)
    assert run.spent.calls == len(drawn)
    assert run.spent.tokens == sum(int(answer or 0) for answer in drawn)
    assert run.spent.exact


def test_every_seed_draws_in_another_order_and_always_in_the_same() -> None:
    orders = {tuple(Recorded.of(q).drawn(s)) for q in questions(POOL) for s in range(10)}
    assert len(orders) == 40
    assert replay(POOL, seeds=3) == replay(POOL, seeds=3)


def test_in_order_draws_as_the_file_is_written() -> None:
    plain = [a_question("q", [a_sample(a) for a in "abcdefgh"])]
    runs = replay(plain, policy="best_of(3)", selector="best", verifier=None, in_order=True)
    end = runs[0][0].end
    assert (end.sample, end.samples_used, end.tokens) == (0, 3, None)
    drawn = replay(plain, policy="best_of(1)", verifier=None, seeds=30)
    assert len({run.end.sample for run in drawn[0]}) == 8


def test_a_candidate_carries_all_that_was_recorded() -> None:
    plain = a_question(
        "q", [a_sample("Four", tokens=9, model="small", logprob=-2.5) | {"text": "Answer: 5"}]
    )
    run = replayer([plain]).run(Recorded.of(Question.model_validate(plain)), 0)
    (candidate,) = run.candidates
    assert (candidate.text, candidate.answer) == ("Answer: 5", "Four")
    assert (candidate.model, candidate.logprob) == ("small", -2.5)
    assert (candidate.cost.calls, candidate.cost.output_tokens) == (1, 9)
    assert candidate.error is None


def test_an_answer_without_text_stands_for_election_all_the_same() -> None:
    plain = a_question("q", [a_sample("4") | {"text": ""} for _ in range(3)])
    ((run,),) = replay([plain], policy="best_of(3)")
    assert (run.answer, run.confidence) == ("4", 1.0)


def test_unknown_tokens_stay_unknown() -> None:
    samples = [a_sample("4", tokens=5), a_sample("4")]
    ((run,),) = replay(
        [a_question("q", samples)], [1], policy="best_of(2)", verifier=None, in_order=True
    )
    assert run.end.tokens is None
    assert run.curve[0].tokens == 5


def test_a_run_ends_with_the_pool_or_the_limit() -> None:
    short = a_question("short", [a_sample(str(i)) for i in range(3)])
    long = a_question("long", [a_sample(str(i)) for i in range(9)])
    runs = replay([short, long], policy="sample(50)", max_samples=5)
    assert [(r.end.samples_used, r.outcome) for (r,) in runs] == [(3, "budget"), (5, "budget")]


@pytest.mark.parametrize("verifier", ["agreement", None, "scores:prm", ["agreement", "scores:prm"]])
@pytest.mark.parametrize("selector", ["vote", "best", "weighted_vote"])
@pytest.mark.parametrize(
    "policy",
    [
        "best_of(20)",
        "until(sample(20, batch=3), agree(0.95))",
        "until(sample(20, batch=1), passed(0.8, count=2) | hopeless(after=6, below=0.5))",
    ],
)
def test_the_curve_is_what_smaller_budgets_give(policy: str, selector: str, verifier: Any) -> None:
    limits = [1, 2, 4, 8, 16]
    options = {"policy": policy, "selector": selector, "verifier": verifier, "seeds": 2}
    curves = [r.curve for runs in replay(POOL, limits, **options) for r in runs]
    again = [
        [r.end for runs in replay(POOL, max_samples=limit, **options) for r in runs]
        for limit in limits
    ]
    assert curves == list(zip(*again, strict=True))


def test_a_run_uses_the_scores_that_it_is_told_to() -> None:
    samples = [a_sample("a", scores={"x": 0.9, "y": [0.9, 0.1]}), a_sample("b", scores={"x": 0.2})]
    samples[1]["scores"]["y"] = [0.3, 0.4]
    plain = [a_question("q", samples)]
    chosen = {
        name: replay(plain, policy="best_of(2)", selector="best", verifier=f"scores:{name}")[0][0]
        for name in "xy"
    }
    assert (chosen["x"].answer, chosen["x"].confidence) == ("a", 0.9)
    # of steps the lowest counts
    assert (chosen["y"].answer, chosen["y"].confidence) == ("b", 0.3)


def test_tests_give_the_weighted_share_that_passes() -> None:
    tests = [{"weight": 3, "text": "s"}, {"weight": 1, "text": "t"}]
    samples = [a_sample(None, tests="01"), a_sample(None, tests="10"), a_sample(None)]
    plain = [a_question("q", samples, kind="code", tests=tests)]
    ((run,),) = replay(plain, policy="best_of(3)", selector="best", verifier="tests")
    assert (run.end.sample, run.confidence) == (1, 0.75)


def test_generated_tests_and_candidates_vouch_for_each_other() -> None:
    # two programs pass the first test only, one passes the other two: 2 x 3 against 1 x 4
    tests = [{"weight": 3, "text": "s"}, {"weight": 2, "text": "t"}, {"weight": 2, "text": "u"}]
    samples = [a_sample(str(i), tests=passed) for i, passed in enumerate(["011", "100", "100"])]
    plain = [a_question("q", samples, kind="code", tests=tests)]
    options = {"policy": "best_of(3)", "verifier": "tests"}
    ((by_share,),) = replay(plain, selector="best", **options)
    ((by_both,),) = replay(plain, selector="dual_agreement", **options)
    assert by_share.answer == "0"
    assert by_both.answer in ("1", "2")
    assert by_both.confidence == pytest.approx(6 / 10)


def test_recorded_steps_are_put_together_as_the_name_says() -> None:
    samples = [a_sample("5", scores={"prm": [0.9, 0.2, 0.8]}), a_sample("7", scores={"prm": [0.5]})]
    plain = [a_question("q", samples)]
    for verifier, answer, score in (
        ("scores:prm", "7", 0.5),
        ("scores:prm@min", "7", 0.5),
        ("scores:prm@last", "5", 0.8),
        ("scores:prm@mean", "5", pytest.approx(1.9 / 3)),
    ):
        ((run,),) = replay(plain, policy="best_of(2)", selector="best", verifier=verifier)
        assert (run.answer, run.confidence) == (answer, score)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_a_scale_keeps_the_order_and_ends_in_0_and_1(numbers: list[float]) -> None:
    scale = Scale(min(numbers), max(numbers))
    scaled = [scale(number) for number in sorted(numbers)]
    assert scaled == sorted(scaled)
    assert 0.0 <= scaled[0] <= scaled[-1] <= 1.0
    if min(numbers) < 0 < max(numbers):
        assert (scaled[0], scaled[-1]) == (0.0, 1.0)


def test_a_list_of_scores_is_one_for_each_step() -> None:
    lists = {"a": [0.9, 0.2, 0.7], "b": [0.6], "c": []}
    plain = a_question("q", [a_sample(a, scores={"prm": s}) for a, s in lists.items()])
    ready = replayer([plain], verifier="scores:prm", policy="best_of(3)", in_order=True)
    run = ready.run(Recorded.of(Question.model_validate(plain), in_order=True), 0)
    said = [(v.score, v.steps, v.error) for v in run.tree.verdicts]
    assert said == [
        (0.2, (0.9, 0.2, 0.7), None),
        (0.6, (0.6,), None),
        (None, (), "no score was recorded"),
    ]


def test_scores_in_their_own_unit_are_kept_as_raw() -> None:
    plain = a_question("q", [a_sample(a, scores={"rm": s}) for a, s in [("a", -3.0), ("b", 5.0)]])
    ready = replayer([plain], verifier="scores:rm", policy="best_of(2)")
    run = ready.run(Recorded.of(Question.model_validate(plain)), 0)
    assert {v.raw: v.score for v in run.tree.verdicts} == {-3.0: 0.0, 5.0: 1.0}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"policy": "revise(2)"}, "a pool holds independent whole answers"),
        ({"policy": "beam(4)"}, "cannot continue a partial answer"),
        ({"verifier": "scores:pmr"}, "no scores 'pmr' in the pool.*did you mean 'prm'"),
        ({"verifier": "tests"}, "no results of tests"),
        ({"verifier": "judge"}, "replay calls none"),
        ({"verifier": "judge:openai:gpt-5-mini"}, "replay calls none"),
        ({"verifier": "unheard-of"}, "unknown verifier"),
        ({"policy": "best_of("}, "best_of"),
        ({"selector": "voet"}, "did you mean 'vote'"),
        ({"max_samples": 0}, "max_samples=0"),
        ({"seeds": True}, "seeds=True"),
    ],
)
def test_what_cannot_be_replayed_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        replay(POOL, **options)


def test_the_model_answers_recorded_questions_only() -> None:
    agent = create_verifier_agent(
        ReplayChatModel(desk=replayer(POOL).desk), policy="best_of(2)", budget=Budget(calls=2)
    )
    run = Run.of(agent.invoke({"messages": [("user", "What is q0?")]}))
    assert run.selection.outcome == "failed"
    assert "recorded questions only" in run.selection.reason


# --- against the simple strategies -------------------------------------------------------------

SPLIT = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", None]), st.sampled_from([None, 0.0, 0.25, 0.5, 1.0])),
    min_size=1,
    max_size=12,
)


@settings(max_examples=30)
@given(SPLIT)
def test_the_graph_chooses_what_the_simple_strategies_choose(
    drawn: list[tuple[str | None, float | None]],
) -> None:
    samples = [
        a_sample(key, **({} if score is None else {"scores": {"s": score}}))
        for key, score in [*drawn, ("d", 0.5)]
    ]
    n = len(drawn)

    def chosen(selector: str, verifier: str | None, policy: str) -> tuple[int | None, int]:
        options = {"selector": selector, "verifier": verifier, "policy": policy}
        ((run,),) = replay([a_question("q", samples)], max_samples=n, in_order=True, **options)
        return run.end.sample, run.end.samples_used

    assert chosen("best", "scores:s", f"best_of({n})") == (best(drawn), n)
    assert chosen("weighted_vote", "scores:s", f"best_of({n})") == (weighted(drawn), n)
    plain = [(key, None) for key, _ in drawn]
    assert chosen("vote", None, f"best_of({n})") == (majority(plain), n)
    adaptive = f"until(sample({n}, batch=1), agree(0.95))"
    assert chosen("vote", None, adaptive) == adaptive_consistency(plain)


# --- the labels ----------------------------------------------------------------------------------


def test_no_policy_verifier_or_selector_can_reach_a_label(tmp_path: Path) -> None:
    spy = Spy()
    inner = resolve_policy("sample(6, batch=2)")

    def policy(tree: Tree, remaining: Remaining) -> Sequence[Action]:
        spy.look(tree, remaining)
        return inner(tree, remaining)

    def verifier(task: Task, candidate: Candidate) -> Verdict:
        spy.look(task, candidate)
        return Verdict(candidate=candidate.id, verifier="spy", score=0.5)

    def selector(judged: Sequence[Judged]) -> Selection:
        spy.look(judged)
        return vote()(judged)

    pool = coins(2, 6, [0.5])
    for question in pool:
        question["gold"] = GOLD
    options = Replay(policy=policy, verifier=["scores:prm", verifier], selector=selector)
    found = evaluate(write(tmp_path / "pool", pool), options)
    assert found["labelled"] == 2
    assert spy.looked > 20
    assert min(spy.sizes) > 10
    assert spy.labels == []


def test_the_spy_would_see_labels() -> None:
    spy = Spy()
    question = Question.model_validate(coins(1, 2, [0.5])[0] | {"gold": GOLD})

    def generator() -> Iterator[Question]:
        yield question

    spy.look([Recorded.of(question)])
    assert spy.labels == []
    for hiding in ([question], {"x": GOLD}, {"a": {"correct": 1}}, lambda: question):
        spy.labels.clear()
        spy.look(hiding)
        assert spy.labels
