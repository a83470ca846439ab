"""Programs that mean harm or cheat. Bounded and local: what they try to reach is the test's own."""

from __future__ import annotations

import re
from dataclasses import dataclass

SECRET = "the-host-alone-knows-this"


@dataclass(frozen=True)
class Hostile:
    """A program whose `answer()` should be 42, and how a run of it ends."""

    name: str
    program: str
    endings: str
    """In a sandbox with CPython; several where it depends on what is hit first."""
    says: str
    """A pattern for the reason that is given."""

    def explained(self, ending: str, detail: str) -> bool:
        return ending in self.endings.split() and re.search(self.says, detail) is not None


def inside(body: str) -> str:
    """The body of `answer`."""
    return "def answer():\n" + "".join(f"    {line}\n" for line in body.strip().splitlines())


CLOCK = r"did not end within|time"
MEMORY = r"MemoryError|needs more than"
ABSENT = "No such file"
"""Inside, the place is an empty one of the program's own."""
REFUSED = r"refuse|Operation not permitted|Permission denied"

LOOPS = [
    Hostile("endless loop", inside("while True: pass"), "timeout", CLOCK),
    Hostile("endless loop while loading", "while True: pass", "timeout", CLOCK),
    Hostile("sleep", "import time\n" + inside("time.sleep(1000)"), "timeout", CLOCK),
    Hostile(
        "loop that lets no exception by",
        inside("while True:\n    try:\n        while True: pass\n    except BaseException: pass"),
        "timeout",
        CLOCK,
    ),
    Hostile(
        "loop that ignores signals",
        "import signal\n"
        "for n in range(1, 65):\n"
        "    try: signal.signal(n, signal.SIG_IGN)\n"
        "    except Exception: pass\n" + inside("while True: pass"),
        "timeout",
        CLOCK,
    ),
    Hostile(
        "threads that spin",
        "import threading\n"
        + inside(
            "def spin():\n    while True: pass\n"
            "all = [threading.Thread(target=spin) for _ in range(8)]\n"
            "[t.start() for t in all]\n[t.join() for t in all]"
        ),
        "timeout failed",
        f"{CLOCK}|new thread",
    ),
    Hostile(
        "catastrophic pattern",
        "import re\n" + inside("return re.match('(a+)+$', 'a' * 40 + 'b')"),
        "timeout",
        CLOCK,
    ),
    Hostile(
        "deadlock",
        "import threading\n" + inside("l = threading.Lock()\nl.acquire()\nl.acquire()"),
        "timeout",
        CLOCK,
    ),
]

BOMBS = [
    Hostile("list bomb", inside("return [0] * 10**10"), "memory", MEMORY),
    Hostile("text bomb", inside("s = 'x'\nwhile True: s += s"), "memory", MEMORY),
    Hostile("buffer", inside("return len(bytearray(10**11))"), "memory", MEMORY),
    Hostile(
        "nested lists",
        inside("a = []\nwhile True: a = [a, a * 2, list(range(10**6))]"),
        "memory timeout",
        f"{MEMORY}|{CLOCK}",
    ),
    Hostile(
        "power tower", inside("return 9 ** 9 ** 9 % 10"), "memory timeout", f"{MEMORY}|{CLOCK}"
    ),
    Hostile("recursion", inside("return answer()"), "failed", "RecursionError"),
    Hostile(
        "recursion without a limit",
        "import sys\nsys.setrecursionlimit(10**9)\n" + inside("return 1 + answer()"),
        "memory failed timeout",
        f"{MEMORY}|crashed|{CLOCK}",
    ),
    Hostile(
        "overflow of the C stack",
        "import sys\nsys.setrecursionlimit(10**9)\n"
        + inside("x = []\nfor _ in range(10**6): x = [x]\nreturn repr(x)"),
        "failed memory timeout",
        f"crashed|{MEMORY}|{CLOCK}",
    ),
    Hostile(
        "compressed bomb",
        "import zlib\n"
        + inside("return len(zlib.decompress(zlib.compress(bytes(10**8)) , bufsize=10**11))"),
        "memory timeout",
        f"{MEMORY}|{CLOCK}",
    ),
    Hostile("flood of prints", inside("while True: print('x' * 10**6)"), "timeout", CLOCK),
    Hostile(
        "full disk",
        inside("with open('/tmp/big', 'wb') as f:\n    while True: f.write(bytes(10**7))"),
        "failed timeout",
        f"OSError|{CLOCK}",
    ),
    Hostile(
        "all files open",
        inside("kept = []\nwhile True: kept.append(open('/dev/null'))"),
        "failed",
        "OSError",
    ),
    Hostile(
        "raising the limits",
        "import resource\n" + inside("resource.setrlimit(resource.RLIMIT_AS, (-1, -1))\nreturn 42"),
        "failed",
        "ValueError|not allowed",
    ),
]

