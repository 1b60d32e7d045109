"""The kernel's side of a filter: classic BPF, interpreted over `struct seccomp_data`."""

import struct
from collections.abc import Sequence

ALLOW, KILL = "allow", "kill"


def decide(
    program: bytes, number: int, arguments: Sequence[int] = (), architecture: int = 0xC000003E
) -> str | int:
    """`allow`, `kill`, or the errno the call fails with."""
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("=IIQ6Q", number, architecture, 0, *(value & (1 << 64) - 1 for value in padded))
    return _action(_execute(list(struct.iter_unpack("=HBBI", program)), data))


def _execute(program: list[tuple[int, ...]], data: bytes) -> int:
    at = accumulator = 0
    while True:
        code, then, other, value = program[at]
        at += 1
        match code:
            case 0x20:
                (accumulator,) = struct.unpack_from("=I", data, value)
            case 0x54:
                accumulator &= value
            case 0x06:
                return value
            case _:
                at += then if _holds(code, accumulator, value) else other


def _holds(code: int, accumulator: int, value: int) -> bool:
    return {
        0x15: accumulator == value,
        0x25: accumulator > value,
        0x35: accumulator >= value,
        0x45: bool(accumulator & value),
    }[code]


def _action(returned: int) -> str | int:
    if returned == 0x7FFF0000:
        return ALLOW
    if returned == 0x80000000:
        return KILL
    assert returned >> 16 == 0x0005
    return returned & 0xFFFF
