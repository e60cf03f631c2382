"""Commands read leniently, and built as the vectors of real peers have them."""

from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.amf import UNDEFINED, Value, build_amf0
from slipstream.errors import ProtocolError
from slipstream.rtmp.commands import (
    MAX_COMMAND_SIZE,
    Command,
    amf0_payload,
    build_command,
    leading_text,
    parse_command,
    quoted,
    read_number,
)
from slipstream.rtmp.messages import Message, MessageType

CREATE_STREAM = bytes.fromhex(
    "02 000c 63726561746553747265616d 00 4010000000000000 05"  # 'createStream', 4, null
)
PLAY = bytes.fromhex(
    "02 0004 706c6179 00 4010000000000000 05 02 0003 6b6579 00 c09f400000000000"
)  # 'play', 4, null, 'key', -2000


def message(payload: bytes, type_id: int = MessageType.COMMAND) -> Message:
    return Message(0, type_id, 0, payload)


def test_commands_of_real_clients_are_read() -> None:
    assert parse_command(message(CREATE_STREAM)) == Command("createStream", 4, None, [])
    assert parse_command(message(PLAY)) == Command("play", 4, None, ["key", -2000])


def test_commands_are_built_as_real_clients_do() -> None:
    assert build_command("createStream", 4, None) == CREATE_STREAM
    assert build_command("play", 4, None, "key", -2000) == PLAY


@pytest.mark.parametrize("selector", [b"", b"\0", b"\3"], ids=["forgotten", "AMF0", "AMF3"])
@pytest.mark.parametrize("type_id", [MessageType.COMMAND_AMF3, MessageType.DATA_AMF3])
def test_the_selector_octet_is_taken_off(selector: bytes, type_id: MessageType) -> None:
    assert amf0_payload(message(selector + PLAY, type_id)) == PLAY


def test_type_17_may_switch_to_amf3() -> None:
    payload = b"\0" + build_amf0("call", 2, None) + bytes.fromhex("11 04 05")  # the integer 5
    assert parse_command(message(payload, MessageType.COMMAND_AMF3)).arguments == [5]


def test_what_is_left_out_is_replaced() -> None:
    short = parse_command(message(build_amf0("play")))
    assert short == Command("play", 0, None, [])
    assert (short.text(0), short.number(1, -2), short.flag(3, default=True)) == ("", -2, True)
    odd = Command("play", 1, None, [1.0, "7", UNDEFINED, 0.0])
    assert (odd.text(0), odd.number(1, 0), odd.number(2, 5)) == ("", 7, 5)
    assert odd.flag(3, default=True) is True


@pytest.mark.parametrize(
    ("value", "number"),
    [(1.5, 1.5), (3, 3), (True, 1), ("12", 12), ("x", -1), (nan, -1), (inf, -1), ("inf", -1),
     (None, -1), (UNDEFINED, -1), ([1.0], -1)],
)  # fmt: skip
def test_numbers_are_finite_whatever_came(value: Value, number: float) -> None:
    assert read_number(value, -1) == number


@pytest.mark.parametrize(
    "payload",
    [b"", b"\5", build_amf0(1.0, "connect"), b"\2\0\7connect\3", b"\x0e", b"\2\0\7conn"],
    ids=["empty", "null", "number first", "cut object", "bad marker", "cut name"],
)
def test_what_is_no_command_is_an_error(payload: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_command(message(payload))


def test_long_commands_are_not_read() -> None:
    start = build_amf0("call", 1, None)
    filler = build_amf0("x" * 8000)  # bytes of text, below the limit of one string
    full = start + filler * ((MAX_COMMAND_SIZE - len(start)) // len(filler))
    full += build_amf0("y" * (MAX_COMMAND_SIZE - len(full) - 3))
    assert len(full) == MAX_COMMAND_SIZE
    assert parse_command(message(full)).name == "call"
    for size in (MAX_COMMAND_SIZE + 1, 8 << 20):
        with pytest.raises(ProtocolError, match=f"{size} bytes"):
            parse_command(message(full.ljust(size, b"\5")))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_command_or_a_protocol_error(payload: bytes) -> None:
    for type_id in (MessageType.COMMAND, MessageType.COMMAND_AMF3):
        try:
            command = parse_command(message(payload, type_id))
        except ProtocolError:
            continue
        assert command.name.encode("utf-8", "surrogateescape") == leading_text(
            amf0_payload(message(payload, type_id))
        )


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b"\2\0\2ab\5", b"ab"),
        (b"\2\0\3ab", None),
        (b"\2\0", None),
        (b"", None),
        (b"\0\0\2ab", None),
    ],
)
def test_the_leading_text_is_found_without_reading_the_rest(
    payload: bytes, text: bytes | None
) -> None:
    assert leading_text(payload) == text


def test_text_of_peers_is_cut_and_escaped_in_our_messages() -> None:
    assert quoted("a\nb") == "'a\\nb'"
    assert len(quoted("x" * 60_000)) < 80