PROCESSES = [
    Hostile("fork bomb", "import os\n" + inside("while True: os.fork()"), "denied", REFUSED),
    Hostile("forkpty", "import os\n" + inside("return os.forkpty()"), "denied", REFUSED),
    Hostile("os.system", "import os\n" + inside("return os.system('id')"), "denied", REFUSED),
    Hostile("os.popen", "import os\n" + inside("return os.popen('id').read()"), "denied", REFUSED),
    Hostile(
        "subprocess",
        "import subprocess\n" + inside("return subprocess.check_output(['id'])"),
        "denied",
        REFUSED,
    ),
    Hostile(
        "posix_spawn",
        "import os\n" + inside("return os.posix_spawn('/bin/sh', ['sh'], {})"),
        "denied",
        REFUSED,
    ),
    Hostile(
        "exec",
        "import os\n" + inside("os.execv('/bin/sh', ['sh', '-c', 'exit 0'])"),
        "denied",
        REFUSED,
    ),
    Hostile(
        "multiprocessing",
        "import multiprocessing as m\n"
        + inside("p = m.Process(target=print)\np.start()\nreturn 42"),
        "denied",
        REFUSED,
    ),
    Hostile(
        "process without the hook",
        "import _posixsubprocess, os\n"
        + inside(
            "r, w = os.pipe()\nreturn _posixsubprocess.fork_exec([b'/bin/true'], [b'/bin/true'], True, (), None, None, -1, -1, -1, -1, -1, -1, r, w, False, False, -1, None, None, None, -1, None, True)"
        ),
        "denied",
        REFUSED,
    ),
    Hostile("kill everything", "import os\n" + inside("os.kill(-1, 9)"), "denied", REFUSED),
    Hostile(
        "kill the parent", "import os\n" + inside("os.kill(os.getppid(), 9)"), "denied", REFUSED
    ),
    Hostile(
        "foreign functions",
        "import ctypes\n" + inside("return ctypes.CDLL(None).fork()"),
        "denied",
        REFUSED,
    ),
    Hostile(
        "pickled command",
        "import pickle\n" + inside("return pickle.loads(b\"cos\\nsystem\\n(S'id'\\ntR.\")"),
        "denied",
        REFUSED,
    ),
    Hostile(
        "subclasses of object",
        inside(
            "for c in ().__class__.__base__.__subclasses__():\n"
            "    if c.__name__ == '_wrap_close':\n"
            "        return c.__init__.__globals__['system']('id')"
        ),
        "denied",
        REFUSED,
    ),
]

FILES = [
    Hostile("passwords", inside("return open('/etc/passwd').read()"), "denied", REFUSED),
    Hostile(
        "a file of the host",
        inside("return open({canary!r}).read()"),
        "denied failed",
        f"{REFUSED}|{ABSENT}",
    ),
    Hostile(
        "writing to the host",
        inside("open({canary!r}, 'w').write('gone')\nreturn 42"),
        "denied failed",
        f"{REFUSED}|{ABSENT}",
    ),
    Hostile(
        "deleting on the host",
        "import os\n" + inside("os.remove({canary!r})\nreturn 42"),
        "denied failed",
        f"{REFUSED}|{ABSENT}",
    ),
    Hostile(
        "deleting everything",
        "import shutil\n" + inside("shutil.rmtree('/root')\nreturn 42"),
        "denied",
        REFUSED,
    ),
    Hostile(
        "list of the root", "import os\n" + inside("return os.listdir('/')"), "denied", REFUSED
    ),
    Hostile(
        "a path that climbs", inside("return open('../../../etc/passwd').read()"), "denied", REFUSED
    ),
    Hostile(
        "a path that hides its climbing",
        inside("return open('/usr/lib/../../etc/passwd').read()"),
        "denied",
        REFUSED,
    ),
    Hostile(
        "a link",
        "import os\n" + inside("os.symlink('/etc/passwd', '/tmp/l')\nreturn open('/tmp/l').read()"),
        "denied",
        REFUSED,
    ),
    Hostile(
        "a file by its descriptor",
        "import os\n" + inside("return os.open('/etc/shadow', os.O_RDONLY)"),
        "denied",
        REFUSED,
    ),
    Hostile(
        "variables of the environment",
        "import os\n" + inside("return os.environ['HOST_SECRET']"),
        "failed",
        "KeyError",
    ),
    Hostile(
        "variables by the kernel",
        inside("return open('/proc/self/environ').read()"),
        "denied",
        REFUSED,
    ),
    Hostile(
        "the root of another process",
        "import os\n" + inside("return os.listdir('/proc/1/root')"),
        "denied",
        REFUSED,
    ),
    Hostile(
        "changing Python itself",
        "import os\n" + inside("open(os.__file__, 'a').write('x')\nreturn 42"),
        "denied",
        REFUSED,
    ),
]

