"""Programs judged by tests that a model wrote: evidence and no proof, since they may be wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from verifier_agent.errors import ConfigurationError
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers.programs.code_tests import CodeTests
from verifier_agent.verifiers.programs.entry_points import asked_of, replaces
from verifier_agent.verifiers.programs.given_tests import given_tests
from verifier_agent.verifiers.sandboxes.names import SandboxLike
from verifier_agent.verifiers.sandboxes.sandbox import CodeTest, Limits, Ran


class GeneratedTests(CodeTests):
    """Run programs against `task.context["generated_tests"]`, which count but prove nothing.

    The tests have the forms that `given_tests` reads. Left out are texts that are no Python, and
    tests that define themselves what programs are asked for. A dict may say with "weight" how often
    a test was generated. score: the share of the tests that passed, by weight. It is not `hard`: on
    HumanEval most tests of a small model are wrong. What each program passed is evidence in the
    form that the selector `dual_agreement` reads: {"tests": "1011", "weights": [3, 1, 1, 2]}. A
    test that no program could be asked, because the sandbox does not support it, counts as not
    passed.
    """

    hard = False
    key = "generated_tests"

    def __init__(
        self,
        sandbox: SandboxLike = "auto",
        *,
        limits: Limits | None = None,
        parallel: int | None = None,
        name: str = "generated-tests",
    ) -> None:
        limits = limits or Limits(seconds=1.0, total_seconds=30.0)
        super().__init__(sandbox, limits=limits, parallel=parallel, examples=False, name=name)

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Run each candidate's program."""
        try:
            weights = [weight for _, weight in weighed_tests(task)]
        except ConfigurationError as error:
            return [self._unknown(c, str(error)) for c in candidates]
        return [_with_weights(v, weights) for v in super().verify_sync(task, candidates)]

    def tests(self, task: Task) -> tuple[CodeTest, ...]:
        """Return the generated tests."""
        return tuple(test for test, _ in weighed_tests(task))

    def verdict(self, candidate: Candidate, ran: Ran, tests: Sequence[CodeTest]) -> Verdict:
        """Return the verdict about a program that ran."""
        if all(result.ending == "unsupported" for result in ran.results):
            return super().verdict(candidate, ran, tests)
        passed = "".join("1" if result.ending == "passed" else "0" for result in ran.results)
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=0.0,  # settled with the weights
            evidence={"tests": passed, "sandbox": ran.sandbox},
        )


def _with_weights(verdict: Verdict, weights: Sequence[float]) -> Verdict:
    tests = verdict.evidence.get("tests")
    if not isinstance(tests, str):
        return verdict
    passed = math.fsum(w for sign, w in zip(tests, weights, strict=True) if sign == "1")
    evidence = {**verdict.evidence, "weights": list(weights)}
    return replace(verdict, score=passed / math.fsum(weights), evidence=evidence)


def weighed_tests(task: Task) -> list[tuple[CodeTest, float]]:
    """Return the tests in `context["generated_tests"]` that can be used, each with its weight.

    Left out are texts that are no Python, and tests that bring their own solution.
    """
    given = task.context.get(GeneratedTests.key, [])
    found: list[tuple[CodeTest, float]] = []
    for one in given if isinstance(given, list | tuple) else [given]:
        weight, test = _weight(one)
        context = {**task.context, GeneratedTests.key: test}
        try:
            tests = given_tests(replace(task, context=context), GeneratedTests.key)
        except ConfigurationError:
            continue  # models write tests that are no Python
        found += [(each, weight / len(tests)) for each in tests]
    asked = asked_of(task, [test for test, _ in found])
    return [(test, weight) for test, weight in found if not replaces(test, asked)]


def _weight(given: Any) -> tuple[float, Any]:
    if not isinstance(given, dict) or "weight" not in given:
        return 1.0, given
    weight = given["weight"]
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < 1e9:
        raise ConfigurationError(f"weight={weight!r}: a number above 0 is needed")
    return float(weight), {name: value for name, value in given.items() if name != "weight"}
