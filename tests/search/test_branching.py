from __future__ import annotations

from typing import Any

import pytest

from tests.search.trees import TASK, grown
from verifier_agent.budget import Remaining
from verifier_agent.search import branching, wider_or_deeper
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Generate, Revise, Verdict

SCORES = {"g0": 0.2, "g1": 0.6, "g1.r0": 0.9, "g1.r0.r0": 0.4}
ANSWERS = [
    Candidate(
        id=name,
        parent=name.rpartition(".")[0] or None,
        via="revise" if "." in name else "generate",
        mark="small" if name != "g1" else "large",
    )
    for name in SCORES
]
SAID = [Verdict(candidate=name, verifier="v", score=score) for name, score in SCORES.items()]


def test_each_arm_is_told_what_the_paper_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, list[float]]] = []

    def choose(arms: Any, prior: Any, dice: Any) -> str:
        asked.append({name: list(scores) for name, scores in arms.items()})
        return next(name for name in ("deeper", "g1", "g1.r0", "g1.r0.r0", "small") if name in arms)

    monkeypatch.setattr(branching, "favourite", choose)
    policy = wider_or_deeper(9, models=("small", "large"))
    (action,) = policy(Tree(TASK, ANSWERS, SAID), Remaining())
    assert asked == [
        # one more answer to the question, or below one of its answers?
        {"wider": [0.2, 0.6], "deeper": [0.9, 0.4]},
        {"g0": [0.2], "g1": [0.6, 0.9, 0.4]},
        # one more revision of g1, or below its revision?
        {"wider": [0.9], "deeper": [0.4]},
        {"g1.r0": [0.9, 0.4]},
        {"wider": [0.4], "deeper": []},
        {"g1.r0.r0": [0.4]},
        # which model?
        {"small": [0.2, 0.9, 0.4], "large": [0.6]},
    ]
    assert isinstance(action, Revise)
    assert (action.target, action.model) == ("g1.r0.r0", "small")


def test_it_makes_so_many_answers_in_all_and_begins_with_a_new_one() -> None:
    for batch in (1, 3):
        rounds, ending = grown(wider_or_deeper(8, batch), lambda name: 0.5)
        assert sum(map(len, rounds)) == 8
        assert all("." not in name for name in rounds[0])
        assert ending.reason == "all 8 answers are made"


@pytest.mark.parametrize("prior", ["gaussian", "beta"])
def test_it_goes_wide_where_drafts_are_good_and_deep_where_revisions_are(prior: Any) -> None:
    def drafts(score: Any) -> int:
        return sum(
            "." not in name
            for seed in range(20)
            for names in grown(wider_or_deeper(12, prior=prior), score, seed=seed)[0]
            for name in names
        )

    wide = drafts(lambda name: 0.1 if "." in name else 0.9)
    deep = drafts(lambda name: 0.9 if "." in name else 0.1)
    assert wide > 1.5 * deep


def test_a_model_whose_answers_are_better_is_asked_more() -> None:
    candidates, said = [], []
    for place in range(8):
        name = f"g{place}"
        model = "large" if place % 2 else "small"
        candidates.append(Candidate(id=name, mark=model))
        said.append(Verdict(candidate=name, verifier="v", score=0.9 if place % 2 else 0.1))
    asked = []
    for seed in range(60):
        policy = wider_or_deeper(9, models=("small", "large"))
        (action,) = policy(Tree(TASK, candidates, said, seed=seed), Remaining())
        assert isinstance(action, Generate | Revise)
        asked.append(action.model)
    assert asked.count("large") > 50
