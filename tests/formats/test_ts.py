"""MPEG-TS: what is written is read back by the standard's letter, and by FFmpeg."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.formats import Flag, TsFormat
from slipstream.hub.notes import Notes
from slipstream.log import SYNC, Log
from slipstream.media import (
    Codec,
    Frame,
    Kind,
    Packetizer,
    Timeline,
    build_audio_config,
    build_audio_tag,
    build_pat,
    build_pes,
    build_pmt,
    coded_data,
    config_data,
    open_elementary,
    parse_tag,
)
from tests.clips import X264, Film, encode_film, film_file, read_tags
from tests.formats.ts_reader import Content, Unit, read_ts
from tests.hub.stage import audio_config, sound, video_config

H264, H265, AAC, MP3, OPUS, AC3, EAC3 = 0x1B, 0x24, 0x0F, 0x03, 0x06, 0x81, 0x87  # stream types
OFFSET_MS = 1_000
CLOCK = 1 << 33
SETS = {"h264": {7, 8}, "hevc": {32, 33, 34}}  # NAL unit types
DELIMITERS = {"h264": 9, "hevc": 35}
CARRIED = {
    "h264-aac": [H264, AAC],
    "b-frames": [H264, AAC],
    "h264-mp3": [H264, MP3],
    "video-only": [H264],
    "audio-only": [AAC],
    "h265-aac": [H265, AAC],
    "h265-id12": [H265, AAC],
    "h264-ac3": [H264, AC3],
    "h264-eac3": [H264, EAC3],
}
OWN_FILMS = {
    "h264-ac3": Film(options=X264, audio="ac3"),
    "h264-eac3": Film(options=X264, audio="eac3"),
}
SOUNDS = ("aac", "mp3", "mp3float", "ac3", "eac3")
ALL = {**CARRIED, "av1-opus": [OPUS]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the films of these tests are."""
    return tmp_path_factory.mktemp("films")


def film(folder: Path, name: str) -> list[Frame]:
    """A film's frames, with steady times."""
    if name in OWN_FILMS:
        path = folder / f"{name}.flv"
        if not path.exists():
            encode_film(OWN_FILMS[name], path)
    else:
        path = film_file(folder, name)
    frames = [parse_tag(*tag) for tag in read_tags(path)]
    return list(Timeline().steady(frames))


def written(frames: Sequence[Frame], *, at_once: int = 3, log: Log | None = None) -> TsFormat:
    """A format that has got the frames as a stream gives them, some at a time."""
    form = TsFormat(Log() if log is None else log)
    notes = Notes()
    notes.begin(audio_only=all(frame.kind is not Kind.VIDEO for frame in frames))
    for start in range(0, len(frames), at_once):
        form.append(*notes.take(frames[start : start + at_once]))
    return form


def content(form: TsFormat, position: int = 0) -> bytes:
    data = b"".join(os.pread(segment.fd, segment.size, 0) for segment in form.log.segments)
    return data[position - form.log.tail :]


def is_coded(frame: Frame) -> bool:
    return frame.kind is not Kind.DATA and not frame.config and bool(coded_data(frame))


def key(time_ms: int) -> Frame:
    return parse_tag(9, time_ms, b"\x17\1\0\0\0" + b"\0\0\0\3\x65ab")


def inter(time_ms: int) -> Frame:
    return parse_tag(9, time_ms, b"\x27\1\0\0\0" + b"\0\0\0\3\x41cd")


def later(frames: Sequence[Frame], by_ms: int) -> list[Frame]:
    return [frame._replace(dts_ms=frame.dts_ms + by_ms) for frame in frames]


class Got(NamedTuple):
    """What FFmpeg has read of a frame."""

    codec: str
    dts_ms: float
    pts_ms: float
    parts: list[bytes]  # NAL units without what a container adds; or one sound


def demuxed(data: bytes) -> list[Got]:
    with av.open(io.BytesIO(data), format="mpegts") as source:
        return [got_of(packet) for packet in source.demux() if packet.size]


def got_of(packet: av.Packet) -> Got:
    codec = packet.stream.codec_context.name
    data = bytes(packet)
    if codec in SETS:
        parts = [u for u in annex_b(data) if unit_type(codec, u) not in ignored(codec)]
    else:
        parts = [data[7:] if codec == "aac" else data]
    scale = 1000 * packet.time_base
    return Got(codec, float(packet.dts * scale), float(packet.pts * scale), parts)


def annex_b(data: bytes) -> list[bytes]:
    return [unit.rstrip(b"\0") for unit in re.split(b"\x00\x00\x01", data)[1:]]


