"""Programs that pass in monty and not in CPython, and the ones like them that are right in both."""

from __future__ import annotations

import ast

import pytest

from tests.verifiers.sandboxes.boxes import BUBBLEWRAP, MONTY
from verifier_agent.verifiers.sandboxes import CodeTest, Limits, resolve_sandbox
from verifier_agent.verifiers.sandboxes.otherwise import done_otherwise

DECEIVED = {
    "map": ("def f(x):\n    return map(int, x)", "assert f('12') == [1, 2]"),
    "filter": ("def f(x):\n    return filter(None, x)", "assert f([0, 1]) == [1]"),
    "zip": ("def f(x):\n    return zip(x, x)", "assert f([1]) == [(1, 1)]"),
    "reversed": ("def f(x):\n    return reversed(sorted(x))", "assert f([1, 2]) == [2, 1]"),
    "enumerate": ("def f(x):\n    return enumerate(x)", "assert f([1]) == [(0, 1)]"),
    "generator": ("def f(x):\n    return (v for v in x)", "assert f([1]) == [1]"),
    "read twice": (
        "def f(x):\n    kept = (v for v in x if v)\n    return sum(kept) / len(list(kept) or [1])",
        "assert f([2, 4]) == 3",
    ),
    "handed on": (
        "def mean(x):\n    return sum(x) / max(1, len(list(x)))\n"
        "def f(x):\n    return mean(v for v in x)",
        "assert f([2, 4]) == 3",
    ),
    "order of a set": ("def f(x):\n    return list(set(x))", "assert f([3, 1, 3]) == [3, 1]"),
    "order of a named set": (
        "def f(x):\n    seen = set(x)\n    return [v for v in seen]",
        "assert f([3, 1, 3]) == [3, 1]",
    ),
    "a changed set": (
        "def add(seen):\n    seen |= {1}\ndef f(x):\n    seen = set()\n    add(seen)\n"
        "    return len(seen)",
        "assert f(0) == 0",
    ),
    "truth": (
        "class Box:\n    def __len__(self):\n        return 0\n"
        "def f(x):\n    return 1 if Box() else 0",
        "assert f(0) == 1",
    ),
}
ALIKE = [
    "return list(map(int, x))",
    "return [a + b for a, b in zip(x, x[1:])]",
    "for at, v in enumerate(x):\n        print(at, v)",
    "a, b = map(int, x)\n    return a + b",
    "return ' '.join(str(v) for v in reversed(x))",
    "return sum(v * v for v in x) + max(map(abs, x), default=0)",
    "print(*map(str, x))",
    "return sorted(set(x)), len(set(x)), max({v for v in x})",
    "seen = set()\n    seen.add(1)\n    return 1 in seen",
    "return sum(1 for v in set(x) if v)",
    "n = 5\n    n |= 2\n    n -= 1\n    n *= 3\n    return n",
    "return dict(zip(x, map(str, x)))",
    "return {v: 1 for v in x}",
]


@MONTY
@pytest.mark.parametrize(("program", "test"), DECEIVED.values(), ids=DECEIVED)
def test_what_monty_does_otherwise_is_no_verdict_of_its(program: str, test: str) -> None:
    ran = resolve_sandbox("monty").run(program, [CodeTest(source=test)], Limits())
    assert ran.ending == "unsupported"
    assert ran.results[0].detail.startswith("to monty ")


@MONTY
@BUBBLEWRAP
@pytest.mark.parametrize("name", ["map", "read twice", "order of a set", "a changed set"])
def test_cpython_has_the_last_word_on_it(name: str) -> None:
    program, test = DECEIVED[name]
    ran = resolve_sandbox("auto").run(program, [CodeTest(source=test)], Limits())
    assert (ran.ending, ran.sandbox) == ("failed", "bubblewrap")


@pytest.mark.parametrize("body", ALIKE)
def test_what_both_do_alike_is_not_kept_from_monty(body: str) -> None:
    assert done_otherwise(ast.parse(f"def f(x):\n    {body}")) == ""
