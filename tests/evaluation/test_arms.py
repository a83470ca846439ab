"""Policies that name the recorded models they ask."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier_agent.budget import Remaining
from verifier_agent.calibration import one_coin
from verifier_agent.errors import PolicyError
from verifier_agent.evaluation import Replay, evaluate
from verifier_agent.evaluation.recordings.pools import Question, Survey
from verifier_agent.evaluation.replaying.recorded import Draws, Recorded, sample_of
from verifier_agent.evaluation.replaying.replay import Replayer
from verifier_agent.search import adaptive, best_of
from verifier_agent.search.policy import policy
from verifier_agent.selection import reliable_vote
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Generate, Select

MODELS = ("nano", "nano", "nano", "giant", "giant")


def question(models: Sequence[str] = MODELS, name: str = "q") -> Question:
    """Return a question that "giant" answers right and "nano" in another way each time."""
    samples = [
        {
            "text": f"{model} {place}",
            "answer": "right" if model == "giant" else f"wrong {place}",
            "correct": int(model == "giant"),
            "tokens": 100 if model == "giant" else 10,
            "model": model,
        }
        for place, model in enumerate(models)
    ]
    return Question.model_validate({"id": name, "question": "What?", "samples": samples})


@policy
def escalate(tree: Tree, remaining: Remaining) -> Sequence[Action]:
    """Ask "nano" twice; where it differs from itself, ask "giant" once and go by that."""
    asked = [c.model for c in tree]
    if not asked:
        return [Generate(n=2, model="nano")]
    if len(tree.answers) == 2 and "giant" not in asked:
        return [Generate(model="giant")]
    return [Select()]


def replayer(one: Question, **options: object) -> Replayer:
    survey = Survey()
    survey.see(one)
    return Replayer.of(Replay(**options), survey)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(6))
def test_a_policy_gets_the_samples_of_the_model_it_names(seed: int) -> None:
    one = question()
    run = replayer(one, policy=escalate()).run(Recorded.of(one), seed)
    assert [c.model for c in run.candidates] == ["nano", "nano", "giant"]
    drawn = [sample_of(c) for c in run.candidates]
    assert len(set(drawn)) == 3
    assert [MODELS[at] for at in drawn if at is not None] == ["nano", "nano", "giant"]


def test_a_model_that_has_no_more_samples_gives_no_more() -> None:
    one = question()
    run = replayer(one, policy=best_of(4, model="giant")).run(Recorded.of(one), seed=0)
    assert [c.error is None for c in run.candidates] == [True, True, False, False]
    assert run.selection.answer == "right"


def test_a_model_that_the_pool_does_not_have_is_refused() -> None:
    one = question()
    with pytest.raises(PolicyError, match=r"'gaint'.*'giant'"):
        replayer(one, policy=best_of(2, model="gaint")).run(Recorded.of(one), seed=0)


def test_the_figures_count_what_was_drawn(tmp_path: Path) -> None:
    pool = tmp_path / "pool.jsonl"
    lines = [question(name=f"q{n}").model_dump(exclude_none=True) for n in range(3)]
    pool.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = evaluate(pool, Replay(policy='best_of(2, model="giant")', seeds=2))
    assert (found["accuracy"], found["mean_samples"], found["mean_tokens"]) == (1.0, 2.0, 200.0)
    found = evaluate(pool, Replay(policy='best_of(3, model="nano")', seeds=2))
    assert (found["accuracy"], found["mean_samples"], found["mean_tokens"]) == (0.0, 3.0, 30.0)


@settings(max_examples=60, deadline=None)
@given(
    models=st.lists(st.sampled_from("abc"), min_size=1, max_size=9),
    asked=st.lists(st.none() | st.sampled_from("abcd"), max_size=12),
    seed=st.integers(0, 5),
)
def test_no_sample_is_drawn_twice_and_each_is_of_the_model_asked(
    models: list[str], asked: list[str | None], seed: int
) -> None:
    draws = Draws(Recorded.of(question(models)), seed)
    drawn = [draws.draw(place, name) for place, name in enumerate(asked[: len(models)])]
    known = [at for at in drawn if at is not None]
    assert len(known) == len(set(known))
    for name, at in zip(asked, drawn, strict=False):
        assert at is None or name in (None, models[at])
        # nothing is withheld
        assert at is not None or name is not None


def test_a_run_that_names_no_model_draws_in_the_order_of_its_seed() -> None:
    recorded = Recorded.of(question())
    for seed in range(5):
        draws = Draws(recorded, seed)
        assert [draws.draw(place, None) for place in range(5)] == list(recorded.drawn(seed))


def test_what_is_known_of_the_models_decides_whom_to_ask_and_whom_to_believe() -> None:
    models = ("nano", "nano", "giant", "large", "large")
    known = one_coin(("giant", "large", "nano"), (0.9, 0.6, 0.3), ((0.3,) * 3,) * 3)
    one = question(models)
    run = replayer(one, policy=adaptive(reliability=known), selector=reliable_vote(known)).run(
        Recorded.of(one), seed=0
    )
    # "large" is as wrong as "nano": three answers, and the most reliable of the three has its way
    assert [c.model for c in run.candidates] == ["giant", "large", "nano"]
    assert (run.selection.answer, run.selection.basis) == ("right", "posterior")
    assert "every model has been asked" in run.selection.reason
    # it is in the record of the run, to be resumed with
    assert run.plain["run"]["selector"]["arguments"]["reliability"] == known.to_dict()