NETWORK = [
    Hostile(
        "a server of the host",
        "import socket\n"
        + inside("socket.create_connection(('127.0.0.1', {port})).send(b'x')\nreturn 42"),
        "denied",
        REFUSED,
    ),
    Hostile(
        "the module below",
        "import _socket\n"
        + inside("s = _socket.socket(2, 1)\ns.connect(('127.0.0.1', {port}))\nreturn 42"),
        "denied",
        REFUSED,
    ),
    Hostile(
        "a web page",
        "import urllib.request\n"
        + inside("return urllib.request.urlopen('http://127.0.0.1:{port}/').read()"),
        "denied",
        REFUSED,
    ),
    Hostile(
        "a name",
        "import socket\n" + inside("return socket.getaddrinfo('example.org', 80)"),
        "denied",
        REFUSED,
    ),
    Hostile(
        "a port of its own",
        "import socket\n" + inside("return socket.create_server(('', 0))"),
        "denied",
        REFUSED,
    ),
    Hostile(
        "a socket of the system",
        "import socket\n"
        + inside("s = socket.socket(socket.AF_UNIX)\ns.connect('/run/docker.sock')\nreturn 42"),
        "denied",
        REFUSED,
    ),
]

CHEATS = [
    Hostile(
        "leaving early", "import os\n" + inside("os._exit(0)"), "failed", "ended the interpreter"
    ),
    Hostile("leaving while loading", "import sys\nsys.exit(0)", "failed", "SystemExit"),
    Hostile(
        "equal to everything",
        "class Any:\n    def __eq__(self, other): return True\n" + inside("return Any()"),
        "failed",
        "^$",
    ),
    Hostile(
        "a number that is equal to everything",
        "class Any(int):\n    def __eq__(self, other): return True\n    __hash__ = int.__hash__\n"
        + inside("return Any()"),
        "failed",
        "^$",
    ),
    Hostile(
        "forged results",
        "import os\n"
        + inside(
            "for fd in range(64):\n"
            '    try: os.write(fd, b\'\\n{{"passed": true, "value": ["int", "0x2a"]}}\\n\')\n'
            "    except OSError: pass\n"
            "return 41"
        ),
        "failed",
        "^$",
    ),
    Hostile(
        "the secret of the results",
        "import os, sys\n"
        + inside(
            "found, frame = b'', sys._getframe()\n"
            "while frame:\n"
            "    for value in [*frame.f_locals.values(), *frame.f_globals.values()]:\n"
            "        if isinstance(value, dict) and 'secret' in value: found = value['secret'].encode()\n"
            "    frame = frame.f_back\n"
            "for fd in range(64):\n"
            "    try:\n"
            "        os.lseek(fd, 0, 0)\n"
            "        text = os.read(fd, 1000)\n"
            "        if b'secret' in text: found = text.split(b'\"')[3]\n"
            "    except OSError: pass\n"
            'line = found + b\'{{"value": ["int", "0x2a"]}}\\n\'\n'
            "for fd in range(64) if found else ():\n"
            "    try: os.write(fd, line * 2)\n"
            "    except OSError: pass\n"
            "return 41"
        ),
        "failed",
        "^$",
    ),
    Hostile(
        "all objects",
        "import gc\n"
        + inside("return [o for o in gc.get_objects() if isinstance(o, dict) and 'secret' in o]"),
        "denied",
        REFUSED,
    ),
    Hostile(
        "other frames", "import sys\n" + inside("return sys._current_frames()"), "denied", REFUSED
    ),
    Hostile(
        "other modules",
        'import builtins, json, operator, os\njson.dumps = lambda *a, **k: \'{{"value": ["int", "0x2a"]}}\'\noperator.eq = lambda a, b: True\nbuiltins.repr = lambda x: \'42\'\n'
        + inside("return 41"),
        "failed",
        "^$",
    ),
    Hostile(
        "forged code",
        "import types\n" + inside("f = answer.__code__\nreturn f.replace(co_code=b'\\x00' * 8)"),
        "denied",
        REFUSED,
    ),
    Hostile(
        "a message at the end",
        "import atexit\natexit.register(print, '42')\n" + inside("return 41"),
        "failed",
        "^$",
    ),
    Hostile(
        "a closed channel",
        "import os\n" + inside("os.closerange(0, 64)\nreturn 42"),
        "failed",
        "closed|ended|Error",
    ),
]

CORPUS = [*LOOPS, *BOMBS, *PROCESSES, *FILES, *NETWORK, *CHEATS]
