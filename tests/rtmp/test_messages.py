"""Control messages, byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipstream.errors import ChunkError, CommandError, ProtocolError
from slipstream.rtmp.messages import (
    BandwidthLimit,
    Message,
    MessageType,
    PeerBandwidth,
    UserControl,
    UserEvent,
    build_abort,
    build_acknowledgement,
    build_set_chunk_size,
    build_set_peer_bandwidth,
    build_user_control,
    build_window_ack_size,
    parse_control_number,
    parse_set_peer_bandwidth,
    parse_user_control,
)


@pytest.mark.parametrize(
    ("message", "type_id", "payload", "number"),
    [
        pytest.param(build_set_chunk_size(4096), 1, "00001000", 4096, id="chunk size, OBS's first"),
        pytest.param(build_abort(6), 2, "00000006", 6, id="abort"),
        pytest.param(build_acknowledgement(1250042), 3, "001312fa", 1250042, id="acknowledgement"),
        pytest.param(build_window_ack_size(2500000), 5, "002625a0", 2500000, id="window"),
    ],
)
def test_control_messages_with_one_number(
    message: Message, type_id: int, payload: str, number: int
) -> None:
    assert message == Message(0, type_id, 0, bytes.fromhex(payload))
    assert parse_control_number(message) == number


def test_an_acknowledgement_wraps() -> None:
    assert build_acknowledgement(2**32 + 7).payload == bytes.fromhex("00000007")


def test_peer_bandwidth() -> None:
    message = build_set_peer_bandwidth(2500000)
    assert message == Message(0, 6, 0, bytes.fromhex("002625a0 02"))
    assert parse_set_peer_bandwidth(message) == PeerBandwidth(2500000, BandwidthLimit.DYNAMIC)


@pytest.mark.parametrize(
    ("event", "values", "payload"),
    [
        pytest.param(UserEvent.STREAM_BEGIN, (1,), "0000 00000001", id="stream begin"),
        pytest.param(UserEvent.SET_BUFFER_LENGTH, (1, 3000), "0003 00000001 00000bb8", id="buffer"),
        pytest.param(UserEvent.PING_REQUEST, (0x12345,), "0006 00012345", id="ping"),
        pytest.param(UserEvent.PING_RESPONSE, (0x12345,), "0007 00012345", id="pong"),
    ],
)
def test_user_control(event: UserEvent, values: tuple[int, ...], payload: str) -> None:
    message = build_user_control(event, *values)
    assert message == Message(0, 4, 0, bytes.fromhex(payload))
    assert parse_user_control(message) == UserControl(event, values)


def test_an_unknown_event_has_no_numbers() -> None:
    message = Message(0, 4, 0, bytes.fromhex("0063 00000001"))
    assert parse_user_control(message) == UserControl(0x63, ())


@pytest.mark.parametrize("size", [0, 3, 5, 100])
@pytest.mark.parametrize("type_id", [1, 2, 3, 5])
def test_control_messages_of_another_size_are_refused(type_id: int, size: int) -> None:
    with pytest.raises(ChunkError, match=f"{size} bytes, expected 4"):
        parse_control_number(Message(0, type_id, 0, bytes(size)))


@pytest.mark.parametrize("size", [0, 4, 6])
def test_peer_bandwidth_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(ChunkError, match="expected 5"):
        parse_set_peer_bandwidth(Message(0, 6, 0, bytes(size)))


@pytest.mark.parametrize("payload", ["", "00", "0000", "0000 000000", "0003 00000001"])
def test_a_cut_user_control_is_refused(payload: str) -> None:
    with pytest.raises(CommandError):
        parse_user_control(Message(0, 4, 0, bytes.fromhex(payload)))


@settings(deadline=None)
@given(st.sampled_from([1, 2, 3, 4, 5, 6]), st.binary(max_size=16))
def test_any_payload_gives_a_value_or_a_protocol_error(type_id: int, payload: bytes) -> None:
    message = Message(0, type_id, 0, payload)
    try:
        match type_id:
            case MessageType.USER_CONTROL:
                parse_user_control(message)
            case MessageType.SET_PEER_BANDWIDTH:
                parse_set_peer_bandwidth(message)
            case _:
                parse_control_number(message)
    except ProtocolError:
        pass
