"""How frames are cut into parts and segments; read back by the letter of MP4."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest

from slipstream.formats import CmafFormat, Flag, SegmentGreeting, Shape
from slipstream.log import Batch, Log
from slipstream.media import Codec, Kind, coded_data, parse_tag
from tests.formats.cmaf_stage import (
    AUDIO,
    CONFIGS,
    RATES,
    VIDEO,
    FoundSegment,
    Publisher,
    data_of,
    entries,
    film,
    made,
    of_kind,
    payloads,
    runs,
    segments,
    starts_of,
    stream,
    written,
)
from tests.hub.stage import audio_config, inter, key, sound, video_config

VIDEO_SCALE = 90_000
PLAIN = ["h264-aac", "b-frames", "h265-aac", "h265-id12", "av1-opus", "vp9-flac", "long", "44100"]


def length_ms(segment: FoundSegment, track: int, scale: int) -> float:
    return sum(part.run.duration for part in segment.of(track)) * 1000 / scale


# Parts


@pytest.mark.parametrize("rate", RATES)
def test_parts_are_nearly_as_long_as_they_may_be(folder: Path, rate: int) -> None:
    """No part is longer than the target; only a segment's last is below 85 % of it."""
    form = written(film(folder, f"{rate}-fps"))
    for segment in segments(form.log):
        for track, scale in ((VIDEO, VIDEO_SCALE), (AUDIO, 48_000)):
            lengths = [part.run.duration * 1000 / scale for part in segment.of(track)]
            assert max(lengths) <= 251
            assert min(lengths[:-1]) >= 0.85 * 250
            assert min(lengths[:-1]) >= 0.85 * max(lengths)


@pytest.mark.parametrize("part_ms", [50, 100, 500, 1_000])
def test_parts_of_other_lengths_keep_to_them(folder: Path, part_ms: int) -> None:
    form = written(film(folder, "long"), Shape(2_000, part_ms))
    longest = {
        track: max(run.duration * 1000 / scale for run in runs(form.log, track))
        for track, scale in ((VIDEO, VIDEO_SCALE), (AUDIO, 48_000))
    }
    assert all(0.8 * part_ms <= one <= part_ms + 1 for one in longest.values())


def test_a_picture_that_lasts_longer_than_a_part_is_one(folder: Path) -> None:
    pictures = [key(0), *(inter(time_ms) for time_ms in range(1_000, 9_000, 1_000))]
    form = written([video_config(), *pictures, key(9_000)])
    durations = [run.duration for run in runs(form.log, VIDEO)]
    assert durations[:-1] == [VIDEO_SCALE] * 9


def test_every_part_begins_where_the_one_before_ends(folder: Path) -> None:
    for name in PLAIN:
        form = written(film(folder, name))
        for track in (VIDEO, AUDIO):
            for before, after in pairwise(runs(form.log, track)):
                assert after.decode_time == before.decode_time + before.duration, name


def test_fragments_are_numbered_upward() -> None:
    form = written([*CONFIGS, *stream(6_000)])
    numbers = [int.from_bytes(entry.data[20:24]) for entry in entries(form.log)]
    assert numbers == list(range(1, len(numbers) + 1))


# Segments


@pytest.mark.parametrize("name", PLAIN)
def test_segments_begin_with_a_keyframe_and_hold_every_frame_once(folder: Path, name: str) -> None:
    frames = film(folder, name)
    form = written(frames)
    assert all(segment.of(VIDEO)[0].has_key for segment in segments(form.log))
    assert payloads(form, VIDEO) == data_of(frames, Kind.VIDEO)
    assert payloads(form, AUDIO) == data_of(frames, Kind.AUDIO)


def test_all_tracks_of_a_segment_end_together(folder: Path) -> None:
    form = written(film(folder, "long"))
    found = segments(form.log)
    assert len(found) == 5
    for segment, after in pairwise(found):
        start_ms = after.start.start_ms
        assert segment.start.start_ms == start_ms - 2_000
        for track, scale, frame_ms in ((VIDEO, VIDEO_SCALE, 0.01), (AUDIO, 48_000, 21.4)):
            last, first = segment.of(track)[-1].run, after.of(track)[0].run
            assert abs((last.decode_time + last.duration) * 1000 / scale - start_ms) <= frame_ms
            assert abs(first.decode_time * 1000 / scale - start_ms) <= frame_ms


def test_the_last_entry_of_each_segment_says_so_and_no_other(folder: Path) -> None:
    form = written(film(folder, "long"))
    for segment in segments(form.log):
        ends = [bool(part.entry.flags & Flag.END) for part in segment.parts]
        assert ends == [False] * (len(ends) - 1) + [True]


