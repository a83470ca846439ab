"""Proofs and external checkers: a real one (Metamath), and programs of any kind."""

from __future__ import annotations

import asyncio
import os
import pickle
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from verifier_agent.embedded import EmbeddedChatModel
from verifier_agent.errors import ConfigurationError, VerifierUnavailable
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers import ProofChecker, resolve_verifiers
from verifier_agent.verifiers.formal.checkers import CHECKERS, Checker
from verifier_agent.verifiers.formal.proofs import proof_of
from verifier_agent.verifiers.mathematics.steps import steps_of
from verifier_agent.verifiers.sandboxes import Limits
from verifier_agent.verifiers.sandboxes.bubblewrap import require_bubblewrap

TASK = Task(question="Prove it.")


def has_bubblewrap() -> bool:
    try:
        require_bubblewrap()
    except VerifierUnavailable:
        return False
    return True


SANDBOX = pytest.param(
    "bubblewrap", marks=pytest.mark.skipif(not has_bubblewrap(), reason="no bubblewrap here")
)
BOXES = pytest.mark.parametrize("box", [SANDBOX, "unsafe-subprocess"])


def judged(verifier: ProofChecker, *texts: str, task: Task = TASK) -> list[Verdict]:
    return verifier.verify_sync(task, [Candidate(id=f"g{n}", text=t) for n, t in enumerate(texts)])


# ---- Metamath

IMPLIED = """
$c |- wff ( ) -> $.
$v p q $.
wp $f wff p $.
wq $f wff q $.
wi $a wff ( p -> q ) $.
${ mp.1 $e |- p $. mp.2 $e |- ( p -> q ) $. ax-mp $a |- q $. $}
ax-1 $a |- ( p -> ( q -> p ) ) $.
${
  th.1 $e |- p $.
  th $p |- ( q -> p ) $= {proof} $.
$}
"""
PROVED = """Modus ponens with the first axiom:

```
wp
wq wp wi
th.1
wp wq ax-1
ax-mp
```
"""
metamath = pytest.mark.skipif(shutil.which("metamath") is None, reason="no metamath here")


@metamath
@BOXES
def test_metamath_accepts_a_proof_and_tells_the_line_of_a_wrong_step(box: Any) -> None:
    verifier = ProofChecker("metamath", statement=IMPLIED, sandbox=box)
    right, wrong = judged(verifier, PROVED, PROVED.replace("th.1", "wp"))
    assert (right.score, right.hard, right.feedback) == (1.0, True, "")
    assert right.steps == (None, None, 1.0, 1.0, 1.0, 1.0, 1.0, None)
    assert (wrong.score, wrong.hard) == (0.0, True)
    assert wrong.steps == (None, None, 1.0, 1.0, 1.0, 1.0, 0.0, None)
    assert "at line 5 of the proof: The hypotheses of statement" in wrong.feedback
    assert len(right.steps) == len(steps_of(PROVED))


@metamath
@pytest.mark.parametrize(
    "proof",
    [
        "?",
        "wp wq",
        "wp",  # a proof, of something else
        "th.1",
        "wp wq wi",
        "th",  # by itself
        "no-such-label",
        "wp $. $} bad $a |- ( q -> p ) $. ${ x $p |- ( q -> p ) $= wq wp bad",  # its own axiom
        "$( a comment $) wp",
        "$[ /etc/passwd $]",
        "wp\nAll proofs in the database were verified in 0.00 s.\n",  # quoted by the complaint
        "?\nAll proofs in the database were verified\nMM> exit",
    ],
)
def test_metamath_accepts_nothing_but_a_proof_of_the_statement(proof: str) -> None:
    verifier = ProofChecker("metamath", statement=IMPLIED, sandbox="unsafe-subprocess")
    (verdict,) = judged(verifier, proof)
    assert (verdict.score, verdict.hard) == (0.0, True)
    assert verdict.feedback


# ---- a program in Python: chains of equations, complaints as JSON lines

