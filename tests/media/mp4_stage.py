"""Films, as frames, put into fragmented MP4, and what FFmpeg finds in it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import av

from slipstream.errors import MediaError
from slipstream.media import (
    Frame,
    Kind,
    Mp4Track,
    Role,
    Run,
    Sample,
    Timeline,
    build_fragment,
    build_init,
    coded_data,
    config_data,
    config_role,
    open_mp4_track,
    parse_tag,
)
from tests.clips import X264, Film, encode_film, film_file, read_tags

LAST_PICTURE_MS = 40
OWN_FILMS = {
    "h264-ac3": Film(options=X264, audio="ac3", sample_rate=44_100),
    "h264-eac3": Film(options=X264, audio="eac3"),
}
FILMS = (
    "h264-aac",
    "b-frames",
    "h264-mp3",
    "h265-aac",
    "h265-id12",
    "av1-opus",
    "vp9-flac",
    *OWN_FILMS,
)


class Media(NamedTuple):
    """A track and all its samples."""

    track: Mp4Track
    samples: list[Sample]
    times: list[tuple[int, int]]  # of decoding and showing, in units of the timescale


def film(folder: Path, name: str) -> list[Frame]:
    """A film's frames, with steady times."""
    path = folder / f"{name}.flv"
    if name not in OWN_FILMS:
        path = film_file(folder, name)
    elif not path.exists():
        encode_film(OWN_FILMS[name], path)
    frames = []
    for tag in read_tags(path):
        try:
            frames.append(parse_tag(*tag))
        except MediaError:
            continue  # FFmpeg's FLV muxer ends FLAC with an empty packet
    return list(Timeline().steady(frames))


def opened(frames: Sequence[Frame], kind: Kind) -> Media:
    """The track of one kind."""
    of_kind = [frame for frame in frames if frame.kind is kind]
    configs = [f for f in of_kind if f.config and config_role(f).order is Role.CODEC]
    coded = [f for f in of_kind if not f.config and coded_data(f)]
    config = config_data(configs[0]) if configs else b""
    track = open_mp4_track(coded[0].codec, config, bytes(coded_data(coded[0])))
    samples, times, decode_time = [], [], 0
    for frame, duration in zip(coded, _durations(track, coded), strict=True):
        offset = frame.cts_ms * 90 if kind is Kind.VIDEO else 0
        sync = frame.keyframe or kind is Kind.AUDIO
        samples.append(Sample(track.payload(coded_data(frame)), duration, offset, sync))
        times.append((decode_time, decode_time + offset))
        decode_time += duration
    return Media(track, samples, times)


def _durations(track: Mp4Track, coded: Sequence[Frame]) -> list[int]:
    if track.kind is Kind.AUDIO:
        return [track.samples_per_frame(coded_data(frame)) for frame in coded]
    steps = [b.dts_ms - a.dts_ms for a, b in pairwise(coded)]
    return [90 * step for step in (*steps, LAST_PICTURE_MS)]


def written(media: Sequence[Media], *, at_once: int = 4, start: int = 0) -> bytes:
    """A file with an equal number of samples of each track in each fragment."""
    parts: list[bytes | memoryview] = [
        build_init({number: one.track for number, one in enumerate(media, 1)})
    ]
    longest = max(len(one.samples) for one in media)
    for index in range(0, longest, at_once):
        runs = [
            Run(number, start + one.times[index][0], one.samples[index : index + at_once])
            for number, one in enumerate(media, 1)
            if index < len(one.samples)
        ]
        parts += build_fragment(index, runs)
    return b"".join(parts)


class Got(NamedTuple):
    """What FFmpeg has read of a sample."""

    data: bytes
    dts: int
    pts: int
    keyframe: bool


def demuxed(data: bytes) -> list[list[Got]]:
    """By track."""
    with av.open(io.BytesIO(data), format="mp4") as source:
        tracks: list[list[Got]] = [[] for _ in source.streams]
        for packet in source.demux():
            if packet.size and packet.dts is not None and packet.pts is not None:
                got = Got(bytes(packet), packet.dts, packet.pts, packet.is_keyframe)
                tracks[packet.stream.index].append(got)
        return tracks


def decoded(data: bytes, track: int = 0) -> list[Fraction]:
    """Times in s of all that FFmpeg's decoder gives out; it stops at the first error."""
    with av.open(io.BytesIO(data), format="mp4") as source:
        stream = source.streams[track]
        stream.codec_context.options = {"err_detect": "explode"}
        return [frame.pts * frame.time_base for frame in source.decode(stream)]
