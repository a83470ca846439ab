from __future__ import annotations

from tests.search.trees import grown
from verifier_agent.search import rollouts

STEPS = ["g0", "g0.g0", "g0.g0.g0", "g0.g0.g0.g0", "g0.g0.g0.g0.g0"]


def depth(name: str) -> int:
    return name.count(".")


def right_before(first: int):  # type: ignore[no-untyped-def]
    """Score complete answers: right if completed from a step before the `first` wrong one."""

    def score(name: str) -> float | None:
        if name == STEPS[-1]:
            return 0.0
        # completions are children of a step beside the chain's own
        return None if name in STEPS else float(depth(name) < first and name.endswith("1"))

    return score


def test_every_step_but_the_last_is_completed_so_many_times() -> None:
    rounds, _ = grown(rollouts(3), right_before(3), lambda name: name == STEPS[-1])
    assert rounds[:5] == [[step] for step in STEPS]
    assert len(rounds) == 6
    assert sorted(map(depth, rounds[5])) == sorted([1, 2, 3, 4] * 3)


def test_the_first_error_is_found_by_halves() -> None:
    policy = rollouts(2, find="first_error")
    for first in range(1, 6):
        rounds, _ = grown(policy, right_before(first), lambda name: name == STEPS[-1])
        probes = [depth(names[0]) for names in rounds[5:]]
        assert len(probes) <= 3
        low, high = 0, 5
        for probe in probes:
            assert probe == (low + high) // 2
            low, high = (probe, high) if probe < first else (low, probe)
        assert (low, high) == (first - 1, first)


def test_a_right_answer_costs_no_search() -> None:
    rounds, _ = grown(
        rollouts(2, find="first_error"), lambda name: 1.0, lambda name: name == STEPS[2]
    )
    assert rounds == [[step] for step in STEPS[:3]]


def test_a_step_that_fails_ends_the_chain_and_is_not_asked_for_again() -> None:
    rounds, ending = grown(rollouts(2), lambda name: None, failed=lambda name: name == "g0.g0")
    assert rounds[:2] == [["g0"], ["g0.g0"]]
    assert len(rounds) <= 3
    assert "1 steps" in ending.reason
