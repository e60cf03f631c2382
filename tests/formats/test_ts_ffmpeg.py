"""MPEG-TS: FFmpeg finds in it what was published."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import av
import pytest

from slipstream.media import (
    Codec,
    Frame,
    Kind,
    config_data,
)
from tests.formats.ts_reader import read_ts
from tests.formats.ts_stage import (
    AAC,
    CARRIED,
    H264,
    H265,
    MP3,
    OFFSET_MS,
    SETS,
    SOUNDS,
    annex_b,
    assert_times,
    content,
    demuxed,
    film,
    ignored,
    is_coded,
    later,
    published,
    unit_type,
    written,
)


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
