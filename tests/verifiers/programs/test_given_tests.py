"""The forms that tests come in, in a plain process: what passes, what fails, what is not judged."""

from __future__ import annotations

from typing import Any

import pytest

from tests.verifiers.sandboxes.boxes import BUBBLEWRAP, MONTY
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers.programs.code_tests import CodeTests
from verifier_agent.verifiers.programs.written_code import program_of
from verifier_agent.verifiers.sandboxes import CodeTest, Limits, resolve_sandbox

RIGHT = "def double(x):\n    return 2 * x\n"
WRONG = "def double(x):\n    return 2 * x + 1\n"
RIGHT_IN_PLACE = "def double(x):\n    x += x\n    return x\n"
PRINTS = "def double(x):\n    print(2 * x)\n"
CASE = """
import unittest
class Case(unittest.TestCase):
    def test_it(self):
        self.assertEqual(double(2), 4)
"""


def judged(program: str, tests: Any, **context: Any) -> Verdict:
    task = Task(question="Write it.", context={"tests": tests, **context})
    candidate = Candidate(id="g0", text=f"```python\n{program}\n```")
    (verdict,) = CodeTests("unsafe-subprocess").verify_sync(task, [candidate])
    return verdict


FORMS = {
    "a unittest class": CASE,
    "one that is started": f"{CASE}\nif __name__ == '__main__':\n    unittest.main()\n",
    "one that starts": f"{CASE}\nunittest.main()\n",
    "one that sets up its class": """
from unittest import TestCase
class Case(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.four = 4
    def test_it(self):
        self.assertEqual(double(2), self.four)
""",
    "an async function": "async def test_it():\n    assert double(2) == 4\n",
    "a function with a helper": """
def test_one(x, y):
    assert double(x) == y
def test_it():
    test_one(2, 4)
""",
    "a function that is started": """
def test_it():
    assert double(2) == 4
if __name__ == "__main__":
    test_it()
""",
    "functions behind something that is done": """
import random
some = random.Random(0)
def test_it():
    assert double(2) == 4
print("done")
""",
    "what a script does": """
def examples():
    assert double(2) == 4
if __name__ == "__main__":
    examples()
    print("done")
""",
    "assertions in an order": "x = 2\nassert double(x) == 4\nx = 3\nassert double(x) == 6\n",
    "an answer of a model": "Two tests:\n```python\nassert double(2) == 4\n```\nThat is all.\n",
    "examples in the text of a function": '"""\n>>> double(2)\n4\n"""',
    "an example that is cut": (
        ">>> double(list(range(9)) * 2)[:9] + double([0]) # doctest: +ELLIPSIS\n[0, 1, ..., 0, 0]\n"
    ),
    "an example that is skipped": ">>> double(2)  # doctest: +SKIP\n5\n>>> double(2)\n4\n",
    "an example that raises": ">>> double(None)\nTraceback (most recent call last):\nTypeError: x\n"
    ">>> double(2)\n4\n",
}


@pytest.mark.parametrize("tests", FORMS.values(), ids=FORMS)
def test_a_right_program_passes_and_a_wrong_one_does_not(tests: str) -> None:
    right, wrong = judged(RIGHT, tests), judged(WRONG, tests)
    assert (right.score, right.error) == (1.0, None)
    assert wrong.score == 0.0
    assert wrong.feedback


def test_what_a_check_sets_up_is_set_up_once_and_in_its_order() -> None:
    check = """
def check(candidate):
    x = [1]
    assert candidate(x) == [1, 1]
    assert x == [1, 1]  # it works in place
    x = [2]
    assert candidate(x) == [2, 2]
"""
    for tests in (check, f"{check}\nprint('done')\n", f"{check}\ncheck(double)\n"):
        assert judged(RIGHT_IN_PLACE, tests, entry_point="double").score == 1.0
        assert judged(RIGHT, tests, entry_point="double").score == 0.0


@pytest.mark.parametrize(
    "examples", [">>> double(2)\n4\n", ">>> double(1); double(2)\n2\n4\n"], ids=["one", "two"]
)
def test_an_example_may_show_what_is_given_or_what_is_printed(examples: str) -> None:
    assert judged(RIGHT, examples).score == 1.0
    assert judged(PRINTS, examples).score == 1.0
    assert judged(WRONG, examples).score == 0.0


def test_an_example_may_show_a_blank_line() -> None:
    shows = ">>> double('a\\n\\nb')\na\n<BLANKLINE>\nba\n<BLANKLINE>\nb\n"
    assert judged(PRINTS, shows).score == 1.0