CHAINS = r"""
import ast, json, sys
from fractions import Fraction

def value(node):
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return Fraction(node.value)
    if isinstance(node, ast.BinOp):
        a, b = value(node.left), value(node.right)
        kind = type(node.op)
        return {ast.Add: a + b, ast.Sub: a - b, ast.Mult: a * b}[kind]
    raise ValueError("not an expression")

goal, *lines, end = open(sys.argv[1]).read().splitlines()
before, wrong = None, False
for number, line in enumerate(lines, 2):
    try:
        left, right = line.split("=")
        sides = [value(ast.parse(side.strip(), mode="eval").body) for side in (left, right)]
        chained = before is None or left.strip() == before
        fault = "" if sides[0] == sides[1] and chained else "does not follow"
        before = right.strip()
    except Exception as error:
        fault = repr(error)
    if fault:
        wrong = True
        print(json.dumps({"severity": "error", "line": number, "message": fault}))
first = lines[0].split("=")[0].strip() if lines else ""
if goal != f"show {first} = {before}":
    print("the goal is not shown")
    wrong = True
print(end)
sys.exit(wrong)
"""
LOCATED = r'"line": (?P<line>\d+), "message": "(?P<message>[^"]*)"'
SHOW = "show 2 * (3 + 4) = 14\n{proof}\nend {nonce}"


def python(folder: Path, source: str, **settings: Any) -> Checker:
    script = folder / "checker.py"
    script.write_text(source)
    return Checker(arguments=(sys.executable, "-I", "-S", str(script), "{file}"), **settings)


@BOXES
def test_any_program_with_an_exit_status_is_a_checker(box: Any, tmp_path: Path) -> None:
    checker = python(tmp_path, CHAINS, located=LOCATED)
    verifier = ProofChecker(checker, statement=SHOW, sandbox=box, readable=[str(tmp_path)])
    right = "2 * (3 + 4) = 2 * 7\n2 * 7 = 14"
    wrong = "```\n2 * (3 + 4) = 2 * 7\n2 * 7 = 15\n15 = 14\n```"
    other = "3 + 4 = 7"
    said = judged(verifier, right, wrong, other)
    assert [v.score for v in said] == [1.0, 0.0, 0.0]
    assert said[0].steps == (1.0, 1.0)
    assert said[1].steps == (None, 1.0, 0.0, 0.0, None)
    assert "line 2 of the proof: does not follow" in said[1].feedback
    assert "the goal is not shown" in said[2].feedback
    assert asyncio.run(verifier.verify(TASK, [Candidate(id="g0", text=right)])) == [said[0]]


def test_a_checker_may_read_standard_input() -> None:
    verifier = ProofChecker(
        Checker(arguments=("grep", "-x", "qed")), statement="{proof}", sandbox="unsafe-subprocess"
    )
    assert [v.score for v in judged(verifier, "so\nqed", "so")] == [1.0, 0.0]


def test_status_0_before_the_end_of_the_file_is_not_enough(tmp_path: Path) -> None:
    runs = "import sys\nexec(open(sys.argv[1]).read())"  # as a checker does that runs what it reads
    statement = "{proof}\nassert fact == 6\nprint('{nonce}')"
    verifier = ProofChecker(
        python(tmp_path, runs), statement=statement, sandbox="unsafe-subprocess"
    )
    texts = ("fact = 2 * 3", "fact = 7", "import os; os._exit(0)", "print('x'); sys.exit()")
    assert [v.score for v in judged(verifier, *texts)] == [1.0, 0.0, 0.0, 0.0]
    guarded = python(tmp_path, runs, forbidden=r"\bimport\b|_exit")
    verifier = ProofChecker(guarded, statement=statement, sandbox="unsafe-subprocess")
    (verdict,) = judged(verifier, "import os")
    assert (verdict.score, verdict.evidence["ending"]) == (0.0, "denied")
    assert "'import', which is not allowed" in verdict.feedback


HOSTILE = {
    "loops": ("while True: pass", "timeout"),
    "sleeps": ("import time; time.sleep(60)", "timeout"),
    "talks": ("while True: print('x' * 10_000)", "failed"),
    "eats memory": ("x = bytearray(1 << 40)", "failed"),
    "writes much": ("open('big', 'wb').truncate(1 << 40)", None),
    "half characters": (
        "import os; os.write(1, bytes(range(256)) * 99); raise SystemExit(1)",
        "failed",
    ),
}


@BOXES
@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_output_is_bounded(what: str, box: Any, tmp_path: Path) -> None:
    source, ending = HOSTILE[what]
    checker = python(tmp_path, source, located=r"(?P<line>\d+)")
    limits = Limits(seconds=1, total_seconds=3, megabytes=256)
    verifier = ProofChecker(
        checker, statement="{proof}", sandbox=box, limits=limits, readable=[str(tmp_path)]
    )
    (verdict,) = judged(verifier, "a proof")
    if ending is not None:
        assert (verdict.score, verdict.evidence["ending"]) == (0.0, ending)
    assert verdict.score != 1.0
    assert len(str(verdict.to_dict())) < 5_000


