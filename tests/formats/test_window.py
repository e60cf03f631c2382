"""What is found in a log of segments: the same, whoever looks, whenever."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest

from slipstream.formats import CmafFormat, Shape, TrackInfo, Window, hls
from slipstream.log import SYNC, Batch, Log
from slipstream.media import Frame, parse_tag
from tests.formats.cmaf_stage import (
    CONFIGS,
    Publisher,
    entries,
    film,
    made,
    segments,
    stream,
    written,
)
from tests.workers.stage import CompanyStage, until

SHAPE = Shape(2_000, 250, 16_000)


def window_of(form: CmafFormat) -> Window:
    window = Window(form.log, form.shape)
    window.update()
    return window


def playlists(window: Window) -> list[str]:
    """All that players are told."""
    assert window.start is not None
    names = [track.name for track in window.start.tracks]
    tracks = [track for name in names if (track := window.track(name))]
    return [
        hls.multivariant_playlist(window, "a"),
        *(hls.media_playlist(window, track, "a") for track in tracks),
        *(hls.media_playlist(window, track, "a", skip=True) for track in tracks),
    ]


def long_stream(seconds: int) -> list[Frame]:
    return [*CONFIGS, *stream(seconds * 1_000)]


def test_it_finds_every_part_where_it_lies(folder: Path) -> None:
    form = written(film(folder, "long"))
    window = window_of(form)
    found = segments(form.log)
    assert [segment.start for segment in window.segments] == [one.start for one in found]
    for segment, one in zip(window.segments, found, strict=True):
        for track in segment.start.tracks:
            parts, expected = segment.parts_of(track), one.of(track.id)
            assert [window.read(part) for part in parts] == [p.entry.data for p in expected]
            assert [part.decode_time for part in parts] == [p.run.decode_time for p in expected]
            assert [part.duration for part in parts] == [p.run.duration for p in expected]
            assert [part.independent for part in parts] == [p.has_key for p in expected]


def test_it_makes_no_difference_how_often_it_looks() -> None:
    """After every frame, now and then, or once."""
    form = made()
    publisher = Publisher(form, at_once=1)
    publisher.publish(CONFIGS, ends=False)
    always, sometimes = Window(form.log, form.shape), Window(form.log, form.shape)
    for index, frame in enumerate(stream(30_000)):
        publisher.send([frame])
        always.update()
        if index % 97 == 0:
            sometimes.update()
            if always.segments:
                assert playlists(sometimes) == playlists(always)
    sometimes.update()
    assert playlists(window_of(form)) == playlists(always) == playlists(sometimes)


def test_it_says_whether_anything_has_changed() -> None:
    form = made()
    publisher = Publisher(form)
    publisher.publish([*CONFIGS, *stream(1_000)], ends=False)
    window = Window(form.log, form.shape)
    assert window.update()
    version = window.version
    assert not window.update()
    assert window.version == version
    publisher.send(stream(2_000, from_ms=1_000))
    assert window.update()
    assert window.version > version


def test_a_segment_is_whole_when_the_next_one_begins_or_the_publication_ends() -> None:
    form = made()
    publisher = Publisher(form, at_once=1)
    publisher.publish([*CONFIGS, *stream(1_990)], ends=False)
    window = window_of(form)
    assert [segment.is_whole for segment in window.segments] == [False]
    publisher.send(stream(2_040, from_ms=2_000, sounds=False))
    assert window.update()
    assert [segment.is_whole for segment in window.segments] == [True]
    publisher.send(stream(3_000, from_ms=2_040))
    window.update()
    assert [segment.is_whole for segment in window.segments] == [True, False]
    form.log.finish()  # as when its home has died
    assert window.update()
    assert [segment.is_whole for segment in window.segments] == [True, True]


def test_what_has_been_dropped_is_found_no_more_and_what_is_shown_is_never_dropped() -> None:
    """Memory files go one by one; the playlist is shorter than what is kept."""
    form = made(Log(keep_ms=1_000))
    publisher = Publisher(form)
    publisher.publish(CONFIGS, ends=False)
    window = Window(form.log, form.shape)
    heavy = [f._replace(body=f.body + os.urandom(20_000)) for f in stream(120_000, sounds=False)]
    listed: list[int] = []
    for start in range(0, len(heavy), 50):
        publisher.send(heavy[start : start + 50])
        window.update()
        shown = window.shown()
        for segment in shown:
            for track in segment.start.tracks:
                assert all(window.read(part) for part in segment.parts_of(track))
        listed += [segment.number for segment in shown if segment.number not in listed]
        assert all(segment.position >= form.log.tail for segment in window.segments)
    assert len(form.log.segments) > 1
    assert form.log.tail > 0
    assert len(window.segments) < len(listed) == 60
    old = min(segment.number for segment in window.segments) - 1
    assert window.find(old) is None
    assert window.find(listed[-1]) is window.segments[-1]
    fresh = window_of(form)
    assert playlists(fresh) == playlists(window)


def test_a_part_that_has_gone_is_not_read() -> None:
    form = made(Log(keep_ms=0, max_bytes=1 << 20), Shape(2_000, 250, 2_000))
    publisher = Publisher(form)
    publisher.publish([*CONFIGS, *stream(1_000)], ends=False)
    window = window_of(form)
    (part, *_) = next(iter(window.segments[0].parts.values()))
    assert window.read(part)
    heavy = [f._replace(body=f.body + bytes(40_000)) for f in stream(9_000, from_ms=1_000)]
    publisher.send(heavy)
    with pytest.raises(LookupError):
        window.read(part)


def test_what_is_shown_reaches_as_far_back_as_wanted_and_four_targets_at_least() -> None:
    window = window_of(written(long_stream(40)))
    assert window.start is not None
    assert window.start.start_ms - window.shown()[0].start.start_ms == 16_000
    rare = [*CONFIGS, *stream(90_000, gop_ms=10_000)]
    window = window_of(written(rare))
    assert window.start is not None
    assert window.start.start_ms - window.shown()[0].start.start_ms == 40_000


def test_the_targets_are_those_of_what_is_shown() -> None:
    window = window_of(written([*CONFIGS, *stream(30_000, gop_ms=7_000)]))
    assert window.target_s == 7
    video, audio = (window.track(name) for name in ("v0", "a0"))
    assert video is not None
    assert audio is not None
    assert window.part_target_s(video) == 0.24
    assert window.part_target_s(audio) == 0.233  # 10 * 1024 / 44100, rounded up
    assert window.longest_part_target_s() == 0.24


def test_the_target_counts_the_newest_segment_as_soon_as_it_is_whole() -> None:
    """Before the next one begins, which is when the log says so."""
    form = made()
    publisher = Publisher(form, at_once=1)
    publisher.publish([*CONFIGS, *stream(5_000, gop_ms=5_000, sounds=False)], ends=False)
    window = window_of(form)
    assert window.target_s == 2
    publisher.send(stream(5_040, from_ms=5_000, sounds=False))
    window.update()
    assert [segment.is_whole for segment in window.segments] == [True]
    assert window.target_s == 5


def test_a_part_that_was_long_once_is_forgotten_when_it_has_left_the_playlist() -> None:
    frames = [*CONFIGS, *stream(4_000), *stream(60_000, from_ms=6_000)]
    form = made()
    publisher = Publisher(form)
    publisher.publish([f for f in frames if f.dts_ms < 8_000], ends=False)
    window = window_of(form)
    video = window.track("v0")
    assert video is not None
    assert window.part_target_s(video) > 2
    publisher.send([f for f in frames if f.dts_ms >= 8_000])
    window.update()
    assert window.part_target_s(video) == 0.24


def test_tracks_of_other_clocks_are_measured_by_their_own() -> None:
    other = parse_tag(8, 4_000, bytes.fromhex("af001190"))  # 48 kHz instead of 44.1
    frames = [*CONFIGS, *stream(4_000), other, *stream(8_000, from_ms=4_000)]
    window = window_of(written(frames))
    audio = window.track("a0")
    assert audio is not None
    assert audio.timescale == 48_000
    first = window.segments[0]
    assert first.own(audio).timescale == 44_100
    assert first.duration_s(audio) == pytest.approx(2.0, abs=0.03)


def test_a_segment_whose_beginning_nobody_knows_is_not_there_and_hurts_no_other() -> None:
    """A lack of memory can lose a sync point whose entry is there."""
    form = made()
    publisher = Publisher(form)
    publisher.publish([*CONFIGS, *stream(9_900)], ends=False)
    lost = form.log.sync_points[2]
    form.log.sync_points.remove(lost)
    window = window_of(form)
    numbers = [segment.number for segment in window.segments]
    assert [b - a for a, b in pairwise(numbers)] == [1, 2, 1]
    assert all(segment.is_whole for segment in list(window.segments)[:-1])
    assert [segment.start.start_ms for segment in window.shown()] == [6_000, 8_000]
    assert [round(segment.length_s) for segment in list(window.segments)[:-1]] == [2, 2, 2]


def test_garbage_in_a_log_is_passed_over() -> None:
    form = made()
    publisher = Publisher(form)
    publisher.publish([*CONFIGS, *stream(2_500)], ends=False)
    before = window_of(form)
    for flags in (4, 2, 0x84, 0x86, SYNC | 4, 0):
        garbage = os.urandom(700)
        greetings: list[object] = [()] if flags & SYNC else []
        form.log.append(Batch([garbage], [700], [2_600], bytearray((flags,)), greetings))
    publisher.publish([*CONFIGS, *stream(8_000, from_ms=3_000)], ends=False)
    window = window_of(form)
    assert [s.start for s in window.segments][:2] == [s.start for s in before.segments]
    assert window.start is not None
    assert window.start.start_ms == 7_000
    assert playlists(window)


def test_an_empty_log_shows_nothing() -> None:
    window = Window(Log(), SHAPE)
    assert not window.update()
    assert window.shown() == []
    assert window.start is None
    assert window.track("v0") is None
    assert window.find(1) is None
    assert window.target_s == 2


async def test_who_follows_finds_the_same(folder: Path) -> None:
    async with CompanyStage(2) as company:
        home, other = company[1], company[2]
        _, kept = home.watch(CmafFormat)
        _, followed = other.watch(CmafFormat)
        publication = await home.publish()
        for start in range(0, 600, 20):
            publication.receive([*CONFIGS, *stream(9_000)][start : start + 20], home.loop.time())
        logs = home.log(CmafFormat), other.log(CmafFormat)
        await until(lambda: logs[1].head == logs[0].head, "that all is announced")
        assert isinstance(kept.form, CmafFormat)
        windows = [Window(log, kept.form.shape) for log in logs]
        for window in windows:
            window.update()
        assert playlists(windows[0]) == playlists(windows[1])
        assert list(windows[0].segments) == list(windows[1].segments)
        assert [entry.data for entry in entries(logs[0])] == [e.data for e in entries(logs[1])]
        assert logs[1].keep_ms == logs[0].keep_ms > 30_000
        del followed


async def test_a_new_home_goes_on_where_the_old_one_died() -> None:
    async with CompanyStage(2) as company:
        home, other = company[1], company[2]
        home.watch(CmafFormat)
        other.watch(CmafFormat)
        publication = await home.publish()
        publication.receive([*CONFIGS, *stream(5_000)], home.loop.time())
        log = other.log(CmafFormat)
        await until(lambda: log.head == home.log(CmafFormat).head, "that all is announced")
        window = Window(log, Shape())
        window.update()
        before = [segment.number for segment in window.segments]
        company.kill(1)
        await until(lambda: log.is_over, "that the home is missed")
        again = await other.publish()
        again.receive([*CONFIGS, *stream(5_000)], other.loop.time())
        window.update()
        after = [segment.number for segment in window.segments]
        assert after == list(range(before[0], before[0] + len(after)))
        assert len(after) > len(before)
        starts = [segment.start for segment in window.segments]
        steps = [b.discontinuities - a.discontinuities for a, b in pairwise(starts)]
        assert sum(steps) == 1


def test_unlike_tracks_have_unlike_names() -> None:
    track = TrackInfo("v0", 1, "avc1", 90_000, init=b"one")
    other = TrackInfo("v0", 1, "avc1", 90_000, init=b"two")
    assert hls.init_name("a", track) != hls.init_name("a", other)
