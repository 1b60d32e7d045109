"""The assembler: labels, jumps, and what it refuses."""

import pytest

from triform.substrates.isolation.drivers.process.launcher import bpf


def test_labels_become_distances() -> None:
    program = bpf.assemble([bpf.if_equal(7, then="yes"), bpf.done(1), bpf.mark("yes"), bpf.done(2)])
    assert program == bytes.fromhex("150001000700000006000000010000000600000002000000")


@pytest.mark.parametrize(
    "ops",
    [
        [bpf.if_equal(1, then="nowhere"), bpf.done(0)],
        [bpf.mark("back"), bpf.done(0), bpf.if_equal(1, then="back")],
        [bpf.if_equal(1, then="far"), *[bpf.done(0)] * 256, bpf.mark("far"), bpf.done(1)],
        [bpf.done(0)] * 4097,
    ],
    ids=["unknown label", "backwards", "too far", "too long"],
)
def test_what_the_kernel_would_refuse_is_refused_here(ops: list[bpf.Op]) -> None:
    with pytest.raises(ValueError, match=r"no jump|instructions"):
        bpf.assemble(ops)