@pytest.mark.parametrize(
    "tests",
    [
        f"{CASE}\ndef test_more(tmp_path):\n    assert double(2) == 5\n",
        f"{CASE}\nclass TestMore:\n    def test_it(self):\n        assert double(2) == 5\n",
        "def check(candidate):\n    assert candidate(2) == 4\nassert double(3) == 6\n",
        "import no_such_package\ndef test_a():\n    assert double(2) == 4\n"
        "def test_b():\n    assert double(3) == 6\n",
    ],
    ids=["fixture", "class of pytest", "check", "setup that fails"],
)
def test_tests_that_cannot_all_be_run_neither_prove_nor_refute(tests: str) -> None:
    verdict = judged(RIGHT, tests)
    assert verdict.score is None
    assert verdict.error


def test_a_program_that_reads_and_prints_is_judged_by_what_it_prints() -> None:
    tests = [{"input": "2\n3\n", "output": "4\n6"}, {"input": "", "output": ""}]
    loop = "import sys\nfor line in sys.stdin:\n    print({} * int(line), end=' \\n')"
    assert judged(loop.format(2), tests).score == 1.0
    wrong = judged(loop.format(3), tests)
    assert (wrong.score, wrong.raw) == (0.0, 0.5)
    assert "with the input '2\\n3\\n' it should print '4\\n6'" in wrong.feedback
    assert "but printed '6 \\n9 \\n'" in wrong.feedback


def test_half_a_character_does_not_get_into_feedback() -> None:
    verdict = judged("def double(x):\n    raise ValueError(chr(0xd800))", "assert double(2) == 4")
    assert "ValueError" in verdict.feedback
    verdict.feedback.encode()


PROGRAM = "def double(x):\n    return 2 * x\n"


@pytest.mark.parametrize(
    "text",
    [
        f"Here:\n```python\n{PROGRAM}```\nIt prints:\n```\n4\n```\n",
        f"Here:\n```\n{PROGRAM}```\nDone.",
        f"```python\n{PROGRAM}",
        f"```python\n{PROGRAM}```\nDone.\n".replace("\n", "\r\n"),
        f"1. So:\n\n   ```python\n   {PROGRAM.strip()}\n   ```\n".replace("\n    ", "\n       "),
        f"```bash\npip install x\n```\n~~~py\n{PROGRAM}~~~\n",
        PROGRAM,
    ],
    ids=["output", "no language", "open", "CRLF", "list", "tildes", "bare"],
)
def test_the_program_is_found_in_the_text_around_it(text: str) -> None:
    names: dict[str, Any] = {}
    exec(program_of(text), names)  # a program of this file's own
    assert names["double"](4) == 8


HELPED = """First what helps:
```python
import math
SCALE = 2
sum = 3

def scaled(x):
    return 0

def scaled(x):
    return SCALE * math.floor(x)

print(scaled(1) / 0)
```
An attempt:
```python
def double(x):
    return x
```
Then:
```python
from __future__ import annotations
def double(x: Number) -> Number:
    total = sum([scaled(x)])
    return total
```
So:
```python
total = double(4)
scaled = None
```
"""


def test_what_a_program_reads_of_the_blocks_before_it_is_a_part_of_it() -> None:
    names: dict[str, Any] = {}
    exec(program_of(HELPED, entry_point="double"), names)
    assert names["double"](4.5) == 8
    assert "total" not in names


def test_of_blocks_that_a_program_does_not_need_nothing_is_taken() -> None:
    text = f"```python\nimport nothing\nx = 1 / 0\n```\n```python\n{PROGRAM}```\n"
    assert program_of(text) == PROGRAM


def test_the_imports_of_a_question_do_not_come_before_those_from_the_future() -> None:
    question = "from typing import List\nimport math\n\ndef double(x: List) -> List:\n    ...\n"
    program = f"```python\nfrom __future__ import annotations\n\n{PROGRAM}\nPI = math.pi\n```"
    names: dict[str, Any] = {}
    exec(program_of(program, question, "double"), names)
    assert names["double"](names["PI"]) == 2 * names["math"].pi


@pytest.mark.parametrize(
    "sandbox",
    ["unsafe-subprocess", pytest.param("bubblewrap", marks=BUBBLEWRAP)],
)
def test_programs_may_use_an_event_loop_and_mocks(sandbox: str) -> None:
    program = """
import asyncio, time
from unittest.mock import patch
async def one(n):
    await asyncio.sleep(0)
    return n
async def both():
    return sum(await asyncio.gather(one(40), one(2)))
def answer():
    with patch("time.time", return_value=0):
        return asyncio.run(both()) + time.time()
"""
    ran = resolve_sandbox(sandbox).run(
        program, [CodeTest(source="assert answer() == 42")], Limits()
    )
    assert ran.ending == "passed", ran.results


@MONTY
def test_the_time_for_all_tests_holds_in_monty_too() -> None:
    endless = "def answer():\n    while True: pass"
    tests = [CodeTest(source=f"assert answer() == {n}") for n in range(50)]
    limits = Limits(seconds=0.1, total_seconds=0.5)
    ran = resolve_sandbox("monty").run(endless, tests, limits)
    assert [result.ending for result in ran.results] == ["timeout"] * 50
    assert "the time for all tests was used up" in ran.results[-1].detail
