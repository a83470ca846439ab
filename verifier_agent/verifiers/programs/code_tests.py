"""Programs judged by tests: run in a sandbox, never read."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from verifier_agent.errors import ConfigurationError, VerifierUnavailable
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers.programs.entry_points import asked_of, replaces
from verifier_agent.verifiers.programs.examples import examples_in
from verifier_agent.verifiers.programs.given_tests import given_tests
from verifier_agent.verifiers.programs.missing_modules import missing_module, without_module
from verifier_agent.verifiers.programs.written_code import program_of
from verifier_agent.verifiers.sandboxes.comparisons import asked_and_expected, comparison_of
from verifier_agent.verifiers.sandboxes.names import SandboxLike, resolve_sandbox
from verifier_agent.verifiers.sandboxes.sandbox import CodeTest, Limits, Ran, Sandbox, Tested

LONGEST_PROGRAM = 200_000
"""Characters; a longer text is not run."""
LONGEST_FEEDBACK = 1_500


class CodeTests:
    """Judge programs by the tests in `task.context["tests"]` and the examples in the question.

    For the forms that tests may have see `given_tests`, for what is an example, `examples_in`, and
    for where the program stands in the text, `program_of`. Where an example contradicts a test, the
    test counts. The verdict is `hard`:

    - All tests passed: score 1.0.
    - One failed, or was stopped at a limit, or was refused something: score 0.0; `feedback` names
      the first such test with what was asked, what was expected and what came. `raw` is the share
      of the tests that passed.
    - Else, where the sandbox could not run one of them: no score, and an error. It says nothing
      about the program.

    Equal programs run once. `evidence` has the ending of each test, the examples last, and the
    sandbox.

    Args:
        sandbox: Where programs run: "auto", "monty", "bubblewrap", "unsafe-subprocess", or an
            object with `name` and `run`.
        limits: What a program may use.
        parallel: How many programs run side by side; None: one per processor.
        examples: False: the tests alone count.
        name: The verifier's name in the record.
    """

    hard = True
    relational = False
    per_candidate = False
    key = "tests"

    def __init__(
        self,
        sandbox: SandboxLike = "auto",
        *,
        limits: Limits | None = None,
        parallel: int | None = None,
        examples: bool = True,
        name: str = "code",
    ) -> None:
        if parallel is not None and (isinstance(parallel, bool) or parallel < 1):
            raise ConfigurationError(f"parallel={parallel!r}: a whole number above 0 is needed")
        self.sandbox = resolve_sandbox(sandbox)
        self.limits = limits or Limits()
        self.parallel = parallel or os.cpu_count() or 1
        self.examples = examples
        self.name = name

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Run each candidate's program, in threads."""
        return await asyncio.to_thread(self.verify_sync, task, candidates)

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Run each candidate's program."""
        try:
            tests = self.tests(task)
            asked = asked_of(task, tests)
        except ConfigurationError as error:
            return [self._unknown(c, str(error)) for c in candidates]
        if not tests:
            where = f"context[{self.key!r}] has none"
            where += ", and the question no examples" if self.examples else ""
            return [self._unknown(c, f"no tests: {where}") for c in candidates]
        if any(replaces(test, asked) for test in tests):
            own = f"a test defines {asked!r} itself, and so would ask no program"
            return [self._unknown(c, own) for c in candidates]
        programs = [program_of(c.text, task.question, asked) for c in candidates]
        ran = self._run(programs, tests)
        return [
            self._unknown(c, outcome)
            if isinstance(outcome, str)
            else self.verdict(c, outcome, tests)
            for c, outcome in zip(candidates, ran, strict=True)
        ]

    def tests(self, task: Task) -> tuple[CodeTest, ...]:
        """Return the tests that count for a task."""
        given = given_tests(task, self.key)
        if not self.examples:
            return given
        asked = {asked_and_expected(test.source)[0] for test in given}
        found = examples_in(task.question, task.context.get("entry_point"))
        return (*given, *(one for one in found if asked_and_expected(one.source)[0] not in asked))

    def verdict(self, candidate: Candidate, ran: Ran, tests: Sequence[CodeTest]) -> Verdict:
        """Return the verdict about a program that ran."""
        ending = ran.ending
        if ending == "unsupported":
            first = next(r for r in ran.results if r.ending == ending)
            return self._unknown(candidate, f"{ran.sandbox} cannot run it: {first.detail}")
        endings = [result.ending for result in ran.results]
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=float(ending == "passed"),
            raw=endings.count("passed") / len(endings),
            feedback=feedback(ran.results, tests),
            evidence={"ending": ending, "endings": endings, "sandbox": ran.sandbox},
            hard=True,
        )

    def _run(self, programs: Sequence[str], tests: Sequence[CodeTest]) -> list[Ran | str]:
        unique = list(dict.fromkeys(programs))
        with ThreadPoolExecutor(min(self.parallel, len(unique)) or 1) as threads:
            ran = dict(
                zip(unique, threads.map(lambda one: self._one(one, tests), unique), strict=True)
            )
        return [ran[program] for program in programs]

    def _one(self, program: str, tests: Sequence[CodeTest]) -> Ran | str:
        """Return how the tests end, of which those count that a missing module has no part in."""
        ran = again = run_program(self.sandbox, program, tests, self.limits)
        rest: str | None = program if self.hard else None
        while rest is not None and not isinstance(again, str) and (gone := missing_module(again)):
            rest = without_module(rest, gone, tests)
            if rest is not None:
                again = run_program(self.sandbox, rest, tests, self.limits)
        # what passes without the module might not with it
        refuted = not isinstance(again, str) and again.ending not in ("passed", "unsupported")
        return again if refuted else ran

    def _unknown(self, candidate: Candidate, error: str) -> Verdict:
        return Verdict(candidate=candidate.id, verifier=self.name, error=error)


