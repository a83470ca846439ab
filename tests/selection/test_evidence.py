"""Selectors that read evidence: which tests were passed, step scores, meanings."""

from __future__ import annotations

import pytest

from tests.selection.elections import judged
from verifier_agent.selection import best, by_meaning, by_steps, dual_agreement, weighted_vote
from verifier_agent.values import Candidate, Judged, Task
from verifier_agent.verifiers import MeaningAgreement


def ran(
    *results: str | None, scores: dict[int, float] | None = None, **more: object
) -> list[Judged]:
    return [
        judged(
            f"g{i}",
            None,
            (scores or {}).get(i),
            evidence={} if tests is None else {"tests": tests, **more},
        )
        for i, tests in enumerate(results)
    ]


def test_the_group_with_the_most_members_times_tests_is_chosen_as_codet_does() -> None:
    # groups by what they pass: {g0} 1 x 4, {g1, g2, g3} 3 x 2, {g4, g5} 2 x 2
    chosen = dual_agreement()(ran("1111", "1100", "1100", "1100", "0011", "0011"))
    assert chosen.candidate == "g1"
    assert chosen.confidence == pytest.approx(6 / 14)
    assert chosen.basis == "vote share"


def test_members_may_count_less_than_tests() -> None:
    # 4 ** 0.5 x 1 = 2 against 1 x 3; to the power of 1 it is 4 against 3
    results = ["100"] * 4 + ["111"]
    assert dual_agreement()(ran(*results)).candidate == "g0"
    alone = dual_agreement(0.5)(ran(*results, scores={4: 0.3}))
    assert (alone.candidate, alone.confidence, alone.basis) == ("g4", 0.3, "score")


def test_a_test_counts_as_often_as_it_was_generated() -> None:
    assert dual_agreement()(ran("110", "001", weights=[1, 1, 1])).candidate == "g0"
    assert dual_agreement()(ran("110", "001", weights=[1, 1, 3])).candidate == "g1"


def test_in_the_group_the_score_decides_and_then_the_first() -> None:
    assert dual_agreement()(ran("11", "11", "11")).candidate == "g0"
    assert dual_agreement()(ran("11", "11", "11", scores={1: 0.5})).candidate == "g1"


@pytest.mark.parametrize("results", [[None, None], ["00", "00"], ["", "2"]], ids=str)
def test_without_a_passed_test_the_score_decides(results: list[str | None]) -> None:
    chosen = dual_agreement()(ran(*results, scores={0: 0.1, 1: 0.4}))
    assert (chosen.candidate, chosen.confidence, chosen.basis) == ("g1", 0.4, "score")


STEPS = [
    judged("g0", "5", 0.1, steps=(0.9, 0.1, 0.95)),
    judged("g1", "7", 0.5, steps=(0.5, 0.5)),
    judged("g2", "9", 0.2, steps=()),
]


@pytest.mark.parametrize(
    ("how", "answer", "score"),
    [
        ("last", "5", 0.95),
        ("min", "7", 0.5),
        ("product", "7", 0.25),
        ("mean", "5", pytest.approx(0.65)),
        # odds by hand: 9 x 1/9 x 19
        ("log_odds", "5", pytest.approx(0.95)),
        ("model", "7", 0.5),
    ],
)
def test_steps_are_read_in_another_way_than_the_verifier_did(
    how: str, answer: str, score: float
) -> None:
    chosen = by_steps(how)(STEPS)  # type: ignore[arg-type]
    assert (chosen.answer, chosen.confidence) == (answer, score)
    assert best()(STEPS).answer == "7"


def test_any_selector_may_choose_by_the_steps() -> None:
    rival = judged("g3", "7", 0.0, steps=(0.1, 0.6))
    chosen = by_steps("last", weighted_vote())([*STEPS, rival])
    assert chosen.answer == "7"  # 0.5 + 0.6 against 0.95 and 0.2
    assert chosen.support == pytest.approx({"5": 0.95 / 2.25, "7": 1.1 / 2.25, "9": 0.2 / 2.25})


def test_proof_is_no_average() -> None:
    disproved = judged("g0", "5", 0.0, steps=(1.0, 1.0), hard=True)
    assert by_steps("last")([disproved, judged("g1", "7", 0.1)]).answer == "7"


WORDS = ["It rises in the east", "In the east it rises.", "It sets", "It rises in the EAST"]


def words(text: str) -> frozenset[str]:
    return frozenset(text.lower().strip(".").split())


def embed(texts: list[str]) -> list[list[float]]:
    known = sorted(frozenset().union(*map(words, texts)))
    return [[float(word in words(text)) for word in known] for text in texts]


@pytest.mark.parametrize(
    "verifier",
    [
        MeaningAgreement(same=lambda a, b: words(a) == words(b)),
        MeaningAgreement(embed=embed, threshold=1.0),  # type: ignore[arg-type]
    ],
    ids=["same", "embed"],
)
def test_answers_in_words_vote_by_their_meaning(verifier: MeaningAgreement) -> None:
    candidates = [Candidate(id=f"g{i}", text=text) for i, text in enumerate([WORDS[2], *WORDS])]
    verdicts = verifier.verify_sync(Task(question="q"), candidates)
    assert [v.score for v in verdicts] == [0.4, 0.6, 0.6, 0.4, 0.6]
    assert [v.evidence["same_as"] for v in verdicts] == ["g0", "g1", "g1", "g0", "g1"]
    all_judged = [
        Judged(candidate=c, verdicts=(v,)) for c, v in zip(candidates, verdicts, strict=True)
    ]
    chosen = by_meaning()(all_judged)
    assert (chosen.candidate, chosen.answer) == ("g1", WORDS[0])
    assert (chosen.confidence, chosen.basis) == (0.6, "vote share")
    assert chosen.support == {WORDS[2]: 0.4, WORDS[0]: 0.6}
