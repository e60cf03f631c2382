"""What viewers get is what was published: every frame, in order, unchanged, in time.

Each format is read back by FFmpeg, the parts of HLS joined as players join them, and of DASH the
files that the manifest names.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import av
import pytest

from slipstream.formats import (
    Flag,
    Format,
    Selection,
    Shape,
    TsFormat,
    Window,
    WsFlvFormat,
    dash,
    hls,
    selected,
)
from slipstream.hub.notes import Notes
from slipstream.log import SYNC, Log
from slipstream.media import (
    Codec,
    Frame,
    Kind,
    coded_data,
    config_data,
    flv_header,
    parse_tag,
    plain_track,
)
from tests.formats.cmaf_stage import (
    AUDIO,
    CONFIGS,
    VIDEO,
    Publisher,
    entries,
    film,
    made,
    of_kind,
    segments,
    stream,
)
from tests.formats.mpd_reader import read_manifest
from tests.formats.ts_stage import OFFSET_MS, SETS, annex_b, ignored, later, unit_type
from tests.mp4_reader import read_init

VIDEO_MS, SOUND_FRAMES = 1.0, 1.5  # how far times may be off
FILMS = ["h264-aac", "long", "h265-aac", "44100", "audio-only", "video-only"]  # "long": B-frames
MINUTES = 10
ADTS_BYTES = 7
DELIMITER = b"\x12\0"  # an OBU that not all containers keep


class Unit(NamedTuple):
    """A frame as FFmpeg has read it."""

    kind: Kind
    dts_ms: float
    pts_ms: float
    data: tuple[bytes, ...]  # NAL units without what containers add; or a sound


def published(frames: Sequence[Frame], kind: Kind, track: int = 0) -> list[Unit]:
    found = []
    for frame in of_kind(frames, kind, track):
        if coded_data(frame):
            data = content_of(frame.codec, bytes(coded_data(frame)))
            found.append(Unit(kind, frame.dts_ms, frame.dts_ms + frame.cts_ms, data))
    return found


def content_of(codec: Codec, data: bytes) -> tuple[bytes, ...]:
    if codec is Codec.AV1:
        return (data.removeprefix(DELIMITER),)
    name = {Codec.H264: "h264", Codec.H265: "hevc"}.get(codec)
    if name is None:
        return (data,)
    units = []
    while data:
        size = 4 + int.from_bytes(data[:4])
        units.append(data[4:size].rstrip(b"\0"))
        data = data[size:]
    return tuple(unit for unit in units if unit_type(name, unit) not in ignored(name))


def demuxed(data: bytes, form: str, *, off_ms: float = 0) -> list[Unit]:
    """All frames in a file."""
    with av.open(io.BytesIO(data), format=form) as source:
        return [unit_of(packet, form, off_ms) for packet in source.demux() if packet.size]


def unit_of(packet: av.Packet, form: str, off_ms: float) -> Unit:
    name, data = packet.stream.codec_context.name, bytes(packet)
    kind = Kind.VIDEO if packet.stream.type == "video" else Kind.AUDIO
    if name not in SETS:
        data = data[ADTS_BYTES:] if (name, form) == ("aac", "mpegts") else data
        content = (data.removeprefix(DELIMITER) if kind is Kind.VIDEO else data,)
    elif form == "mpegts":
        units = annex_b(data)
        content = tuple(unit for unit in units if unit_type(name, unit) not in ignored(name))
    else:
        content = content_of(Codec.H264 if name == "h264" else Codec.H265, data)
    scale = 1000 * packet.time_base
    return Unit(
        kind, float(packet.dts * scale) - off_ms, float(packet.pts * scale) - off_ms, content
    )


def assert_same(
    got: list[Unit], frames: Sequence[Frame], sound_ms: float = 32.0, *, track: int = 0
) -> None:
    """All of both kinds, in order, in time."""
    for kind in (Kind.VIDEO, Kind.AUDIO):
        ours, theirs = [u for u in got if u.kind is kind], published(frames, kind, track)
        assert [unit.data for unit in ours] == [unit.data for unit in theirs]
        within_ms = VIDEO_MS if kind is Kind.VIDEO else sound_ms
        for one, other in zip(ours, theirs, strict=True):
            assert abs(one.dts_ms - other.dts_ms) <= within_ms
            assert abs(one.pts_ms - other.pts_ms) <= within_ms


def fed(form: Format, frames: Sequence[Frame]) -> bytes:
    """What the log of a format holds in the end."""
    notes = Notes()
    notes.begin(audio_only=not any(frame.kind is Kind.VIDEO for frame in frames))
    for start in range(0, len(frames), 3):
        form.append(*notes.take(frames[start : start + 3]))
    form.flush()
    return b"".join(os.pread(segment.fd, segment.size, 0) for segment in form.log.segments)


def hls_tracks(frames: Sequence[Frame]) -> list[tuple[bytes, bytes]]:
    """Each track's description, and its segments, from one change of that to the next."""
    form = made(Log(keep_ms=MINUTES * 60_000))
    Publisher(form).publish(frames)
    found = []
    for track in (VIDEO, AUDIO):
        with_track = [
            (info.init, b"".join(part.entry.data for part in segment.of(track)))
            for segment in segments(form.log)
            for info in segment.start.tracks
            if info.id == track
        ]
        for init, group in groupby(with_track, key=lambda pair: pair[0]):
            found.append((init, b"".join(data for _, data in group)))
    return found


