"""A filter of system calls for programs that need no process, no socket and no kernel interface.

It is what holds a caller that is root, whom RLIMIT_NPROC does not bind. A filter is a program in
classic BPF (seccomp(2)); it is given to bubblewrap, which installs it right before the sandboxed
program is executed.
"""

from __future__ import annotations

import platform
import struct
from collections.abc import Mapping

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""Opcodes: load a word at an offset; jump if equal, if at least, if any bit is set; return."""
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
"""Offsets in `struct seccomp_data`."""
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_CLONE_THREAD = 0x00010000
_X32 = 0x40000000
"""System calls from here on are those of another interface, with numbers of its own."""

_X86_64: Mapping[str, int] = {
    "clone": 56,
    "clone3": 435,
    "fork": 57,
    "vfork": 58,
    "execveat": 322,
    "socket": 41,
    "ptrace": 101,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "mount": 165,
    "umount2": 166,
    "pivot_root": 155,
    "chroot": 161,
    "unshare": 272,
    "setns": 308,
    "bpf": 321,
    "perf_event_open": 298,
    "userfaultfd": 323,
    "io_uring_setup": 425,
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    "open_by_handle_at": 304,
    "kexec_load": 246,
    "init_module": 175,
    "finit_module": 313,
    "memfd_create": 319,
}
_AARCH64: Mapping[str, int] = {
    "clone": 220,
    "clone3": 435,
    "execveat": 281,
    "socket": 198,
    "ptrace": 117,
    "process_vm_readv": 270,
    "process_vm_writev": 271,
    "mount": 40,
    "umount2": 39,
    "pivot_root": 41,
    "chroot": 51,
    "unshare": 97,
    "setns": 268,
    "bpf": 280,
    "perf_event_open": 241,
    "userfaultfd": 282,
    "io_uring_setup": 425,
    "add_key": 217,
    "request_key": 218,
    "keyctl": 219,
    "open_by_handle_at": 265,
    "kexec_load": 104,
    "init_module": 105,
    "finit_module": 273,
    "memfd_create": 279,
}
_MACHINES = {"x86_64": (0xC000003E, _X86_64), "aarch64": (0xC00000B7, _AARCH64)}


_PROCESSES = ("clone", "clone3", "fork", "vfork")


def filter_program(*, processes: bool, machine: str = platform.machine()) -> bytes | None:
    """Return the filter for a machine; None for one whose system calls are not known here.

    Without `processes` new threads are allowed and new processes are not; `clone3`, whose flags a
    filter cannot read, is said not to exist, so that libraries fall back to `clone`.
    """
    if machine not in _MACHINES:
        return None
    architecture, numbers = _MACHINES[machine]
    code = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUAL, architecture, 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
        _step(_AT_LEAST, _X32, 0, 1),
        _step(_RETURN, _ERRNO | _EPERM),
    ]
    for name, number in numbers.items():
        if name not in _PROCESSES:
            code += [_step(_EQUAL, number, 0, 1), _step(_RETURN, _ERRNO | _EPERM)]
    if not processes:
        code += _no_processes(numbers)
    return b"".join([*code, _step(_RETURN, _ALLOW)])


def _no_processes(numbers: Mapping[str, int]) -> list[bytes]:
    code = [_step(_EQUAL, numbers["clone3"], 0, 1), _step(_RETURN, _ERRNO | _ENOSYS)]
    for name in ("fork", "vfork"):
        if name in numbers:
            code += [_step(_EQUAL, numbers[name], 0, 1), _step(_RETURN, _ERRNO | _EPERM)]
    return [
        *code,
        _step(_EQUAL, numbers["clone"], 0, 3),
        _step(_LOAD, _FIRST_ARGUMENT),
        _step(_ANY_BIT, _CLONE_THREAD, 1, 0),
        _step(_RETURN, _ERRNO | _EPERM),
    ]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
