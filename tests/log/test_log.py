"""The log: what is appended is kept as it is, found again, and let go when it is old."""

from __future__ import annotations

import os
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipstream.log import SYNC, Batch, Log
from slipstream.log.log import MAX_SEGMENT
from slipstream.log.segment import open_memory


def entry(log: Log, data: bytes, time_ms: int, flags: int = 0, greeting: object = None) -> None:
    greetings = [greeting] if flags & SYNC else []
    log.append(Batch([data], [len(data)], [time_ms], bytearray((flags,)), greetings))


def read(log: Log, start: int, end: int) -> bytes:
    """What a viewer would be sent between two positions."""
    data = b""
    while start < end:
        segment = log.locate(start)
        assert segment is not None
        piece = os.pread(segment.fd, min(end, segment.end) - start, start - segment.start)
        data += piece
        start += len(piece)
    return data


def test_an_empty_log_has_nothing_to_offer() -> None:
    log = Log()
    log.append(Batch())
    assert (log.head, log.tail, log.bytes_kept(), log.bytes_per_second()) == (0, 0, 0, 0)
    assert log.locate(0) is None
    assert log.time_at(0) == 0


def test_a_batch_may_be_cut_anywhere_into_parts() -> None:
    log = Log()
    batch = Batch(
        [b"he", b"a", memoryview(b"dbody")], [4, 4], [10, 20], bytearray((SYNC, 0)), ["hi"]
    )
    log.append(batch)
    assert read(log, 0, log.head) == b"headbody"
    assert log.sync_points[-1] == (0, 10, "hi")
    assert log.head_ms == 20


def test_more_parts_than_one_system_call_takes() -> None:
    log = Log()
    parts = [bytes((i & 255,)) for i in range(5000)]
    log.append(Batch(list(parts), [5000], [0], bytearray(1)))
    assert read(log, 0, 5000) == b"".join(parts)


def test_an_entry_never_straddles_two_segments() -> None:
    log = Log(keep_ms=1 << 40)
    for i in range(40):
        entry(log, bytes((i,)) * 100_000, i * 1000)
    assert len(log.segments) > 1
    for before, after in pairwise(log.segments):
        assert before.end == after.start
        assert before.ends[-1] == before.size
    assert all(read(log, i * 100_000, i * 100_000 + 1) == bytes((i,)) for i in range(40))


def test_an_entry_larger_than_a_segment_gets_one_of_its_own() -> None:
    log = Log()
    entry(log, b"small", 0)
    entry(log, bytes(MAX_SEGMENT + 1), 1)
    assert log.head == MAX_SEGMENT + 6
    assert log.segments[-1].capacity == MAX_SEGMENT + 1


def test_what_lies_behind_the_newest_sync_point_is_kept_however_old() -> None:
    log = Log(keep_ms=1000)
    entry(log, bytes(500_000), 0, SYNC)
    for i in range(1, 30):
        entry(log, bytes(500_000), i * 1000)
    assert log.tail == 0
    assert log.sync_points[-1].position == 0


def test_old_segments_go_once_a_newer_sync_point_is_there() -> None:
    log = Log(keep_ms=2000)
    for i in range(60):
        entry(log, bytes(500_000), i * 1000, SYNC)
    assert log.tail > 0
    assert all(sync.position >= log.tail for sync in log.sync_points)
    kept_ms = log.head_ms - log.segments[0].times[0]
    assert 2000 <= kept_ms < 60_000


def test_a_picture_group_past_the_memory_bound_leaves_no_place_to_start() -> None:
    log = Log(max_bytes=4 << 20)
    entry(log, b"key", 0, SYNC)
    for i in range(100):
        entry(log, bytes(200_000), i * 40)
    assert log.bytes_kept() <= (4 << 20) + MAX_SEGMENT
    assert not log.sync_points
    entry(log, b"key", 5000, SYNC)
    assert log.sync_points[-1].position == log.head - 3


def test_a_segment_that_is_held_stays_readable_after_the_log_has_let_it_go() -> None:
    log = Log(keep_ms=0, max_bytes=1 << 20)
    entry(log, b"first" * 1000, 0, SYNC)
    held = log.segments[0]
    for i in range(1, 40):
        entry(log, bytes(200_000), i * 1000, SYNC)
    assert held not in log.segments
    assert os.pread(held.fd, 5, 0) == b"first"
    fd = held.fd
    del held
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_time_and_boundaries_are_found_from_any_position() -> None:
    log = Log()
    for i, size in enumerate((10, 20, 30)):
        entry(log, bytes(size), i * 100)
    segment = log.segments[0]
    assert [segment.boundary(p) for p in (0, 1, 10, 11, 30, 31, 60)] == [0, 10, 10, 30, 30, 60, 60]
    assert [log.time_at(p) for p in (0, 9, 10, 29, 30, 59, 60)] == [0, 0, 100, 100, 200, 200, 200]


