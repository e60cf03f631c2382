"""Aggregates: Adobe's layout, its limits, and any bytes at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipstream.errors import ChunkError
from slipstream.rtmp.aggregate import MAX_PARTS, split_aggregate
from slipstream.rtmp.messages import Message

AGGREGATE = 22
BODY = bytes.fromhex(
    "08 000004 001388 00 000000 af016161 0000000f"
    "09 000007 001392 00 000000 27010000006262 00000012"
    "08 000004 00139f 00 000000 af016363 0000000f"
)
PARTS = [
    Message(90000, 8, 1, bytes.fromhex("af016161")),
    Message(90010, 9, 1, bytes.fromhex("27010000006262")),
    Message(90023, 8, 1, bytes.fromhex("af016363")),
]


def split(payload: bytes, timestamp: int = 90000) -> list[Message]:
    return split_aggregate(Message(timestamp, AGGREGATE, 1, payload))


def tag(type_id: int, time: int, payload: bytes) -> bytes:
    fields = bytes([type_id]) + len(payload).to_bytes(3)
    times = (time & 0xFFFFFF).to_bytes(3) + bytes([time >> 24])
    return fields + times + bytes(3) + payload + (11 + len(payload)).to_bytes(4)


def test_times_count_from_the_aggregate_s_own() -> None:
    """As FFmpeg 5.1 and rtmpdump 2.4 read these bytes."""
    assert split(BODY) == PARTS


@pytest.mark.parametrize("missing", [1, 3, 4])
def test_the_last_back_pointer_may_be_missing(missing: int) -> None:
    assert split(BODY[:-missing]) == PARTS


def test_times_wrap_and_use_all_32_bits() -> None:
    body = tag(8, 0xFFFFFFF0, b"a") + tag(8, 0x00000010, b"b")
    assert [part.timestamp for part in split(body, timestamp=2**32 - 1)] == [2**32 - 1, 31]


def test_an_empty_aggregate_has_no_parts() -> None:
    assert split(b"") == []


def test_as_many_parts_as_allowed() -> None:
    assert len(split(tag(8, 0, b"a") * MAX_PARTS)) == MAX_PARTS


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        pytest.param(tag(8, 0, b"a") * (MAX_PARTS + 1), "more than 256", id="one part too many"),
        pytest.param(tag(8, 0, b"") * 60_000, "more than 256", id="60 000 parts"),
        pytest.param(tag(AGGREGATE, 0, BODY), "inside", id="nested"),
        pytest.param(BODY[:10], "ends in a header", id="cut header"),
        pytest.param(BODY[:14], "part up to 15", id="cut payload"),
        pytest.param(bytes.fromhex("08 ffffff 000000 00 000000"), "part up to", id="huge part"),
    ],
)
def test_refuses(body: bytes, complaint: str) -> None:
    with pytest.raises(ChunkError, match=complaint):
        split(body)


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(0, 2**32 - 1))
def test_any_bytes_give_messages_or_a_chunk_error(body: bytes, timestamp: int) -> None:
    try:
        parts = split(body, timestamp)
    except ChunkError:
        return
    assert sum(len(part.payload) for part in parts) <= len(body)
    assert all(0 <= part.timestamp < 2**32 for part in parts)