def ignored(codec: str) -> set[int]:
    return {*SETS[codec], DELIMITERS[codec]}


def unit_type(codec: str, unit: bytes) -> int:
    return unit[0] & 31 if codec == "h264" else unit[0] >> 1 & 63


def published(frames: Sequence[Frame], kind: Kind) -> list[list[bytes]]:
    """The NAL units of each picture, or each sound, as FLV holds them."""
    found = []
    for frame in frames:
        if frame.kind is not kind or not is_coded(frame):
            continue
        data = bytes(coded_data(frame))
        if kind is Kind.AUDIO:
            found.append([data])
            continue
        codec, units = "h264" if frame.codec is Codec.H264 else "hevc", []
        while data:
            size = 4 + int.from_bytes(data[:4])
            units.append(data[4:size].rstrip(b"\0"))
            data = data[size:]
        found.append([unit for unit in units if unit_type(codec, unit) not in ignored(codec)])
    return found


def assert_times(got: list[Got], frames: list[Frame], within_ms: float) -> None:
    for one, frame in zip(got, frames, strict=True):
        assert abs(one.dts_ms - frame.dts_ms - OFFSET_MS) <= within_ms
        assert abs(one.pts_ms - frame.dts_ms - frame.cts_ms - OFFSET_MS) <= within_ms


# FFmpeg reads what was published


@pytest.mark.parametrize("name", CARRIED)
def test_all_frames_arrive_unchanged_in_order_and_in_time(folder: Path, name: str) -> None:
    frames = film(folder, name)
    got = demuxed(content(written(frames)))
    for kind, codecs in ((Kind.VIDEO, SETS), (Kind.AUDIO, SOUNDS)):
        of_kind = [one for one in got if one.codec in codecs]
        assert [one.parts for one in of_kind] == published(frames, kind)
        coded = [frame for frame in frames if frame.kind is kind and is_coded(frame)]
        # FLV's ms are exact for pictures; FFmpeg counts sounds by their length from the first on.
        assert_times(of_kind, coded, 1.0 if kind is Kind.VIDEO else 32.0)
    assert {one.codec for one in got} <= {*SETS, *SOUNDS}


def test_opus_arrives_unchanged_and_av1_beside_it_is_left_out(folder: Path) -> None:
    frames = film(folder, "av1-opus")
    got = demuxed(content(written(frames)))
    assert {one.codec for one in got} <= {"opus", "libopus"}
    assert [one.parts for one in got] == published(frames, Kind.AUDIO)
    sounds = [frame for frame in frames if frame.kind is Kind.AUDIO and is_coded(frame)]
    assert_times(got, sounds, 30.0)


@pytest.mark.parametrize("name", ["h264-aac", "b-frames", "h265-aac", "h264-mp3"])
def test_who_starts_at_any_sync_point_sees_its_picture_first(folder: Path, name: str) -> None:
    form = written(film(folder, name))
    assert len(form.log.sync_points) > 3
    for sync in form.log.sync_points:
        data = content(form, sync.position)
        assert data[1:3] == b"\x40\x00"  # the table of tables
        with av.open(io.BytesIO(data), format="mpegts") as source:
            picture = next(source.decode(video=0))
        assert picture.key_frame
        assert float(picture.pts * picture.time_base * 1000) >= sync.time_ms + OFFSET_MS


def test_a_change_of_codecs_and_sizes_in_mid_stream_is_followed(folder: Path) -> None:
    names = ["h264-aac", "h265-aac", "h264-mp3", "b-frames"]
    frames: list[Frame] = []
    for number, name in enumerate(names):
        frames += later(film(folder, name), number * 3_000)
    form = written(frames)
    found = read_ts(content(form))
    by_type = {s.stream_type: s.pid for p in found.programmes for s in p.streams}
    assert set(by_type) == {H264, H265, AAC, MP3}
    for pictures in (H264, H265):
        codec, name = (Codec.H264, "h264") if pictures == H264 else (Codec.H265, "hevc")
        got = [
            [u for u in annex_b(unit.payload) if unit_type(name, u) not in ignored(name)]
            for unit in found.of(by_type[pictures])
        ]
        assert got == published([f for f in frames if f.codec is codec], Kind.VIDEO)
    versions = [p.version for p in found.programmes]
    assert [len({b, a}) for a, b in pairwise(found.programmes)] == [
        1 + (a != b) for a, b in pairwise(versions)
    ]
    with av.open(io.BytesIO(content(form)), format="mpegts") as source:
        decoded = {}
        for packet in source.demux():
            if packet.size:
                decoded[packet.stream.id] = decoded.get(packet.stream.id, 0) + 1
    counts = {pid: len(found.of(pid)) for pid in by_type.values()}
    assert decoded == counts


