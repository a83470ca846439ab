"""The strong sandbox: namespaces by bubblewrap, limits by the kernel, a filter of system calls."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from verifier_agent.errors import ConfigurationError, VerifierUnavailable
from verifier_agent.verifiers.sandboxes.processes import (
    DRIVER,
    ENVIRONMENT,
    PATH,
    Command,
    PythonProcess,
    base_python,
    python_options,
)
from verifier_agent.verifiers.sandboxes.sandbox import Limits
from verifier_agent.verifiers.sandboxes.seccomp import filter_program

WORK = "/tmp"  # inside
_LINKED = ("/bin", "/lib", "/lib32", "/lib64", "/sbin")
"""Links into /usr on a merged system; directories of their own on others."""


class Bubblewrap(PythonProcess):
    """Run programs with CPython inside bubblewrap (`bwrap`, a system package; Linux only).

    The program sees a read-only /usr and Python, an empty writable /tmp of its own in memory, and
    nothing else: no file of the host, no network (not even the host's loopback), no other process,
    no variable of the environment, no capability. It can start no process and open no socket: a
    filter of system calls forbids it, which holds for root as well. Memory, processor time, file
    sizes and open files have hard limits; the whole of it dies with its parent.

    Args:
        python: The interpreter inside; None: the one that runs this, without its packages.
        packages: True: packages that are installed for `python` can be imported. Many of them give
            a program its own memory, with which one that means to can deceive its tests.
    """

    name: ClassVar[str] = "bubblewrap"

    def __init__(self, *, python: str | None = None, packages: bool = False) -> None:
        self.python = python or (sys.executable if packages else base_python())
        self.packages = packages
        if not Path(self.python).is_absolute() or not Path(self.python).exists():
            raise ConfigurationError(f"python={python!r}: an absolute path that exists is needed")
        require_bubblewrap()

    @contextmanager
    def around(self, limits: Limits) -> Iterator[Command]:
        """Return the command that runs the driver."""
        if limits.processes > 1:
            raise ConfigurationError("programs judged by tests run in one process: processes=1")
        script = [*python_options(self.python, self.packages), "/driver.py"]
        own = [str(DRIVER), "/driver.py"]
        with confined(script, limits, binds=[own], readable=_homes(self.python)) as command:
            yield command


@contextmanager
def confined(
    arguments: Sequence[str],
    limits: Limits,
    *,
    binds: Sequence[Sequence[str]] = (),
    readable: Sequence[str] = (),
) -> Iterator[Command]:
    """Return `arguments` inside bubblewrap. `binds` are pairs: a path here, and its path inside."""
    program = filter_program(processes=limits.processes > 1)
    if os.geteuid() == 0 and (program is None or limits.processes > 1):
        # RLIMIT_NPROC does not bind root, so nothing would bound the number of processes
        raise VerifierUnavailable(
            "as root, bubblewrap cannot bound how many processes are started here; use another user"
        )
    with tempfile.TemporaryFile() as filtered:
        options = [
            require_bubblewrap(),
            *("--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent"),
            *("--new-session", "--clearenv", "--cap-drop", "ALL"),
            *(
                part
                for name, value in {**ENVIRONMENT, "PATH": PATH, "HOME": WORK}.items()
                for part in ("--setenv", name, value)
            ),
            *("--dev", "/dev", "--size", str(int(limits.megabytes * 1024 * 1024))),
            *("--tmpfs", WORK, "--chdir", WORK, "--hostname", "sandbox"),
            *_system(readable),
        ]
        for here, inside in binds:
            options += ["--ro-bind", here, inside]
        if program is not None:
            filtered.write(program)
            filtered.seek(0)
            options += ["--seccomp", str(filtered.fileno())]
        passed = () if program is None else (filtered.fileno(),)
        command = [*options, "--", *arguments]
        yield Command(arguments=command, work=WORK, folder="/", passed=passed)


def _system(readable: Sequence[str]) -> list[str]:
    """Return the options that show the system's programs and libraries, and `readable`."""
    options: list[str] = []
    for path in ("/usr", *(path for path in readable if path != "/usr")):
        options += ["--ro-bind", path, path]
    for path in _LINKED:
        if Path(path).is_symlink():
            options += ["--symlink", str(Path(path).readlink()), path]
        elif Path(path).is_dir():
            options += ["--ro-bind", path, path]
    # where the linker finds libraries that are not in its usual places
    return [*options, "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]


def _homes(python: str) -> list[str]:
    """Return the directories that an interpreter needs."""
    return sorted({str(Path(path).parents[1]) for path in (python, os.path.realpath(python))})


@functools.cache
def require_bubblewrap() -> str:
    """Return the path of `bwrap`, if it works here. Raises VerifierUnavailable."""
    path = shutil.which("bwrap")
    if path is None or not sys.platform.startswith("linux"):
        raise VerifierUnavailable(
            "the sandbox 'bubblewrap' needs Linux and the program bwrap "
            "(for instance: apt-get install bubblewrap)"
        )
    # containers often forbid what it needs, and some versions lack what is asked of them
    options = ("--unshare-all", "--unshare-user", "--disable-userns", "--ro-bind", "/", "/")
    tried = subprocess.run(
        [path, *options, "true"], capture_output=True, timeout=30, check=False, cwd="/"
    )
    if tried.returncode:
        why = tried.stderr.decode("utf-8", "replace").strip()
        raise VerifierUnavailable(f"bubblewrap does not work on this machine: {why}")
    return path
