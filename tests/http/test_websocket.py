"""Frames of WebSocket clients, as another implementation writes them."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame as Theirs
from websockets.frames import Opcode as TheirOpcode

from slipstream.http.websocket import (
    CloseCode,
    ControlReader,
    Opcode,
    WebSocketError,
    build_close,
    build_control,
)

frames = st.one_of(
    st.tuples(st.sampled_from((8, 9, 10)), st.binary(max_size=125)),
    st.tuples(st.sampled_from((1, 2)), st.binary(max_size=2000)),
)


def theirs(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    return Theirs(TheirOpcode(opcode), payload, fin=fin).serialize(mask=True)


@given(said=st.lists(frames, max_size=8), cuts=st.lists(st.integers(0, 5000), max_size=8))
def test_control_frames_are_found_however_the_bytes_are_cut(
    said: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    data = b"".join(theirs(*frame) for frame in said)
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    reader = ControlReader()
    found: list[tuple[int, bytes]] = []
    for start, end in pairwise(places):
        found += reader.feed(data[start:end])
    assert found == [frame for frame in said if frame[0] >= 8]


@given(data=st.binary(max_size=200))
def test_nonsense_is_an_error_of_the_client_or_nothing(data: bytes) -> None:
    reader = ControlReader()
    with suppress(WebSocketError):
        for opcode, payload in reader.feed(data):
            assert opcode >= 8
            assert len(payload) <= 125


def test_a_message_may_come_in_parts_up_to_the_limit() -> None:
    reader = ControlReader()
    half = bytes(8 << 10)
    assert not list(reader.feed(theirs(2, half, fin=False)))
    assert list(reader.feed(theirs(9, b"?") + theirs(0, half))) == [(Opcode.PING, b"?")]
    assert not list(reader.feed(theirs(1, half, fin=False)))
    with pytest.raises(WebSocketError) as error:
        list(reader.feed(theirs(0, bytes((8 << 10) + 1))))
    assert error.value.code == CloseCode.TOO_BIG


@pytest.mark.parametrize(
    "data",
    [
        theirs(0, b""),
        theirs(1, b"", fin=False) + theirs(1, b""),
        b"\x09\x80" + bytes(4),
        b"\x83\x80" + bytes(4),
    ],
    ids=["continues nothing", "inside another", "a ping in parts", "unknown opcode"],
)
def test_what_breaks_the_protocol_is_told(data: bytes) -> None:
    with pytest.raises(WebSocketError) as error:
        list(ControlReader().feed(data))
    assert error.value.code == CloseCode.PROTOCOL_ERROR


def test_our_control_frames_are_those_of_others() -> None:
    for payload in (b"", b"x", bytes(125)):
        ours = build_control(Opcode.PONG, payload)
        assert ours == Theirs(TheirOpcode.PONG, payload).serialize(mask=False)
    long = build_close(CloseCode.GOING_AWAY, "ü" * 100)
    assert len(long) == 2 + 2 + 122
    assert long[4:].decode() == "ü" * 61