def test_new_parameter_sets_stand_before_the_pictures_they_are_for(folder: Path) -> None:
    first, second = film(folder, "h264-aac"), later(film(folder, "b-frames"), 3_000)
    units = read_ts(content(written([*first, *second]))).of(0x100)
    count = len(published(first, Kind.VIDEO))
    for frames, here in ((first, units[:count]), (second, units[count:])):
        config = next(f for f in frames if f.config and f.kind is Kind.VIDEO)
        sets = config_data(config)
        for unit in here:
            found = [u for u in annex_b(unit.payload) if unit_type("h264", u) in SETS["h264"]]
            assert all(one in sets for one in found)
    keys = [unit for unit in units if unit.random_access]
    assert len(keys) == sum(f.keyframe for f in (*first, *second))
    for unit in keys:
        types = [unit_type("h264", u) for u in annex_b(unit.payload)]
        assert types[:3] == [9, 7, 8]


# The standard's letter


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


def test_a_worker_that_goes_on_with_a_log_tells_its_programme_from_the_last_one() -> None:
    log = Log()
    written([audio_config(), sound(0)], log=log)
    form = TsFormat(log)
    form.append([key(9_000)], [(0, (video_config(),))])
    found = read_ts(content(form), gaps_allowed=True)
    first, second = (programme.version for programme in found.programmes)
    assert first != second


# What cannot be carried


@pytest.mark.parametrize(
    "sounds",
    [[parse_tag(8, time_ms, b"\x72\xd5\xd5\xd5\xd5") for time_ms in range(0, 100, 20)], []],
    ids=["G.711", "nothing"],
)
def test_a_picture_goes_without_a_sound_that_cannot_be_carried(sounds: list[Frame]) -> None:
    frames = [video_config(), key(0), *sounds, inter(120)]
    found = read_ts(content(written(frames)))
    assert [s.stream_type for s in found.programmes[-1].streams] == [H264]
    assert len(found.units) == 2


def test_a_stream_of_which_nothing_can_be_carried_is_an_empty_programme(folder: Path) -> None:
    frames = []
    for tag in read_tags(film_file(folder, "vp9-flac")):
        try:
            frames.append(parse_tag(*tag))
        except MediaError:
            continue  # FFmpeg's FLV muxer ends FLAC with an empty packet
    form = written(frames)
    found = read_ts(content(form))
    assert not found.units
    assert {programme.streams for programme in found.programmes} == {()}
    assert form.log.sync_points  # so that viewers do not wait for ever
    greeting = form.log.sync_points[-1].greeting
    assert isinstance(greeting, tuple)
    assert TsFormat.left_out(greeting) == [Codec.FLAC, Codec.VP9]


@pytest.mark.parametrize(
    "config",
    [
        "f8e62000",  # ELD
        "1194",  # frames of 960 samples
        "1180",  # channels listed, no list
        "17b8",  # a rate index that there is not
        "0f80561010",  # a rate of its own, 44 kHz
        "",
        "ff",
    ],
)
def test_aac_that_adts_cannot_say_is_left_out(config: str) -> None:
    frames = [video_config(), key(0)]
    body = b"\xaf\0" + bytes.fromhex(config)
    if len(body) > 2:
        frames.insert(1, parse_tag(8, 0, body))
    found = read_ts(content(written([*frames, sound(10), inter(40)])))
    assert [s.stream_type for s in found.programmes[-1].streams] == [H264]


@pytest.mark.parametrize("channels", range(1, 9))
def test_opus_says_how_many_channels_it_has(channels: int) -> None:
    order = [[0], [0, 1], [0, 2, 1], [0, 1, 2, 3], [0, 4, 1, 2, 3], [0, 4, 1, 2, 3, 5],
             [0, 4, 1, 2, 3, 5, 6], [0, 6, 1, 2, 3, 4, 5, 7]][channels - 1]  # fmt: skip
    coupled = (0, 1, 1, 2, 2, 2, 3, 3)[channels - 1]
    head = b"OpusHead\1" + bytes((channels, 56, 1, 0x80, 0xBB, 0, 0, 0, 0, channels > 2))
    if channels > 2:
        head += bytes((channels - coupled, coupled, *order))
    packets = [parse_tag(8, t, build_audio_tag(Codec.OPUS, b"\xfc" + bytes(t))) for t in (0, 253)]
    frames = [parse_tag(8, 0, build_audio_config(Codec.OPUS, head)), *packets]
    found = read_ts(content(written(frames)))
    (stream,) = found.programmes[0].streams
    assert stream.descriptors == b"\5\4Opus\x7f\2\x80" + bytes((channels,))
    assert [u.payload[:4] for u in found.units] == [b"\x7f\xe0\1\xfc", b"\x7f\xe0\xfe\xfc"]


