"""Where segments begin, what they are called, and how that travels between processes."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.formats import SegmentGreeting, SegmentStart, Shape, TrackInfo, unpack_start
from slipstream.formats.segments import Segmenter
from slipstream.log import SYNC, Batch, Log

NOW_S = 1_800_000_000.0
VIDEO = TrackInfo("v0", 1, "avc1.42c01e", 90_000, 640, 360, 25.0, init=b"video")
AUDIO = TrackInfo("a0", 2, "mp4a.40.2", 48_000, sample_rate=48_000, channels=2, init=b"audio")
SHAPE = Shape(2_000, 250, 16_000)


class Stage:
    """A log whose segments are begun, and written, at times that a test chooses."""

    def __init__(self, log: Log | None = None, shape: Shape = SHAPE, now_s: float = NOW_S) -> None:
        self.log = Log() if log is None else log
        self.segmenter = Segmenter(self.log, shape, lambda: now_s)

    def begin(self, time_ms: int, *tracks: TrackInfo, init: bytes = b"init") -> SegmentStart:
        """Begin a segment and have its first part in the log."""
        start = self.segmenter.begin(time_ms, time_ms, tracks or (VIDEO, AUDIO), init)
        greeting = SegmentGreeting.of((), start)
        flags = bytearray((SYNC,))
        self.log.append(Batch([b"part"], [4], [time_ms], flags, [greeting]))
        return start


def test_a_segment_is_due_at_once_and_then_after_its_duration_less_a_little() -> None:
    stage = Stage()
    assert stage.segmenter.is_due(0)
    stage.begin(0)
    assert not stage.segmenter.is_due(1_899)
    assert stage.segmenter.is_due(1_900)


def test_the_first_number_is_the_time_in_seconds_and_all_others_grow_by_one() -> None:
    stage = Stage()
    numbers = [stage.begin(time_ms).number for time_ms in range(0, 20_000, 2_000)]
    assert numbers == [1_800_000_000 + index for index in range(10)]


@pytest.mark.parametrize("segment_ms", [500, 700, 1_000, 1_052, 1_053, 2_000, 6_000])
def test_after_a_restart_numbers_are_beyond_those_handed_out(segment_ms: int) -> None:
    """However short segments are: as short as keyframes can make them, for a day."""
    shape = Shape(segment_ms)
    before = Segmenter(Log(), shape, lambda: NOW_S)
    step_ms, day_ms = -(-segment_ms * 95 // 100), 86_400_000
    first = before.begin(0, 0, (VIDEO,))
    assert before.is_due(step_ms)
    newest = first.number + day_ms // step_ms
    after = Segmenter(Log(), shape, lambda: NOW_S + day_ms / 1000 + 1)
    assert after.begin(40, 40, (VIDEO,)).number > newest
    assert newest < 1 << 32  # what DASH has room for


def test_several_segments_of_one_batch_have_numbers_of_their_own() -> None:
    """The log does not know of them yet."""
    stage = Stage()
    first = stage.begin(0)
    numbers = [stage.segmenter.begin(time_ms, 0, (VIDEO,)).number for time_ms in (2_000, 4_000)]
    assert numbers == [first.number + 1, first.number + 2]


def test_another_publication_goes_on_by_one_and_is_a_discontinuity() -> None:
    stage = Stage()
    before = stage.begin(0)
    stage.log.mark()
    assert stage.segmenter.is_due(100)
    after = stage.begin(100)
    assert after.number == before.number + 1
    assert after.discontinuities == before.discontinuities + 1
    assert not stage.segmenter.is_due(1_900)
    assert stage.begin(2_100).discontinuities == after.discontinuities


def test_other_tracks_or_another_description_are_a_discontinuity() -> None:
    stage = Stage()
    counts = [
        stage.begin(0).discontinuities,
        stage.begin(2_000).discontinuities,
        stage.begin(4_000, VIDEO).discontinuities,
        stage.begin(6_000, VIDEO, init=b"other").discontinuities,
        stage.begin(8_000, VIDEO, init=b"other").discontinuities,
    ]
    assert [count - counts[0] for count in counts] == [0, 0, 1, 2, 2]


def test_a_new_home_counts_on_from_what_it_has_followed() -> None:
    """Its own clock says something else."""
    old = Stage()
    before = [old.begin(0), old.begin(9_000), old.begin(11_000)][-1]
    old.log.mark()
    new = Stage(old.log, now_s=NOW_S + 500)
    after = new.begin(12_000)
    assert after.number == before.number + 1
    assert after.discontinuities == before.discontinuities + 1
    assert after.target_ms == before.target_ms == 9_000


def test_who_was_a_home_before_counts_on_from_what_others_wrote_since() -> None:
    first = Stage()
    first.begin(0)
    first.log.mark()
    second = Stage(first.log)
    newest = [second.begin(2_000), second.begin(4_000)][-1]
    first.log.mark()
    assert first.begin(6_000).number == newest.number + 1


def test_what_was_never_written_is_forgotten() -> None:
    stage = Stage()
    before = stage.begin(0)
    stage.segmenter.begin(2_000, 2_000, (VIDEO,))
    stage.segmenter.start_anew()
    assert stage.segmenter.is_due(2_040)
    after = stage.begin(2_040)
    assert after.number == before.number + 1
    assert after.discontinuities == before.discontinuities + 1


def test_the_target_is_the_longest_segment_and_never_shrinks() -> None:
    stage = Stage()
    times = [0, 2_000, 4_000, 9_500, 11_500, 13_500]
    targets = [stage.begin(time_ms).target_ms for time_ms in times]
    assert targets == [2_000, 2_000, 2_000, 5_500, 5_500, 5_500]


def test_the_target_counts_the_last_segment_of_a_publication() -> None:
    stage = Stage()
    stage.begin(0)
    stage.log.append(Batch([b"part"], [4], [7_750], bytearray(1)))
    stage.log.mark()
    assert stage.begin(20_000).target_ms == 8_000


def test_the_clock_goes_on_with_the_stream_and_is_read_anew_with_each_publication() -> None:
    stage = Stage()
    assert [stage.begin(time_ms).wall_ms for time_ms in (40, 2_040, 6_040)] == [
        NOW_S * 1000,
        NOW_S * 1000 + 2_000,
        NOW_S * 1000 + 6_000,
    ]
    stage.log.mark()
    assert stage.begin(7_000).wall_ms == NOW_S * 1000


def test_a_segment_that_began_a_while_ago_is_as_old_on_the_clock() -> None:
    segmenter = Segmenter(Log(), SHAPE, lambda: NOW_S)
    assert segmenter.begin(1_000, 2_500, (VIDEO,)).wall_ms == NOW_S * 1000 - 1_500


def test_the_log_keeps_what_players_may_still_fetch() -> None:
    """RFC 8216 §6.2.2: as long as the longest playlist, after it has left that."""
    stage = Stage()
    stage.begin(0)
    assert stage.log.keep_ms >= 2 * SHAPE.window_ms
    for time_ms in (10_000, 20_000):
        start = stage.begin(time_ms)
    assert SHAPE.shown_ms(start.target_ms) == 40_000
    assert stage.log.keep_ms >= 2 * 40_000


def test_the_log_keeps_what_others_want_of_it() -> None:
    stage = Stage(Log(keep_ms=600_000))
    stage.begin(0)
    assert stage.log.keep_ms == 600_000


numbers = st.integers(0, 2**40)
tracks = st.builds(
    TrackInfo,
    name=st.from_regex(r"[av][0-9]{1,3}", fullmatch=True),
    id=numbers,
    codec=st.text(max_size=20),
    timescale=numbers,
    width=numbers,
    height=numbers,
    frame_rate=st.floats(0, 300),
    sample_rate=numbers,
    channels=numbers,
    init=st.binary(max_size=50),
)
starts = st.builds(
    SegmentStart,
    number=numbers,
    discontinuities=numbers,
    start_ms=numbers,
    wall_ms=numbers,
    target_ms=numbers,
    tracks=st.lists(tracks, max_size=4).map(tuple),
    init=st.binary(max_size=50),
)


@given(starts)
def test_what_is_packed_is_unpacked(start: SegmentStart) -> None:
    assert unpack_start(start.pack()) == start


START = SegmentStart(7, 3, 40, 1_800_000_000_000, 2_000, (VIDEO, AUDIO), b"init")


@given(st.data())
def test_what_is_cut_is_refused(data: st.DataObject) -> None:
    packed = START.pack()
    size = data.draw(st.integers(0, len(packed) - 1))
    with pytest.raises(MediaError):
        unpack_start(packed[:size])


@given(st.binary(max_size=200))
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(MediaError):
        unpack_start(garbage)


def test_what_another_version_says_is_refused() -> None:
    packed = START.pack()
    size = int.from_bytes(packed[:4], "little")
    fields = json.loads(packed[4 : 4 + size])
    heads: list[object] = [
        fields | {"colour": 1},
        {name: value for name, value in fields.items() if name != "number"},
        fields | {"tracks": fields["tracks"][:1]},
        fields | {"tracks": 1},
        [fields],
        None,
    ]
    texts = [json.dumps(head).encode() for head in heads]
    for text in [*texts, b"[" * 100_000]:
        with pytest.raises(MediaError):
            unpack_start(len(text).to_bytes(4, "little") + text + packed[4 + size :])


def test_numbers_never_repeat_whatever_begins_them() -> None:
    """Publications, homes and losses in any order."""
    log = Log()
    homes = [Stage(log, now_s=NOW_S + seconds) for seconds in (0, -50, 50)]
    time_ms, numbers = 0, []
    for turn in range(60):
        home = homes[turn * 7 % 3]
        log.mark()
        for _ in range(turn % 4):
            time_ms += 1_950
            numbers.append(home.begin(time_ms).number)
        if turn % 5 == 0:
            home.segmenter.begin(time_ms + 1, time_ms, (VIDEO,))
            home.segmenter.start_anew()
    assert all(b == a + 1 for a, b in pairwise(numbers))
