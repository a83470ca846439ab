"""Runs inside a sandbox, as a script of its own: executes a program, then its tests, one by one.

The first line on its standard input is the job, as JSON; each line that it writes to its original
standard output is a result, marked with the job's secret. What is compared with a literal is sent
out as a value and compared by the host, so the program never meets what is expected of it.
Whatever belongs to the program runs in threads, whose frames do not lead to the secret.

The hook that refuses things is not what confines the program, which the sandbox around it does: it
gives refusals a name for the report. Nothing is imported from the package, which is not in here.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import json
import operator
import os
import resource
import signal
import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OUT_OF_MEMORY = 77  # exit status of a process that could not even say so
LONGEST = 300
DEEPEST = 60
FILE = "program.py"
SIGNS: dict[str, Any] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda one, other: one in other,
    "not in": lambda one, other: one not in other,
}
TRUTHS: dict[str, Any] = {
    "is": lambda one, other: one is other,
    "is not": lambda one, other: one is not other,
    "is true": lambda one, _: bool(one),
    "is false": lambda one, _: not one,
}
SCALARS: tuple[tuple[Any, str, Any], ...] = (
    (bool, "bool", int),
    (int, "int", lambda value: hex(int.__index__(value))),
    (float, "float", float.hex),
    (str, "str", str.__str__),
)
COLLECTIONS: tuple[Any, ...] = (list, "list"), (tuple, "tuple"), (set, "set"), (frozenset, "set")


def encoded(value: Any, depth: int = 0) -> list[Any] | None:
    """Return `value` as JSON that keeps its type, or None if it is not plain data."""
    kind = type(value)
    if value is None or depth > DEEPEST:
        return ["none", 0] if value is None else None
    for plain, name, write in SCALARS:
        if compares_as(kind, plain):
            return [name, write(value)]
    if kind is complex:
        return ["complex", [value.real.hex(), value.imag.hex()]]
    if kind in (bytes, bytearray):
        return ["bytes", bytes(value).hex()]
    for plain, name in COLLECTIONS:
        if compares_as(kind, plain):
            items = [encoded(item, depth + 1) for item in plain.__iter__(value)]
            return None if None in items else [name, items]
    if compares_as(kind, dict) or (issubclass(kind, dict) and kind.__module__ == "collections"):
        pairs = [[encoded(k, depth + 1), encoded(v, depth + 1)] for k, v in dict.items(value)]
        return None if any(None in pair for pair in pairs) else ["dict", pairs]
    # another number: by its value, whatever its class says about equality
    if kind.__module__ in ("decimal", "fractions"):
        return ["ratio", [hex(part) for part in value.as_integer_ratio()]]
    if hasattr(kind, "__index__"):
        return ["int", hex(operator.index(value))]
    if hasattr(kind, "__float__"):
        return ["float", float(value).hex()]
    return None


def compares_as(kind: Any, plain: Any) -> bool:
    """Return True if `kind` is `plain`, or a subclass that leaves equality alone."""
    return kind is plain or bool(issubclass(kind, plain) and kind.__eq__ is plain.__eq__)


def written(value: object, write: Any = repr) -> str:
    """Return `value` as Python writes it, cut."""
    try:
        return str(write(value))[:LONGEST]
    except BaseException:
        return f"<{type(value).__name__}>"


def described(error: BaseException) -> list[str]:
    """Return name, message and, where it misses something, the name of that."""
    missing = getattr(error, "name", None)
    return [type(error).__name__, written(error, str), missing if isinstance(missing, str) else ""]


class Refusals:
    """Refuses what a program that computes an answer has no need of; remembers the first."""

    # the last four deceive a test: they look into other frames, or forge code
    EVENTS = frozenset(
        """
        os.system os.exec os.fork os.forkpty os.posix_spawn os.spawn os.kill os.killpg
        subprocess.Popen pty.spawn signal.pthread_kill ctypes.dlopen
        socket.bind socket.connect socket.getaddrinfo socket.gethostbyname socket.gethostbyaddr
        socket.gethostname socket.sendto socket.sendmsg urllib.Request
        os.chmod os.chown os.link os.symlink os.setxattr
        sys._current_frames gc.get_objects gc.get_referrers code.__new__
        """.split()
    )
    PATHS = frozenset("open os.listdir os.scandir os.remove os.rename os.mkdir os.rmdir".split())
    DEVICES = ("/dev/null", "/dev/urandom", "/dev/random")

    def __init__(self, work: str, readable: tuple[str, ...]) -> None:
        self.first = ""
        self.work = work
        self.readable = readable

    def __call__(self, event: str, args: Any) -> None:
        """Raise PermissionError if the event is to be refused."""
        told = ""
        if event in self.EVENTS:
            told = event
        elif event == "socket.__new__" and len(args) > 1 and int(args[1]) != 1:
            told = "a network socket"  # 1 is AF_UNIX, which an event loop needs for itself
        elif event in self.PATHS and args and isinstance(args[0], str | bytes):
            path = os.fsdecode(args[0])
            if not self.allows(path, reads=self.reads(event, args)):
                told = f"{event} {path[:100]!r}"
        if told:
            self.first = self.first or told
            raise PermissionError(f"the sandbox refuses {told}")

    def reads(self, event: str, args: Any) -> bool:
        """Return True if nothing would be changed."""
        if event != "open":
            return event in ("os.listdir", "os.scandir")
        mode, flags = args[1], args[2]
        return not set(mode) & set("wax+") if isinstance(mode, str) else not flags & 3

    def allows(self, path: str, *, reads: bool) -> bool:
        """Return True for files of the program's own, and for reading Python's."""
        if ".." in path.split("/"):
            return False
        own = not path.startswith("/") or f"{path}/".startswith(f"{self.work}/")
        return own or path in self.DEVICES or (reads and path.startswith(self.readable))


def work(piece: dict[str, Any], names: dict[str, Any], box: list[Any]) -> None:
    """Do one piece and put what came of it into the box."""
    try:
        box.append(outcome(piece, names))
    except BaseException as error:  # SystemExit too: a program may not end its own test
        box.append({"error": described(error)})


def outcome(piece: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    """Execute, or evaluate and compare."""
    if piece["setup"]:
        try:
            run(piece["setup"], names, "exec")
        except BaseException as error:
            return {"error": described(error), "unready": True}
    if not (sign := piece["sign"]):
        try:
            run(piece["source"], names, "exec")
        except SystemExit as ended:
            if not piece["script"] or ended.code not in (None, 0):
                raise
        if piece["script"]:
            wind_up()
        return {"passed": True}
    got = run(piece["source"], names, "eval")
    if sign == "value":
        return {"value": encoded(got), "got": written(got)}
    other = run(piece["expected"], names, "eval") if piece["expected"] else None
    if sign in TRUTHS:
        holds = TRUTHS[sign](got, other)
    else:
        # an object of the program's own could claim to equal, or to be less than, any plain value
        honest = encoded(got) is not None or encoded(other) is None
        holds = honest and bool(SIGNS[sign](got, other))
    return {"passed": holds, "got": written(got), "other": written(other)}


def wind_up() -> None:
    """Do what Python does at the end of a script: wait for its threads, call what is registered."""
    for call in reversed(getattr(threading, "_threading_atexits", ())):
        call()  # pools of threads end theirs here
    own = (threading.current_thread(), threading.main_thread())
    while waited := [t for t in threading.enumerate() if t not in own and not t.daemon]:
        waited[0].join()
    atexit._run_exitfuncs()


def run(source: str, names: dict[str, Any], mode: str) -> Any:
    """Execute statements ("exec"), or evaluate an expression ("eval")."""
    return eval(compile(source, FILE, mode, dont_inherit=True), names)


def connect(job: dict[str, Any]) -> tuple[int, int]:
    """Give the program its standard streams; return where results go, and what it prints."""
    out = os.dup(1)
    quiet = os.open(os.devnull, os.O_RDWR)
    fed = printed = quiet
    if job["stdin"] is not None:
        fed, printed = (os.open(name, os.O_RDWR | os.O_CREAT, 0o600) for name in ("in", "out"))
        for name in ("in", "out"):
            os.unlink(name)
        text = memoryview(job["stdin"].encode("utf-8", "replace"))
        while text:
            text = text[os.write(fed, text) :]
        os.lseek(fed, 0, os.SEEK_SET)
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        os.dup2((fed, printed, quiet)[number], number)
        stream = open(number, mode, encoding="utf-8", errors="replace", closefd=False)
        vars(sys).update({name: stream, f"__{name}__": stream})
    return out, printed


def limit(job: dict[str, Any]) -> None:
    """Set limits that the program cannot raise again."""
    most = job["bytes"]
    limits = {resource.RLIMIT_AS: most, resource.RLIMIT_FSIZE: most, resource.RLIMIT_CORE: 0}
    limits |= {resource.RLIMIT_CPU: int(job["total"]) + 1, resource.RLIMIT_NOFILE: 64}
    for kind, value in limits.items():
        hard = resource.getrlimit(kind)[1]
        least = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (least, least))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # it ends the process, whatever that is doing


def namespace(name: str) -> dict[str, Any]:
    """Return the names of a new module that programs see as the main one."""
    module = type(sys)(name)
    vars(module).update(__builtins__=builtins, __file__=FILE)
    sys.modules["__main__"] = sys.modules[name] = module
    return vars(module)


def main() -> None:
    """Do the job."""
    job = json.loads(sys.stdin.buffer.readline())
    for name in job["early"]:
        __import__(name)  # while they load they do what no program may
    os.chdir(job["work"])
    sys.argv = [FILE]
    vars(builtins).update(exit=sys.exit, quit=sys.exit)  # site's, which may not be there
    sys.set_int_max_str_digits(0)
    threading.stack_size(16 << 20)
    out, printed = connect(job)
    names = namespace("program" if job["stdin"] is None else "__main__")
    limit(job)
    refusals = Refusals(job["work"], tuple({sys.prefix, sys.base_prefix, "/usr/lib", "/usr/share"}))
    sys.addaudithook(refusals)
    # what the loop needs is bound here, since a program may replace anything in a module
    write, dumps, thread, setitimer = os.write, json.dumps, threading.Thread, signal.setitimer

    def tell(result: dict[str, Any]) -> None:
        if refusals.first:
            result = {**result, "refused": refusals.first}
        line = f"{job['secret']}{dumps(result)}\n".encode()
        while line:
            line = line[write(out, line) :]

    for number, piece in enumerate(job["pieces"]):
        box: list[Any] = []
        # no daemon: its threads would be daemons too, for which a script does not wait
        worker = thread(target=work, args=(piece, names, box), daemon=False)
        setitimer(signal.ITIMER_PROF, job["seconds"])
        worker.start()
        worker.join()
        setitimer(signal.ITIMER_PROF, 0)
        # anything but one entry is somebody else's doing
        result = box[0] if len(box) == 1 else {"error": ["RuntimeError", "the test was forged", ""]}
        tell(result)
        if number == 0 and "error" in result:
            break
    if job["stdin"] is not None:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        tell({"printed": os.pread(printed, job["longest"], 0).decode("utf-8", "replace")})
    tell({"end": True})
    os._exit(0)  # threads of the program's own are not waited for


if __name__ == "__main__":
    try:
        main()
    except (MemoryError, RuntimeError):  # "can't start new thread" is a RuntimeError
        os._exit(OUT_OF_MEMORY)
