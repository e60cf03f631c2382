"""The manifest, read by somebody else's parser, beside what is in the log."""

from __future__ import annotations

from itertools import count, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from slipstream.formats import (
    CmafFormat,
    MediaSegment,
    Part,
    SegmentStart,
    Shape,
    TrackInfo,
    Window,
    dash,
)
from slipstream.log import Log
from slipstream.media import Frame
from tests.formats.cmaf_stage import NOW_S, Publisher, film, segments, written
from tests.formats.mpd_reader import NAMESPACE, read_manifest

MS = 0.001
VIDEO = TrackInfo("v0", 1, "avc1.42c01e", 90_000, 640, 360, 25.0, init=b"video")
SMALL = TrackInfo("v1", 3, "avc1.42c015", 90_000, 320, 180, 25.0, init=b"small")
NEWER = TrackInfo("v2", 5, "hvc1.1.6.L93.B0", 90_000, 640, 360, 25.0, init=b"newer")
AUDIO = TrackInfo("a0", 2, "mp4a.40.2", 48_000, sample_rate=48_000, channels=2, init=b"audio")
OTHER = TrackInfo("a1", 4, "opus", 48_000, sample_rate=48_000, channels=6, init=b"other")
SHORT = Shape(segment_ms=500, part_ms=100, window_ms=500)


def window_on(log: Log, shape: Shape) -> Window:
    """All that is in a log."""
    window = Window(log, shape)
    window.update()
    return window


def window_of(*tracks: TrackInfo, away: tuple[TrackInfo, int] | None = None) -> Window:
    """Four whole segments of 2 s, with one part of each track in them.

    Args:
        tracks: of all of them.
        away: a track, and in which of the segments it has no part.
    """
    window = Window(Log(), Shape())
    for index in range(4):
        at_ms = 1_000 + 2_000 * index
        start = SegmentStart(
            70 + index, 5, at_ms, int(NOW_S * 1000) + at_ms, 2_000, tracks, b"", 1_000
        )
        segment = MediaSegment(start, 0, is_whole=True)
        for track in tracks:
            if (track, index) != away:
                time = at_ms * track.timescale // 1000
                segment.parts[track.id] = [Part(0, 5_000, time, 2 * track.timescale, True)]
        window.segments.append(segment)
    return window


def head_of(text: str) -> str:
    """A manifest in which its outermost element is found as well."""
    return f"<a>{text.partition('?>')[2]}</a>"


def element(text: str, name: str) -> dict[str, str]:
    """The attributes of the first element of that name."""
    found = ElementTree.fromstring(text).find(f".//{NAMESPACE}{name}")
    assert found is not None
    return dict(found.attrib)


@pytest.mark.parametrize("name", ["long", "44100", "24-fps", "audio-only"])
def test_segments_are_listed_with_their_numbers_and_true_times(folder: Path, name: str) -> None:
    log = written(film(folder, name)).log
    window = window_on(log, Shape())
    found = segments(log)
    (period,) = read_manifest(dash.manifest(window, "show"))
    assert period.start_s == pytest.approx(found[0].start.wall_ms / 1000, abs=MS)
    assert set(period.tracks) == {track.name for track in found[0].start.tracks}
    for track in found[0].start.tracks:
        listed = period.tracks[track.name].segments
        assert len(listed) == len(found) > 1
        for one, segment in zip(listed, found, strict=True):
            runs = [part.run for part in segment.of(track.id)]
            assert one.number == segment.start.number
            assert one.url == f"show@{track.name}.{segment.start.number}.m4s"
            assert one.time == runs[0].decode_time
            length = sum(run.duration for run in runs)
            assert one.duration_s * track.timescale == pytest.approx(length)
            wall_s = segment.start.wall_ms / 1000
            start_s = runs[0].decode_time / track.timescale - segment.start.start_ms / 1000
            assert one.start_s == pytest.approx(wall_s + start_s, abs=2 * MS)


