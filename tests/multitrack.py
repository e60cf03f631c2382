"""Frames of several tracks: put into the other layouts of Enhanced RTMP v2, and picked out again.

FFmpeg writes each track in a message of its own. What it does not write is made here of what it
does, by the letter of the standard.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from slipstream.media import Codec, Frame, Kind, Timeline, coded_data, config_data, parse_tag
from slipstream.media.enhanced_tag import (
    CODECS_WITH_CTS,
    MULTITRACK,
    AudioPacket,
    Multitrack,
    VideoPacket,
)
from tests.clips import film_file, read_tags

KEY, INTER = 1, 2


class Coded(NamedTuple):
    """A picture or sound, whatever its message looked like."""

    dts_ms: int
    cts_ms: int
    keyframe: bool
    codec: Codec
    data: bytes


def film(folder: Path, name: str) -> list[Frame]:
    """A film's frames, with steady times."""
    return list(Timeline().steady([parse_tag(*tag) for tag in read_tags(film_file(folder, name))]))


def is_media(frame: Frame) -> bool:
    """Whether there is a picture or a sound in it."""
    return frame.kind is not Kind.DATA and not frame.config and bool(coded_data(frame))


def coded(frames: Iterable[Frame], kind: Kind, track: int = 0) -> list[Coded]:
    """What a track holds, of frames that each have a single track."""
    return [
        Coded(f.dts_ms, f.cts_ms, f.keyframe, f.codec, bytes(coded_data(f)))
        for f in frames
        if f.kind is kind and f.track == track and is_media(f)
    ]


def configs(frames: Iterable[Frame], kind: Kind, track: int = 0) -> list[bytes]:
    """The configurations of a track's codec, without what FFmpeg adds for colour and channels."""
    return [
        config_data(f)
        for f in frames
        if f.kind is kind and f.track == track and f.config and not _is_extra(f)
    ]


def _is_extra(frame: Frame) -> bool:
    packet = frame.body[1] if frame.body[0] & 15 in (5, 6) else frame.body[0]
    return frame.body[0] & 0x80 != 0 and packet & 15 == 4


def laid_out(frames: Sequence[Frame], layout: Multitrack) -> list[Frame]:
    """The same in another layout: what has the same time, kind and codec config is one message.

    Of MANY_TRACKS all in one message have the same codec.
    """
    return [
        parse_tag(kind, dts_ms, body)
        for (kind, dts_ms, *_), group in groupby(frames, lambda f: _message(f, layout))
        for body in _bodies(list(group), layout)
    ]


def _message(frame: Frame, layout: Multitrack) -> tuple[object, ...]:
    own = None if layout is Multitrack.MANY_TRACKS_MANY_CODECS else frame.codec
    alone = not (is_media(frame) or frame.config) or _is_extra(frame)
    key = frame.keyframe, frame.config, own, frame.body if alone else None
    return frame.kind, frame.dts_ms, *key


def _bodies(group: list[Frame], layout: Multitrack) -> Iterator[bytes]:
    first = group[0]
    if first.kind is Kind.DATA or not (is_media(first) or first.config) or _is_extra(first):
        yield from (frame.body for frame in group)
        return
    video = first.kind is Kind.VIDEO
    start, media = VideoPacket.SEQUENCE_START, VideoPacket.CODED_FRAMES
    packet = start if first.config else media
    assert (start, media) == (AudioPacket.SEQUENCE_START, AudioPacket.CODED_FRAMES)
    frame_type = KEY if first.keyframe or first.config else INTER
    upper = 0x80 | frame_type << 4 if video else 0x90
    head = bytes((upper | MULTITRACK[first.kind], layout << 4 | packet))
    many_codecs = layout is Multitrack.MANY_TRACKS_MANY_CODECS
    if not many_codecs:
        head += first.codec.encode()
    if layout is Multitrack.ONE_TRACK:
        yield from (head + bytes((f.track,)) + _data(f) for f in group)
        return
    body = head
    for frame in group:
        data = _data(frame)
        fourcc = frame.codec.encode() if many_codecs else b""
        body += fourcc + bytes((frame.track,)) + len(data).to_bytes(3) + data
    yield body


def _data(frame: Frame) -> bytes:
    if frame.config:
        return config_data(frame)
    has_cts = frame.kind is Kind.VIDEO and frame.codec in CODECS_WITH_CTS
    cts = frame.cts_ms.to_bytes(3, signed=True) if has_cts else b""
    return cts + bytes(coded_data(frame))