def as_hls(frames: Sequence[Frame]) -> list[Unit]:
    return [unit for init, data in hls_tracks(frames) for unit in demuxed(init + data, "mp4")]


def as_mp4(frames: Sequence[Frame]) -> list[Unit]:
    """The endless file: a greeting, then the log; after each change of the tracks another one."""
    form = made()
    Publisher(form).publish(frames)
    first = form.log.sync_points[0]
    files = [b"".join(form.greet(first.greeting, 0))]  # type: ignore[arg-type]
    for entry in entries(form.log):
        if entry.flags & Flag.CONFIG:
            files.append(b"")
        files[-1] += entry.data
    return [unit for data in files for unit in demuxed(data, "mp4")]


def dash_tracks(frames: Sequence[Frame]) -> dict[str, list[Unit]]:
    """Each track by its name: all that the manifest lists, period by period."""
    form = made(Log(keep_ms=MINUTES * 60_000), Shape(window_ms=MINUTES * 60_000))
    Publisher(form).publish(frames)
    window = Window(form.log, form.shape)
    window.update()
    files = files_of(window)
    found: dict[str, list[Unit]] = {}
    for period in read_manifest(dash.manifest(window, "show")):
        for name, track in period.tracks.items():
            (init,) = {one.init_url for one in track.segments}
            data = b"".join(files[url] for url in (init, *(one.url for one in track.segments)))
            found.setdefault(name, []).extend(demuxed(data, "mp4"))
    return found


def files_of(window: Window) -> dict[str, bytes]:
    """All that can be fetched of a stream that is called "show", by name."""
    files = {}
    for segment in window.segments:
        for track in segment.start.tracks:
            files[hls.init_name("show", track)] = track.init
            data = b"".join(map(window.read, segment.parts_of(track)))
            files[hls.segment_name("show", track.name, segment.number)] = data
    return files


def as_dash(frames: Sequence[Frame]) -> list[Unit]:
    return [unit for units in dash_tracks(frames).values() for unit in units]


def as_ts(frames: Sequence[Frame], shown: type[Format] = TsFormat) -> list[Unit]:
    return demuxed(fed(shown(Log(keep_ms=MINUTES * 60_000)), frames), "mpegts", off_ms=OFFSET_MS)


