"""Every verifier that ships keeps the laws of `check_verifier`; a new one cannot be missed."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda

import verifier_agent
from tests.verifiers.judging import checks, report, winner
from verifier_agent.embedded import EmbeddedRewardModel, examples
from verifier_agent.integrations.turns import OnWords
from verifier_agent.models import OpenAIChatModel
from verifier_agent.testing import ModelServer, Reply, Request, check_verifier
from verifier_agent.values import Candidate, Task, Verifier
from verifier_agent.verifiers import (
    Aggregated,
    Agreement,
    AlgebraSteps,
    ArithmeticSteps,
    Cascade,
    Constraints,
    Distilled,
    Ensemble,
    Form,
    FunctionVerifier,
    Judge,
    MeaningAgreement,
    PairwiseJudge,
    Plausible,
    ProofChecker,
    RunnableVerifier,
    Schema,
    StepJudge,
)
from verifier_agent.verifiers.distilled import SIZE, Student, packed
from verifier_agent.verifiers.formal.checkers import Checker
from verifier_agent.verifiers.formal.form import Forms
from verifier_agent.verifiers.judges import Fallback
from verifier_agent.verifiers.mathematics.equivalence import MathEquivalence
from verifier_agent.verifiers.programs.behaviour import Behaviour
from verifier_agent.verifiers.programs.code_tests import CodeTests
from verifier_agent.verifiers.programs.generated_tests import GeneratedTests

PACKAGE = Path(verifier_agent.__file__).parent
PROBLEM = examples(2, 1)[0]
TASK = Task(question="What is 3 * 4?", context={"reference": "12"})
CANDIDATES = [
    Candidate(id="g0", text="3 * 4 = 12.\nThe answer is 12.", answer="12"),
    Candidate(id="g1", text="3 * 4 = 13.\nThe answer is 13.", answer="13"),
    Candidate(id="g2", text="It is twelve.", answer="12"),
    Candidate(id="g3", text="3 * 4 =", done=False),
]


# ---- how one of each is made; a new verifier needs a line in SHIPPED below


def grade(request: Request) -> Reply:
    """Answer as the model of a judge, by the length of what it is shown."""
    asked, told = str(request.messages[0]["content"]), str(request.messages[-1]["content"])
    if "compare two" in asked:
        return Reply(winner("tie"))
    steps = re.findall(r"(?m)^STEP \d+ ", told)
    return Reply(checks(*[len(told) % 11] * len(steps)) if steps else report(len(told) % 11))


def as_twelve(task: Task, candidate: Candidate) -> bool:
    return candidate.answer == task.context["reference"]


def same_as_reference(told: dict[str, Any]) -> bool:
    return bool(told["reference"] in told["answer"])


def a_student() -> Student:
    """A verifier that was taught by nobody: it likes some words, and right equations."""
    weights = [(at * 7919 % 13 - 6) / 4 for at in range(SIZE)]
    return Student(weights=packed(weights), sheet={})


@contextmanager
def judged(make: Callable[[OpenAIChatModel], Verifier]) -> Iterator[Verifier]:
    with ModelServer(grade) as server:
        yield make(OpenAIChatModel(model="loopback", base_url=server.url))


@contextmanager
def exported(folder: Path) -> Iterator[Verifier]:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    from tests.verifiers.local import tiny
    from verifier_agent.verifiers.local import LocalRewardModel

    yield LocalRewardModel.from_onnx(tiny.write(folder), threads=1)


def proofs() -> Verifier:
    """A checker that finds a word."""
    grep = Checker(arguments=("grep", "-q", "-x", "qed"), located=r"^(?P<line>\d+):")
    return ProofChecker(grep, statement="{proof}\nend", sandbox="unsafe-subprocess")


PUZZLE = "(declare-const x Int) (assert (= (* x x) 16)) (assert (< x 0))"
SHIPPED: dict[str, Callable[[Path], AbstractContextManager[Verifier]]] = {
    "Aggregated": lambda _: nullcontext(Aggregated(FunctionVerifier(as_twelve), "last")),
    "Agreement": lambda _: nullcontext(Agreement()),
    "AlgebraSteps": lambda _: nullcontext(AlgebraSteps(workers=1, seconds=60)),
    "ArithmeticSteps": lambda _: nullcontext(ArithmeticSteps()),
    "Behaviour": lambda _: nullcontext(Behaviour("monty", inputs=5)),
    "Cascade": lambda _: judged(lambda model: Cascade([ArithmeticSteps(), Judge(model)])),
    "CodeTests": lambda _: nullcontext(CodeTests("monty")),
    "Constraints": lambda _: nullcontext(Constraints(PUZZLE, workers=1)),
    "Distilled": lambda _: nullcontext(Distilled(a_student())),
    "EmbeddedRewardModel": lambda _: nullcontext(EmbeddedRewardModel()),
    "Ensemble": lambda _: judged(lambda model: Ensemble([ArithmeticSteps(), Judge(model)])),
    "Fallback": lambda _: judged(Fallback),
    "Form": lambda _: nullcontext(Form(answer={"type": "object"})),
    "Forms": lambda _: nullcontext(Forms({"": Form(must_call=True)})),
    "FunctionVerifier": lambda _: nullcontext(FunctionVerifier(as_twelve)),
    "GeneratedTests": lambda _: nullcontext(GeneratedTests("monty")),
    "Judge": lambda _: judged(Judge),
    "LocalRewardModel": exported,
    "MathEquivalence": lambda _: nullcontext(MathEquivalence(workers=1)),
    "MeaningAgreement": lambda _: nullcontext(MeaningAgreement(same=str.__eq__)),
    "OnWords": lambda _: nullcontext(OnWords(FunctionVerifier(as_twelve))),
    "PairwiseJudge": lambda _: judged(PairwiseJudge),
    "Plausible": lambda _: nullcontext(Plausible()),
    "ProofChecker": lambda _: nullcontext(proofs()),
    "RunnableVerifier": lambda _: nullcontext(RunnableVerifier(RunnableLambda(same_as_reference))),
    "Schema": lambda _: nullcontext(Schema({"type": "object"})),
    "StepJudge": lambda _: judged(StepJudge),
}
"""How one of each is made."""
PROGRAM = Task(
    question="Write double.",
    context={
        "tests": "assert double(2) == 4",
        "generated_tests": ["assert double(3) == 6", "assert double(0) == 1"],
    },
)
PROGRAMS = [
    Candidate(id="g0", text="```python\ndef double(x):\n    return 2 * x\n```"),
    Candidate(id="g1", text="def double(x):\n    return x"),
    Candidate(id="g2", text="def double(x", done=False),
]
SHOWN = {
    "Behaviour": (PROGRAM, PROGRAMS),
    "CodeTests": (PROGRAM, PROGRAMS),
    "Constraints": (
        TASK,
        [Candidate(id=f"g{n}", text=f"So x = {x}.") for n, x in enumerate((-4, 4, "big"))],
    ),
    "ProofChecker": (
        TASK,
        [Candidate(id=f"g{n}", text=text) for n, text in enumerate(("so\nqed", "so on", ""))],
    ),
    "EmbeddedRewardModel": (
        Task(question=PROBLEM.question),
        [
            Candidate(id=f"g{n}", text=text)
            for n, text in enumerate((PROBLEM.solution, PROBLEM.solution.split("\n")[0], "é"))
        ],
    ),
    "GeneratedTests": (PROGRAM, PROGRAMS),
}
"""What it is shown where that is not TASK and CANDIDATES."""
OTHERWISE = {
    "HostedRewardModel": "on each of its wires, in hosted/test_wires.py",
    "RecordedScores": "it knows the answers of its pool alone; ../evaluation/test_replay.py has it",
}
"""Where the others are held to the laws, or why they cannot be."""


@cache
def shipped() -> set[str]:
    """Return the names of the classes that judge, by reading the source of the package."""
    trees = [ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))]
    classes = [node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)]
    judging = {node.name for node in classes if judges(node)}
    while more := {node.name for node in classes if parents(node) & judging} - judging:
        judging |= more
    plug_points = {n.name for n in classes if judges(n) and parents(n) & {"ABC", "Protocol"}}
    return {name for name in judging - plug_points if not name.startswith("_")}


def judges(node: ast.ClassDef) -> bool:
    """Return True if a class has a `verify` of its own, as a method or set when it is made."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.AsyncFunctionDef) and inner.name == "verify":
            return True
        if isinstance(inner, ast.Assign) and ast.unparse(inner.targets[0]) == "self.verify":
            return True
    return False


def parents(node: ast.ClassDef) -> set[str]:
    return {ast.unparse(parent) for parent in node.bases}


@pytest.mark.parametrize("name", sorted(shipped() - {*OTHERWISE}))
def test_it_keeps_the_laws_of_verifiers(name: str, tmp_path: Path) -> None:
    assert name in SHIPPED, f"{name} is a verifier: say in SHIPPED how one is made"
    with SHIPPED[name](tmp_path) as verifier:
        task, candidates = SHOWN.get(name, (TASK, CANDIDATES))
        check_verifier(verifier, task, candidates)


def test_nothing_is_listed_that_does_not_ship() -> None:
    assert {*SHIPPED, *OTHERWISE} == shipped()
