"""Films as frames, written as MPEG-TS, and what FFmpeg and the standard's letter find in them."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import av

from slipstream.formats import TsFormat
from slipstream.hub.notes import Notes
from slipstream.log import Log
from slipstream.media import (
    Codec,
    Frame,
    Kind,
    Timeline,
    coded_data,
    parse_tag,
)
from tests.clips import X264, Film, encode_film, film_file, read_tags

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


def inter(time_ms: int, padding: int = 0) -> Frame:
    unit = b"\x41cd" + bytes(padding)
    return parse_tag(9, time_ms, b"\x27\1\0\0\0" + len(unit).to_bytes(4) + unit)


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