def as_ws_flv(frames: Sequence[Frame], shown: type[Format] = WsFlvFormat) -> list[Unit]:
    """The messages' content, joined: FLV."""
    form = shown(Log())
    notes = Notes()
    notes.begin(audio_only=not any(frame.kind is Kind.VIDEO for frame in frames))
    form.append(*notes.take(frames))
    data = flv_header()
    for entry in entries(form.log):
        size, start = entry.data[1] & 127, 2
        if size > 125:
            start = {126: 4, 127: 10}[size]
        data += entry.data[start:]
    return demuxed(data, "flv")


AS: dict[str, Callable[[Sequence[Frame]], list[Unit]]] = {
    "hls": as_hls,
    "dash": as_dash,
    "mp4": as_mp4,
    "ts": as_ts,
    "ws-flv": as_ws_flv,
}


@pytest.mark.parametrize("name", FILMS)
@pytest.mark.parametrize("way", AS)
def test_every_frame_arrives_unchanged_in_order_and_in_time(
    folder: Path, way: str, name: str
) -> None:
    frames = film(folder, name)
    assert_same(AS[way](frames), frames, sound_ms=SOUND_FRAMES * 1_024 / 44.1)


@pytest.mark.parametrize("way", ["hls", "dash", "mp4", "ws-flv"])  # MPEG-TS has no AV1
def test_av1_and_opus_too(folder: Path, way: str) -> None:
    frames = film(folder, "av1-opus")
    assert_same(AS[way](frames), frames, sound_ms=30.0)


# Of MPEG-TS in test_ts_ffmpeg; of FLV, FFmpeg finds no other codec than the first.
@pytest.mark.parametrize("way", ["hls", "dash", "mp4"])
def test_a_change_of_codec_in_mid_stream_loses_nothing(folder: Path, way: str) -> None:
    second = [frame for frame in film(folder, "h265-aac") if frame.kind is Kind.VIDEO]
    frames = [*film(folder, "long"), *later(second, 9_000)]
    assert_same(AS[way](frames), frames)


@pytest.mark.parametrize("way", AS)
def test_a_change_of_picture_size_in_mid_stream_loses_nothing(folder: Path, way: str) -> None:
    small = [f for f in film(folder, "tracks") if f.kind is Kind.VIDEO and f.track == 1]
    alone = [frame for frame in (plain_track(f, 1) for f in small) if frame is not None]
    frames = [*film(folder, "h264-aac"), *later(alone, 3_000)]
    assert_same(AS[way](frames), frames)


@pytest.mark.parametrize("track", [0, 1])
def test_each_track_of_several_arrives_by_its_name(folder: Path, track: int) -> None:
    """Two sizes of picture, and sounds of 48 and 44.1 kHz."""
    frames = film(folder, "tracks")
    both = Selection(track, track)
    assert_same(as_ts(frames, selected(TsFormat, both)), frames, track=track)
    assert_same(as_ws_flv(frames, selected(WsFlvFormat, both)), frames, track=track)
    tracks = dash_tracks(frames)
    assert sorted(tracks) == ["a0", "a1", "v0", "v1"]
    assert_same([*tracks[f"v{track}"], *tracks[f"a{track}"]], frames, track=track)


def test_all_tracks_of_several_arrive(folder: Path) -> None:
    """The second track of pictures is the first one again, under another number."""
    frames = film(folder, "long")
    both = []
    for frame in frames:
        both.append(frame)
        if frame.kind is Kind.VIDEO:
            packet_type = 0 if frame.config else 1
            head = bytes((0x80 | frame.body[0] & 0x70 | 6, packet_type)) + b"avc1\x01"
            data = config_data(frame) if frame.config else frame.body[2:5] + coded_data(frame)
            if frame.config or coded_data(frame):
                both.append(parse_tag(9, frame.dts_ms, head + data))
    form = made()
    Publisher(form).publish(both)
    for track in (1, 3):
        init = next(t.init for t in segments(form.log)[0].start.tracks if t.id == track)
        assert read_init(init)[0].track_id == track
        data = b"".join(p.entry.data for s in segments(form.log) for p in s.of(track))
        got = demuxed(init + data, "mp4")
        assert_same([*got, *sounds_of(frames)], frames)


