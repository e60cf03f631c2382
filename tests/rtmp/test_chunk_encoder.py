"""What we send, byte for byte; then read back by our decoder."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipstream.rtmp.chunk_decoder import PUBLISHER, ChunkDecoder
from slipstream.rtmp.chunk_encoder import continuation_header, encode, encode_parts, message_header
from slipstream.rtmp.messages import Message, build_set_chunk_size

VIDEO = 9


@pytest.mark.parametrize(
    ("csid", "timestamp", "header"),
    [
        pytest.param(6, 1000, "06 0003e8 000133 09 3a300000", id="§5.3.2.2"),
        pytest.param(6, 0xFFFFFE, "06 fffffe 000133 09 3a300000", id="last short time"),
        pytest.param(6, 0xFFFFFF, "06 ffffff 000133 09 3a300000 00ffffff", id="first long time"),
        pytest.param(6, 0x1000000, "06 ffffff 000133 09 3a300000 01000000", id="4 h 40 min"),
        pytest.param(63, 0, "3f 000000 000133 09 3a300000", id="last short csid"),
        pytest.param(64, 0, "00 00 000000 000133 09 3a300000", id="first of two bytes"),
        pytest.param(319, 0, "00 ff 000000 000133 09 3a300000", id="last of two bytes"),
        pytest.param(320, 0, "01 0001 000000 000133 09 3a300000", id="first of three bytes"),
        pytest.param(65599, 0, "01 ffff 000000 000133 09 3a300000", id="last csid"),
    ],
)
def test_message_header(csid: int, timestamp: int, header: str) -> None:
    assert message_header(csid, timestamp, VIDEO, 12346, 307) == bytes.fromhex(header)


@pytest.mark.parametrize(
    ("csid", "timestamp", "header"),
    [
        (2, 0, "c2"),
        (63, 0, "ff"),
        (64, 0, "c0 00"),
        (319, 0, "c0 ff"),
        (320, 0, "c1 00 01"),
        (65599, 0, "c1 ff ff"),
        (6, 0x1000000, "c6 01000000"),
    ],
)
def test_continuation_header(csid: int, timestamp: int, header: str) -> None:
    assert continuation_header(csid, timestamp) == bytes.fromhex(header)


def test_spec_example_2_long_video() -> None:
    """§5.3.2.2: 307 bytes leave as chunks of 140, 129 and 52 bytes."""
    wire = encode(Message(1000, VIDEO, 12346, bytes(307)), 6, 128)
    assert len(wire) == 140 + 129 + 52
    assert wire[:12].hex() == "060003e800013309" + "3a300000"
    assert (wire[140], wire[269]) == (0xC6, 0xC6)


def test_an_extended_time_is_repeated_in_each_chunk() -> None:
    """FFmpeg 5.1 and rtmpdump 2.4 lose their place without it."""
    payload = bytes(i % 256 for i in range(200))
    wire = encode(Message(0x1000000, VIDEO, 1, payload), 6, 128)
    header = bytes.fromhex("06 ffffff 0000c8 09 01000000 01000000")
    assert wire == header + payload[:128] + bytes.fromhex("c6 01000000") + payload[128:]


@pytest.mark.parametrize("size", [0, 1, 127, 128])
def test_a_message_of_one_chunk_has_one_header(size: int) -> None:
    message = Message(0, VIDEO, 1, bytes(size))
    assert encode(message, 6, 128) == message_header(6, 0, VIDEO, 1, size) + bytes(size)


def test_parts_hold_views_of_the_payload() -> None:
    payload = bytes(300)
    parts = encode_parts(Message(0, VIDEO, 1, payload), 6, 128)
    views = [part for part in parts if isinstance(part, memoryview)]
    assert [len(view) for view in views] == [128, 128, 44]
    assert all(view.obj is payload for view in views)


any_message = st.builds(
    Message,
    timestamp=st.integers(0, 2**32 - 1) | st.sampled_from([0xFFFFFE, 0xFFFFFF, 0x1000000]),
    type_id=st.sampled_from([8, 9, 18, 20]),
    stream_id=st.integers(0, 2**32 - 1),
    payload=st.binary(max_size=300),
)


@settings(deadline=None)
@given(
    messages=st.lists(st.tuples(st.sampled_from([2, 3, 63, 64, 320]), any_message), max_size=6),
    chunk_size=st.sampled_from([1, 2, 127, 128, 129, 4096, 60000, 0x7FFFFFFF]),
)
def test_the_decoder_reads_back_any_messages(
    messages: list[tuple[int, Message]], chunk_size: int
) -> None:
    resize = build_set_chunk_size(chunk_size)
    wire = encode(resize, 2, 128) + b"".join(encode(m, csid, chunk_size) for csid, m in messages)
    decoder = ChunkDecoder(limits=PUBLISHER)
    assert decoder.receive_data(wire) == [resize] + [message for _, message in messages]
    assert decoder.error is None