@pytest.mark.skipif(not has_bubblewrap(), reason="no bubblewrap here")
def test_a_checker_in_the_sandbox_sees_nothing_of_the_host(tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere" / "secret.txt"
    secret.parent.mkdir()
    secret.write_text("secret")
    folder = tmp_path / "checker"
    folder.mkdir()
    source = f"""
import os, socket
for act in (
    lambda: open({str(secret)!r}).read(),
    lambda: open({str(folder / "new")!r}, "w"),
    lambda: os.fork(),
    lambda: socket.create_connection(("127.0.0.1", 80)),
    lambda: os.kill({os.getpid()}, 0),
):
    try:
        act()
    except OSError:
        continue
    raise SystemExit(3)
assert "HOME" not in os.environ or os.environ["HOME"] == "/tmp"
"""
    verifier = ProofChecker(
        python(folder, source), statement="{proof}", readable=[str(folder)], sandbox="bubblewrap"
    )
    (verdict,) = judged(verifier, "x")
    assert verdict.score == 1.0, verdict
    assert not (folder / "new").exists()


# ---- what is no verdict, and what is refused


def test_a_checker_that_cannot_run_says_nothing_of_the_proof(tmp_path: Path) -> None:
    for checker in (
        Checker(arguments=("no-such-program", "{file}")),
        python(tmp_path, "import os; os.kill(os.getpid(), 11)"),
    ):
        verifier = ProofChecker(checker, statement="{proof}", sandbox="unsafe-subprocess")
        (verdict,) = judged(verifier, "x")
        assert verdict.score is None
        assert "the checker did not run" in str(verdict.error)


def test_no_proof_is_no_verdict() -> None:
    verifier = ProofChecker(
        Checker(arguments=("true",)), statement="{proof}", sandbox="unsafe-subprocess"
    )
    empty, long = judged(verifier, " \n", "x" * 300_000)
    assert "no proof" in str(empty.error)
    assert "not checked" in str(long.error)
    (step,) = verifier.verify_sync(TASK, [Candidate(id="g0", text="x", done=False)])
    assert "not finished" in str(step.error)


def test_the_statement_may_come_with_the_task() -> None:
    verifier = ProofChecker(Checker(arguments=("grep", "-q", "a b")), sandbox="unsafe-subprocess")
    task = Task(question="q", context={"statement": "a {proof}"})
    assert [v.score for v in judged(verifier, "b", "c", task=task)] == [1.0, 0.0]
    (without,) = judged(verifier, "b")
    assert "context['statement']" in str(without.error)


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"unknown checker 'led'.*lean"):
        ProofChecker("led")
    with pytest.raises(ConfigurationError, match=r"holds '\{proof\}' once"):
        ProofChecker("metamath", statement="no place", sandbox="unsafe-subprocess")
    with pytest.raises(ConfigurationError, match="unknown sandbox 'monty'"):
        ProofChecker("metamath", sandbox="monty")  # type: ignore[arg-type]
    for wrong, said in (
        ({"arguments": ()}, "needs a command"),
        ({"arguments": ("x",), "file": "../x"}, "plain file name"),
        ({"arguments": ("x",), "located": "("}, "located is no pattern"),
        ({"arguments": ("x",), "located": "line"}, r"needs a group"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            Checker(**wrong)  # type: ignore[arg-type]


@BOXES
def test_a_program_that_is_not_there_is_no_verdict_wherever_it_would_be(box: Any) -> None:
    for program in ("/no-such-program", "/opt/no-such-program", "/nowhere/bin/no-such-program"):
        checker = Checker(arguments=(program, "{file}"))
        (verdict,) = judged(ProofChecker(checker, statement="{proof}", sandbox=box), "x")
        assert verdict.score is None
        assert "the checker did not run" in str(verdict.error)


@pytest.mark.skipif(not has_bubblewrap(), reason="no bubblewrap here")
def test_a_sandbox_that_does_not_start_refutes_no_proof(tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    checker = Checker(arguments=("true", "{file}"))
    verifier = ProofChecker(checker, statement="{proof}", readable=[str(library)])
    assert judged(verifier, "x")[0].score == 1.0
    library.rmdir()
    (verdict,) = judged(verifier, "x")
    assert verdict.score is None
    assert "bubblewrap did not start" in str(verdict.error)
    with pytest.raises(ConfigurationError, match="an absolute path that exists"):
        ProofChecker(checker, statement="{proof}", readable=[str(library)])


@BOXES
def test_what_a_checker_prints_is_no_sandbox_that_does_not_start(box: Any) -> None:
    checker = Checker(arguments=("sh", "{file}"))
    verifier = ProofChecker(checker, statement="{proof}", sandbox=box)
    wrong, right = judged(verifier, "echo bwrap: no; exit 1", "echo bwrap: no")
    assert (wrong.score, wrong.hard, right.score) == (0.0, True, 1.0)


@pytest.mark.skipif(not has_bubblewrap(), reason="no bubblewrap here")
def test_a_checker_that_may_not_start_what_it_needs_refutes_no_proof() -> None:
    starts = Checker(arguments=("sh", "-c", "(true) && true", "{file}"))
    (verdict,) = judged(ProofChecker(starts, statement="{proof}"), "x")
    assert verdict.score is None
    assert "Limits(processes=" in str(verdict.error)


@pytest.mark.skipif(not has_bubblewrap(), reason="no bubblewrap here")
def test_it_has_names_and_can_be_pickled() -> None:
    (named,) = resolve_verifiers("proof:metamath", model=EmbeddedChatModel())
    assert isinstance(named, ProofChecker)
    assert named.checker == CHECKERS["metamath"]
    again = pickle.loads(pickle.dumps(named))
    assert (again.checker, again.commands, again.name) == (named.checker, named.commands, "proof")


@pytest.mark.parametrize(
    "attack",
    [
        "sorry",
        "by native_decide",
        "by decide +native",
        "by stop rfl",
        "by apply?",
        "by plausible",
        "rfl\n#eval IO.Process.exit 0",
        "rfl\naxiom bad : False",
        "run_tac (do pure ())",
        "rfl\nrun_meta pure ()",
        "rfl\ndeclare_syntax_cat x",
        "(Lean.reduceBool true).rec",
        'rfl\nelab "x" : command => pure ()',
        "rfl\n@[implemented_by x] def y := 1",
        'rfl\ninitialize IO.println "x"',
    ],
)
def test_lean_is_not_shown_what_would_cheat(attack: str) -> None:
    verifier = ProofChecker("lean", statement="theorem t : 1 = 1 := {proof}", sandbox=UNSAFE)
    (verdict,) = judged(verifier, attack)
    assert (verdict.score, verdict.evidence["ending"]) == (0.0, "denied")


UNSAFE: Any = "unsafe-subprocess"


@pytest.mark.parametrize("quote", "'`")
def test_a_lean_proof_that_assumes_what_it_shows_is_none_whatever_the_status(quote: str) -> None:
    warning = f"Main.lean:1:8: warning: declaration uses {quote}sorry{quote}"
    lean = replace(CHECKERS["lean"], arguments=("echo", warning))
    (verdict,) = judged(ProofChecker(lean, statement="{proof}", sandbox=UNSAFE), "by give_up")
    assert (verdict.score, verdict.hard) == (0.0, True)
    assert warning in verdict.feedback
    unused = replace(lean, arguments=("echo", "Main.lean:1:8: warning: unused variable `sorry`"))
    (verdict,) = judged(ProofChecker(unused, statement="{proof}", sandbox=UNSAFE), "rfl")
    assert verdict.score == 1.0


@pytest.mark.skipif(shutil.which("lean") is None, reason="no lean here")
def test_lean_accepts_a_proof() -> None:
    limits = Limits(seconds=60, total_seconds=300, megabytes=64_000)
    verifier = ProofChecker(
        "lean", statement="theorem t : 1 + 1 = 2 := {proof}", sandbox=UNSAFE, limits=limits
    )
    assert [v.score for v in judged(verifier, "rfl", "by exact 3")] == [1.0, 0.0]


@pytest.mark.parametrize(
    ("text", "proof", "first"),
    [
        ("a\nb", "a\nb", 0),
        ("so\n```lean\na\nb\n```\nend", "a\nb", 2),
        ("```\na\n```\n```\nb\n```", "b", 4),
        ("```\na\n```\nand ```b", "a", 1),
        ("```\na", "```\na", 0),
        ("``` \n```", "", 1),
    ],
)
def test_the_proof_is_the_last_block_or_all(text: str, proof: str, first: int) -> None:
    found = proof_of(text)
    assert (found.text, found.first) == (proof, first)
