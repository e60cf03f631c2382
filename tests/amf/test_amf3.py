"""AMF3: bytes that py3amf writes too, then any values, then any bytes."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipstream.amf import (
    COMMAND_LIMITS,
    DATA_LIMITS,
    UNDEFINED,
    EcmaArray,
    Limits,
    TypedObject,
    Value,
    Xml,
    build_amf3,
    parse_amf3,
)
from slipstream.errors import AmfError
from tests.amf.samples import alike, any_value, text

COLLECTION = "flex.messaging.io.ArrayCollection"
COLLECTION_HEADER = "0a 07 43" + COLLECTION.encode().hex()

BOTH_WAYS = [
    ("00", UNDEFINED),
    ("01", None),
    ("02", False),
    ("03", True),
    ("04 00", 0),
    ("04 7f", 127),
    ("04 8100", 128),
    ("04 ff7f", 16383),
    ("04 818000", 16384),
    ("04 ffff7f", 2097151),
    ("04 80c08000", 2097152),
    ("04 bfffffff", 2**28 - 1),
    ("04 ffffffff", -1),
    ("04 c0808000", -(2**28)),
    ("05 41b0000000000000", 2.0**28),
    ("06 01", ""),
    ("06 05 6162", "ab"),
    ("06 05 61ff", "a\udcff"),
    ("08 01 4278bcfe56800000", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
    ("09 05 01 06 05 6162 06 00", ["ab", "ab"]),
    ("09 01 03 6b 03 01", EcmaArray(k=True)),
    ("0a 0b 01 03 61 04 01 01", {"a": 1}),
    ("0a 0b 03 50 03 61 04 01 01", TypedObject("P", {"a": 1})),
    ("0b 09 3c612f3e", Xml("<a/>")),
    ("0c 07 010203", b"\1\2\3"),
    (COLLECTION_HEADER + "09 03 01 04 01", TypedObject(COLLECTION, {"source": [1]})),
]

READ_ONLY = [
    pytest.param("07 09 3c612f3e", Xml("<a/>"), id="XMLDocument"),
    pytest.param("09 03 03 6b 03 01 04 07", EcmaArray({"k": True, "0": 7}), id="names and places"),
    pytest.param("0a 13 01 03 61 04 01", {"a": 1}, id="anonymous and sealed"),
    pytest.param("0a 1b 01 03 61 04 01 03 62 04 02 01", {"a": 1, "b": 2}, id="sealed and dynamic"),
    pytest.param(
        "09 05 01 0a 23 03 50 03 78 03 79 0401 0402 0a 01 0403 0404",
        [TypedObject("P", {"x": 1, "y": 2}), TypedObject("P", {"x": 3, "y": 4})],
        id="the second object refers to the first one's class",
    ),
    pytest.param("0d 05 00 00000001 ffffffff", [1, -1], id="vector of int"),
    pytest.param("0e 05 01 00000001 ffffffff", [1, 2**32 - 1], id="vector of uint"),
    pytest.param("0f 03 01 3ff8000000000000", [1.5], id="vector of double"),
    pytest.param("10 01 00 03 50", [], id="empty vector of object"),
    pytest.param("10 03 00 01 0a 0b 01 01", [{}], id="vector of object"),
    pytest.param("11 03 00 06 03 61 04 01", [["a", 1]], id="dictionary"),
    pytest.param(
        "0a 07 3b" + b"flex.messaging.io.ObjectProxy".hex() + "0a 0b 01 01",
        TypedObject("flex.messaging.io.ObjectProxy", {"object": {}}),
        id="object proxy",
    ),
]


@pytest.mark.parametrize(("wire", "value"), BOTH_WAYS)
def test_each_kind_both_ways(wire: str, value: Value) -> None:
    data = bytes.fromhex(wire)
    (parsed,) = parse_amf3(data)
    assert alike(parsed, value)
    assert build_amf3(value) == data


@pytest.mark.parametrize(("wire", "value"), READ_ONLY)
def test_each_kind_that_we_only_read(wire: str, value: Value) -> None:
    (parsed,) = parse_amf3(bytes.fromhex(wire))
    assert alike(parsed, value)


@pytest.mark.parametrize("wire", [case[0] for case in BOTH_WAYS] + [p.values[0] for p in READ_ONLY])
def test_each_kind_cut_anywhere_is_an_error(wire: str) -> None:
    data = bytes.fromhex(wire)
    for size in range(1, len(data)):
        with pytest.raises(AmfError):
            parse_amf3(data[:size])


@pytest.mark.parametrize("number", [2**28, -(2**28) - 1, 2**40])
def test_integers_beyond_29_bits_become_doubles(number: int) -> None:
    assert build_amf3(number)[0] == 0x05
    assert parse_amf3(build_amf3(number)) == [float(number)]


def test_values_follow_each_other_and_share_references() -> None:
    data = bytes.fromhex("06 05 6162 06 00 0a 0b 01 00 0401 01 0a 00")
    first, second, third, fourth = parse_amf3(data)
    assert (first, second, third) == ("ab", "ab", {"ab": 1})
    assert fourth is third


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("06 00", "string 0 of 0"),
        ("06 03 61 06 02", "string 1 of 1"),
        ("0a 00", "object 0 of 0"),
        ("09 03 01 09 02", "object 1 of 1"),
        ("0a 01", "class 0 of 0"),
        ("0c fffffffe", "object 268435455 of 0"),
    ],
)
def test_a_reference_to_nothing_is_refused(data: str, kind: str) -> None:
    with pytest.raises(AmfError, match=f"reference to {kind}"):
        parse_amf3(bytes.fromhex(data))


def test_the_empty_string_has_no_number() -> None:
    assert parse_amf3(bytes.fromhex("06 01 06 03 61 06 00")) == ["", "a", "a"]


def test_everything_with_a_header_has_a_number() -> None:
    """Dates, XML, byte arrays and vectors count among the objects."""
    kinds = "08 01 0000000000000000 0b 03 61 0c 03 61 0d 01 00 11 01 00 0a 0b 01 01"
    for marker in ("08", "0a"):  # whatever the marker of the reference
        *values, last = parse_amf3(bytes.fromhex(f"{kinds} {marker} 0a"))
        assert last is values[5]


@pytest.mark.parametrize(
    "data", ["0a 0b 01 03 61 0a 00 01", "09 03 01 09 00", "11 03 00 01 11 00", "10 03 00 01 10 00"]
)
def test_containers_may_contain_themselves(data: str) -> None:
    (value,) = parse_amf3(bytes.fromhex(data))
    again = build_amf3(value)
    assert build_amf3(*parse_amf3(again)) == again


def test_shared_values_do_not_multiply() -> None:
    shared: list[Value] = ["a" * 60_000] * 100
    for _ in range(10):
        shared = [shared] * 100
    data = build_amf3(shared)
    assert len(data) < 64_000
    assert build_amf3(*parse_amf3(data)) == data


def test_one_class_is_described_once() -> None:
    points: list[Value] = [TypedObject("P", {"x": i}) for i in range(3)]
    data = build_amf3(points)
    assert data.count(b"\x0a\x0b\x03P") == 1
    assert data.count(b"\x0a\x01\x02") == 2  # class 0, and the name "x" by its number
    assert parse_amf3(data) == [points]


# What is refused, and the limits.


@pytest.mark.parametrize("marker", [0x12, 0x80, 0xFF])
def test_markers_without_a_meaning_are_refused(marker: int) -> None:
    with pytest.raises(AmfError, match=f"marker 0x{marker:02x}"):
        parse_amf3(bytes([marker]) + bytes(20))


def test_classes_that_write_themselves_are_refused_if_unknown() -> None:
    with pytest.raises(AmfError, match="class 'DSK'"):
        parse_amf3(bytes.fromhex("0a 07 07 44534b 0100"))


def test_a_member_needs_a_name() -> None:
    nameless: list[Value] = [{"": 1}, EcmaArray({"": 1})]
    for value in nameless:
        with pytest.raises(AmfError, match="without a name"):
            build_amf3(value)


def nested(depth: int) -> Value:
    value: Value = []
    for level in range(depth - 1):
        value = [value] if level % 2 else {"a": value}
    return value


def test_depth_limit() -> None:
    data = build_amf3(nested(16))
    assert len(parse_amf3(data)) == 1
    for refused in (b"\x09\x03\x01" + data, b"\x09\x03\x01" * 60_000, b"\x11\x03\x00" * 60_000):
        with pytest.raises(AmfError, match="deeper than 16"):
            parse_amf3(refused)
    for depth in (17, 60_000):
        with pytest.raises(AmfError, match="deeper than 16"):
            build_amf3(nested(depth))


def test_what_has_no_members_has_no_depth() -> None:
    value: Value = [b"bytes", Xml("<a/>"), datetime(2000, 1, 1, tzinfo=UTC)]
    for _ in range(15):
        value = [value]
    assert parse_amf3(build_amf3(value)) == [value]


def test_containers_side_by_side_are_not_nested() -> None:
    kinds: list[Value] = [[{}, EcmaArray(a=[]), TypedObject("C")] for _ in range(30)]
    assert parse_amf3(build_amf3(kinds)) == [kinds]


@pytest.mark.parametrize(("limits", "most"), [(COMMAND_LIMITS, 512), (DATA_LIMITS, 4096)])
def test_value_limit(limits: Limits, most: int) -> None:
    assert len(parse_amf3(b"\x01" * most, limits=limits)) == most
    huge = bytes.fromhex("ffffffff")
    for refused in (
        b"\x01" * (most + 1),
        b"\x09" + huge + b"\x01" + b"\x01" * 60_000,  # array
        b"\x0a" + huge[:3] + b"\xf3" + b"\x01" * 60_000,  # sealed names
        b"\x0d" + huge + b"\x00" + bytes(60_000),  # vector
        b"\x10" + huge + b"\x00\x01" + b"\x01" * 60_000,  # vector of object
        b"\x11" + huge + b"\x00" + b"\x01" * 60_000,  # dictionary
    ):
        began = process_time()
        with pytest.raises(AmfError, match=f"more than {most} AMF values"):
            parse_amf3(refused, limits=limits)
        assert process_time() - began < 0.1


@pytest.mark.parametrize("marker", [0x06, 0x0B, 0x0C])
@pytest.mark.parametrize(("limits", "most"), [(COMMAND_LIMITS, 8192), (DATA_LIMITS, 65536)])
def test_string_limit(limits: Limits, most: int, marker: int) -> None:
    kinds: dict[int, Value] = {0x06: "a" * most, 0x0B: Xml("a" * most), 0x0C: b"a" * most}
    fits = kinds[marker]
    data = build_amf3(fits)
    assert data[0] == marker
    assert parse_amf3(data, limits=limits) == [fits]
    one_more = bytes([marker]) + build_amf3("a" * (most + 1))[1:]
    for refused in (one_more, bytes([marker]) + bytes.fromhex("ffffffff") + b"a" * 100):
        with pytest.raises(AmfError, match=f"limit {most}"):
            parse_amf3(refused, limits=limits)


def test_size_limit_when_building() -> None:
    with pytest.raises(AmfError, match="more than 1048576 bytes"):
        build_amf3([bytes([i]) * 60_000 for i in range(100)])


def test_what_is_no_value_is_our_own_mistake() -> None:
    with pytest.raises(TypeError, match="set has no AMF3"):
        build_amf3({1, 2})  # type: ignore[arg-type]


# Any values, any bytes.

numbers = st.integers(-(2**28), 2**28 - 1)


@settings(deadline=None, max_examples=50)
@given(st.lists(any_value(names=text.filter(bool), more=numbers), max_size=4))
def test_any_values_come_back(sent: list[Value]) -> None:
    assert alike(parse_amf3(build_amf3(*sent)), sent)


pieces = st.sampled_from([bytes([marker]) for marker in range(0x12)]) | st.binary(max_size=5)


@settings(deadline=None)
@given(st.lists(pieces, max_size=30).map(b"".join))
def test_any_bytes_give_values_or_an_amf_error(data: bytes) -> None:
    for limits in (COMMAND_LIMITS, DATA_LIMITS):
        try:
            found = parse_amf3(data, limits=limits)
        except AmfError:
            continue
        with suppress(AmfError):  # a sealed member may have no name, a dictionary be too deep
            assert len(parse_amf3(build_amf3(*found), limits=limits)) == len(found)
