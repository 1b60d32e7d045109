"""A small assembler for seccomp filters: classic BPF over `struct seccomp_data`, with labels.

    seccomp_data:  u32 nr | u32 arch | u64 instruction_pointer | u64 args[6]

A program is a list of `Op`; jumps name labels and only go forward. Pure.
"""

import struct
from collections.abc import Iterable
from typing import NamedTuple

KILL_PROCESS = 0x80000000
ALLOW = 0x7FFF0000

NUMBER, ARCHITECTURE, _ARGUMENTS = 0, 4, 16

_LOAD, _RETURN, _EQUAL, _AT_LEAST, _ABOVE, _ANY_BIT, _AND = 0x20, 0x06, 0x15, 0x35, 0x25, 0x45, 0x54
_INSTRUCTION = struct.Struct("=HBBI")
_MOST = 4096


class Op(NamedTuple):
    """One instruction; `then`/`other` are labels (None = fall through); `label` names this place."""

    code: int
    value: int = 0
    then: str | None = None
    other: str | None = None
    label: str | None = None


def mark(label: str) -> Op:
    """A place to jump to; no instruction of its own."""
    return Op(-1, label=label)


def errno(number: int) -> int:
    """The action that makes a call fail with this errno."""
    return 0x00050000 | number


def load(offset: int) -> Op:
    return Op(_LOAD, offset)


def load_low(argument: int) -> Op:
    return Op(_LOAD, _ARGUMENTS + 8 * argument)


def load_high(argument: int) -> Op:
    return Op(_LOAD, _ARGUMENTS + 8 * argument + 4)


def keep(mask: int) -> Op:
    return Op(_AND, mask)


def done(action: int) -> Op:
    return Op(_RETURN, action)


def if_equal(value: int, then: str | None = None, other: str | None = None) -> Op:
    return Op(_EQUAL, value, then, other)


def if_at_least(value: int, then: str | None = None, other: str | None = None) -> Op:
    return Op(_AT_LEAST, value, then, other)


def if_above(value: int, then: str | None = None, other: str | None = None) -> Op:
    return Op(_ABOVE, value, then, other)


def if_any_bit(mask: int, then: str | None = None, other: str | None = None) -> Op:
    return Op(_ANY_BIT, mask, then, other)


def assemble(ops: Iterable[Op]) -> bytes:
    """An array of `struct sock_filter`. ValueError for an unknown label or a jump too far."""
    program, places = _place(ops)
    if len(program) > _MOST:
        raise ValueError(f"a filter of {len(program)} instructions, the kernel takes {_MOST}")
    return b"".join(_encode(at, op, places) for at, op in enumerate(program))


def _place(ops: Iterable[Op]) -> tuple[list[Op], dict[str, int]]:
    program: list[Op] = []
    places: dict[str, int] = {}
    for op in ops:
        if op.label is None:
            program.append(op)
        else:
            places[op.label] = len(program)
    return program, places


def _encode(at: int, op: Op, places: dict[str, int]) -> bytes:
    then, other = (_distance(at, label, places) for label in (op.then, op.other))
    return _INSTRUCTION.pack(op.code, then, other, op.value)


def _distance(at: int, label: str | None, places: dict[str, int]) -> int:
    if label is None:
        return 0
    distance = places.get(label, -1) - at - 1
    if not 0 <= distance <= 255:
        raise ValueError(f"no jump from {at} to {label!r}")
    return distance
