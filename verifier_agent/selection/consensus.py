"""The selector for programs: what is proven first, then what most of them agree on.

A verifier that runs programs on the same inputs says of each what it gave, as evidence:

    {"outputs": [0, 2, None]}

One number per input, in the same order for every candidate: which of the outputs that were seen it
is; None for none at all. A verifier that runs hard tests says how each ended:

    {"endings": ["passed", "failed"]}
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from verifier_agent.selection.dual_agreement import passed_tests
from verifier_agent.selection.election import elect_group
from verifier_agent.selection.selector import selector
from verifier_agent.values import Judged, Selection

Outputs = tuple[int | None, ...]


@selector
def consensus(judged: Sequence[Judged]) -> Selection:
    """Choose, of the programs that pass the hard tests, those that most others agree with.

    Where no program passes all hard tests, those that pass the most of them stand for election
    (an example may be wrong); without hard tests all do. Programs that behave alike are a group.
    Its worth is the product of

    - how many they are,
    - for how much of the rest they speak: the mean share of all programs, the failed ones too, that
      give the same output (minimum Bayes risk over executions: Shi et al. 2022, 2204.11454),
    - the share of the generated tests that they pass, as often as each was generated, with one more
      for all so that wrong tests do not decide alone (Chen et al. 2023, 2207.10397, CodeT).

    What no verifier says of any program counts as one (with generated tests alone this is
    `dual_agreement` after the hard tests); what none says of this one, as the least of the others.
    Within the group the highest score is chosen, then the first. Confidence is the group's share of
    the worth of all; a group of one is only as sure as its score. Without any such evidence it is
    `best` of those that stand.
    """
    standing = _standing(judged)
    agreement = _agreement([given for j in judged if (given := _outputs(j))])
    groups: dict[_Behaviour, list[Judged]] = {}
    for j in standing:
        if (behaviour := _Behaviour.of(j)) is not None:
            groups.setdefault(behaviour, []).append(j)
    unseen = min(agreement.values(), default=1.0)
    untested = min((one.tested for one in groups if one.passed), default=1.0)
    worth = {
        one: agreement.get(one.outputs, unseen) * (one.tested if one.passed else untested)
        for one in groups
    }
    return elect_group(
        standing, [(members, len(members) * worth[one]) for one, members in groups.items()]
    )


@dataclass(frozen=True, slots=True)
class _Behaviour:
    """What is known of what a program does."""

    outputs: Outputs
    passed: str
    tested: float
    """The share of the generated tests that it passes, made milder."""

    @classmethod
    def of(cls, judged: Judged) -> _Behaviour | None:
        outputs, tests = _outputs(judged), passed_tests(judged)
        if not outputs and tests is None:
            return None
        if tests is None:
            return cls(outputs, "", 1.0)
        return cls(outputs, tests.signs, (tests.weight + 1.0) / (tests.total + 1.0))


def _standing(judged: Sequence[Judged]) -> list[Judged]:
    """Return those that pass the most of the hard tests."""
    passed = [_passed(j) for j in judged]
    most = max(passed, default=0.0)
    return [j for j, share in zip(judged, passed, strict=True) if share == most]


def _passed(judged: Judged) -> float:
    """Return the share of the hard tests that were passed, of the worst verdict; 0 without any."""
    shares_passed = []
    for verdict in judged.verdicts:
        if not verdict.hard or verdict.score is None:
            continue
        match verdict.evidence.get("endings"):
            case list(endings) | tuple(endings) if endings and verdict.score < 1.0:
                shares_passed.append(sum(one == "passed" for one in endings) / len(endings))
            case _:
                shares_passed.append(verdict.score)
    return min(shares_passed, default=0.0)


def _outputs(judged: Judged) -> Outputs:
    """Return what a candidate gave for each input; () where no verifier says so."""
    for verdict in judged.verdicts:
        match verdict.evidence.get("outputs"):
            case list(given) | tuple(given) if all(map(_is_output, given)):
                return tuple(given)
    return ()


def _is_output(given: object) -> bool:
    return given is None or (isinstance(given, int) and not isinstance(given, bool))


def _agreement(given: Sequence[Outputs]) -> dict[Outputs, float]:
    """Return, for each row of outputs, the mean share of all rows that have the same one."""
    votes: Counter[tuple[int, int]] = Counter()
    for outputs in given:
        votes.update((n, one) for n, one in enumerate(outputs) if one is not None)
    return {
        outputs: sum(votes[n, one] for n, one in enumerate(outputs) if one is not None)
        / (len(outputs) * len(given))
        for outputs in dict.fromkeys(given)
    }
