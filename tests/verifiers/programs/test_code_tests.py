"""Programs judged by tests, in the sandbox that is a Python package."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from verifier_agent import Budget, Run, create_verifier_agent
from verifier_agent.models import OpenAIChatModel
from verifier_agent.selection import dual_agreement
from verifier_agent.testing import ModelServer, Reply
from verifier_agent.values import Candidate, Judged, Task, Verdict
from verifier_agent.verifiers.programs.code_tests import CodeTests
from verifier_agent.verifiers.programs.generated_tests import GeneratedTests
from verifier_agent.verifiers.sandboxes.sandbox import Limits

pytest.importorskip("pydantic_monty")

RIGHT = "Here it is:\n```python\ndef double(x):\n    return 2 * x\n```\nDone."
WRONG = "```python\ndef double(x):\n    return x * x\n```"
ASSERTIONS = "assert double(2) == 4\nassert double(3) == 6"


def judge(*texts: str, verifier: Any = None, **context: Any) -> list[Verdict]:
    task = Task(question="Write double(x).", context={"tests": ASSERTIONS, **context})
    candidates = [Candidate(id=f"g{i}", text=text) for i, text in enumerate(texts)]
    verifier = verifier or CodeTests("monty")
    found: list[Verdict] = verifier.verify_sync(task, candidates)
    assert [v.candidate for v in found] == [c.id for c in candidates]
    return found


def test_a_program_that_passes_all_tests_is_proven_right() -> None:
    (verdict,) = judge(RIGHT)
    assert (verdict.score, verdict.raw, verdict.hard, verdict.feedback) == (1.0, 1.0, True, "")


def test_feedback_names_the_first_test_that_failed_with_what_came() -> None:
    (verdict,) = judge(WRONG)
    assert (verdict.score, verdict.raw, verdict.hard) == (0.0, 0.5, True)
    assert "Test 2 of 2 failed" in verdict.feedback
    assert "`double(3)` should be 6, but gave 9" in verdict.feedback


@pytest.mark.parametrize(
    "tests",
    [
        [{"source": "assert double(5) == 10"}],
        ">>> double(5)\n10\n",
        "def check(candidate):\n    assert candidate(5) == 10\n",
        "def test_it():\n    assert double(5) == 10\n",
    ],
    ids=["dict", "doctest", "check", "function"],
)
def test_tests_may_have_any_of_the_usual_forms(tests: Any) -> None:
    right, wrong = judge(RIGHT, WRONG, tests=tests, entry_point="double")
    assert (right.score, wrong.score) == (1.0, 0.0)


def test_a_loop_without_end_is_stopped_and_counts_as_wrong() -> None:
    endless = "```python\ndef double(x):\n    while True:\n        pass\n```"
    limits = Limits(seconds=1.0, total_seconds=2.0)
    (verdict,) = judge(endless, verifier=CodeTests("monty", limits=limits))
    assert verdict.score == 0.0
    assert verdict.evidence["ending"] == "timeout"


def test_what_the_sandbox_cannot_run_has_no_score() -> None:
    (verdict,) = judge("```python\nimport numpy\ndef double(x):\n    return 2 * x\n```")
    assert verdict.score is None
    assert "monty cannot run it" in str(verdict.error)


@pytest.mark.parametrize("text", ["", "```python\n```"])
def test_a_text_without_a_program_has_no_score(text: str) -> None:
    (verdict,) = judge(text)
    assert verdict.score is None
    assert "no program" in str(verdict.error)


def test_a_task_without_tests_has_no_score() -> None:
    (verdict,) = judge(RIGHT, tests=[])
    assert verdict.score is None
    assert "no tests" in str(verdict.error)


def test_generated_tests_are_evidence_that_dual_agreement_reads() -> None:
    generated = [
        {"source": "assert double(2) == 4", "weight": 3},
        {"source": "assert double(3) == 6", "weight": 2},
        {"source": "assert double(3) == 7", "weight": 1},  # a wrong test
    ]
    task = Task(question="Write double(x).", context={"generated_tests": generated})
    candidates = [Candidate(id=f"g{i}", text=t) for i, t in enumerate((WRONG, RIGHT, RIGHT))]
    verdicts = asyncio.run(GeneratedTests("monty").verify(task, candidates))
    assert [v.evidence["tests"] for v in verdicts] == ["100", "110", "110"]
    assert [v.evidence["weights"] for v in verdicts] == [[3, 2, 1]] * 3
    assert not any(v.hard for v in verdicts)
    judged = [Judged(candidate=c, verdicts=(v,)) for c, v in zip(candidates, verdicts, strict=True)]
    assert dual_agreement()(judged).candidate == "g1"


OWN_SOLUTION = "def double(x):\n    return 2 * x\n\nassert double(2) == 4\n"


def test_a_test_that_brings_its_own_solution_proves_no_program() -> None:
    (verdict,) = judge(WRONG, tests=[OWN_SOLUTION, "assert double(3) == 6"])
    assert verdict.score is None
    assert "a test defines 'double' itself" in str(verdict.error)


def test_a_generated_test_that_brings_its_own_solution_is_left_out() -> None:
    generated = [OWN_SOLUTION, "assert double(3) == 6", "Here:\n```\nassert double(4) == 8\n```\n"]
    right, wrong = judge(
        RIGHT, WRONG, verifier=GeneratedTests("monty"), tests=[], generated_tests=generated
    )
    assert [v.evidence["tests"] for v in (right, wrong)] == ["11", "00"]


def test_in_a_run_feedback_from_tests_leads_to_a_program_that_passes() -> None:
    def learns(request: Any) -> Reply:
        return Reply(RIGHT if "double(3)" in str(request.messages) else WRONG)

    with ModelServer(learns) as server:
        agent = create_verifier_agent(
            OpenAIChatModel(model="coder", base_url=server.url),
            verifier="code:monty",
            policy="until(revise(3), proven())",
            budget=Budget(calls=8),
        )
        config = {"configurable": {"verifier_agent": {"context": {"tests": ASSERTIONS}}}}
        run = Run.of(agent.invoke({"messages": [("user", "Write double(x).")]}, config))
    assert run.selection.outcome == "verified"
    assert server.calls == 2


def examined(question: str, *texts: str, **options: Any) -> list[Verdict]:
    context = options.pop("context", {})
    task = Task(question=question, context={"entry_point": "double", **context})
    candidates = [Candidate(id=f"g{i}", text=text) for i, text in enumerate(texts)]
    return CodeTests("monty", **options).verify_sync(task, candidates)


def test_examples_in_the_question_are_tests() -> None:
    right, wrong = examined("Write double(x): double(3) returns 6.", RIGHT, WRONG)
    assert (right.score, wrong.score, wrong.hard) == (1.0, 0.0, True)
    assert "`double(3)` should be 6, but gave 9" in wrong.feedback


def test_examples_join_the_tests_that_are_given() -> None:
    given = {"tests": "assert double(2) == 4"}  # which the wrong one passes
    (verdict,) = examined("Write double(x): double(3) == 6", WRONG, context=given)
    assert verdict.evidence["endings"] == ["passed", "failed"]
    (alone,) = examined("Write double(x): double(3) == 6", WRONG, context=given, examples=False)
    assert (alone.score, alone.evidence["endings"]) == (1.0, ["passed"])


def test_a_test_counts_where_an_example_contradicts_it() -> None:
    given = {"tests": "assert double(3) == 6"}
    (verdict,) = examined("Write double(x): double(3) == 7", RIGHT, context=given)
    assert (verdict.score, verdict.evidence["endings"]) == (1.0, ["passed"])


def test_a_test_counts_where_a_rounded_example_contradicts_it() -> None:
    for test in ("assert double(0.1) == 0.2", "assert abs(double(0.1) - 0.2) < 1e-6"):
        given = {"tests": test}
        (verdict,) = examined("Write double(x): double(0.1) == 0.7", RIGHT, context=given)
        assert (verdict.score, verdict.evidence["endings"]) == (1.0, ["passed"])


USAGE = "\nUse it so:\n```python\nprint(double(4))\n```\n"


@pytest.mark.parametrize(
    "tests",
    [
        ASSERTIONS,
        "from math import isclose\nassert isclose(double(2), 4)",
        "def twice(n):\n    return double(n)\nassert twice(2) == double(2) == 4",
    ],
    ids=["assertions", "an import", "a helper"],
)
def test_a_block_that_shows_how_to_use_it_is_not_taken_for_the_program(tests: str) -> None:
    (verdict,) = judge(RIGHT + USAGE, tests=tests)
    assert verdict.score == 1.0, verdict


@pytest.mark.parametrize(
    ("question", "tests"),
    [("Write double(x): double(3) == 6", []), ("Write a function `double(x)`.", ["assert 1 < 2"])],
    ids=["example", "name"],
)
def test_the_program_is_what_the_question_asks_for(question: str, tests: list[str]) -> None:
    task = Task(question=question, context={"tests": tests})
    (verdict,) = CodeTests("monty").verify_sync(task, [Candidate(id="g0", text=RIGHT + USAGE)])
    assert verdict.score == 1.0, verdict
