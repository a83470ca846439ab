"""Programs that read and print: they end as Python ends them."""

from __future__ import annotations

import pytest

from verifier_agent.verifiers.programs.written_code import program_of
from verifier_agent.verifiers.sandboxes import CodeTest, Limits, UnsafeSubprocess

DOUBLES = CodeTest(stdin="21\n", stdout="42\n")
LIMITS = Limits(seconds=3.0, total_seconds=30.0, megabytes=512)

THREAD = """
import sys, threading

def main():
    sys.stdin.readline()
    print(deep(20_000) - 20_000 + 42)

def deep(n):
    return n and 1 + deep(n - 1)

sys.setrecursionlimit(10**6)
threading.stack_size(1 << 26)
threading.Thread(target=main).start()
"""

AS_PYTHON_DOES = {
    "exit": "print(2 * int(input()))\nexit()",
    "quit": "print(2 * int(input()))\nquit(0)",
    "a thread that nobody waits for": THREAD,
    "a pool that nobody ends": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "pool = ThreadPoolExecutor(2)\n"
        "print(pool.submit(lambda: 2 * int(input())).result())"
    ),
    "a daemon that never ends": (
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n"
        "print(2 * int(input()))"
    ),
    "at the end": (
        "import atexit\nlines = []\natexit.register(lambda: print('\\n'.join(lines)))\n"
        "lines.append(str(2 * int(input())))"
    ),
    "its file": "import os\nos.path.dirname(__file__)\nprint(2 * int(input()))",
}


@pytest.mark.parametrize("program", AS_PYTHON_DOES.values(), ids=AS_PYTHON_DOES)
def test_a_script_ends_as_python_ends_it(program: str) -> None:
    (result,) = UnsafeSubprocess().run(program, [DOUBLES], LIMITS).results
    assert (result.ending, result.detail) == ("passed", "")


@pytest.mark.parametrize("status", ["exit(1)", "quit('no')"])
def test_a_script_that_ends_with_a_failure_has_failed(status: str) -> None:
    program = f"print(2 * int(input()))\n{status}"
    (result,) = UnsafeSubprocess().run(program, [DOUBLES], LIMITS).results
    assert result.ending == "failed"


def test_a_thread_that_never_ends_is_stopped_with_its_script() -> None:
    program = "import threading\nthreading.Thread(target=threading.Event().wait).start()"
    brief = Limits(seconds=0.2, total_seconds=30.0)
    (result,) = UnsafeSubprocess().run(program, [DOUBLES], brief).results
    assert result.ending == "timeout"


def test_a_program_that_handles_signals_is_not_refuted_for_it() -> None:
    program = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\nprint(2 * int(input()))"
    (result,) = UnsafeSubprocess().run(program, [DOUBLES], LIMITS).results
    assert result.ending == "unsupported"


def test_the_mark_of_a_file_is_no_part_of_a_program() -> None:
    assert program_of("```python\n\ufeffx = 1\n```") == "x = 1\n"


def test_a_fence_in_a_docstring_ends_no_program() -> None:
    program = 'def f():\n    """Say.\n\n    ```\n    f()\n    ```\n    """\n    return 1\n'
    assert program_of(f"Here:\n```python\n{program}```\nDone.") == program
