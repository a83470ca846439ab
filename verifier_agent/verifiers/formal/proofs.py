"""Proofs held to an external checker: any command that reads a file and says whether it holds."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from verifier_agent.errors import ConfigurationError, VerifierUnavailable, nearest
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers.formal.checkers import CHECKERS, Checker
from verifier_agent.verifiers.mathematics.steps import steps_of
from verifier_agent.verifiers.sandboxes.commands import Commands, CommandSandbox, Finished
from verifier_agent.verifiers.sandboxes.sandbox import Limits

PROOF, NONCE = "{proof}", "{nonce}"
LONGEST_PROOF = 200_000
"""Characters; a longer one is not checked."""
LONGEST_SAID = 500
"""Characters of the checker's words in a feedback."""
_FENCE = re.compile(r"^[ \t]*```[^\n]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Proof:
    text: str
    first: int
    """The line of the answer that it begins in, counted from 0."""


class ProofChecker:
    """Judge proofs by a checker: Lean, Metamath, or any program with an exit status. `hard`.

    The file that is checked is the statement with the candidate's proof in its place, so that a
    proof of something else does not count: `statement` holds "{proof}" where it goes. The proof is
    the last fenced block of the answer, or all of it.

    - The checker accepts it: score 1.0.
    - It does not, or not within its limits, or the proof holds what is forbidden: score 0.0; the
      feedback is what the checker said. Where it tells lines (`Checker.located`), each line of the
      proof is a step: 1.0 up to the first complaint, 0.0 where it complains, None after that.
    - It cannot be run, or crashes: no score, and an error.

    An exit status is only as good as the checker: one that runs what it reads, as Lean does, can be
    made to end early with status 0. Against that stand `Checker.forbidden`, and "{nonce}": where
    the statement holds it, behind the proof, it becomes a random word that has to come out again.

    Args:
        checker: One of `CHECKERS` by name ("lean", "metamath"), or a `Checker`.
        statement: The file, with "{proof}" in it; None: `task.context["statement"]`.
        sandbox: "bubblewrap", or "unsafe-subprocess" for a checker that runs nothing of what it
            reads.
        limits: `seconds` of processor time, `total_seconds` of the clock, `megabytes`.
        readable: Directories that the checker reads besides /usr and its own, such as a library.
        name: The verifier's name in the record.
    """

    hard = True
    relational = False
    per_candidate = False

    def __init__(
        self,
        checker: str | Checker,
        *,
        statement: str | None = None,
        sandbox: CommandSandbox = "bubblewrap",
        limits: Limits | None = None,
        readable: Sequence[str] = (),
        name: str = "proof",
    ) -> None:
        if isinstance(checker, str) and checker not in CHECKERS:
            raise ConfigurationError(f"unknown checker {checker!r}{nearest(checker, CHECKERS)}")
        self.checker = CHECKERS[checker] if isinstance(checker, str) else checker
        self.statement = None if statement is None else _checked(statement)
        limits = limits or Limits(seconds=30.0, total_seconds=120.0, megabytes=2_048)
        self.commands = Commands(sandbox, limits, tuple(readable))
        self.name = name

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Check each candidate's proof, in threads."""
        return await asyncio.to_thread(self.verify_sync, task, candidates)

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Check each candidate's proof."""
        statement = self.statement
        if statement is None:
            try:
                statement = _checked(task.context.get("statement"))
            except ConfigurationError as error:
                return [self._unknown(c, f"context['statement']: {error}") for c in candidates]
        with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
            return list(threads.map(lambda c: self._verdict(statement, c), candidates))

    def _verdict(self, statement: str, candidate: Candidate) -> Verdict:
        proof = proof_of(candidate.text)
        if not candidate.done:
            return self._unknown(candidate, "the proof is not finished")
        if not proof.text.strip():
            return self._unknown(candidate, "the text has no proof")
        if len(proof.text) > LONGEST_PROOF:
            return self._unknown(candidate, f"more than {LONGEST_PROOF} characters are not checked")
        bad = self.checker.forbidden and re.search(self.checker.forbidden, proof.text, re.MULTILINE)
        if bad:
            said = f"The proof holds {bad[0][:80]!r}, which is not allowed in it."
            return self._refuted(candidate, "denied", said, ())
        nonce = secrets.token_hex(16)
        whole = statement.replace(NONCE, nonce).replace(PROOF, proof.text)
        arguments = [part.replace("{file}", self.checker.file) for part in self.checker.arguments]
        stdin = not any("{file}" in part for part in self.checker.arguments)
        try:
            found = self.commands.run(arguments, self.checker.file, whole, stdin=stdin)
        except VerifierUnavailable as error:
            return self._unknown(candidate, str(error))
        if found.ending == "unsupported":
            said = found.output.strip()[-LONGEST_SAID:]
            return self._unknown(candidate, f"the checker did not run: {found.detail}: {said}")
        wanted = nonce if NONCE in statement else ""
        return self._read(candidate, found, proof, _line_of(statement), wanted)

    def _read(
        self, candidate: Candidate, found: Finished, proof: _Proof, before: int, nonce: str
    ) -> Verdict:
        complaints = [] if not self.checker.located else _complaints(self.checker, found.output)
        confirmed = nonce in found.output and re.search(
            self.checker.passes, found.output, re.MULTILINE
        )
        passed = found.ending == "passed" and confirmed
        # lines of the file -> lines of the answer
        shift = proof.first - before
        places = [line - 1 + shift for line, _ in complaints if line > before]
        steps = _steps(candidate.text, proof, [] if passed else places, passed=bool(passed))
        if passed:
            return Verdict(
                candidate=candidate.id,
                verifier=self.name,
                score=1.0,
                steps=steps,
                evidence={"ending": "passed", "sandbox": self.commands.sandbox},
                hard=True,
            )
        said = _feedback(found, complaints, before)
        ending = "failed" if found.ending == "passed" else found.ending
        return self._refuted(candidate, ending, said, steps)

    def _refuted(
        self, candidate: Candidate, ending: str, said: str, steps: Sequence[float | None]
    ) -> Verdict:
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=0.0,
            steps=tuple(steps),
            feedback=said.encode("utf-8", "replace").decode(),
            evidence={"ending": ending, "sandbox": self.commands.sandbox},
            hard=True,
        )

    def _unknown(self, candidate: Candidate, error: str) -> Verdict:
        return Verdict(candidate=candidate.id, verifier=self.name, error=error)