def test_the_segment_under_way_is_listed_as_long_as_the_one_before(folder: Path) -> None:
    frames = film(folder, "long")
    log = written(frames[: len(frames) * 3 // 5], ends=False).log
    window = window_on(log, Shape())
    assert not window.segments[-1].is_whole
    (period,) = read_manifest(dash.manifest(window, "show"))
    for track in window.segments[-1].start.tracks:
        listed = period.tracks[track.name]
        *_, before, newest = listed.segments
        assert newest.number == window.segments[-1].number
        assert newest.duration_s == pytest.approx(before.duration_s)
        # It can be fetched as soon as its first part is there, and is not whole then.
        early_s = float(listed.template["availabilityTimeOffset"])
        first_part_s = window.part_target_s(track)
        assert newest.duration_s - early_s == pytest.approx(first_part_s, abs=MS)
        assert listed.template["availabilityTimeComplete"] == "false"


def test_a_segment_under_way_that_grows_beyond_is_listed_longer(folder: Path) -> None:
    """Its keyframes are 5 s apart, and nothing else is known yet."""
    log = written(film(folder, "rare-keys")[:300], ends=False).log
    window = window_on(log, Shape())
    assert len(window.segments) == 1
    (period,) = read_manifest(dash.manifest(window, "show"))
    (listed,) = period.tracks["v0"].segments
    assert listed.duration_s > window.segments[0].duration_s(VIDEO) > 3


def test_after_the_end_only_what_is_there_is_listed(folder: Path) -> None:
    log = written(film(folder, "long")).log
    window = window_on(log, Shape())
    (period,) = read_manifest(dash.manifest(window, "show"))
    last = period.tracks["v0"].segments[-1]
    assert last.number == window.segments[-1].number
    assert last.duration_s == pytest.approx(window.segments[-1].duration_s(VIDEO))


def test_another_publication_is_a_period_that_begins_when_it_came(folder: Path) -> None:
    clock = iter((NOW_S, NOW_S + 30))
    form = CmafFormat(Log(), Shape(window_ms=60_000), lambda: next(clock))
    publisher = Publisher(form)
    frames = film(folder, "long")
    gone_ms = frames[-1].dts_ms + 1_000
    publisher.publish(frames)
    publisher.publish([frame._replace(dts_ms=frame.dts_ms + gone_ms) for frame in frames])
    window = window_on(form.log, form.shape)
    first, second = read_manifest(dash.manifest(window, "show"))
    assert second.start_s - first.start_s == pytest.approx(30, abs=MS)
    assert first.id != second.id
    for period in (first, second):
        for track in period.tracks.values():
            assert track.segments[0].start_s == pytest.approx(period.start_s, abs=0.1)
    numbers = [one.number for period in (first, second) for one in period.tracks["v0"].segments]
    assert all(after == before + 1 for before, after in pairwise(numbers))
    assert "availabilityTimeOffset" not in first.tracks["v0"].template
    assert "availabilityTimeOffset" in second.tracks["v0"].template


def test_another_description_begins_a_period_where_it_is_first_used(folder: Path) -> None:
    """The same publication goes on, so there is no gap between the two."""
    frames, other = film(folder, "h264-aac"), film(folder, "h265-aac")
    shift_ms = frames[-1].dts_ms + 23
    moved = [frame._replace(dts_ms=frame.dts_ms + shift_ms) for frame in other]
    log = written([*frames, *moved], Shape(segment_ms=1_000)).log
    first, second = read_manifest(dash.manifest(window_on(log, Shape(segment_ms=1_000)), "show"))
    end = first.tracks["v0"].segments[-1]
    assert second.start_s == pytest.approx(end.start_s + end.duration_s, abs=0.05)
    assert first.tracks["v0"].attributes["codecs"].startswith("avc1")
    assert second.tracks["v0"].attributes["codecs"].startswith("hvc1")
    inits = {period.tracks["v0"].segments[0].init_url for period in (first, second)}
    assert len(inits) == 2


def test_a_period_stays_where_it_is_when_its_beginning_is_no_longer_shown(folder: Path) -> None:
    frames = film(folder, "only-keys")
    form = CmafFormat(Log(), SHORT, lambda: NOW_S)
    publisher = Publisher(form)
    publisher.publish(frames[: len(frames) // 4], ends=False)
    window = window_on(form.log, SHORT)
    (early,) = read_manifest(dash.manifest(window, "show"))
    publisher.send(frames[len(frames) // 4 :])
    window.update()
    (late,) = read_manifest(dash.manifest(window, "show"))
    assert (late.id, late.start_s) == (early.id, early.start_s)
    for name, track in late.tracks.items():
        assert track.segments[0].number > early.tracks[name].segments[0].number
        offset = "presentationTimeOffset"
        assert track.template[offset] == early.tracks[name].template[offset]
        known = {one.number: one.start_s for one in early.tracks[name].segments}
        again = [one for one in track.segments if one.number in known]
        assert all(one.start_s == pytest.approx(known[one.number]) for one in again)


def test_qualities_share_a_set_and_every_sound_has_its_own() -> None:
    window = window_of(VIDEO, AUDIO, SMALL, OTHER, NEWER)
    text = dash.manifest(window, "show")
    (period,) = read_manifest(text)
    assert [set(members) for members in period.sets] == [{"v0", "v1"}, {"v2"}, {"a0"}, {"a1"}]
    attributes = period.tracks["v1"].attributes
    assert (attributes["width"], attributes["height"]) == ("320", "180")
    assert attributes["frameRate"] == "25/1"
    assert attributes["bandwidth"] == str(5_000 * 8 // 2)
    roles = ElementTree.fromstring(text).findall(f".//{NAMESPACE}Role")
    assert [role.attrib["value"] for role in roles] == ["main", "alternate", "main", "alternate"]
    assert element(text, "AudioChannelConfiguration")["value"] == "2"


def test_numbers_stay_right_where_a_track_was_away() -> None:
    window = window_of(VIDEO, AUDIO, away=(AUDIO, 1))
    (period,) = read_manifest(dash.manifest(window, "show"))
    listed = period.tracks["a0"].segments
    assert [one.number for one in listed] == [70, 71, 72, 73]
    assert [one.duration_s for one in listed] == [2, 2, 2, 2]


def test_what_others_say_ends_no_attribute() -> None:
    hostile = "\"><script>alert(1)</script>&'<!--"
    odd = TrackInfo("a0", 2, hostile, 48_000, sample_rate=48_000, channels=2)
    text = dash.manifest(window_of(odd), "show", "?token=a&b=1")
    (period,) = read_manifest(text)
    assert period.tracks["a0"].attributes["codecs"] == hostile
    assert period.tracks["a0"].segments[0].url == "show@a0.70.m4s?token=a&b=1"
    assert period.tracks["a0"].segments[0].init_url.endswith(".mp4?token=a&b=1")
    assert element(text, "UTCTiming")["value"] == "show@time?token=a&b=1"


def test_the_head_says_what_a_live_player_must_know() -> None:
    text = dash.manifest(window_of(VIDEO, AUDIO), "show")
    head = element(head_of(text), "MPD")
    assert head["type"] == "dynamic"
    assert head["availabilityStartTime"] == "1970-01-01T00:00:00Z"
    assert head["publishTime"] == "2027-01-15T08:00:09.000Z"  # the end of the newest part
    assert head["minimumUpdatePeriod"] == "PT1.000S"
    assert head["timeShiftBufferDepth"] == "PT16.000S"
    assert head["suggestedPresentationDelay"] == "PT6.000S"
    assert element(text, "Latency")["target"] == "2000"
    children = [child.tag for child in ElementTree.fromstring(text)]
    assert children == [NAMESPACE + name for name in ("ServiceDescription", "Period", "UTCTiming")]


def test_every_window_on_a_log_says_the_same(folder: Path) -> None:
    """Any worker may be asked."""
    form = CmafFormat(Log(), Shape(), lambda: NOW_S)
    old, publisher, frames = Window(form.log, form.shape), Publisher(form), film(folder, "long")
    sent = count(0, 40)
    publisher.publish(frames[: next(sent)], ends=False)
    parts: list[list[Frame]] = [frames[start : start + 40] for start in range(0, len(frames), 40)]
    for part in parts:
        publisher.send(part)
        old.update()
    assert dash.manifest(window_on(form.log, form.shape), "show") == dash.manifest(old, "show")


def test_the_clock_is_told_in_milliseconds() -> None:
    assert dash.clock_text(NOW_S + 0.25) == "2027-01-15T08:00:00.250Z"
