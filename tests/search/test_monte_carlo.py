from __future__ import annotations

from tests.search.trees import TASK, grown
from verifier_agent.budget import Remaining
from verifier_agent.search import mcts
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Generate

SCORES = {"g0": 0.8, "g1": 0.4, "g0.g0": 0.2, "g1.g0": 0.9, "g1.g1": 0.1, "g0.g1": 0.6}


def test_steps_are_made_in_the_order_computed_by_hand() -> None:
    # two children each, explore = 1; the bound of a child is mean + sqrt(ln parent / visits)
    #   g0, g1       fill the question
    #   g0.g0        g0 .800 + sqrt(ln 2 / 1) = 1.633    g1 .400 + .833 = 1.233
    #   g1.g0        g0 .500 + sqrt(ln 3 / 2) = 1.241    g1 .400 + sqrt(ln 3 / 1) = 1.448
    #   g1.g1        g0 .500 + sqrt(ln 4 / 2) = 1.333    g1 .650 + .833 = 1.483
    #   g0.g1        g0 .500 + sqrt(ln 5 / 2) = 1.397    g1 .467 + sqrt(ln 5 / 3) = 1.199
    #   g0.g1.g0     g0 .533 + sqrt(ln 6 / 3) = 1.306    g1 .467 + .773 = 1.240
    #                g0.g0 .200 + sqrt(ln 3) = 1.248     g0.g1 .600 + 1.048 = 1.648
    rounds, ending = grown(mcts(7, 2, rollouts=0, explore=1.0), SCORES.get)
    assert [name for names in rounds for name in names] == [
        "g0",
        "g1",
        "g0.g0",
        "g1.g0",
        "g1.g1",
        "g0.g1",
        "g0.g1.g0",
    ]
    assert ending.reason == "7 of 7 steps made"


def test_a_step_is_worth_what_is_completed_from_it() -> None:
    # the steps look alike; what is completed from g1 is right, so the search goes on there
    scores = {"g0": 0.5, "g1": 0.5, "g0.g0": 0.0, "g1.g0": 1.0}
    rounds, _ = grown(mcts(3, 2, explore=0.1), lambda name: scores.get(name, 0.5))
    assert rounds == [["g0"], ["g0.g0"], ["g1"], ["g1.g0"], ["g1.g1"], ["g1.g1.g0"]]


def test_a_rollout_goes_to_the_end_and_is_not_searched() -> None:
    (roll,) = mcts(4, rollouts=3)(
        Tree(TASK, [Candidate(id="g0", done=False, mark="step")]), Remaining()
    )
    assert isinstance(roll, Generate)
    assert (roll.parent, roll.n, roll.until, roll.mark) == ("g0", 3, "end", "rollout")


def test_without_exploration_it_follows_the_best_and_with_much_of_it_it_spreads() -> None:
    greedy, _ = grown(mcts(6, 2, rollouts=0, explore=0.0), lambda n: 0.9 if n[1] == "0" else 0.1)
    assert sum(names[0].startswith("g0") for names in greedy) == 5
    spread, _ = grown(mcts(6, 2, rollouts=0, explore=9.0), lambda n: 0.9 if n[1] == "0" else 0.1)
    assert sum(names[0].startswith("g0") for names in spread) == 3


def test_a_batch_spreads_by_counting_what_it_asks_for() -> None:
    rounds, _ = grown(mcts(6, 2, 4, rollouts=0), lambda name: 0.5)
    # the question takes two; then there is no step to go below yet, so the round is short
    assert rounds == [["g0", "g1"], ["g0.g0", "g0.g1", "g1.g0", "g1.g1"]]


def test_complete_answers_and_long_ones_are_not_continued() -> None:
    rounds, ending = grown(mcts(20, 2, rollouts=0, depth=3), lambda name: 0.5, lambda n: n == "g0")
    # 2 first steps, 2 below the one that is open, 4 below these
    assert sum(map(len, rounds)) == 8
    assert ending.reason == "8 of 20 steps made"


def test_failed_and_unscored_steps_take_no_harm() -> None:
    rounds, _ = grown(mcts(8, 2), lambda name: None, failed=lambda name: name == "g0")
    assert not any(name.startswith("g0.") for names in rounds for name in names)
    rounds, _ = grown(mcts(3, 2), lambda name: None, failed=lambda name: True)
    assert rounds == [["g0"], ["g1"]]