def run_program(
    sandbox: Sandbox, program: str, tests: Sequence[CodeTest], limits: Limits
) -> Ran | str:
    """Return what becomes of a program from an answer, or why it cannot be run."""
    if not program.strip():
        return "the text has no program"
    if len(program) > LONGEST_PROGRAM:
        return f"a program of {len(program)} characters is too long to run"
    try:
        # a text may hold half a character, which no file can
        return sandbox.run(program.encode("utf-8", "replace").decode(), tests, limits)
    except VerifierUnavailable as error:
        return str(error)


def feedback(results: Sequence[Tested], tests: Sequence[CodeTest]) -> str:
    """Say in words what became of the first test that did not pass; empty if all did."""
    for number, (result, test) in enumerate(zip(results, tests, strict=True), 1):
        if result.ending not in ("passed", "unsupported"):
            count = f"test {number} of {len(tests)}" if len(tests) > 1 else "the test"
            said = f"{count.capitalize()} failed: {_described(result, test)}"
            return said if len(said) <= LONGEST_FEEDBACK else f"{said[: LONGEST_FEEDBACK - 1]}…"
    return ""


def _described(result: Tested, test: CodeTest) -> str:
    if test.stdin is not None:
        asked, expected = f"with the input {test.stdin!r} it", f"should print {test.stdout!r}"
        came = result.detail or f"printed {result.got!r}"
    else:
        compared = comparison_of(test.source)
        came = result.detail or f"gave {result.got}"
        if compared is None:
            return f"`{test.source}`: {came or 'it does not hold'}."
        asked = f"`{compared.asked}`"
        sign = {"==": "", "is true": "true", "is false": "false"}.get(compared.sign, compared.sign)
        expected = f"should be {' '.join(filter(None, (sign, compared.expected)))}"
    if result.detail:
        return f"{asked} {expected}, but: {result.detail}."
    return f"{asked} {expected}, but {came}."
