"""The choice among several models: by what is known of them, by their cost, or in turn."""

from __future__ import annotations

import pytest

from tests.search.trees import TASK
from verifier_agent.budget import Remaining
from verifier_agent.calibration import one_coin
from verifier_agent.errors import ConfigurationError
from verifier_agent.search import adaptive, best_of, table
from verifier_agent.search.adaptive.arms import Arms
from verifier_agent.search.demands import named_models
from verifier_agent.selection import reliable_vote
from verifier_agent.testing import check_policy, check_selector
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Generate, Select, Verdict

NAMES = ("cheap", "good", "twin")
KNOWN = one_coin(NAMES, (0.94, 0.95, 0.95), ((0.9, 0.1, 0.1), (0.1, 0.9, 0.9), (0.1, 0.9, 0.9)))
"""The two good ones make the same mistakes."""


def answered(*votes: tuple[str, str | None], failed: str | None = None) -> Tree:
    """Return what so many models said, in order; one more failed."""
    candidates = [
        Candidate(id=f"g{at}", text=f"{answer}", answer=answer, model=model, mark=model)
        for at, (model, answer) in enumerate(votes)
    ]
    if failed:
        name = f"g{len(votes)}"
        candidates.append(Candidate(id=name, model=failed, mark=failed, error="refused"))
    return Tree(TASK, candidates)


def decided(tree: Tree, **options: object) -> Generate | Select:
    [action] = adaptive(reliability=KNOWN, **options)(tree, Remaining())  # type: ignore[arg-type]
    assert isinstance(action, Generate | Select)
    return action


def asked(tree: Tree, **options: object) -> str | None:
    action = decided(tree, **options)
    assert isinstance(action, Generate), action
    return action.model


def test_the_most_reliable_is_asked_first() -> None:
    assert asked(answered()) == "good"
    assert asked(answered(("good", "7"), ("twin", "5"))) == "cheap"


def test_a_cheap_one_comes_first_where_its_price_says_so() -> None:
    assert asked(answered(), costs=(1.0, 20.0, 20.0)) == "cheap"
    assert asked(answered(("cheap", "7")), costs=(1.0, 20.0, 10.0)) == "twin"


def test_agreement_of_two_that_err_in_other_ways_ends_it_and_that_of_twins_does_not() -> None:
    ending = decided(answered(("good", "7"), ("cheap", "7")), price=0.002)
    assert isinstance(ending, Select)
    assert (ending.outcome, "'7' is right with 0.99" in ending.reason) == ("agreed", True)
    more = decided(answered(("good", "7"), ("twin", "7")), price=0.002)
    assert isinstance(more, Generate)
    assert "cheap is expected to tell" in more.reason


def test_each_is_asked_once_and_one_that_failed_no_more() -> None:
    split = (("good", "7"), ("cheap", "5"))
    assert asked(answered(*split)) == "twin"
    for tree in (answered(*split, failed="twin"), answered(*split, ("twin", "4"))):
        ending = decided(tree)
        assert isinstance(ending, Select)
        assert (ending.outcome, "every model has been asked" in ending.reason) == ("plateau", True)


def test_no_more_than_the_named_ones_are_asked() -> None:
    ending = decided(answered(("cheap", "5"), ("twin", "4")), models=("cheap", "twin"))
    assert isinstance(ending, Select)


def test_an_answer_that_was_refuted_has_no_vote() -> None:
    tree = answered(("good", "7"), ("cheap", "7"))
    said = [
        Verdict(candidate=c.id, verifier="r", score=0.0, evidence={"refutes": True}) for c in tree
    ]
    more = decided(Tree(TASK, tree.candidates, said))
    assert isinstance(more, Generate)
    assert "'nothing' is right with 0.0000" in more.reason


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="nothing is known of 'god', only of cheap"):
        decided(answered(), models=("cheap", "god"))
    with pytest.raises(ConfigurationError, match="each of 3 models"):
        decided(answered(), costs=(1.0,))


def test_without_knowledge_each_is_asked_in_turn() -> None:
    arms = Arms(("a", "b"))
    assert list(arms.next(answered(), 5)) == ["a", "b", "a", "b", "a"]
    assert list(arms.next(answered(("a", "7")), 2)) == ["b", "a"]
    assert list(arms.next(answered(("a", "7"), failed="b"), 2)) == ["a", "a"]


def test_the_laws_of_policies_and_selectors_hold() -> None:
    check_policy(adaptive(reliability=KNOWN, costs=(1.0, 2.0, 3.0)), seeds=10)
    check_selector(reliable_vote(KNOWN), seeds=30)


def test_the_vote_weighs_who_said_it() -> None:
    twins = answered(("good", "7"), ("twin", "7"), ("cheap", "5"))
    chosen = reliable_vote(KNOWN)(twins.finished)
    assert (chosen.answer, chosen.basis) == ("7", "posterior")
    assert chosen.confidence == pytest.approx(
        KNOWN([(c.model, c.answer) for c in twins]).chances["7"]
    )
    weak = one_coin(("good", "cheap", "cheaper"), (0.99, 0.4, 0.4), ((0.3,) * 3,) * 3)
    outvoted = answered(("cheap", "5"), ("cheaper", "5"), ("good", "7"))
    assert reliable_vote(weak)(outvoted.finished).answer == "7"
    strangers = answered(("x", "5"), ("y", "5"), ("z", "7"))
    assert reliable_vote(KNOWN)(strangers.finished).basis == "vote share"


@pytest.mark.parametrize(("refutes", "chosen"), [(True, "5"), (False, "7")])
def test_only_who_is_refuted_has_no_vote(refutes: bool, chosen: str) -> None:
    tree = answered(("good", "7"), ("twin", "7"), ("cheap", "5"))
    said = [
        Verdict(candidate=name, verifier="strict", score=0.0, evidence={"refutes": refutes})
        for name in ("g0", "g1")
    ]
    found = Tree(tree.task, list(tree), said)
    assert reliable_vote(KNOWN)(found.finished).answer == chosen


def test_what_a_policy_will_ask_is_known_before_anything_is_spent() -> None:
    assert sorted(named_models(adaptive(reliability=KNOWN))) == sorted(NAMES)
    some = adaptive(models=("good",), reliability=KNOWN)
    assert named_models(some) == ["good"]
    assert named_models(table(((some,), (best_of(model="twin"),)), above=(0.5,))) == [
        "good",
        "twin",
    ]
