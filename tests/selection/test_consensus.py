"""Programs chosen by what is proven, by what others give, and by generated tests."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from verifier_agent.selection import consensus, dual_agreement
from verifier_agent.values import Candidate, Judged, Verdict


def program(
    n: int,
    outputs: Sequence[int | None] = (),
    *,
    endings: Sequence[str] = (),
    tests: str = "",
    score: float | None = None,
) -> Judged:
    """A candidate with the verdicts that its evidence needs."""
    verdicts = []
    if endings:
        passed = all(ending == "passed" for ending in endings)
        verdicts.append(said(n, "code", float(passed), True, {"endings": list(endings)}))
    if outputs:
        verdicts.append(said(n, "behaviour", score, False, {"outputs": list(outputs)}))
    if tests:
        evidence = {"tests": tests, "weights": [1] * len(tests)}
        verdicts.append(said(n, "tests", tests.count("1") / len(tests), False, evidence))
    return Judged(candidate=Candidate(id=f"g{n}", text=str(n)), verdicts=tuple(verdicts))


def said(
    n: int, name: str, score: float | None, hard: bool, evidence: dict[str, object]
) -> Verdict:
    error = "none" if score is None else None
    return Verdict(
        candidate=f"g{n}", verifier=name, score=score, hard=hard, evidence=evidence, error=error
    )


def test_the_most_common_behaviour_is_chosen() -> None:
    judged = [program(0, [1, 1]), program(1, [0, 1]), program(2, [0, 1]), program(3, [0, 2])]
    chosen = consensus()(judged)
    assert chosen.candidate == "g1"
    # groups weigh 1 x (1 + 3) / 8, 2 x (3 + 3) / 8 and 1 x (3 + 1) / 8
    assert chosen.confidence == pytest.approx(1.5 / (0.5 + 1.5 + 0.5))
    assert chosen.basis == "vote share"


def test_of_groups_of_one_size_the_one_that_speaks_for_the_rest_is_chosen() -> None:
    judged = [program(0, [5, 5, 5]), program(1, [0, 0, 1]), program(2, [0, 0, 2])]
    judged += [program(3, [0, 0, 0]), program(4, [7, 0, 0])]
    assert consensus()(judged).candidate == "g3"


def test_a_program_that_gives_nothing_is_the_last_choice() -> None:
    judged = [program(n, [None, None]) for n in range(5)]
    assert consensus()([*judged, program(5, [0, None])]).candidate == "g5"
    assert consensus()(judged).candidate == "g0"


def test_hard_tests_decide_before_any_number_of_others() -> None:
    wrong = [program(n, [0, 0], endings=["passed", "failed"]) for n in range(9)]
    right = program(9, [1, 0], endings=["passed", "passed"])
    assert consensus()([*wrong, right]).candidate == "g9"


def test_those_that_fail_still_vote_on_outputs() -> None:
    failed = [program(n, [2, 0], endings=["failed"]) for n in (0, 1)]
    passed = [program(2, [1, 1], endings=["passed"]), program(3, [1, 0], endings=["passed"])]
    assert consensus()([*failed, *passed]).candidate == "g3"


def test_where_none_passes_all_hard_tests_those_that_pass_most_stand() -> None:
    judged = [
        program(0, [0], endings=["failed", "failed", "passed"]),
        program(1, [0]),  # of which nothing is known
        program(2, [1], endings=["passed", "failed", "passed"]),
    ]
    assert consensus()(judged).candidate == "g2"


def test_generated_tests_decide_between_equals_but_not_alone() -> None:
    judged = [program(0, [0], tests="001"), program(1, [1], tests="111")]
    assert consensus()(judged).candidate == "g1"
    # of groups that are worth 3 x 3/4 x 2/4 and 1 x 1/4 x 4/4 the larger
    judged = [*(program(n, [0], tests="001") for n in range(3)), program(3, [1], tests="111")]
    assert consensus()(judged).candidate == "g0"


def test_with_generated_tests_alone_it_chooses_as_dual_agreement() -> None:
    judged = [program(n, tests=t) for n, t in enumerate(["1111", "1100", "1100", "1100", "0011"])]
    assert consensus()(judged).candidate == dual_agreement()(judged).candidate == "g1"


def test_dual_agreement_chooses_no_program_that_is_refuted_unless_all_are() -> None:
    refuted = [program(n, endings=["failed"], tests="111") for n in range(3)]
    judged = [*refuted, program(3, endings=["passed"], tests="001")]
    assert dual_agreement()(judged).candidate == "g3"
    assert dual_agreement()(refuted).candidate == "g0"


def test_a_program_of_which_less_is_known_is_worth_no_more_for_that() -> None:
    seen = [program(1, [0, 0], tests="11"), program(2, [0, 1], tests="11")]
    # two of three agree with g2 on each input
    assert consensus()([program(0, tests="11"), *seen, program(3, [1, 1])]).candidate == "g2"
    judged = [program(0, [0]), program(1, [0], tests="11"), program(2, [0], tests="10")]
    assert consensus()(judged).candidate == "g1"


def test_without_evidence_it_is_the_best_of_those_that_stand() -> None:
    judged = [program(0, endings=["failed"]), program(1, endings=["passed"])]
    chosen = consensus()(judged)
    assert (chosen.candidate, chosen.confidence, chosen.basis) == ("g1", 1.0, "score")
    assert consensus()([]).candidate is None


def test_a_single_program_is_only_as_sure_as_its_score() -> None:
    chosen = consensus()([program(0, [0, 0], endings=["passed"])])
    assert (chosen.confidence, chosen.basis) == (1.0, "score")
