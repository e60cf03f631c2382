"""AMF0: bytes that FFmpeg and Flash programs exchange, then any values, then any bytes."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from math import inf, nan
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
    build_amf0,
    parse_amf0,
    parse_amf3_message,
)
from slipstream.errors import AmfError
from tests.amf.samples import alike, any_value, text

ONE = "00 3ff0000000000000"

# Each kind by itself; py3amf reads and writes the same.
KINDS = [
    ("00 0000000000000000", 0.0),
    (ONE, 1.0),
    ("00 bff0000000000000", -1.0),
    ("00 400c000000000000", 3.5),
    ("00 7ff8000000000000", nan),
    ("00 fff0000000000000", -inf),
    ("01 01", True),
    ("01 00", False),
    ("02 0000", ""),
    ("02 0008 6f6e537461747573", "onStatus"),
    ("02 0003 61ff62", "a\udcffb"),
    ("05", None),
    ("06", UNDEFINED),
    ("03 000009", {}),
    (f"03 0001 61 {ONE} 000009", {"a": 1.0}),
    (f"03 0000 {ONE} 000009", {"": 1.0}),
    ("08 00000001 0005 7769647468 00 4094000000000000 000009", EcmaArray(width=1280.0)),
    (f"0a 00000002 {ONE} 02 0001 78", [1.0, "x"]),
    ("0b 4278bcfe56800000 0000", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
    ("0f 00000004 3c612f3e", Xml("<a/>")),
    (f"10 0001 43 0001 61 {ONE} 000009", TypedObject("C", {"a": 1.0})),
]


@pytest.mark.parametrize(("wire", "value"), KINDS)
def test_each_kind_both_ways(wire: str, value: Value) -> None:
    data = bytes.fromhex(wire)
    (parsed,) = parse_amf0(data, limits=COMMAND_LIMITS)
    assert alike(parsed, value)
    assert build_amf0(value) == data


@pytest.mark.parametrize(("wire", "value"), KINDS)
def test_each_kind_cut_anywhere_is_an_error(wire: str, value: Value) -> None:
    data = bytes.fromhex(wire)
    for size in range(1, len(data)):
        with pytest.raises(AmfError):
            parse_amf0(data[:size], limits=COMMAND_LIMITS)


def test_a_connect_command() -> None:
    data = bytes.fromhex(
        "02 0007 636f6e6e656374" + ONE + "03 0003 617070 02 0004 6c697665"
        "0008 666c617368566572 02 0008 464d4c452f332e30"
        "0005 746355726c 02 000d 72746d703a2f2f682f6c697665"
        "0004 74797065 02 000a 6e6f6e70726976617465 000009"
    )
    properties: Value = {
        "app": "live",
        "flashVer": "FMLE/3.0",
        "tcUrl": "rtmp://h/live",
        "type": "nonprivate",
    }
    assert parse_amf0(data) == ["connect", 1.0, properties]
    assert build_amf0("connect", 1, properties) == data


def test_long_strings() -> None:
    """From 65536 bytes on (not characters) the length takes four bytes."""
    assert build_amf0("é" * 32767 + "a")[:3] == bytes.fromhex("02 ffff")
    data = build_amf0("é" * 32768)
    assert data[:5] == bytes.fromhex("0c 00010000")
    assert parse_amf0(data) == ["é" * 32768]


@pytest.mark.parametrize("count", ["00000000", "00000001", "000000ff", "ffffffff"])
def test_an_ecma_array_s_count_is_not_believed(count: str) -> None:
    data = bytes.fromhex(f"08 {count} 0001 61 {ONE} 0001 62 {ONE} 000009")
    assert parse_amf0(data) == [EcmaArray(a=1.0, b=1.0)]


def test_what_we_only_read() -> None:
    assert parse_amf0(bytes.fromhex("0d")) == [UNDEFINED]
    assert parse_amf0(bytes.fromhex("01 07")) == [True]
    assert parse_amf0(b"") == []
    assert parse_amf0(memoryview(bytes.fromhex("05 06"))) == [None, UNDEFINED]


def test_a_name_may_come_twice_and_the_last_wins() -> None:
    data = bytes.fromhex(f"03 0001 61 05 0001 62 05 0001 61 {ONE} 000009")
    assert parse_amf0(data) == [{"a": 1.0, "b": None}]


@pytest.mark.parametrize("ms", ["7ff8000000000000", "7ff0000000000000", "7fe0000000000000"])
def test_a_date_beyond_datetime_stays_a_number(ms: str) -> None:
    (value,) = parse_amf0(bytes.fromhex(f"0b {ms} 0000"))
    assert isinstance(value, float)


# References.


def test_arrays_count_among_the_references() -> None:
    """py3amf writes the same: the array is 0, so that the object is 1."""
    data = bytes.fromhex(f"0a 00000002 03 0001 61 {ONE} 000009 07 0001")
    (array,) = parse_amf0(data)
    assert isinstance(array, list)
    assert array[0] is array[1]
    assert build_amf0(array) == data


def test_an_object_may_contain_itself() -> None:
    data = bytes.fromhex("03 0001 61 07 0000 000009")
    (value,) = parse_amf0(data)
    assert isinstance(value, dict)
    assert value["a"] is value
    assert build_amf0(value) == data


@pytest.mark.parametrize("data", ["07 0000", "0a 00000001 07 0001", "07 ffff"])
def test_a_reference_to_nothing_is_refused(data: str) -> None:
    with pytest.raises(AmfError, match="reference"):
        parse_amf0(bytes.fromhex(data))


def test_shared_containers_do_not_multiply() -> None:
    """Ten levels of a hundred references each would be 100**10 values."""
    shared: list[Value] = []
    for _ in range(10):
        shared = [shared] * 100
    data = build_amf0(shared)
    assert len(data) < 5000
    (parsed,) = parse_amf0(data)
    assert build_amf0(parsed) == data


def test_shared_strings_do_not_multiply() -> None:
    with pytest.raises(AmfError, match="more than 1048576 bytes"):
        build_amf0(["a" * 60_000] * 4000)


def test_a_reference_too_large_for_two_bytes_is_refused() -> None:
    many: list[Value] = [[] for _ in range(65536)]
    assert build_amf0([*many, many[65534]])[-3:] == bytes.fromhex("07 ffff")
    with pytest.raises(AmfError, match="reference 65536"):
        build_amf0([*many, many[65535]])


# AMF3 inside.


def test_the_avmplus_marker_switches_for_one_value() -> None:
    assert parse_amf0(bytes.fromhex("11 0405 0101")) == [5, True]


def test_all_avmplus_values_of_a_message_share_their_references() -> None:
    assert parse_amf0(bytes.fromhex("11 06 05 6162 11 06 00")) == ["ab", "ab"]


def test_bytes_are_written_behind_the_avmplus_marker() -> None:
    assert build_amf0(b"\1\2\3") == bytes.fromhex("11 0c 07 010203")
    assert parse_amf0(build_amf0([b"\1", None])) == [[b"\1", None]]


@pytest.mark.parametrize(
    ("data", "values"),
    [
        pytest.param("00 02 0001 61 05", ["a", None], id="by the book"),
        pytest.param("03 02 0001 61 05", ["a", None], id="selector 3"),
        pytest.param("02 0001 61 05", ["a", None], id="selector forgotten"),
        pytest.param("00 02 0001 61 11 0405", ["a", 5], id="AMF3 inside"),
        pytest.param("00", [], id="nothing behind the selector"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_amf3_messages(data: str, values: list[Value]) -> None:
    assert parse_amf3_message(bytes.fromhex(data)) == values
    assert parse_amf3_message(memoryview(bytes.fromhex(data))) == values


def test_an_unknown_selector_is_refused() -> None:
    with pytest.raises(AmfError, match="selector 7"):
        parse_amf3_message(b"\x07\x05")


# What is refused, and the limits.


@pytest.mark.parametrize("marker", [0x04, 0x09, 0x0E, 0x12, 0xFF])
def test_markers_without_a_meaning_are_refused(marker: int) -> None:
    with pytest.raises(AmfError, match=f"marker 0x{marker:02x}"):
        parse_amf0(bytes([marker]) + bytes(20))


@pytest.mark.parametrize("start", ["03", "08 00000000", "10 0001 43"])
def test_an_outermost_object_may_stay_open_in_data_but_not_in_commands(start: str) -> None:
    data = bytes.fromhex(f"{start} 0001 61 {ONE}")
    assert parse_amf0(data) == [{"a": 1.0}]
    with pytest.raises(AmfError, match="ends"):
        parse_amf0(data, limits=COMMAND_LIMITS)


@pytest.mark.parametrize("data", ["03 0001 61 03 0001 62 05", "0a 00000001 03 0001 61 05"])
def test_an_inner_object_may_not_stay_open(data: str) -> None:
    with pytest.raises(AmfError, match="ends"):
        parse_amf0(bytes.fromhex(data))


def nested(depth: int) -> Value:
    value: Value = []
    for level in range(depth - 1):
        value = [value] if level % 2 else {"a": value}
    return value


def test_depth_limit() -> None:
    data = build_amf0(nested(16))
    assert len(parse_amf0(data)) == 1
    deeper = b"\x0a\x00\x00\x00\x01" + data
    far_deeper = b"\x03\x00\x01a" * 60_000
    for refused in (deeper, far_deeper, b"\x0a\x00\x00\x00\x01" * 60_000):
        with pytest.raises(AmfError, match="deeper than 16"):
            parse_amf0(refused)
    for depth in (17, 60_000):
        with pytest.raises(AmfError, match="deeper than 16"):
            build_amf0(nested(depth))


def test_containers_side_by_side_are_not_nested() -> None:
    kinds: list[Value] = [[{}, EcmaArray(a=[]), TypedObject("C")] for _ in range(30)]
    assert parse_amf0(build_amf0(kinds)) == [kinds]


def test_depth_is_counted_through_the_avmplus_marker() -> None:
    inside = bytes.fromhex("11") + bytes.fromhex("09 03 01") * 8 + b"\x01"
    assert len(parse_amf0(b"\x0a\x00\x00\x00\x01" * 8 + inside)) == 1
    with pytest.raises(AmfError, match="deeper than 16"):
        parse_amf0(b"\x0a\x00\x00\x00\x01" * 9 + inside)


@pytest.mark.parametrize(("limits", "most"), [(COMMAND_LIMITS, 512), (DATA_LIMITS, 4096)])
def test_value_limit(limits: Limits, most: int) -> None:
    assert len(parse_amf0(b"\x05" * most, limits=limits)) == most
    members: Value = {f"{i:05}": None for i in range(60_000)}
    for refused in (
        b"\x05" * (most + 1),
        bytes.fromhex("0a ffffffff") + b"\x05" * most,
        b"\x05" * 60_000,
        build_amf0(members),
    ):
        with pytest.raises(AmfError, match=f"more than {most} AMF values"):
            parse_amf0(refused, limits=limits)


@pytest.mark.parametrize(("limits", "most"), [(COMMAND_LIMITS, 8192), (DATA_LIMITS, 65536)])
def test_string_limit(limits: Limits, most: int) -> None:
    assert parse_amf0(build_amf0("a" * most), limits=limits) == ["a" * most]
    assert parse_amf0(build_amf0(Xml("a" * most)), limits=limits) == ["a" * most]
    for refused in (
        build_amf0("a" * (most + 1)),
        bytes.fromhex("0c ffffffff") + b"a" * 100,
        bytes.fromhex("0f ffffffff") + b"a" * 100,
    ):
        with pytest.raises(AmfError, match=f"limit {most}"):
            parse_amf0(refused, limits=limits)


@pytest.mark.parametrize("count", ["00001000", "7fffffff", "ffffffff"])
def test_a_declared_count_costs_nothing(count: str) -> None:
    began = process_time()
    with pytest.raises(AmfError):
        parse_amf0(bytes.fromhex(f"0a {count} 05"))
    assert process_time() - began < 0.1


@pytest.mark.parametrize(
    "value", ["\ud800", {"\ud800": None}, TypedObject("\ud800"), {"a" * 65536: 1}]
)
def test_text_that_has_no_bytes_is_refused(value: Value) -> None:
    with pytest.raises(AmfError):
        build_amf0(value)


def test_what_is_no_value_is_our_own_mistake() -> None:
    with pytest.raises(TypeError, match="set has no AMF0"):
        build_amf0({1, 2})  # type: ignore[arg-type]


# Any values, any bytes.
@settings(deadline=None, max_examples=50)
@given(st.lists(any_value(names=text), max_size=4))
def test_any_values_come_back(sent: list[Value]) -> None:
    assert alike(parse_amf0(build_amf0(*sent)), sent)


markers = st.sampled_from([bytes([marker]) for marker in (*range(0x12), 0x03, 0x0A, 0x11)])


@settings(deadline=None)
@given(st.lists(markers | st.binary(max_size=9) | st.just(b"\0\0\x09"), max_size=30).map(b"".join))
def test_any_bytes_give_values_or_an_amf_error(data: bytes) -> None:
    for limits in (COMMAND_LIMITS, DATA_LIMITS):
        try:
            found = parse_amf0(data, limits=limits)
        except AmfError:
            continue
        with suppress(AmfError):  # a dictionary is a list of lists when built: maybe too deep
            assert len(parse_amf0(build_amf0(*found), limits=limits)) == len(found)
