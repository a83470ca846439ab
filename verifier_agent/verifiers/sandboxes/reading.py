"""From tests to what a process is asked, and from what it says to how each test ended."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from verifier_agent.verifiers.sandboxes.comparisons import comparison_of, is_equal
from verifier_agent.verifiers.sandboxes.sandbox import NOT_PLAIN, CodeTest, Tested, shown

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
"""Where an object stands in memory, which is another place each time."""


def piece_of(test: CodeTest, *, with_setup: bool) -> dict[str, Any]:
    """Return what a process is asked for `test`; a literal that is expected stays behind."""
    setup = test.setup if with_setup else ""
    compared = comparison_of(test.source)
    if compared is None:
        asked, sign, expected = test.source, "", ""
    elif compared.literal:
        asked, sign, expected = compared.asked, "value", ""
    else:
        asked, sign, expected = compared.asked, compared.sign, compared.expected
    return {"source": asked, "setup": setup, "sign": sign, "expected": expected, "script": False}


def test_ended(result: Mapping[str, Any], test: CodeTest) -> Tested:
    """Return how `test` ended, from what the process says of it."""
    if "error" in result:
        return _error_ended(*result["error"], refused=result.get("refused", ""))
    got = _ADDRESS.sub("", str(result.get("got", "")))
    value = NOT_PLAIN
    if "value" in result:
        compared = comparison_of(test.source)
        assert compared is not None
        value = decoded(result["value"])
        passed = is_equal(value, compared.value)
    else:
        passed = bool(result["passed"])
    if passed:
        return Tested(ending="passed", got=got, value=value)
    if result.get("refused"):
        return Tested(ending="denied", got=got, detail=f"it was refused {result['refused']}")
    return Tested(ending="failed", got=got, value=value)


def _error_ended(kind: str, text: str, missing: str, *, refused: str) -> Tested:
    detail = shown(f"{kind}: {text}" if text else kind)
    if kind == "MemoryError":
        return Tested(ending="memory", detail=detail)
    if refused or kind == "PermissionError":
        return Tested(ending="denied", detail=f"it was refused {refused}" if refused else detail)
    module = missing.partition(".")[0]
    if kind == "ModuleNotFoundError" and module and module not in sys.stdlib_module_names:
        return Tested(ending="unsupported", detail=detail)
    # a sandbox runs programs in another thread than the main one, where signals can be handled
    handles = kind == "ValueError" and "main thread of the main interpreter" in text
    return Tested(ending="unsupported" if handles else "failed", detail=detail)


def dialogue_ended(results: Sequence[Mapping[str, Any]], test: CodeTest) -> Tested:
    """Return how a dialogue ended: an error, or what was printed."""
    if not results or "error" in results[0]:
        return test_ended(results[0], test) if results else Tested(ending="failed")
    printed = next((one["printed"] for one in results if "printed" in one), "")
    if _lines(printed) == _lines(test.stdout):
        return Tested(ending="passed", got=shown(printed))
    refused = results[0].get("refused")
    if refused:
        return Tested(ending="denied", got=shown(printed), detail=f"it was refused {refused}")
    return Tested(ending="failed", got=shown(printed))


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def decoded(value: Any) -> Any:
    """Return the plain value that a driver wrote; NOT_PLAIN where it could not write it."""
    match value:
        case None:
            return NOT_PLAIN
        case ["none", _]:
            return None
        case ["bool", int(number)]:
            return bool(number)
        case ["int", str(text)]:
            return int(text, 16)
        case ["float", str(text)]:
            return float.fromhex(text)
        case ["str", str(text)]:
            return text
        case ["bytes", str(text)]:
            return bytes.fromhex(text)
        case ["complex", [str(real), str(imaginary)]]:
            return complex(float.fromhex(real), float.fromhex(imaginary))
        case ["ratio", [str(above), str(below)]]:
            return Fraction(int(above, 16), int(below, 16))
        case ["list", list(items)]:
            return [decoded(item) for item in items]
        case ["tuple", list(items)]:
            return tuple(decoded(item) for item in items)
        case ["set", list(items)]:
            return {decoded(item) for item in items}
        case ["dict", list(pairs)]:
            return {decoded(key): decoded(item) for key, item in pairs}
    return NOT_PLAIN
