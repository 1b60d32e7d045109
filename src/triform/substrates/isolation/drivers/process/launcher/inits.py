"""First processes of pid namespaces: two programs of a few system calls each, as ELF files.

User code must not be PID 1, and a fork of the interpreter only to sit there costs more than all else about a
run. So that process is started from one of these:

    /dev/init   of a clone: say `born` on descriptor 4, close it, let the kernel reap, sleep
    /dev/first  of a template: reap until process 2 has ended, write its wait status (4 bytes) to descriptor 4, end

Both first become unreadable for whoever is below them and give up every capability. Pure; standard library only.
"""

import json
import struct
from collections.abc import Callable
from typing import NamedTuple

from triform.substrates.isolation.drivers.process.launcher.numbers import TABLES

LINE = 4
"""The descriptor either speaks on."""
MAIN = 2
"""The process a template's first process waits for: its first child."""

_BASE, _STATUS = 0x400000, 0x420000
_SET_DUMPABLE, _CHILD_SIGNAL, _WAIT_ALL = 4, 17, 0x40000000
_SAID = json.dumps({"type": "born"}).encode()
_BORN = struct.pack(">IcH", len(_SAID), b"J", 0) + _SAID
_ANYONE = 0xFFFFFFFF
_HEADERS = 64 + 2 * 56
_CAPABILITIES = _BASE + _HEADERS
_NOTHING = _CAPABILITIES + 8
_IGNORE = _NOTHING + 24
_FRAME = _IGNORE + 32
_DATA = struct.pack("<2I24xQ24x", 0x20080522, 0, 1) + _BORN.ljust(32, b"\0")
"""A capability header and empty sets; a signal action that ignores; the frame."""


class _Machine(NamedTuple):
    """`load` a number into a register, trap into the kernel, jump back by so many bytes: always, or unless the
    last call answered `MAIN`."""

    elf: int
    registers: tuple[int, ...]
    """Of the call's number, then of its arguments."""
    load: Callable[[int, int], bytes]
    trap: bytes
    back: Callable[[int], bytes]
    back_unless_main: Callable[[int], bytes]


def clones_first(machine: str) -> bytes:
    """KeyError for an architecture without tables."""
    program = _Program(machine)
    program.give_up()
    program.call("write", LINE, _FRAME, len(_BORN))
    program.call("close", LINE)
    program.call("rt_sigaction", _CHILD_SIGNAL, _IGNORE, 0, 8)
    start = len(program.code)
    program.call("rt_sigsuspend", _NOTHING, 8)
    return program.finish(program.machine.back(len(program.code) - start))


def templates_first(machine: str) -> bytes:
    """KeyError for an architecture without tables."""
    program = _Program(machine)
    program.give_up()
    start = len(program.code)
    program.call("wait4", _ANYONE, _STATUS, _WAIT_ALL, 0)
    program.code += program.machine.back_unless_main(len(program.code) - start)
    program.call("write", LINE, _STATUS, 4)
    program.call("exit_group", 0)
    return program.finish(b"")


class _Program:
    def __init__(self, machine: str) -> None:
        self.machine, self._numbers, self.code = _MACHINES[machine], TABLES[machine], b""

    def give_up(self) -> None:
        self.call("prctl", _SET_DUMPABLE, 0)
        self.call("capset", _CAPABILITIES, _NOTHING)

    def call(self, name: str, *arguments: int) -> None:
        values = (self._numbers[name], *arguments)
        loads = [self.machine.load(*pair) for pair in zip(self.machine.registers, values, strict=False)]
        self.code += b"".join(loads) + self.machine.trap

    def finish(self, end: bytes) -> bytes:
        """The ELF file: headers, data and code in one read-only segment, room for a status in another."""
        code = self.code + end
        entry, size = _CAPABILITIES + len(_DATA), _HEADERS + len(_DATA) + len(code)
        ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
        head = struct.pack("<HHIQQQIHHHHHH", 2, self.machine.elf, 1, entry, 64, 0, 0, 64, 56, 2, 0, 0, 0)
        text = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x10000)
        room = struct.pack("<IIQQQQQQ", 1, 6, 0, _STATUS, _STATUS, 0, 8, 0x10000)
        return ident + head + text + room + _DATA + code


def _x86_back(opcode: bytes) -> Callable[[int], bytes]:
    return lambda by: opcode + struct.pack("<i", -by - len(opcode) - 4)


def _arm_load(register: int, value: int) -> bytes:
    low, high = 0xD2800000 | (value & 0xFFFF) << 5, 0xF2A00000 | (value >> 16) << 5
    return struct.pack("<2I", low | register, high | register)


def _arm_back(by: int) -> bytes:
    return struct.pack("<I", 0x14000000 | (-by // 4) & 0x3FFFFFF)


def _arm_back_unless_main(by: int) -> bytes:
    compare = 0x7100001F | MAIN << 10
    return struct.pack("<2I", compare, 0x54000001 | ((-by - 4) // 4 & 0x7FFFF) << 5)


_X86_MOVES = {0: b"\xb8", 7: b"\xbf", 6: b"\xbe", 2: b"\xba", 10: b"\x41\xba"}

_MACHINES = {
    "x86_64": _Machine(
        elf=62,
        registers=(0, 7, 6, 2, 10),
        load=lambda register, value: _X86_MOVES[register] + struct.pack("<I", value),
        trap=b"\x0f\x05",
        back=_x86_back(b"\xe9"),
        back_unless_main=_x86_back(bytes((0x83, 0xF8, MAIN, 0x0F, 0x85))),
    ),
    "aarch64": _Machine(
        elf=183,
        registers=(8, 0, 1, 2, 3),
        load=_arm_load,
        trap=struct.pack("<I", 0xD4000001),
        back=_arm_back,
        back_unless_main=_arm_back_unless_main,
    ),
}
