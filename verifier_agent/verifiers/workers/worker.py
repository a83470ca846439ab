"""What a worker process runs, as a script: reads questions as lines of JSON, writes answers.

`python worker.py math`. Whatever hangs here is ended from outside, so nothing sets an alarm, which
would work in the main thread of a process alone. Nothing of the package is imported: it would take
longer to load than most questions to answer.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import resource
import sys
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Answer = dict[str, Any]

MEMORY = 4 << 30
"""Bytes of address space; a question that needs more is answered with an error."""


def beside(script: str) -> Callable[[Answer], Answer]:
    """Return what `answering` of a script beside this one makes."""
    spec = importlib.util.spec_from_file_location(script, Path(__file__).with_name(f"{script}.py"))
    assert spec is not None and spec.loader is not None  # noqa: PT018
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    answering: Callable[[], Callable[[Answer], Answer]] = module.answering
    return answering()


KINDS = {
    "algebra": lambda: beside("rewriting"),
    "constraints": lambda: beside("solving"),
    "math": lambda: beside("symbolic"),
}


def main(kind: str) -> None:
    """Answer questions until there are no more."""
    # libraries may print; only answers go to the one who asks
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    logging.disable(logging.CRITICAL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def say(said: Answer) -> None:
        out.write(json.dumps(said) + "\n")
        out.flush()

    try:
        answer = KINDS[kind]()
    except ImportError as error:
        say({"missing": str(error)})
        return
    say({"ready": True})
    for line in sys.stdin:
        try:
            said = answer(json.loads(line))
        except Exception as error:  # RecursionError and MemoryError too
            said = {"unknown": f"{type(error).__name__}: {error}"[:300]}
        say(said)


if __name__ == "__main__":
    main(sys.argv[1])