def sounds_of(frames: Sequence[Frame]) -> list[Unit]:
    return published(frames, Kind.AUDIO)


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_sound_does_not_drift_in_the_long_run(rate: int) -> None:
    """Minutes of the stream's time, whose milliseconds are rounded."""
    config = {44_100: "af001210", 48_000: "af001190"}[rate]
    frames = [
        CONFIGS[0],
        parse_tag(8, 0, bytes.fromhex(config)),
        *stream(MINUTES * 60_000, rate=rate),
    ]
    for way in (as_hls, as_ts):
        got = [unit for unit in way(frames) if unit.kind is Kind.AUDIO]
        theirs = published(frames, Kind.AUDIO)
        assert len(got) == len(theirs)
        off = [one.dts_ms - other.dts_ms for one, other in zip(got, theirs, strict=True)]
        assert max(map(abs, off)) <= SOUND_FRAMES * 1_024_000 / rate
        first, last = sum(off[:500]) / 500, sum(off[-500:]) / 500
        assert abs(first - last) <= 1.0


@pytest.mark.parametrize("name", ["long", "h265-aac", "av1-opus", "44100"])
def test_all_parts_decode_in_order_without_an_error(folder: Path, name: str) -> None:
    frames = film(folder, name)
    for init, data in hls_tracks(frames):
        with av.open(io.BytesIO(init + data), format="mp4") as source:
            (one,) = source.streams
            one.codec_context.options = {"err_detect": "explode"}
            decoded = sum(1 for _ in source.decode(one))
            kind = Kind.VIDEO if one.type == "video" else Kind.AUDIO
        assert decoded == len(published(frames, kind))


@pytest.mark.parametrize("name", ["long", "h265-aac"])
def test_an_independent_part_decodes_alone(folder: Path, name: str) -> None:
    form = made()
    Publisher(form).publish(film(folder, name))
    alone = 0
    for segment in segments(form.log):
        (info,) = [track for track in segment.start.tracks if track.id == VIDEO]
        for part in segment.of(VIDEO):
            if part.has_key:
                alone += 1
                with av.open(io.BytesIO(info.init + part.entry.data), format="mp4") as source:
                    picture = next(source.decode(video=0))
                assert picture.key_frame
                assert not picture.is_corrupt
    assert alone >= 2
    assert sum(bool(entry.flags & SYNC) for entry in entries(form.log)) == len(segments(form.log))


def test_durations_are_true(folder: Path) -> None:
    """What FFmpeg finds in each segment alone is as long as the playlist says."""
    form = made()
    Publisher(form).publish(film(folder, "long"))
    for segment in segments(form.log)[1:-1]:
        for info in segment.start.tracks:
            data = b"".join(part.entry.data for part in segment.of(info.id))
            told = sum(part.run.duration for part in segment.of(info.id)) / info.timescale
            with av.open(io.BytesIO(info.init + data), format="mp4") as source:
                packets = [packet for packet in source.demux() if packet.size]
                scale = packets[0].time_base
            end = packets[-1].dts + packets[-1].duration
            assert float((end - packets[0].dts) * scale) == pytest.approx(told, abs=0.001)
            assert told == pytest.approx(2.0, abs=0.024)


def test_what_is_compared_here_can_differ(folder: Path) -> None:
    """A frame less, or a byte, is noticed."""
    frames = film(folder, "h264-aac")
    changed = [f if f.keyframe or f.config else f._replace(body=f.body[:-1] + b"x") for f in frames]
    for broken in (frames[:-3], changed):
        with pytest.raises(AssertionError):
            assert_same(as_ws_flv(broken), frames)
