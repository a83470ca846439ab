"""No sandbox: a process with limits, for programs that are trusted as the host's own are."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from verifier_agent.errors import ConfigurationError
from verifier_agent.verifiers.sandboxes.processes import (
    DRIVER,
    Command,
    PythonProcess,
    base_python,
    python_options,
)
from verifier_agent.verifiers.sandboxes.sandbox import Limits


class UnsafeSubprocess(PythonProcess):
    """Run programs in a plain process of CPython. THIS IS NO SANDBOX.

    Time, memory, file sizes and open files are limited, the environment is empty, and a hook
    refuses files, processes and the network to programs that ask for them in the usual way. One
    that means harm gets past the hook, and then does whatever your user may do. For programs from
    a model this is as safe as running them yourself: use it where the whole machine is disposable.

    Args:
        python: The interpreter; None: the one that runs this.
        packages: True: packages that are installed for `python` can be imported.
    """

    name: ClassVar[str] = "unsafe-subprocess"

    def __init__(self, *, python: str | None = None, packages: bool = False) -> None:
        self.python = python or base_python()
        self.packages = packages

    @contextmanager
    def around(self, limits: Limits) -> Iterator[Command]:
        """Return the command that runs the driver."""
        if limits.processes > 1:
            raise ConfigurationError("programs judged by tests run in one process: processes=1")
        with tempfile.TemporaryDirectory(prefix="program-", ignore_cleanup_errors=True) as folder:
            script = [*python_options(self.python, self.packages), str(DRIVER)]
            yield Command(arguments=script, work=folder, folder=folder)
