"""MPEG-TS: what is written keeps the rules of ISO 13818-1."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from slipstream.formats import Flag, TsFormat
from slipstream.log import SYNC, Log
from slipstream.media import (
    Frame,
    Kind,
)
from tests.formats.ts_reader import read_ts
from tests.formats.ts_stage import (
    ALL,
    CLOCK,
    OFFSET_MS,
    content,
    demuxed,
    film,
    inter,
    is_coded,
    key,
    later,
    published,
    written,
)
from tests.hub.stage import audio_config, sound, video_config


@pytest.mark.parametrize("name", ALL)
def test_the_stream_keeps_the_rules(folder: Path, name: str) -> None:
    frames = film(folder, name)
    found = read_ts(content(written(frames)))
    assert [s.stream_type for s in found.programmes[-1].streams] == ALL[name]
    assert {p.version for p in found.programmes} == {0}  # all is known from the first one on
    assert found.pids[:2] == [0, 0x1000]
    assert all(0 < b - a <= 100 * 27_000 for a, b in pairwise(found.clocks))
    assert found.clocks[0] >= 0
    pcr_pid = found.programmes[-1].pcr_pid
    assert pcr_pid == found.programmes[-1].streams[0].pid
    for stream in found.programmes[-1].streams:
        times = [unit.dts for unit in found.of(stream.pid)]
        assert times == sorted(times)


@pytest.mark.parametrize("name", ["b-frames", "h265-aac", "h264-mp3"])
def test_times_are_those_of_the_frames_in_90_khz(folder: Path, name: str) -> None:
    frames = film(folder, name)
    found = read_ts(content(written(frames)))
    pids = [s.pid for s in found.programmes[0].streams]
    for pid, kind in zip(pids, (Kind.VIDEO, Kind.AUDIO), strict=True):
        coded = [f for f in frames if f.kind is kind and is_coded(f)]
        assert [(u.dts, u.pts) for u in found.of(pid)] == [
            (90 * (f.dts_ms + OFFSET_MS), 90 * (f.dts_ms + f.cts_ms + OFFSET_MS)) for f in coded
        ]


def test_times_run_over_at_33_bits(folder: Path) -> None:
    start_ms = CLOCK // 90 - 1_700
    frames = later(film(folder, "b-frames"), start_ms)
    data = content(written(frames))
    found = read_ts(data)
    expected = [
        (90 * (f.dts_ms + f.cts_ms + OFFSET_MS)) % CLOCK
        for f in frames
        if f.kind is Kind.VIDEO and is_coded(f)
    ]
    assert [unit.pts for unit in found.of(0x100)] == expected
    assert min(expected) < 90 * 1_000 < CLOCK - 90 * 1_000 < max(expected)
    steps = [(b - a) % (CLOCK * 300) for a, b in pairwise(found.clocks)]
    assert max(steps) <= 100 * 27_000
    assert min(found.clocks) < 27_000_000 < max(found.clocks)
    assert [one.parts for one in demuxed(data) if one.codec == "h264"] == published(
        frames, Kind.VIDEO
    )


def test_pictures_to_be_shown_before_they_are_decoded_are_decoded_earlier() -> None:
    times = [(0, 0), (40, 120), (80, -40), (120, -40), (160, 120), (200, -40), (240, -40)]
    frames = [
        video_config(),
        *((key if not dts else inter)(dts)._replace(cts_ms=cts) for dts, cts in times),
    ]
    units = read_ts(content(written(frames))).of(0x100)
    assert [u.pts for u in units] == [90 * (d + c + OFFSET_MS) for d, c in times]
    assert all(u.dts <= u.pts for u in units)
    assert all(a.dts <= b.dts for a, b in pairwise(units))


def test_sound_brings_the_clock_while_pictures_are_rare() -> None:
    sounds = [sound(time_ms) for time_ms in range(0, 4_000, 20)]
    pictures = [video_config(), key(0), inter(1_990), inter(3_990)]
    frames = sorted([audio_config(), *pictures, *sounds], key=lambda f: (f.dts_ms, not f.config))
    found = read_ts(content(written(frames)))
    assert found.programmes[0].pcr_pid == 0x100
    assert all(0 < b - a <= 100 * 27_000 for a, b in pairwise(found.clocks))


def test_each_frame_is_one_entry_whose_flags_say_what_it_is(folder: Path) -> None:
    frames = [f for f in film(folder, "b-frames") if f.kind is not Kind.DATA]
    form = written(frames)
    (segment,) = form.log.segments
    coded = [f for f in frames if is_coded(f)]
    assert list(segment.times) == [f.dts_ms for f in coded]
    assert all(end % 188 == 0 for end in segment.ends)
    for flags, frame in zip(segment.flags, coded, strict=True):
        assert bool(flags & Flag.VIDEO) == (frame.kind is Kind.VIDEO)
        assert bool(flags & Flag.AUDIO) == (frame.kind is Kind.AUDIO)
        assert bool(flags & SYNC) == bool(flags & Flag.KEYFRAME) == frame.keyframe
        assert bool(flags & Flag.DISPOSABLE) == frame.disposable
    assert any(frame.disposable for frame in coded)


def test_leaving_disposable_pictures_out_leaves_a_gap_and_nothing_else(folder: Path) -> None:
    frames = film(folder, "b-frames")
    form = written(frames)
    (segment,) = form.log.segments
    data, kept, start = content(form), b"", 0
    for end, flags in zip(segment.ends, segment.flags, strict=True):
        if not flags & Flag.DISPOSABLE:
            kept += data[start:end]
        start = end
    found = read_ts(kept, gaps_allowed=True)
    assert found.gaps
    rest = [f for f in frames if not f.disposable]
    assert [one.parts for one in demuxed(kept) if one.codec == "h264"] == published(
        rest, Kind.VIDEO
    )


def test_of_sound_alone_some_places_a_second_are_starts(folder: Path) -> None:
    form = written(film(folder, "audio-only"))
    steps = [b.time_ms - a.time_ms for a, b in pairwise(form.log.sync_points)]
    assert steps
    assert all(500 <= step < 550 for step in steps)
    for sync in form.log.sync_points:
        assert read_ts(content(form, sync.position)).units[0].random_access


def test_the_first_sound_of_the_next_publisher_is_a_start() -> None:
    form = written([audio_config(), *(sound(time_ms) for time_ms in range(0, 100, 20))])
    form.log.mark()
    form.append([sound(100)], [(0, (audio_config(),))])
    assert form.log.sync_points[-1].position == form.log.era


def test_tables_come_twice_a_second_in_long_picture_groups() -> None:
    frames = [video_config(), key(0), *(inter(time_ms) for time_ms in range(40, 10_000, 40))]
    found = read_ts(content(written(frames)))
    assert len(found.programmes) == 20


def test_a_track_that_has_gone_leaves_the_programme_and_may_return() -> None:
    def group(start_ms: int, *, loud: bool) -> list[Frame]:
        pair = [sound(start_ms + 5)] if loud else []
        return [key(start_ms), *pair, inter(start_ms + 500)]

    frames = [video_config(), audio_config()]
    for number in range(12):
        frames += group(number * 1_000, loud=number in (0, 1, 10, 11))
    found = read_ts(content(written(frames)))
    kinds = [len(programme.streams) for programme in found.programmes]
    assert kinds[0] == kinds[-1] == 2
    assert 1 in kinds
    assert len({programme.version for programme in found.programmes}) == 3
    assert len(found.of(0x110)) == 4


def test_configurations_may_be_hours_old_when_somebody_comes() -> None:
    """As a format gets them that is made for the first viewer."""
    hours = 7_200_000
    form = TsFormat(Log())
    greeting = (audio_config(), video_config())
    form.append([key(hours), sound(hours + 3), inter(hours + 40)], [(0, greeting)])
    found = read_ts(content(form))
    assert [len(programme.streams) for programme in found.programmes] == [2]
    assert len(found.units) == 3
    assert form.greet(greeting, hours) == form.greet(greeting, hours, again=True) == []


@pytest.mark.parametrize("packets", range(34))
def test_a_worker_that_goes_on_with_a_log_counts_programmes_from_the_last_one(packets: int) -> None:
    log = Log()
    loud = sound(0, bytes(150 + 184 * packets))
    written([audio_config(), loud], log=log)
    form = TsFormat(log)
    form.append([key(9_000), sound(9_010), inter(9_040)], [(0, (audio_config(), video_config()))])
    found = read_ts(content(form))
    assert [programme.version for programme in found.programmes] == [0, 1]
    assert found.breaks == [0, 0x1000, 0x100, 0x110]  # once each, with the first packet


def test_the_newest_programme_counts_wherever_it_stands() -> None:
    """It has changed since the last place to start, within the same segment and in the next."""
    for padding in (0, 2_000_000):
        log = Log()
        first = TsFormat(log)
        first.append([key(0)], [(0, (video_config(),))])
        first.append([inter(40, padding)], [])
        first.append([audio_config(), sound(50), inter(80)], [])
        second = TsFormat(log)
        second.append([key(9_000)], [(0, (video_config(),))])
        versions = [programme.version for programme in read_ts(content(second)).programmes]
        assert versions == [0, 1, 2]


def test_who_is_the_home_again_goes_on_after_the_other() -> None:
    log = Log()
    first, second = TsFormat(log), TsFormat(log)
    greeting = (video_config(),)
    first.append([key(0), inter(40)], [(0, greeting)])
    second.append([key(1_000), inter(1_040)], [(0, greeting)])
    first.append([key(2_000), inter(2_040)], [(0, greeting)])
    first.append([key(3_000)], [(0, greeting)])
    found = read_ts(content(first))
    assert [programme.version for programme in found.programmes] == [0, 1, 2, 2]
    assert found.breaks == [0, 0x1000, 0x100] * 2
    assert len(found.of(0x100)) == 7
