from __future__ import annotations

import pytest

from tests.search.trees import TASK, drawn, grown
from verifier_agent.budget import Remaining
from verifier_agent.errors import ConfigurationError
from verifier_agent.search import beam
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Generate, Verdict


def test_the_best_steps_are_grown_level_by_level() -> None:
    # four first steps; the two best by score are g1 and g3
    scores = {"g0": 0.1, "g1": 0.9, "g2": 0.3, "g3": 0.8}
    scores |= {"g1.g0": 0.2, "g1.g1": 0.7, "g3.g0": 0.6, "g3.g1": 0.1}
    rounds, ending = grown(beam(2, 2, depth=3), scores.get)
    assert rounds == [
        ["g0", "g1", "g2", "g3"],
        ["g1.g0", "g1.g1", "g3.g0", "g3.g1"],
        # of the four, g1.g1 (0.7) and g3.g0 (0.6) are kept
        ["g1.g1.g0", "g1.g1.g1", "g3.g0.g0", "g3.g0.g1"],
    ]
    assert ending.reason == "every beam is complete or 3 steps long"


def test_both_kept_steps_may_come_from_one_parent() -> None:
    scores = {"g0": 0.9, "g1": 0.8, "g2": 0.1, "g3": 0.1, "g0.g0": 0.9, "g0.g1": 0.8, "g1.g0": 0.7}
    rounds, _ = grown(beam(2, 2, depth=3), scores.get)
    assert rounds[2] == ["g0.g0.g0", "g0.g0.g1", "g0.g1.g0", "g0.g1.g1"]


def test_groups_are_searched_apart_so_that_a_weak_one_survives() -> None:
    # diverse verifier tree search, by hand: 4 first steps, dealt to the groups in turn: group 0
    # has g0 and g2, group 1 has g1 and g3; each keeps its best one
    scores = {"g0": 0.9, "g2": 0.8, "g1": 0.1, "g3": 0.2}
    rounds, _ = grown(beam(2, 2, 2, depth=2), scores.get)
    assert rounds[1] == ["g0.g0", "g0.g1", "g3.g0", "g3.g1"]
    # one beam of the same width takes the two best of all, and both are of group 0
    rounds, _ = grown(beam(2, 2, 1, depth=2), scores.get)
    assert sorted(rounds[1]) == ["g0.g0", "g0.g1", "g2.g0", "g2.g1"]


def test_a_complete_answer_holds_its_place() -> None:
    scores = {"g0": 0.9, "g1": 0.8, "g2": 0.7, "g3": 0.1}
    rounds, _ = grown(beam(2, 2, depth=3), scores.get, done=lambda name: name == "g0")
    # g0 is complete and kept, so one beam is left, for g1; g2 does not move up
    assert rounds[1:] == [["g1.g0", "g1.g1"], ["g1.g0.g0", "g1.g0.g1"]]


def test_it_ends_when_every_beam_is_complete() -> None:
    rounds, _ = grown(beam(2, 2), lambda name: 0.5, done=lambda name: name.count(".") == 1)
    assert [len(names) for names in rounds] == [4, 4]


def test_depth_counts_steps() -> None:
    for depth in (1, 2, 5):
        rounds, _ = grown(beam(2, 2, depth=depth), lambda name: 0.5)
        assert len(rounds) == depth


def test_failed_steps_are_never_grown_and_unscored_ones_only_for_want_of_better() -> None:
    scores = {"g0": 0.9, "g1": None, "g2": 0.0, "g3": None}
    rounds, _ = grown(beam(2, 2, depth=2), scores.get, failed=lambda name: name == "g0")
    assert rounds[1] == ["g2.g0", "g2.g1", "g1.g0", "g1.g1"]


def test_all_steps_failing_ends_the_search() -> None:
    rounds, ending = grown(beam(2, 2), lambda name: None, failed=lambda name: True)
    assert len(rounds) == 1
    assert ending.outcome == "completed"


def test_equal_scores_go_to_the_first() -> None:
    rounds, _ = grown(beam(2, 2, depth=2), lambda name: 0.5)
    assert rounds[1] == ["g0.g0", "g0.g1", "g1.g0", "g1.g1"]


def test_the_tenth_comes_after_the_second_among_equals() -> None:
    scores = {f"g{i}": 0.9 if i in (2, 10) else 0.1 for i in range(12)}
    rounds, _ = grown(beam(1, 12, depth=2), scores.get)
    assert rounds[1][0] == "g2.g0"


def test_what_the_budget_cut_is_made_up_for_on_its_own_level() -> None:
    ids = ["g0", "g1", "g2", "g3", "g0.g0", "g1.g0", "g1.g1"]
    steps = [
        Candidate(id=name, parent=name.rpartition(".")[0] or None, done=False, mark="step")
        for name in ids
    ]
    said = [
        Verdict(candidate=name, verifier="v", score=1.0 if name in ("g0", "g1") else 0.0)
        for name in ids
    ]
    actions = beam(2, 2)(Tree(TASK, steps, said), Remaining())
    assert [(a.parent, a.n, a.until) for a in actions if isinstance(a, Generate)] == [
        ("g0", 1, "step")
    ]


def test_groups_must_divide_the_width() -> None:
    with pytest.raises(ConfigurationError, match="width=4 is not a multiple of groups=3"):
        beam(4, groups=3)(drawn(), Remaining())


def test_a_look_ahead_judges_a_step_by_where_it_leads() -> None:
    # g0 looks better, but the likeliest step after it is worse than that after g1
    scores = {"g0": 0.9, "g1": 0.1, "g0.g0": 0.2, "g1.g0": 0.8}
    rounds, _ = grown(beam(1, 2, depth=2, lookahead=1), scores.get)
    assert rounds == [["g0", "g1"], ["g0.g0", "g1.g0"], ["g1.g1", "g1.g2"]]


def test_looking_ahead_takes_the_likeliest_steps_and_no_part_in_the_search() -> None:
    (look,) = beam(1, 1, lookahead=2)(
        Tree(TASK, [Candidate(id="g0", done=False, mark="step")]), Remaining()
    )
    assert isinstance(look, Generate)
    assert (look.parent, look.n, look.temperature, look.until) == ("g0", 1, 0.0, "step")
    rounds, _ = grown(beam(1, 1, depth=3, lookahead=2), lambda name: 0.5)
    looks, first = ["g0.g0", "g0.g0.g0"], "g0.g1"
    looks_again, second = ["g0.g1.g0", "g0.g1.g0.g0"], "g0.g1.g1"
    assert [name for names in rounds for name in names] == [
        "g0",
        *looks,
        first,
        *looks_again,
        second,
    ]


def test_a_look_ahead_ends_where_the_answer_does_or_where_it_fails() -> None:
    ended, _ = grown(
        beam(1, 1, depth=2, lookahead=3), lambda name: 0.5, done=lambda name: name == "g0.g0"
    )
    assert ended == [["g0"], ["g0.g0"], ["g0.g1"]]
    failed, _ = grown(
        beam(1, 1, depth=2, lookahead=3), lambda name: 0.5, failed=lambda name: name == "g0.g0"
    )
    assert failed == ended