def test_a_segment_is_as_long_as_keyframes_make_it(folder: Path) -> None:
    found = segments(written(film(folder, "rare-keys")).log)
    assert [segment.start.start_ms // 100 for segment in found] == [0, 50, 100]
    assert [segment.start.target_ms // 100 for segment in found] == [20, 50, 50]
    assert length_ms(found[0], VIDEO, VIDEO_SCALE) == 5_000


def test_where_every_picture_is_a_keyframe_segments_are_as_long_as_wanted(folder: Path) -> None:
    found = segments(written(film(folder, "only-keys")).log)
    starts = [segment.start.start_ms for segment in found]
    assert [start - starts[0] for start in starts] == [0, 1_920, 3_840]


def test_the_times_of_showing_are_kept(folder: Path) -> None:
    frames = film(folder, "long")
    shown = [
        (decode_time + sample.offset) / 90
        for run in runs(written(frames).log, VIDEO)
        for decode_time, sample in zip(
            starts_of(run.decode_time, run.samples), run.samples, strict=True
        )
    ]
    pictures = of_kind(frames, Kind.VIDEO)
    assert any(frame.cts_ms for frame in pictures)
    assert shown == [f.dts_ms + f.cts_ms for f in pictures if coded_data(f)]


def test_how_many_frames_come_at_once_changes_nothing(folder: Path) -> None:
    frames = film(folder, "long")
    logs = [written(frames, at_once=count).log for count in (1, 3, 50, len(frames))]
    data = [[entry[1:] for entry in entries(log)] for log in logs]
    starts = [[segment.start for segment in segments(log)] for log in logs]
    wall_ms = [[start.wall_ms - start.start_ms for start in one] for one in starts]
    assert all(one == data[0] for one in data)
    assert all(b.number == a.number + 1 for one in starts for a, b in pairwise(one))
    assert all(len(set(one)) == 1 for one in wall_ms)


def test_at_the_end_all_that_is_left_is_written_and_the_segment_is_whole() -> None:
    frames = [*CONFIGS, *stream(2_500)]
    form = written(frames, ends=False)
    assert len(payloads(form, VIDEO)) < len(of_kind(frames, Kind.VIDEO))
    form.flush()
    assert payloads(form, VIDEO) == data_of(frames, Kind.VIDEO)
    assert payloads(form, AUDIO) == data_of(frames, Kind.AUDIO)
    *_, last = entries(form.log)
    assert last.flags & Flag.END
    assert runs(form.log, VIDEO)[-1].samples[-1].duration == 40 * 90


def test_to_end_twice_adds_nothing() -> None:
    form = written([*CONFIGS, *stream(2_500)])
    head = form.log.head
    form.flush()
    assert form.log.head == head


# Time


def test_a_gap_in_time_makes_no_storm_of_segments() -> None:
    frames = [
        *CONFIGS,
        *stream(3_000),
        *stream(13_000, from_ms=12_000),
        *stream(99_000, from_ms=98_000),
    ]
    found = segments(written(frames).log)
    assert [segment.start.start_ms for segment in found] == [0, 2_000, 12_000, 98_000]
    assert [segment.start.target_ms for segment in found] == [2_000, 2_000, 10_000, 86_000]


def test_sounds_count_their_samples_however_their_times_are_rounded(folder: Path) -> None:
    found = runs(written(film(folder, "44100")).log, AUDIO)
    assert {sample.duration for run in found for sample in run.samples} == {1_024}


def test_sound_that_leaves_the_streams_time_is_put_right() -> None:
    """Three sounds are lost: they are missed where they were, and not from the end on."""
    frames = [*CONFIGS, *stream(8_000)]
    sounds = of_kind(frames, Kind.AUDIO)
    lost = sounds[100:103]
    found = runs(written([f for f in frames if f not in lost]).log, AUDIO)
    gaps = [b.decode_time - a.decode_time - a.duration for a, b in pairwise(found)]
    assert [gap for gap in gaps if gap] == [pytest.approx(3 * 1_024, abs=45)]


def test_sound_that_is_faster_than_its_times_never_goes_back() -> None:
    """1024 samples at 44.1 kHz every 20 ms: 3 ms too long each."""
    sounds = [sound(time_ms) for time_ms in range(0, 10_000, 20)]
    form = written([audio_config(), *sounds])
    found = runs(form.log, AUDIO)
    starts = [start for run in found for start in starts_of(run.decode_time, run.samples)]
    assert all(a < b for a, b in pairwise(starts))
    for start, frame in zip(starts, sounds, strict=True):
        assert abs(start / 44.1 - frame.dts_ms) <= 1.5 * 23.3


def test_pictures_of_the_same_time_have_a_length() -> None:
    frames = [video_config(), key(0), *(inter(40) for _ in range(20)), inter(80), key(4_000)]
    form = written(frames)
    assert all(sample.duration > 0 for run in runs(form.log, VIDEO) for sample in run.samples)
    assert len(payloads(form, VIDEO)) == 23


# What is broken


def test_frames_that_cannot_be_read_are_left_out(folder: Path) -> None:
    """MP3, which has no configuration: its frames say what it is."""
    frames = film(folder, "h264-mp3")
    first = next(index for index, frame in enumerate(frames) if frame.kind is Kind.AUDIO)
    garbage = [parse_tag(8, frames[first].dts_ms, b"\x2fgarbage")] * 3
    form = written([*frames[:first], *garbage, *frames[first:]])
    assert payloads(form, AUDIO) == data_of(frames, Kind.AUDIO)


def test_a_broken_configuration_costs_its_track_alone() -> None:
    broken = parse_tag(9, 0, b"\x17\0\0\0\0\1\x4d")
    form = written([broken, audio_config(), *stream(5_000)])
    assert {run.track_id for run in runs(form.log, AUDIO)} == {AUDIO}
    assert not runs(form.log, VIDEO)
    assert CmafFormat.left_out((broken, audio_config())) == [Codec.H264]


class FullLog(Log):
    """A log for which there is no memory, now and then."""

    is_full = False

    def append(self, batch: Batch) -> None:
        if self.is_full and batch.sizes:
            raise OSError("no memory")
        super().append(batch)


@pytest.mark.parametrize("at_ms", [100, 1_990, 2_000, 3_000])
def test_after_a_lack_of_memory_it_goes_on_with_the_next_keyframe(at_ms: int) -> None:
    log = FullLog()
    form = made(log)
    publisher = Publisher(form, at_once=1)
    frames = [*CONFIGS, *stream(9_000)]
    publisher.publish([f for f in frames if f.dts_ms < at_ms], ends=False)
    log.is_full = True
    failures = 0
    for frame in frames:
        if at_ms <= frame.dts_ms < at_ms + 600:
            try:
                publisher.send([frame])
            except OSError:
                failures += 1
    assert failures
    log.is_full = False
    publisher.send([f for f in frames if f.dts_ms >= at_ms + 600])
    form.flush()
    found = segments(log)
    numbers = [segment.start.number for segment in found]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert found[-1].start.start_ms == 8_000
    assert all(segment.of(VIDEO)[0].has_key for segment in found)
    for track in (VIDEO, AUDIO):
        starts = [run.decode_time for run in runs(log, track)]
        assert starts == sorted(starts)


# Who comes, and who goes on


def test_a_newcomer_is_greeted_with_the_description_of_all_tracks() -> None:
    form = written([*CONFIGS, *stream(5_000)])
    for sync in form.log.sync_points:
        assert isinstance(sync.greeting, SegmentGreeting)
        assert form.greet(sync.greeting, sync.time_ms) == [sync.greeting.segment.init]
        assert form.greet(sync.greeting, sync.time_ms, again=True) == [sync.greeting.segment.init]


def test_another_publication_begins_a_segment_at_once() -> None:
    form = made()
    publisher = Publisher(form)
    publisher.publish([*CONFIGS, *stream(2_500)])
    publisher.publish([*CONFIGS, *stream(5_000, from_ms=2_700)])
    found = segments(form.log)
    assert [segment.start.start_ms for segment in found] == [0, 2_000, 2_700, 4_700]
    assert [b.start.number - a.start.number for a, b in pairwise(found)] == [1, 1, 1]
    assert [b.start.discontinuities - a.start.discontinuities for a, b in pairwise(found)] == [
        0,
        1,
        0,
    ]


def test_a_new_home_says_what_is_other_than_before() -> None:
    """Viewers of an endless file go on with what another process writes."""
    log = Log()
    Publisher(made(log)).publish([*CONFIGS, *stream(2_500)])
    Publisher(made(log)).publish([video_config(2_600, b"\0"), *stream(5_000, from_ms=2_600)])
    (entry,) = [entry for entry in entries(log) if entry.flags & Flag.CONFIG]
    assert entry.data == segments(log)[2].start.init


def test_an_entry_is_in_one_memory_file() -> None:
    """And what does not fit goes into the next one."""
    form = written(
        [
            *CONFIGS,
            *(f._replace(body=f.body + os.urandom(60_000)) for f in stream(4_000, sounds=False)),
        ]
    )
    assert len(form.log.segments) > 2
    assert sum(len(entry.data) for entry in entries(form.log)) == form.log.head
