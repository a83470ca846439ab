"""One command in a sandbox, with limits: what it said, and how it ended."""

from __future__ import annotations

import math
import os
import re
import secrets
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from verifier_agent.errors import ConfigurationError, VerifierUnavailable, nearest
from verifier_agent.plain import Value
from verifier_agent.verifiers.sandboxes.bubblewrap import WORK, confined, require_bubblewrap
from verifier_agent.verifiers.sandboxes.processes import ENVIRONMENT, PATH, TIMEOUT, Command
from verifier_agent.verifiers.sandboxes.sandbox import Ending, Limits

CommandSandbox = Literal["bubblewrap", "unsafe-subprocess"]
SANDBOXES: tuple[CommandSandbox, ...] = ("bubblewrap", "unsafe-subprocess")
MOST_OUTPUT = 1 << 20
"""Bytes that a command may say; one that says more is ended."""
_LIMITED = (
    'ulimit -t "$1" && ulimit -v "$2" && ulimit -f "$3" && ulimit -c 0 && echo "$4" && shift 4 '
    '&& exec "$@"'
)
"""A script of the shell: the kernel's limits, a word that says that they hold, and then the command
in the same process."""
_NO_PROCESS = re.compile(
    r"(?i)\b(?:re)?(?:fork|spawn|process)\w*\b.*(?:not permitted|unavailable)|cannot fork"
)
"""How a program says that it may not start another one."""
_NOT_RUN = (126, 127)
"""How a shell says that a command could not be run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(Value):
    """What became of a command."""

    ending: Ending
    """passed: it ended with status 0; failed: with another; unsupported: it could not be run, or
    crashed, which says nothing about what it was given."""
    output: str = ""
    """Standard output and standard error together, in whole characters."""
    detail: str = ""
    """What was exceeded, or how it crashed."""


@dataclass(frozen=True, slots=True)
class Commands:
    """Runs commands on files that nobody vouches for.

    In "bubblewrap" they see a read-only /usr, the directories in `readable`, the files they are
    given and an empty writable directory; no other file of the host, no network, no environment.
    In "unsafe-subprocess" they have the same limits and none of your variables, but whatever your
    user may do: for checkers that run nothing of what they read.
    """

    sandbox: CommandSandbox = "bubblewrap"
    limits: Limits = field(default_factory=Limits)
    readable: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.sandbox not in SANDBOXES:
            raise ConfigurationError(
                f"unknown sandbox {self.sandbox!r}{nearest(str(self.sandbox), SANDBOXES)}"
            )
        if self.sandbox == "bubblewrap":
            try:
                require_bubblewrap()
            except VerifierUnavailable as error:
                raise ConfigurationError(
                    f"{error}; a checker that runs nothing of what it reads may have "
                    "sandbox='unsafe-subprocess'"
                ) from None
        for path in self.readable:
            if not Path(path).is_absolute() or not Path(path).exists():
                raise ConfigurationError(
                    f"readable={path!r}: an absolute path that exists is needed"
                )

    def run(self, arguments: Sequence[str], name: str, text: str, *, stdin: bool) -> Finished:
        """Run a command with `text` in the file `name` of its directory, or as standard input.

        Raises VerifierUnavailable if the sandbox does not work.
        """
        content, begun = text.encode("utf-8", "replace"), secrets.token_hex(16)
        with (
            tempfile.TemporaryDirectory(prefix="checked-", ignore_cleanup_errors=True) as folder,
            tempfile.TemporaryFile() as given,
        ):
            here = Path(folder, name)
            if stdin:
                given.write(content)
                given.seek(0)
            else:
                here.write_bytes(content)
            program = shutil.which(arguments[0]) or arguments[0]
            limited = self._limited([program, *arguments[1:]], begun)
            readable = sorted({*self.readable, *_homes(program)})
            file = None if stdin else here
            with self._around(limited, file, readable, folder) as command:
                process = subprocess.Popen(
                    command.arguments,
                    stdin=given,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    cwd=command.folder,
                    env={**ENVIRONMENT, "PATH": PATH, "HOME": command.work, "LC_ALL": "C.UTF-8"},
                    start_new_session=True,
                    pass_fds=command.passed,
                )
                try:
                    found = _listen(process, self.limits)
                finally:
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                    assert process.stdout is not None
                    process.stdout.close()
        if not found.output.startswith(begun):
            # what is around the command ends as one that failed, and nothing was checked
            said = found.output[:500].strip() or found.detail
            raise VerifierUnavailable(f"{self.sandbox} did not start: {said}")
        return replace(found, output=found.output[len(begun) + 1 :])

    def _limited(self, arguments: Sequence[str], begun: str) -> list[str]:
        """Return the command within the kernel's limits; it says `begun` before all else."""
        kilobytes = int(self.limits.megabytes * 1024)
        numbers = map(str, (math.ceil(self.limits.seconds), kilobytes, 2 * kilobytes))
        return ["/bin/sh", "-c", _LIMITED, "sh", *numbers, begun, *arguments]

    @contextmanager
    def _around(
        self, limited: Sequence[str], file: Path | None, readable: Sequence[str], folder: str
    ) -> Iterator[Command]:
        if self.sandbox == "unsafe-subprocess":
            yield Command(arguments=limited, work=folder, folder=folder)
            return
        binds = [] if file is None else [(str(file), f"{WORK}/{file.name}")]
        with confined(limited, self.limits, binds=binds, readable=readable) as command:
            yield command