def proof_of(text: str) -> _Proof:
    """Return the last fenced block of an answer, or all of it."""
    fences = list(_FENCE.finditer(text))
    if len(fences) < 2:
        return _Proof(text, 0)
    begin, end = fences[len(fences) // 2 * 2 - 2], fences[len(fences) // 2 * 2 - 1]
    return _Proof(
        text[begin.end() + 1 : end.start()].rstrip("\n"), text.count("\n", 0, begin.end()) + 1
    )


def _checked(statement: object) -> str:
    if not isinstance(statement, str) or statement.count(PROOF) != 1:
        raise ConfigurationError(
            f"statement={str(statement)[:80]!r}: a text that holds {PROOF!r} once is needed"
        )
    return statement


def _line_of(statement: str) -> int:
    """Return how many lines stand before the one that the proof begins in."""
    return statement[: statement.index(PROOF)].count("\n")


def _complaints(checker: Checker, output: str) -> list[tuple[int, str]]:
    found = []
    for one in re.finditer(checker.located, output, re.MULTILINE):
        said = one.groupdict().get("message") or one[0]
        if one["line"].isdecimal() and len(one["line"]) < 10:
            found.append((int(one["line"]), said.strip()[:LONGEST_SAID]))
    return found


def _steps(
    text: str, proof: _Proof, complained: Sequence[int], *, passed: bool
) -> tuple[float | None, ...]:
    """Score the lines of an answer that are not blank; None for those that no checker spoke of."""
    last = proof.first + proof.text.count("\n")
    inside = {line for line in complained if proof.first <= line <= last}
    if not passed and not inside:
        return ()
    first = min(inside, default=last + 1)
    scores: list[float | None] = []
    for number, line in enumerate(text.split("\n")):
        known = proof.first <= number <= last and number < first
        score = 0.0 if number in inside else 1.0 if known else None
        scores += [score] * len(steps_of(line))
    return tuple(scores)


def _feedback(found: Finished, complaints: Sequence[tuple[int, str]], before: int) -> str:
    if found.ending not in ("passed", "failed"):
        return f"The checker did not accept the proof: {found.detail}."
    if complaints:
        line, said = complaints[0]
        where = f"line {line - before} of the proof" if line > before else "the statement"
        return f"The checker does not accept the proof, at {where}: {said}"
    said = found.output.strip()[-LONGEST_SAID:] or found.detail
    return f"The checker does not accept the proof: {said}"
