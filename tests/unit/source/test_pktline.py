"""What a push asks for, and how it is answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triform.source.pktline import Command, Malformed, line, read_push, report
from triform.source.push import policy

OLD, NEW, NONE = "1" * 40, "2" * 40, "0" * 40
DRAFT = "refs/heads/draft"


def asked(*commands: tuple[str, str, str], capabilities: str = "report-status side-band-64k") -> bytes:
    texts = [f"{old} {new} {ref}" for old, new, ref in commands]
    lines = [line(f"{texts[0]}\0 {capabilities}".encode()), *(line(text.encode()) for text in texts[1:])]
    return b"".join(lines) + b"0000"


def test_commands_and_capabilities_are_read_up_to_the_pack() -> None:
    head = read_push(asked((OLD, NEW, DRAFT), (NONE, NEW, "refs/tags/v1")) + b"PACK and more")
    assert head is not None
    assert head.commands == (Command(OLD, NEW, DRAFT), Command(NONE, NEW, "refs/tags/v1"))
    assert head.capabilities == {"report-status", "side-band-64k"}


def test_what_is_cut_short_waits_for_more() -> None:
    whole = asked((OLD, NEW, DRAFT))
    assert all(read_push(whole[:at]) is None for at in range(len(whole)))


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise_anything_else(data: bytes) -> None:
    try:
        read_push(data)
    except Malformed:
        return


@pytest.mark.parametrize(("commands", "taken"), [
    ([(OLD, NEW, DRAFT)], True),
    ([], False),
    ([(OLD, NONE, DRAFT)], False),
    ([(NONE, NEW, DRAFT)], False),
    ([("3" * 40, NEW, DRAFT)], False),
    ([(OLD, NEW, "refs/heads/live")], False),
    ([(OLD, NEW, "draft")], False),
    ([(OLD, NEW, DRAFT), (OLD, NEW, DRAFT)], False),
    ([(OLD, NEW, DRAFT), (NONE, NEW, "refs/heads/x")], False),
])  # fmt: skip
def test_draft_alone_goes_on_from_where_it_is(commands: list[tuple[str, str, str]], taken: bool) -> None:
    refusals = policy([Command(*each) for each in commands], OLD)
    assert taken == (refusals == [] and bool(commands))
    assert len(refusals) == (0 if taken else len(commands))


def test_a_report_is_banded_with_what_is_told_before_it() -> None:
    told = report(frozenset({"report-status", "side-band-64k"}), [(DRAFT, "no\ngood \x1b[2J")], ["one", "two\n"])
    assert told.startswith(line(b"\x02one\ntwo\n"))
    assert b"ng refs/heads/draft no good [2J\n" in told
    assert told.endswith(b"0000")


def test_a_client_that_asks_for_no_report_gets_none() -> None:
    assert report(frozenset(), [(DRAFT, "")], ["x"]) == b""
    assert report(frozenset({"report-status"}), [(DRAFT, "")], ["x"]) == (
        line(b"unpack ok\n") + line(b"ok refs/heads/draft\n") + b"0000"
    )
