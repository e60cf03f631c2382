"""ChunkDecoder's limits at, one past and far past them, and what it refuses."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from time import process_time

import pytest

from slipstream.errors import ChunkError
from slipstream.rtmp.chunk_decoder import PUBLISHER, UNAUTHORISED, ChunkDecoder, ChunkLimits
from slipstream.rtmp.messages import Message
from tests.rtmp.chunk_reader import GeneralDecoder, decode, read_all, refusal
from tests.rtmp.chunk_writer import (
    ABORT,
    AUDIO,
    SET_CHUNK_SIZE,
    VIDEO,
    chunks,
    control,
    header,
    slices,
    wire,
)

UNLIMITED = replace(PUBLISHER, max_chunks_per_second=10**9)


def test_good_messages_before_bad_bytes_come_out_and_the_error_stays() -> None:
    decoder = ChunkDecoder()
    good = Message(0, AUDIO, 1, b"good")
    assert decoder.receive_data(wire(4, good) * 2 + b"\xc7") == [good, good]
    assert "opens with type 3" in str(decoder.error)
    for _ in range(2):
        with pytest.raises(ChunkError, match="opens with type 3"):
            decoder.receive_data(wire(4, good))


TORN = chunks(4, Message(0, VIDEO, 1, bytes(200)))[0]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        pytest.param(b"\xc3", "opens with type 3", id="nothing to inherit"),
        pytest.param(bytes.fromhex("83 000000"), "opens with type 2", id="no length to inherit"),
        pytest.param(TORN * 5, "more than 3 messages begun anew", id="lost its way"),
        pytest.param(TORN + wire(4, Message(0, VIDEO, 1, b"")), "length 0 in", id="other length"),
        pytest.param(TORN + bytes.fromhex("44 000000 0000c9 09"), "length 201", id="one more"),
        pytest.param(wire(2, control(SET_CHUNK_SIZE, 0)), "size 0", id="chunk size 0"),
        pytest.param(wire(2, control(SET_CHUNK_SIZE, 2**31)), "2147483648", id="top bit set"),
        pytest.param(wire(2, control(SET_CHUNK_SIZE, 2**32 - 1)), "4294967295", id="all bits set"),
        pytest.param(wire(2, Message(0, ABORT, 0, b"\4")), "1 bytes", id="short abort"),
        pytest.param(wire(2, Message(0, SET_CHUNK_SIZE, 0, bytes(5))), "5 bytes", id="long size"),
    ],
)
def test_refuses(data: bytes, complaint: str) -> None:
    assert complaint in refusal(data)


@pytest.mark.parametrize("limits", [UNAUTHORISED, PUBLISHER], ids=["unauthorised", "publisher"])
def test_message_size_limit(limits: ChunkLimits) -> None:
    fits = Message(0, VIDEO, 1, bytes(limits.max_message_size))
    resize = wire(2, control(SET_CHUNK_SIZE, 0x7FFFFFFF))
    decoder = ChunkDecoder(limits=limits)
    assert decoder.receive_data(resize + wire(6, fits, 1 << 30))[1] == fits
    for size in (limits.max_message_size + 1, 0xFFFFFF):
        declared = bytes.fromhex("06 000000") + size.to_bytes(3) + bytes.fromhex("09 01000000")
        assert f"message of {size} bytes" in refusal(resize + declared, limits)
        assert f"message of {size} bytes" in refusal(
            wire(6, Message(0, VIDEO, 1, b"a")) + declared, limits
        )


def test_unfinished_bytes_are_counted_for_all_chunk_streams_together() -> None:
    limits = replace(UNAUTHORISED, max_message_size=1000, max_unfinished_bytes=300)
    held = b"".join(chunks(csid, Message(0, VIDEO, 1, bytes(150)))[0] for csid in (4, 5))
    fits = Message(0, AUDIO, 1, bytes(300 - 2 * 128))
    too_long = Message(0, AUDIO, 1, bytes(300 - 2 * 128 + 1))
    assert decode(wire(6, fits) + held + wire(6, fits) * 9, limits=limits) == [fits] * 10
    assert "more than 300 bytes" in refusal(wire(6, fits) + held + wire(6, too_long), limits)


def test_unfinished_bytes_are_given_back() -> None:
    limits = replace(UNAUTHORISED, max_message_size=1000, max_unfinished_bytes=200)
    torn = chunks(4, Message(0, VIDEO, 1, bytes(200)))
    abort = wire(2, control(ABORT, 4))
    frame = Message(0, VIDEO, 1, bytes(196))
    data = (torn[0] + abort) * 5 + torn[0] + torn[0] + torn[1] + wire(4, frame)
    assert len(decode(data, limits=limits)) == 7


def test_chunk_stream_limit() -> None:
    sound = Message(0, AUDIO, 1, b"a")
    fits = b"".join(wire(csid, sound) for csid in range(3, 3 + 16))
    assert decode(fits * 2, limits=UNAUTHORISED) == [sound] * 32
    assert "more than 16 chunk streams" in refusal(fits + wire(100, sound), UNAUTHORISED)


def test_chunk_rate_limit() -> None:
    sound = Message(0, AUDIO, 1, b"a")
    at_limit = wire(4, sound) + b"\xc4a" * 4_999
    decoder = ChunkDecoder()
    assert len(decoder.receive_data(at_limit, now=100.0)) == 5000
    assert len(decoder.receive_data(at_limit, now=101.0)) == 5000
    assert decoder.receive_data(wire(4, sound), now=101.9) == []
    assert str(decoder.error) == "more than 5000 chunks a second"


@pytest.mark.parametrize("payload", [4998, 4999])
def test_chunk_rate_limit_inside_one_message(payload: int) -> None:
    """The one over the limit is the last, after Set Chunk Size and the first message."""
    resize, frame = control(SET_CHUNK_SIZE, 1), Message(0, VIDEO, 1, bytes(payload))
    data = wire(2, resize) + b"".join(chunks(6, Message(0, VIDEO, 1, b"a"), 1)) + wire(6, frame, 1)
    decoders = ChunkDecoder(), GeneralDecoder()
    for decoder in decoders:
        decoder.receive_data(data)
        assert (decoder.error is None) == (payload == 4998)


def test_limits_may_be_widened_while_running() -> None:
    decoder = ChunkDecoder()
    decoder.receive_data(wire(2, control(SET_CHUNK_SIZE, 0x7FFFFFFF)))
    frame = Message(0, VIDEO, 1, bytes(100_000))
    decoder.limits = PUBLISHER
    assert decoder.receive_data(wire(6, frame, 1 << 30)) == [frame]


def test_nothing_is_allocated_from_declared_sizes() -> None:
    decoder = ChunkDecoder(limits=PUBLISHER)
    frame = Message(0, VIDEO, 1, bytes(PUBLISHER.max_message_size))
    tracemalloc.start()
    for csid in range(2, 2 + PUBLISHER.max_chunk_streams):
        decoder.receive_data(header(0, csid, 0, frame) + bytes(128))
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert decoder.error is None
    assert used < 100_000


@pytest.mark.parametrize("interleaved", [False, True])
def test_one_byte_chunks_cost_little(interleaved: bool) -> None:
    """2.4 MB: without a rate limit if in one piece, within the rate limit if not."""
    half = 1_200_000
    frame = Message(0, VIDEO, 1, bytes(half))
    opening = b"".join(header(0, csid, 0, frame) + b"a" for csid in (4, 6))
    data = opening + (b"\xc4a\xc6a" * (half // 2) if interleaved else b"\xc6a" * (half - 1))
    decoder = ChunkDecoder(limits=PUBLISHER if interleaved else UNLIMITED)
    decoder.receive_data(wire(2, control(SET_CHUNK_SIZE, 1)))
    began = process_time()
    messages, refused = read_all(decoder, *slices(data, 65536))
    assert process_time() - began < 0.5
    assert refused == interleaved
    assert len(messages) == (0 if interleaved else 1)


def test_a_long_message_costs_little_in_small_reads() -> None:
    """What is here of it must not be copied again with each read."""
    frame = Message(0, VIDEO, 1, bytes(PUBLISHER.max_message_size))
    decoder = ChunkDecoder(limits=PUBLISHER)
    decoder.receive_data(wire(2, control(SET_CHUNK_SIZE, 65536)) + wire(6, Message(0, 9, 1, b"a")))
    reads = slices(wire(6, frame, 65536), 1448)
    began = process_time()
    assert read_all(decoder, *reads) == ([frame], False)
    assert process_time() - began < 0.5
