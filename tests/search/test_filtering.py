from __future__ import annotations

from collections import Counter

import pytest
from scipy.stats import chisquare

from tests.search.trees import TASK, grown
from verifier_agent.budget import Remaining
from verifier_agent.errors import ConfigurationError
from verifier_agent.search import particles
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Generate, Verdict


def test_particles_are_drawn_with_the_odds_of_their_scores() -> None:
    scores = {"g0": 0.2, "g1": 0.5, "g2": 0.8, "g3": 0.5}
    steps = [Candidate(id=name, done=False, mark="step 0") for name in scores]
    said = [Verdict(candidate=n, verifier="v", score=score) for n, score in scores.items()]
    offspring: Counter[str] = Counter()
    seeds = 1000
    for seed in range(seeds):
        for action in particles(4)(Tree(TASK, steps, said, seed=seed), Remaining()):
            assert isinstance(action, Generate)
            assert action.parent is not None
            offspring[action.parent] += action.n
    odds = {name: score / (1 - score) for name, score in scores.items()}  # 1/4, 1, 4, 1
    expected = [4 * seeds * odds[name] / 6.25 for name in scores]
    assert chisquare([offspring[name] for name in scores], expected).pvalue > 0.001


def test_a_complete_particle_keeps_its_place_by_its_odds() -> None:
    # the complete one is nearly sure, the others nearly hopeless: nobody is left to grow
    scores = {"g0": 1.0, "g1": 0.0, "g2": 0.0}
    rounds, _ = grown(particles(3), scores.get, done=lambda name: name == "g0")
    assert rounds == [["g0", "g1", "g2"]]
    # and where it is hopeless itself it is lost, and all places go to the one that is good
    scores = {"g0": 0.0, "g1": 1.0, "g2": 0.0}
    rounds, _ = grown(particles(3, depth=2), scores.get, done=lambda name: name == "g0")
    assert rounds[1] == ["g1.g0", "g1.g1", "g1.g2"]


def test_every_level_and_what_is_complete_add_up_to_the_count() -> None:
    def done(name: str) -> bool:
        return name.endswith("g1")

    for seed in range(30):
        rounds, _ = grown(particles(6, depth=5), lambda name: 0.5, done, seed=seed)
        sizes = [len(names) for names in rounds]
        assert sizes[0] == 6
        assert all(size <= 6 for size in sizes)


def test_another_iteration_starts_around_a_particle_of_the_last_one() -> None:
    # g1 -> g1.g0 is the best line, and it is complete: it is the reference of the second iteration
    scores = {"g0": 0.0, "g1": 1.0, "g2": 0.0, "g1.g0": 1.0, "g1.g1": 0.0, "g1.g2": 0.0}
    rounds, _ = grown(
        particles(3, 2, depth=2),
        lambda name: scores.get(name, 0.0),
        done=lambda name: name.startswith("g1."),
    )
    assert rounds == [
        ["g0", "g1", "g2"],
        ["g1.g0", "g1.g1", "g1.g2"],
        # two free particles; they are hopeless, so both follow the first step of the reference
        ["g3", "g4"],
        ["g1.g3", "g1.g4"],
    ]


def test_iterations_go_on_from_a_reference_that_ended_short() -> None:
    for seed in range(20):
        rounds, ending = grown(
            particles(3, 3, depth=4),
            lambda name: 0.5,
            done=lambda name: name.endswith("g0") and "." in name,
            seed=seed,
        )
        assert [len(names) for names in rounds if "." not in names[0]] == [3, 2, 2]
        assert ending.outcome == "completed"


def test_all_steps_failing_ends_every_iteration() -> None:
    rounds, _ = grown(particles(2, 2), lambda name: None, failed=lambda name: True)
    assert len(rounds) == 2


def test_iterations_need_a_free_particle() -> None:
    with pytest.raises(ConfigurationError, match="count=2 or more"):
        particles(1, 2)(Tree(TASK), Remaining())