def test_long_opus_packets_say_their_length_in_several_bytes() -> None:
    stream = open_elementary(Codec.OPUS, b"", b"\xfc")
    assert stream.payload(memoryview(bytes(600)), keyframe=False) == (
        b"\x7f\xe0\xff\xff\x5a" + bytes(600)
    )


def test_units_lengths_may_have_fewer_bytes() -> None:
    config = bytearray(video_config().body)
    config[9] = 0xFD  # lengths of 2 bytes
    picture = parse_tag(9, 0, b"\x17\x01\0\0\0\0\3\x65ab\0\2\x65c")
    found = read_ts(content(written([parse_tag(9, 0, bytes(config)), picture])))
    (unit,) = found.units
    assert annex_b(unit.payload)[-2:] == [b"\x65ab", b"\x65c"]


def test_delimiters_of_the_publisher_are_not_doubled() -> None:
    picture = parse_tag(9, 0, b"\x17\x01\0\0\0" + b"\0\0\0\2\x09\x10" + b"\0\0\0\2\x65a")
    (unit,) = read_ts(content(written([video_config(), picture]))).units
    assert [one[0] & 31 for one in annex_b(unit.payload)].count(9) == 1


def test_parameter_sets_without_measure_are_refused() -> None:
    huge = b"\1\x64\0\x1f\xff\xe1" + (40_000).to_bytes(2) + bytes(40_000) + b"\1\0\2\x68\0"
    with pytest.raises(MediaError):
        open_elementary(Codec.H264, huge, b"")


# Anything


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.binary(max_size=1000) | st.integers(0, 140_000).map(bytes),
            st.none() | st.integers(0, 1 << 40),
            st.booleans(),
            st.integers(0, 1 << 40),
            st.integers(0, 1 << 20),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_any_payload_reads_back(
    cases: list[tuple[bytes, int | None, bool, int, int]],
) -> None:
    packets = Packetizer()
    info = open_elementary(Codec.OPUS, b"", b"\xfc").info._replace(stream_id=0xE0)
    data = packets.table(0, build_pat()) + packets.table(0x1000, build_pmt(7, info.pid, [info]))
    expected, clocks = [], []
    for payload, pcr, random_access, dts, delay in cases:
        pes = build_pes(info.stream_id, payload, dts, dts + delay)
        data += packets.pes(info.pid, pes, pcr, random_access=random_access)
        if pcr is not None:
            clocks.append(pcr % CLOCK * 300)
        times = (dts + delay) % CLOCK, dts % CLOCK
        expected.append(Unit(info.pid, info.stream_id, *times, random_access, payload))
    found: Content = read_ts(data)
    assert found.units == expected
    assert found.clocks == clocks
    assert found.programmes[0].version == 7


heads = st.sampled_from(
    [
        (9, b"\x17\0\0\0\0"),
        (9, b"\x17\1\0\0\0"),
        (9, b"\x27\1\0\0\0"),
        (9, b"\x1c\0\0\0\0"),
        (9, b"\x1c\1\0\0\0"),
        (9, b"\x90hvc1"),
        (9, b"\x91hvc1\0\0\0"),
        (9, b"\x90av01"),
        (9, b"\x52"),
        (9, b"\x96"),
        (9, b"\x22"),
        (8, b"\xaf\0"),
        (8, b"\xaf\1"),
        (8, b"\x2f"),
        (8, b"\x90Opus"),
        (8, b"\x91Opus"),
        (8, b"\x91ac-3"),
        (8, b"\x72"),
        (18, b"\2\0\4nope"),
    ]
)
tails = st.binary(max_size=60) | st.sampled_from(
    [video_config().body[5:], audio_config().body[2:], b"\0\0\0\1\x65", b"OpusHead\1\2" + bytes(9)]
)


@settings(max_examples=300)
@given(st.lists(st.tuples(heads, tails, st.integers(0, 9_000)), max_size=15), st.integers(1, 5))
def test_whatever_strangers_send_the_stream_keeps_the_rules(
    sent: list[tuple[tuple[int, bytes], bytes, int]], at_once: int
) -> None:
    frames = []
    for (type_id, head), tail, time_ms in sent:
        try:
            frames.append(parse_tag(type_id, time_ms, head + tail))
        except MediaError:
            continue
    data = content(written(Timeline().steady(frames), at_once=at_once))
    read_ts(data)
