"""The stream that is published: its rate, its shape, its stamps."""

import pytest

from bench.load.chunks import AUDIO, VIDEO, ChunkReader, Message
from bench.load.publishing import CYCLE_NS, build_plan
from bench.load.stream import (
    AUDIO_CONFIG,
    CYCLE_MS,
    MESSAGES_PER_S,
    SMALLEST_MESSAGE,
    STAMP_SIZE,
    VIDEO_CONFIG,
    Stamp,
    build_cycle,
    build_stamp,
    is_keyframe,
    parse_stamp,
)


@pytest.mark.parametrize("bitrate_bps", [1_000_000, 4_000_000])
def test_the_cycle_has_the_bitrate_asked_for(bitrate_bps: int) -> None:
    cycle = build_cycle(bitrate_bps)
    sent_bps = sum(len(piece.body) for piece in cycle) * 8 * 1000 / CYCLE_MS
    assert sent_bps == pytest.approx(bitrate_bps, rel=0.01)
    assert len(cycle) == MESSAGES_PER_S * CYCLE_MS // 1000
    assert min(len(piece.body) for piece in cycle) == SMALLEST_MESSAGE


def test_it_begins_with_its_only_keyframe() -> None:
    cycle = build_cycle(1_000_000)
    keyframes = [is_keyframe(Message(0, piece.type_id, 1, piece.body)) for piece in cycle]
    assert keyframes[0]
    assert sum(keyframes) == 1


def test_nal_units_fill_a_video_body_exactly() -> None:
    for piece in build_cycle(1_000_000):
        if piece.type_id == VIDEO:
            position = 5
            while position < len(piece.body):
                position += 4 + int.from_bytes(piece.body[position : position + 4], "big")
            assert position == len(piece.body)


def test_a_stamp_is_read_back_from_audio_and_video() -> None:
    for piece in build_cycle(1_000_000)[:2]:
        body = bytearray(piece.body)
        body[piece.stamp_at : piece.stamp_at + STAMP_SIZE] = build_stamp(12, 2**40 + 1)
        assert parse_stamp(Message(0, piece.type_id, 1, bytes(body))) == Stamp(12, 2**40 + 1)


def test_configurations_carry_no_stamp() -> None:
    assert parse_stamp(Message(0, VIDEO, 1, VIDEO_CONFIG)) is None
    assert parse_stamp(Message(0, AUDIO, 1, AUDIO_CONFIG)) is None


@pytest.mark.parametrize("chunk_size", [128, 4096])
def test_each_publisher_sends_the_whole_cycle_in_order_with_steady_times(chunk_size: int) -> None:
    plan = build_plan(3, 1_000_000, chunk_size)
    assert [sending.due_ns for sending in plan] == sorted(sending.due_ns for sending in plan)
    for publisher in range(3):
        mine = [sending for sending in plan if sending.publisher == publisher]
        in_order = [s for s in mine if not s.wrapped] + [s for s in mine if s.wrapped]
        reader = ChunkReader()
        reader.receive_data(bytes.fromhex("020000000000040100000000") + chunk_size.to_bytes(4))
        messages = [m for s in in_order for m in reader.receive_data(bytes(s.chunks))]
        assert len(messages) == len(build_cycle(1_000_000))
        assert is_keyframe(messages[0])
        videos = [message.timestamp for message in messages if message.type_id == VIDEO]
        assert videos[-1] - videos[0] == 59 * CYCLE_MS // 60


def test_publishers_are_spread_over_the_cycle() -> None:
    plan = build_plan(4, 1_000_000, 4096)
    keyframes = [s.due_ns for s in plan if len(s.chunks) == max(len(t.chunks) for t in plan)]
    assert keyframes == [CYCLE_NS * publisher // 4 for publisher in range(4)]
