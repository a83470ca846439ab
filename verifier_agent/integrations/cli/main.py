"""The command `verifier-agent`: the way in, which works without its own extra well enough to say
how to install it."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

from verifier_agent.errors import MissingExtra

ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""The matrices of the embedded models are small: with more threads numpy's linear algebra waits
for itself, and on a busy machine the demo took over five times as long."""
TRACEBACK = "VERIFIER_AGENT_TRACEBACK"
"""Set this variable to see where an unexpected error came from."""


def main() -> None:
    """Run the command line of this process, and exit.

    Exit codes: 0 an answer; 1 no answer; 2 a wrong argument, nothing was spent; 130 interrupted.
    """
    try:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                # what a terminal cannot show becomes "?" there, not an exception
                stream.reconfigure(errors="replace")
        if find_spec("typer") is None or find_spec("rich") is None:
            _end(f"Error: {MissingExtra('the command line', 'cli')}", 2)
        for name in ONE_THREAD:
            os.environ.setdefault(name, "1")  # numpy reads them when it is imported, later
        from verifier_agent.integrations.cli.commands import app

        app(prog_name="verifier-agent")
    except KeyboardInterrupt:
        _end("Interrupted.", 130)
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        text = " ".join(str(error).split())
        if isinstance(error, OSError) and error.strerror:  # a full disk is nobody's bug
            where = "" if error.filename is None else f"{error.filename}: "
            _end(f"Error: {where}{error.strerror}", 1)
        _end(
            f"Error: unexpected {type(error).__name__}: {text} "
            f"(this is a bug; {TRACEBACK}=1 shows where)",
            1,
        )


def _end(line: str, code: int) -> None:
    sys.stderr.write(f"{line}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