def test_the_rate_is_that_of_the_stream() -> None:
    log = Log()
    for i in range(101):
        entry(log, bytes(1250), i * 10)
    assert log.bytes_per_second() == pytest.approx(125_000, rel=0.02)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, 400_000), st.booleans()), min_size=1, max_size=60),
    st.integers(0, 3000),
)
def test_the_log_is_whole_from_its_tail_to_its_head(
    entries: list[tuple[int, bool]], keep_ms: int
) -> None:
    log = Log(keep_ms=keep_ms, max_bytes=4 << 20)
    written = bytearray()
    for i, (size, sync) in enumerate(entries):
        data = bytes((i,)) * size
        written += data
        entry(log, data, i * 40, SYNC if sync else 0)
    assert log.head == len(written)
    assert read(log, log.tail, log.head) == written[log.tail :]
    for sync in log.sync_points:
        segment = log.locate(sync.position)
        assert segment is not None
        assert segment.boundary(sync.position) == sync.position


def test_a_newcomer_starts_at_the_newest_place_that_is_far_enough_behind() -> None:
    log = Log()
    assert log.sync_point() is None
    assert log.sync_point(500) is None
    for i in range(40):
        entry(log, b"x", i * 100, 0 if i % 10 else SYNC)
    assert [sync.time_ms for sync in log.sync_points] == [0, 1000, 2000, 3000]
    delays = (0, 1, 899, 900, 901, 1899, 1900, 3900, 60_000)
    starts = [log.sync_point(delay_ms) for delay_ms in delays]
    assert [start.time_ms for start in starts if start is not None] == [
        *(3000, 3000, 3000, 3000, 2000, 2000, 2000, 0, 0),
    ]


def test_what_is_no_newer_than_a_time_is_found_from_any_entry_on() -> None:
    log = Log()
    for i in range(40):
        entry(log, bytes(100_000), i * 100)
    assert len(log.segments) > 1
    assert log.end_of(-1, 0) == 0
    assert log.end_of(0, 0) == 100_000
    assert log.end_of(1_950, 0) == 20 * 100_000
    assert log.end_of(1_950, 5 * 100_000) == 20 * 100_000
    assert log.end_of(1_950, 30 * 100_000) == 30 * 100_000
    assert log.end_of(60_000, 0) == log.head == log.end_of(0, log.head)


def test_sound_that_lies_among_newer_pictures_waits_for_them() -> None:
    log = Log()
    for time_ms in (0, 2000, 100, 2100, 200, 2200):
        entry(log, b"x", time_ms)
    assert log.end_of(1999, 0) == 1
    assert log.end_of(2000, 1) == 3


def test_what_is_no_longer_kept_is_passed_over_in_looking_for_a_time() -> None:
    log = Log(keep_ms=0, max_bytes=1 << 20)
    for i in range(40):
        entry(log, bytes(200_000), i * 1000, SYNC)
    assert log.tail > 0
    assert log.end_of(0, 0) == log.tail
    assert log.end_of(60_000, 0) == log.head


def adopted(offset: int) -> Log:
    """A log that goes on, from position 5 on, in a file that another process writes."""
    log = Log(keep_ms=0)
    entry(log, b"first", 0, SYNC)
    log.adopt(open_memory(1_000), 1_000, offset)
    return log


def test_times_are_found_in_a_file_that_another_process_had_begun_before() -> None:
    log = adopted(700)
    log.note(Batch([], [10, 10, 10], [100, 200, 300], bytearray((SYNC, 0, 0)), [None]))
    assert log.end_of(50, 0) == 5
    assert log.end_of(100, 0) == 15
    assert log.end_of(299, 15) == 25
    assert log.end_of(300, 0) == log.head == 35


def test_a_file_that_its_writer_never_filled_is_in_nobodys_way() -> None:
    log = adopted(0)
    entry(log, b"ours", 100, SYNC)
    assert read(log, 0, 9) == b"firstours"
    log.segments.pop(0)
    assert log.bytes_per_second() == 0
    for i in range(1, 20):
        entry(log, bytes(200_000), i * 1000, SYNC)
    assert all(segment.times for segment in log.segments)
    assert log.bytes_per_second() > 0
