"""How frames are cut into parts and segments; read back by the letter of MP4."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from slipstream.formats import CmafFormat, Flag, SegmentGreeting, Shape
from slipstream.log import Batch, Log
from slipstream.media import Codec, Frame, Kind, coded_data, parse_tag
from tests.formats.cmaf_stage import (
    RATES,
    FoundSegment,
    Publisher,
    entries,
    film,
    made,
    of_kind,
    runs,
    segments,
    written,
)
from tests.formats.ts_stage import later
from tests.hub.stage import audio_config, inter, key, sound, video_config
from tests.mp4_reader import read_init

VIDEO, AUDIO = 1, 2  # tracks
VIDEO_SCALE = 90_000
PLAIN = ["h264-aac", "b-frames", "h265-aac", "h265-id12", "av1-opus", "vp9-flac", "long", "44100"]


def length_ms(segment: FoundSegment, track: int, scale: int) -> float:
    return sum(part.run.duration for part in segment.of(track)) * 1000 / scale


def payloads(form: CmafFormat, track: int) -> list[bytes]:
    return [sample.data for run in runs(form.log, track) for sample in run.samples]


def data_of(frames: Sequence[Frame], kind: Kind) -> list[bytes]:
    """What was published, less what MP4 does not want of AV1."""
    return [
        bytes(coded_data(f)).removeprefix(b"\x12\0" if f.codec is Codec.AV1 else b"")
        for f in of_kind(frames, kind)
        if coded_data(f)
    ]


def stream(
    until_ms: int, *, gop_ms: int = 2_000, from_ms: int = 0, sounds: bool = True
) -> list[Frame]:
    """Pictures at 25 a second, and sounds of 1024 samples at 44.1 kHz."""
    frames = [
        (key if (time_ms - from_ms) % gop_ms == 0 else inter)(time_ms)
        for time_ms in range(from_ms, until_ms, 40)
    ]
    if sounds:
        times = (from_ms + index * 1_024_000 // 44_100 for index in range(until_ms))
        frames += [sound(time_ms) for time_ms in times if time_ms < until_ms]
    return sorted(frames, key=lambda frame: frame.dts_ms)


CONFIGS = [video_config(), audio_config()]


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
            _starts(run.decode_time, run.samples), run.samples, strict=True
        )
    ]
    pictures = of_kind(frames, Kind.VIDEO)
    assert any(frame.cts_ms for frame in pictures)
    assert shown == [f.dts_ms + f.cts_ms for f in pictures if coded_data(f)]


def _starts(start: int, samples: Sequence[object]) -> list[int]:
    starts = []
    for sample in samples:
        starts.append(start)
        start += sample.duration  # type: ignore[attr-defined]
    return starts


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


# Which tracks there are


@pytest.mark.parametrize(
    ("name", "video", "audio"),
    [
        ("h264-aac", b"avc1", b"mp4a"),
        ("h265-aac", b"hvc1", b"mp4a"),
        ("h265-id12", b"hvc1", b"mp4a"),
        ("av1-opus", b"av01", b"Opus"),
        ("vp9-flac", b"vp09", b"fLaC"),
        ("h264-mp3", b"avc1", b"mp4a"),
        ("h264-ac3", b"avc1", b"ac-3"),
        ("h264-eac3", b"avc1", b"ec-3"),
        ("video-only", b"avc1", None),
        ("audio-only", None, b"mp4a"),
    ],
)
def test_a_segment_lists_the_tracks_that_are_in_it(
    folder: Path, name: str, video: bytes | None, audio: bytes | None
) -> None:
    form = written(film(folder, name))
    found = segments(form.log)
    tracks = read_init(found[0].start.init)
    expected = [(i, e) for i, e in ((VIDEO, video), (AUDIO, audio)) if e]
    assert [(track.track_id, track.entry) for track in tracks] == expected
    for info, track in zip(found[0].start.tracks, tracks, strict=True):
        assert read_init(info.init) == [track]
        assert (info.id, info.timescale) == (track.track_id, track.timescale)
        assert (info.name, info.is_video) == (("v0", True) if info.id == VIDEO else ("a0", False))
    assert {segment.start.init for segment in found} == {found[0].start.init}
    for segment in found[:-1]:
        assert {part.run.track_id for part in segment.parts} == {t.track_id for t in tracks}


def test_sound_alone_is_cut_at_any_sound(folder: Path) -> None:
    frames = later(film(folder, "audio-only"), 0)
    frames += later([f for f in frames if not f.config], 2_500)
    found = segments(written(frames).log)
    assert [round(segment.start.start_ms / 1000) for segment in found] == [0, 2, 4]
    assert payloads(written(frames), AUDIO) == data_of(frames, Kind.AUDIO)


def test_beside_pictures_that_mp4_cannot_carry_sound_stands_alone() -> None:
    """VP6 keyframes say where segments begin all the same."""
    pictures = [
        parse_tag(9, time_ms, (b"\x14" if time_ms % 1_000 == 0 else b"\x24") + b"\0picture")
        for time_ms in range(0, 6_000, 40)
    ]
    sounds = [sound(time_ms) for time_ms in range(0, 6_000, 23)]
    frames = [audio_config(), *sorted([*pictures, *sounds], key=lambda f: f.dts_ms)]
    form = written(frames)
    found = segments(form.log)
    assert [segment.start.start_ms for segment in found] == [0, 2_000, 4_000]
    assert {part.run.track_id for segment in found for part in segment.parts} == {AUDIO}
    assert payloads(form, AUDIO) == data_of(frames, Kind.AUDIO)
    assert CmafFormat.left_out((audio_config(),)) == []


def test_what_cannot_be_carried_at_all_leaves_the_log_empty_until_something_can() -> None:
    pictures = [parse_tag(9, time_ms, b"\x14\0picture") for time_ms in range(0, 60_000, 40)]
    form = made()
    publisher = Publisher(form)
    publisher.publish(pictures, ends=False)
    assert form.log.head == 0
    publisher.send([*CONFIGS, *stream(62_500, from_ms=60_000)])
    form.flush()
    (first, second) = segments(form.log)
    assert (first.start.start_ms, first.start.target_ms) == (60_000, 2_000)
    assert (second.start.start_ms, second.start.target_ms) == (62_000, 2_000)


def test_tracks_beyond_the_first_are_in_it_too() -> None:
    """Enhanced RTMP v2 Multitrack: one frame with the pictures of two tracks."""
    config = video_config().body[5:]
    frames = []
    for time_ms in range(0, 5_000, 40):
        first = 0x96 if time_ms % 2_000 == 0 else 0xA6
        both = b"".join(
            bytes((number,)) + (9 + 3).to_bytes(3) + bytes(3) + b"\0\0\0\x05\x65" + bytes(4)
            for number in (0, 1)
        )
        frames.append(parse_tag(9, time_ms, bytes((first, 0x11)) + b"avc1" + both))
    configs = [
        parse_tag(9, 0, bytes((0x96, 0x00)) + b"avc1" + bytes((number,)) + config)
        for number in (0, 1)
    ]
    found = segments(written([*configs, *frames]).log)
    assert [info.name for info in found[0].start.tracks] == ["v0", "v1"]
    for track in (1, 3):
        assert [len(segment.of(track)) for segment in found] == [9, 9, 5]
        assert all(segment.of(track)[0].has_key for segment in found)


# What changes in mid-stream

OTHER_VIDEO = "other"


def changed_pictures(folder: Path) -> list[Frame]:
    """H.264, then H.265, from the same publisher."""
    first = film(folder, "long")
    second = [f for f in film(folder, "h265-aac") if f.kind is Kind.VIDEO]
    return [*first, *later(second, 9_000)]


def test_other_pictures_begin_a_segment_with_a_description_of_their_own(folder: Path) -> None:
    frames = changed_pictures(folder)
    form = written(frames)
    found = segments(form.log)
    codecs = [segment.start.tracks[0].codec[:4] for segment in found]
    assert codecs == ["avc1"] * 5 + ["hvc1"] * 2
    steps = [b.start.discontinuities - a.start.discontinuities for a, b in pairwise(found)]
    assert steps == [0, 0, 0, 0, 1, 0]
    assert payloads(form, VIDEO) == data_of(frames, Kind.VIDEO)


def test_an_endless_file_gets_the_new_description_where_it_holds(folder: Path) -> None:
    form = written(changed_pictures(folder))
    found = [entry for entry in entries(form.log) if entry.flags & Flag.CONFIG]
    (entry,) = found
    changed = segments(form.log)[5]
    assert entry.data == changed.start.init
    assert entry.position + len(entry.data) == changed.parts[0].entry.position


def test_a_change_soon_after_a_segment_began_does_not_wait_for_the_next_one() -> None:
    frames = [*CONFIGS, *stream(3_000, gop_ms=1_000)]
    changed = [video_config(3_000, b"\0"), *stream(6_000, gop_ms=1_000, from_ms=3_000)]
    form = written([*frames, *changed])
    found = segments(form.log)
    assert [segment.start.start_ms for segment in found] == [0, 2_000, 3_000, 5_000]
    assert payloads(form, VIDEO) == data_of([*frames, *changed], Kind.VIDEO)


def test_a_configuration_with_every_keyframe_makes_no_storm_of_segments() -> None:
    frames = [audio_config()]
    for time_ms in range(0, 4_000, 40):
        frames += [video_config(time_ms, bytes((time_ms // 40 % 2,))), key(time_ms)]
    found = segments(written(frames).log)
    lengths = [b.start.start_ms - a.start.start_ms for a, b in pairwise(found)]
    assert min(lengths) >= 250


def test_other_sound_begins_with_the_next_segment() -> None:
    other = parse_tag(8, 3_000, bytes.fromhex("af001190"))  # 48 kHz
    frames = [*CONFIGS, *stream(3_000, gop_ms=1_000), other]
    frames += stream(6_000, gop_ms=1_000, from_ms=3_000)
    form = written(frames)
    found = segments(form.log)
    rates = [segment.start.tracks[1].sample_rate for segment in found]
    assert rates == [44_100, 44_100, 48_000, 48_000]
    assert [segment.start.start_ms for segment in found] == [0, 2_000, 3_000, 5_000]
    assert len(payloads(form, AUDIO)) == len(of_kind(frames, Kind.AUDIO))


def test_sound_that_comes_later_is_in_the_next_segment() -> None:
    pictures = stream(5_000, sounds=False)
    sounds = [audio_config(900), *(sound(time_ms) for time_ms in range(900, 5_000, 23))]
    frames = [video_config(), *sorted([*pictures, *sounds], key=lambda f: f.dts_ms)]
    form = written(frames)
    found = segments(form.log)
    assert [len(segment.start.tracks) for segment in found] == [1, 2, 2]
    assert found[1].start.discontinuities == found[0].start.discontinuities + 1
    (first, *_) = found[1].of(AUDIO)
    assert abs(first.run.decode_time / 44.1 - 2_000) <= 24


def test_a_track_that_has_gone_is_listed_no_more_and_again_when_it_is_back() -> None:
    frames = [*CONFIGS]
    frames += stream(4_000)
    frames += stream(14_000, from_ms=4_000, sounds=False)
    frames += stream(18_000, from_ms=14_000)
    found = segments(written(frames).log)
    listed = [len(segment.start.tracks) for segment in found]
    assert listed == [2, 2, 2, 2, 2, 1, 1, 2, 2]
    assert found[-1].of(AUDIO)


def test_when_pictures_cease_segments_of_sound_go_on_and_back_again() -> None:
    frames = [*CONFIGS, *stream(3_000)]
    frames += [f for f in stream(16_000, from_ms=3_000) if f.kind is Kind.AUDIO]
    frames += stream(20_000, from_ms=16_000)
    form = written(frames)
    found = segments(form.log)
    listed = [
        (segment.start.start_ms // 1_000, "".join(t.name[0] for t in segment.start.tracks))
        for segment in found
    ]
    assert listed[:3] == [(0, "va"), (2, "va"), (8, "a")]
    assert listed[-2:] == [(16, "va"), (18, "va")]
    assert {names for _, names in listed[2:-2]} == {"a"}
    assert payloads(form, AUDIO) == data_of(frames, Kind.AUDIO)
    assert payloads(form, VIDEO) == data_of(frames, Kind.VIDEO)


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
    starts = [start for run in found for start in _starts(run.decode_time, run.samples)]
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
