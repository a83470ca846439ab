"""Programs that need a module which no sandbox has: what can be said of them all the same."""

from __future__ import annotations

import pytest

from tests.verifiers.sandboxes.boxes import BUBBLEWRAP, MONTY
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers.programs.code_tests import CodeTests
from verifier_agent.verifiers.programs.missing_modules import without_module
from verifier_agent.verifiers.sandboxes import CodeTest

WRONG = "def double(x):\n    return x * x\n"
RIGHT = "def double(x):\n    return 2 * x\n"
APART = "import nowhere\nfrom nowhere.parts import Part\nsize = Part(nowhere.SIZE)\n"
TESTS = [CodeTest(source="assert double(3) == 6")]


def rest(program: str) -> str | None:
    return without_module(program, "nowhere", TESTS)


def test_what_needs_the_module_goes_and_the_rest_stays() -> None:
    own = "class Own(Part):\n    size = nowhere.SIZE\nOwn().run(double)"
    assert rest(f"{WRONG}{APART}{own}") == WRONG.strip()


def test_a_function_that_is_shown_off_with_the_module_stays() -> None:
    limit = "LIMIT = 9\ndef half(x):\n    return min(x, LIMIT) / 2\n"
    shows = "print(nowhere.table(double(2), half(2)))"
    assert rest(f"import nowhere\n{WRONG}{limit}{shows}") == WRONG.strip()


@pytest.mark.parametrize(
    "program",
    [
        f"from nowhere import *\n{WRONG}",
        "from nowhere import double\n",
        "import nowhere\ndef double(x):\n    return nowhere.twice(x)\n",
        f"import nowhere\n{WRONG}double = nowhere.better(double)\n",
        "import nowhere\n@nowhere.fast\ndef double(x):\n    return 2 * x\n",
        "import nowhere\nt = [2]\nnowhere.fill(t)\ndef double(x):\n    return t[0] * x\n",
        "import nowhere\ndef double(x):\n    return double.table[x]\n"
        "double.table = nowhere.table()\n",
        "import nowhere\ndef double(x):\n    return double.table[x]\n"
        "setattr(double, 'table', nowhere.table())\n",
        "import nowhere\nt = {}\ndef add():\n    t[3] = 6\ndef fill():\n    add()\n"
        "nowhere.call(fill)\ndef double(x):\n    return t[x]\n",
        "try:\n    import nowhere\n    factor = 2\nfinally:\n    pass\n"
        "def double(x):\n    return factor * x\n",
        "import nowhere\ndef double(x):\n    return eval('nowhere.twice')(x)\n",
        "def double(x):\n    import nowhere\n    return 2 * x\n",
        "import elsewhere\ndef double(x):\n    return 2 * x\n",
        "import nowhere\ndef double(x)",
    ],
)
def test_what_may_depend_on_the_module_is_left_undecided(program: str) -> None:
    assert rest(program) is None


def test_a_script_as_a_whole_may_depend_on_it() -> None:
    dialogue = CodeTest(stdin="3", stdout="6")
    assert without_module(f"import nowhere\n{WRONG}", "nowhere", [dialogue]) is None


def judged(program: str, sandbox: str) -> Verdict:
    task = Task(question="Write double.", context={"tests": TESTS[0].source})
    (verdict,) = CodeTests(sandbox).verify_sync(task, [Candidate(id="g0", text=program)])
    return verdict


@pytest.mark.parametrize(
    "sandbox", [pytest.param("monty", marks=MONTY), pytest.param("bubblewrap", marks=BUBBLEWRAP)]
)
def test_a_program_is_refuted_where_a_missing_module_has_no_part_in_it(sandbox: str) -> None:
    refuted = judged(f"{WRONG}import elsewhere\n{APART}", sandbox)
    assert (refuted.score, refuted.hard) == (0.0, True)
    assert "`double(3)` should be 6, but gave 9" in refuted.feedback
    # with the module it might do anything
    for program in (f"{RIGHT}{APART}", f"import nowhere\n{WRONG}double = nowhere.better(double)"):
        unknown = judged(program, sandbox)
        assert unknown.score is None
        assert "No module named" in str(unknown.error)
