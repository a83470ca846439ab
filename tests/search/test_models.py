"""Policies whose arms are models."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.search.trees import TASK, grown
from verifier_agent.budget import Remaining
from verifier_agent.errors import ConfigurationError
from verifier_agent.search import Policy, agree, bandit, cascade, passed
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Generate, Select, Verdict

BOTH = ("small", "large")


def asked(*answers: str, model: str = "small", first: int = 0) -> list[Candidate]:
    return [
        Candidate(id=f"g{first + i}", answer=answer, mark=model) for i, answer in enumerate(answers)
    ]


def test_the_next_model_is_asked_only_while_it_is_undecided() -> None:
    way = cascade(BOTH, agree(0.9), 4)
    (first,) = way(Tree(TASK), Remaining())
    assert isinstance(first, Generate)
    assert (first.model, first.n) == ("small", 4)
    (end,) = way(Tree(TASK, asked(*"7777")), Remaining())
    assert isinstance(end, Select)
    assert end.outcome == "agreed"
    (up,) = way(Tree(TASK, asked(*"7788")), Remaining())
    assert isinstance(up, Generate)
    assert (up.model, up.n, up.mark) == ("large", 4, "large")


def test_a_model_that_was_begun_is_asked_to_the_end() -> None:
    candidates = asked(*"7788") + asked("7", model="large", first=4)
    (more,) = cascade(BOTH, agree(0.9), 4)(Tree(TASK, candidates), Remaining())
    assert isinstance(more, Generate)
    assert (more.model, more.n) == ("large", 3)


def test_after_the_last_model_there_is_no_other() -> None:
    rounds, ending = grown(cascade(BOTH, passed(0.9), 2), lambda name: 0.5)
    assert rounds == [["g0", "g1"], ["g2", "g3"]]
    assert "undecided" in ending.reason


def test_the_bandit_asks_the_model_whose_answers_are_better() -> None:
    candidates = asked("1", "2", "3", "4") + asked(*"5678", model="large", first=4)
    said = [
        Verdict(candidate=c.id, verifier="v", score=0.1 if c.mark == "small" else 0.9)
        for c in candidates
    ]
    drawn: Counter[str | None] = Counter()
    for seed in range(100):
        for action in bandit(BOTH, 12, 4)(Tree(TASK, candidates, said, seed=seed), Remaining()):
            assert isinstance(action, Generate)
            drawn[action.model] += action.n
    assert drawn.total() == 400
    assert drawn["large"] > 360
    assert drawn["small"] > 0


def test_the_bandit_draws_so_many_in_all() -> None:
    for batch in (1, 3):
        rounds, _ = grown(bandit(BOTH, 7, batch), lambda name: 0.5)
        assert sum(map(len, rounds)) == 7


@pytest.mark.parametrize("text", ["bandit(())", "bandit(7)"])
def test_models_are_names(text: str) -> None:
    with pytest.raises(ConfigurationError, match="models="):
        Policy.parse(text)