def _homes(program: str) -> list[str]:
    """Return the directories outside /usr in which a program is installed."""
    paths = {program, os.path.realpath(program)} if Path(program).is_absolute() else set()
    homes = {str(Path(path).parent.parent) for path in paths}
    known = {home for home in homes if home not in ("/", "/usr") and not home.startswith("/usr/")}
    return [home for home in known if Path(home).is_dir()]


def _listen(process: subprocess.Popen[bytes], limits: Limits) -> Finished:
    """Read what a command says until it ends, says too much, or has had its time."""
    assert process.stdout is not None
    end, said = time.monotonic() + limits.total_seconds, bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            left = end - time.monotonic()
            if left <= 0:
                detail = f"it did not end within {limits.total_seconds:g} s"
                return Finished(ending="timeout", output=_text(said), detail=detail)
            if not selector.select(left):
                continue
            chunk = os.read(process.stdout.fileno(), 1 << 16)
            said += chunk
            if len(said) > MOST_OUTPUT:
                detail = f"it said more than {MOST_OUTPUT} bytes"
                return Finished(ending="failed", output=_text(said[:MOST_OUTPUT]), detail=detail)
            if not chunk:
                return _ended(process, _text(said), limits)


def _ended(process: subprocess.Popen[bytes], output: str, limits: Limits) -> Finished:
    try:
        status = process.wait(5.0)
    except subprocess.TimeoutExpired:
        return Finished(ending="unsupported", output=output, detail="it closed its output")
    if status == 0:
        return Finished(ending="passed", output=output)
    # bubblewrap reports a signal as a shell does
    number = -status if status < 0 else status - 128
    if number in TIMEOUT or (number == signal.SIGKILL):
        # the kernel's limit of processor time ends it so, or that of memory
        detail = f"it was ended at {limits.seconds:g} s of processor time or the limit of memory"
        return Finished(ending="timeout", output=output, detail=detail)
    if number == signal.SIGSYS:
        detail = "it made a forbidden system call"
        return Finished(ending="denied", output=output, detail=detail)
    if limits.processes == 1 and _NO_PROCESS.search(output):
        detail = "it may start no process; a checker that has to needs Limits(processes=…)"
        return Finished(ending="unsupported", output=output, detail=detail)
    if status in _NOT_RUN:
        return Finished(ending="unsupported", output=output, detail="it could not be run")
    if 0 < number < signal.NSIG:
        detail = f"it crashed: {signal.strsignal(number)}"
        return Finished(ending="unsupported", output=output, detail=detail)
    return Finished(ending="failed", output=output, detail=f"exit status {status}")


def _text(said: bytes | bytearray) -> str:
    return bytes(said).decode("utf-8", "replace")
