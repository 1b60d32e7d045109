"""The mask: what is found, in which form, whatever the pieces; and what is left alone.

The claim, for a value of at least 8 bytes written down in one of the known forms: of it no four characters in
a row are shown, wherever it stands and however the text is cut into pieces. What stands around it is shown
byte for byte. Texts around are drawn from characters that the values have not, so that nothing of a value can
be there by chance.
"""

import base64
import json
import pickle
import re
from collections.abc import Iterator
from itertools import pairwise
from urllib.parse import quote, quote_plus

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.hunting import examples
from triform.errors import Complaint, Failure, Suggestion
from triform.runs.mask import Mask
from triform.runs.mask_forms import needles_of

TOKEN = "hunter2hunter2"
AWKWARD = "p\"4ss\\w/rd & <ü>+%~'#{x}\té"
KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nEFAASCBKcwggSjAgEAAoIBAQ\n-----END KEY-----\n"
LONG = "".join(chr(97 + (at * 7 + at // 26) % 26) for at in range(3000))

values = st.one_of(
    st.text(
        alphabet=st.characters(exclude_characters="\0·×¤¶", exclude_categories=["Cs"]), min_size=8, max_size=40
    ),
    st.text(alphabet='abcdefgh01/+%~&= \n"\\é', min_size=8, max_size=200),
    st.sampled_from([TOKEN, AWKWARD, KEY, LONG, "aaaaaaaaaaaa", "abababababab"]),
).filter(lambda value: len(value.strip()) >= 8)
around = st.text(alphabet="·×¤¶", max_size=20)


def pieces_of(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    yield from (data[a:b] for a, b in pairwise(places))


def streamed(mask: Mask, data: bytes, cuts: list[int]) -> bytes:
    stream = mask.stream()
    return b"".join([stream.feed(piece) for piece in pieces_of(data, cuts)]) + stream.end()


def forms(value: str) -> list[str]:
    """What programs would print; the ways of this test, not of the mask."""
    raw = value.encode()
    percent = [
        quote(value, safe=""),
        quote(value),
        quote_plus(value),
        quote(value, safe="!*'()").replace("~", "%7E"),
    ]
    return [
        value,
        *percent,
        *(re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text) for text in percent[:3]),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode(),
        base64.b64encode(raw).decode().rstrip("="),
        quote(base64.b64encode(raw).decode(), safe=""),
    ]


@given(values, around, around, st.lists(st.integers(0, 400), max_size=12), st.data())
@examples(150)
def test_no_form_of_a_value_is_shown_however_the_text_is_cut(
    value: str, before: str, after: str, cuts: list[int], data: st.DataObject
) -> None:
    form = data.draw(st.sampled_from(forms(value.strip())))
    text = (before + form + after).encode()
    shown = streamed(Mask([value]), text, cuts).decode()
    assert shown == f"{before}[secret]{after}"


@given(values, st.binary(max_size=9), st.binary(max_size=9), st.lists(st.integers(0, 400), max_size=12))
@examples(120)
def test_base64_is_found_in_whatever_was_encoded_with_it(
    value: str, before: bytes, after: bytes, cuts: list[int]
) -> None:
    raw = value.strip().encode()
    encoded = base64.b64encode(before + raw + after)
    shown = streamed(Mask([value]), b"(" + encoded + b")", cuts)
    begins, ends = -(-8 * len(before) // 6), 8 * (len(before) + len(raw)) // 6
    secret = encoded[begins:ends]
    assert not any(secret[at : at + 4] in shown for at in range(len(secret) - 3) if before == after == b"")
    assert shown.startswith(b"(" + encoded[: max(begins - 1, 0)])
    assert len(shown) <= len(encoded) - len(secret) + len(b"([secret])")


@given(
    st.sampled_from([TOKEN, KEY, LONG, AWKWARD * 4]), st.sampled_from([60, 64, 76]), st.integers(0, 90), st.data()
)
@examples(120)
def test_base64_in_lines_is_found(value: str, width: int, before: int, data: st.DataObject) -> None:
    """As Ruby's `encode64`, `openssl` and MIME break it."""
    encoded = base64.b64encode(b"\xff" * before + value.strip().encode()).decode()
    broken = "\n".join(encoded[at : at + width] for at in range(0, len(encoded), width)) + "\n"
    cuts = data.draw(st.lists(st.integers(0, len(broken)), max_size=8))
    shown = streamed(Mask([value]), broken.encode(), cuts).decode().replace("\n", "")
    begins, ends = -(-8 * before // 6), 8 * (before + len(value.strip().encode())) // 6
    ahead, marker, behind = shown.partition("[secret]")
    assert marker
    assert encoded.startswith(ahead)
    assert len(ahead) <= begins + 4  # when a line ends within its first four
    assert encoded.endswith(behind)
    assert len(behind) <= len(encoded) - ends


@given(
    st.lists(values, min_size=1, max_size=4), st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=12)
)
@examples(150)
@example([LONG[:26] * 3], b"d", [64])
@example([LONG[26:52] * 4, LONG], b"d", [64])
def test_the_pieces_do_not_matter(known: list[str], noise: bytes, cuts: list[int]) -> None:
    mask = Mask(known)
    text = noise.join(form.encode() for form in forms(known[0].strip())) + known[-1].encode()[:-1]
    assert streamed(mask, text, cuts) == streamed(mask, text, [])


@st.composite
def repetitive(draw: st.DrawFn) -> str:
    """A value of which parts look like others of its parts."""
    letters = draw(st.sampled_from(["ab", "abc", "abcdefgh01/+"]))
    period = draw(st.text(alphabet=letters, min_size=1, max_size=70))
    value = list((period * 200)[: draw(st.integers(8, 200))])
    for at in draw(st.lists(st.integers(0, len(value) - 1), max_size=3)):
        value[at] = draw(st.sampled_from(letters))
    return "".join(value)


@st.composite
def made_of(draw: st.DrawFn, known: list[str]) -> bytes:
    """Values, their parts and their base64 in lines, one after another."""
    parts = []
    for value in draw(st.lists(st.sampled_from(known), min_size=1, max_size=6)):
        begin, end = sorted(draw(st.tuples(*[st.integers(0, len(value))] * 2)))
        part = draw(st.sampled_from([value, value[begin:], value[:end], value[begin:end], "d", "\\n"]))
        if draw(st.booleans()):
            encoded = base64.b64encode(b"\xff" * draw(st.integers(0, 2)) + part.encode()).decode()
            width = draw(st.sampled_from([200, 4, 5, 60, 64]))
            line_break = draw(st.sampled_from(["\n", "\r\n", "\\n", "\\r\\n"]))
            part = line_break.join(encoded[at : at + width] for at in range(0, len(encoded), width))
        parts.append(part)
    return draw(st.sampled_from(["", "d", "\n"])).join(parts).encode()


@given(st.lists(repetitive(), min_size=1, max_size=3), st.lists(st.integers(0, 400), max_size=8), st.data())
@examples(150)
def test_the_pieces_do_not_matter_where_values_look_like_themselves_and_each_other(
    known: list[str], cuts: list[int], data: st.DataObject
) -> None:
    mask, text = Mask(known), data.draw(made_of(known))
    whole = streamed(mask, text, [])
    assert streamed(mask, text, cuts) == whole
    assert streamed(mask, text, list(range(len(text)))) == whole


@given(st.lists(repetitive(), min_size=1, max_size=3), st.data())
@examples(150)
@example(["c" * 137 + "b" + "c" * 59 + "accccccacc"], None)
def test_values_that_look_like_themselves_and_each_other_are_hidden_whole(
    known: list[str], data: st.DataObject | None
) -> None:
    text = data.draw(made_of(known)).decode() if data else known[0] * 2
    inside = [any(value in text[max(0, at - len(value) + 1) : at + len(value)] for value in known)
              for at in range(len(text))]  # fmt: skip
    shown = streamed(Mask(known), text.encode(), []).decode().replace("[secret]", "")
    assert len(shown) <= inside.count(False)


@given(st.lists(st.sampled_from(["aaaaaaaa", "aaaaaaaab", "abababab", "babababa", "aabaabaa"]), min_size=1),
       st.text(alphabet="ab", max_size=80), st.lists(st.integers(0, 80), max_size=8))  # fmt: skip
@examples(150)
def test_values_that_overlap_are_covered_together(known: list[str], text: str, cuts: list[int]) -> None:
    covered = [any(text[s : s + len(v)] == v and s <= at < s + len(v) for v in known for s in range(len(text)))
               for at in range(len(text))]  # fmt: skip
    expected = ""
    for at, hidden in enumerate(covered):
        expected += text[at] if not hidden else "[secret]" if at == 0 or not covered[at - 1] else ""
    assert streamed(Mask(known), text.encode(), cuts).decode() == expected


@given(values, st.integers(0, 200), st.lists(st.integers(0, 400), max_size=6))
@examples(80)
def test_a_text_that_breaks_off_within_a_value_shows_less_than_four_of_its_bytes(
    value: str, size: int, cuts: list[int]
) -> None:
    told = value.strip().encode()
    stream = Mask([value]).stream()
    shown = b"".join([stream.feed(piece) for piece in pieces_of(told[:size], cuts)]) + stream.end(cut=True)
    assert shown.replace(b"[secret]", b"") in [told[:few] for few in range(4)] or told[:size] == b""


@pytest.mark.parametrize("known", [[TOKEN], [AWKWARD], [KEY, LONG]])
def test_what_has_no_value_in_it_is_not_held_back(known: list[str]) -> None:
    stream = Mask(known).stream()
    for line in (b"started\n", b"a longer line, with words\n", b"\n", b"done Mh\n", b"\xff\xfe\n"):
        assert stream.feed(line) == line


def test_a_beginning_waits_for_what_follows_and_is_shown_if_it_was_none() -> None:
    stream = Mask([TOKEN]).stream()
    assert stream.feed(b"say hunter2hun") == b"say "
    assert stream.feed(b"dred\n") == b"hunter2hundred\n"


def test_every_line_of_a_value_of_several_counts_by_itself() -> None:
    shown = Mask([KEY]).text("line: MIIEvQIBADANBgkqhkiG9w0BAQ.")
    assert shown == "line: [secret]."


def test_neither_beginning_nor_length_is_shown() -> None:
    assert {Mask([value]).text(f"<{value}>") for value in (TOKEN, LONG, AWKWARD, KEY.strip())} == {"<[secret]>"}


@given(st.lists(values, min_size=1, max_size=3), st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | values,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | values, inner, max_size=4),
))  # fmt: skip
@examples(120)
@example(['{"key":"v1"}'], {"a": {"key": "v1"}})
@example(["nabcdefgh"], "x\nabcdefgh\\nabcdefgh")
@example(["12345678"], [123456789, 12345678, "12345678"])
@example(['abc","def'], ["abc", "def"])
def test_json_stays_json_and_has_no_value_in_it(known: list[str], told: object) -> None:
    mask = Mask(known)
    for text in (msgspec.json.encode(told), json.dumps(told).encode()):
        shown = mask.json(text)
        decoded = json.loads(shown)
        again = json.dumps(decoded, ensure_ascii=False, separators=(",", ":"))
        for value in known:
            assert value.strip() not in _texts(decoded) or value.strip() in "[secret]", again
        if json.dumps(decoded) == json.dumps(told):
            assert shown == text


def _texts(value: object) -> str:
    if isinstance(value, dict):
        return "\n\0".join(_texts(each) for pair in value.items() for each in pair)
    if isinstance(value, list):
        return "\n\0".join(map(_texts, value))
    return str(value)


def test_json_written_with_needless_escapes_is_seen_through() -> None:
    escaped = "".join(f"\\u{ord(character):04x}" for character in TOKEN)
    assert Mask([TOKEN]).json(f'{{"a":"{escaped}"}}'.encode()) == b'{"a":"[secret]"}'


def test_json_without_a_value_is_the_very_same_text() -> None:
    text = b'{"b" : 1.10, "a":12345678901234567890123, "b": "\\u00e9\\/"}'
    assert Mask([TOKEN]).json(text) is text


def test_a_failure_is_masked_in_every_text_of_it() -> None:
    failure = Failure(
        code="X", kind="internal", message=f"no {TOKEN}",
        suggestion=Suggestion(why=TOKEN, fix=TOKEN, patch=({"op": "add", "value": TOKEN},), example=[TOKEN]),
        errors=(Complaint("/a", TOKEN),), facts={"exception": {"backtrace": [f"main.rb:1:in {TOKEN}"]}},
    )  # fmt: skip
    shown = Mask([TOKEN]).failure(failure)
    assert "hunter" not in repr(shown)
    assert shown.code == "X"
    assert shown.facts["exception"]["backtrace"] == ["main.rb:1:in [secret]"]


def test_a_mask_tells_nobody_what_it_hides() -> None:
    mask = Mask([TOKEN])
    assert "hunter" not in f"{mask!r} {list(needles_of(TOKEN).values())!r}"
    with pytest.raises(TypeError):
        pickle.dumps(mask)


def test_a_value_is_found_within_what_begins_like_another() -> None:
    shared = "eyJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.eyJpc3MiOiJodHRwczovL2F1dGguZXhhbXBsZSIsImF1ZCI6IngifQ."
    known = [f"Bearer {shared}first-signature", f"{shared}other-signature"]
    assert Mask(known).text(f"Authorization: Bearer {known[1]}\n") == "Authorization: [secret]\n"


def test_many_alike_values_and_a_text_made_to_nearly_match_are_no_trouble() -> None:
    """Each byte is looked at a bounded number of times, however long the values are."""
    known = ["a" * size + "b" for size in range(60, 110)] + ["a" * 60_000 + "b"]
    mask = Mask(known)
    assert mask.raw(b"a" * 200_000) == b"[secret]"
    assert streamed(mask, b"a" * 20_000, list(range(0, 20_000, 10))) == b"[secret]"
