"""Shapes, reels and what is in them, for tests of slates."""

from __future__ import annotations

import io
from array import array
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

import av
from av.audio.resampler import AudioResampler

from slipstream.media import Codec, FlvTag, Frame, build_flv_tag, flv_header
from slipstream.transcode.shape import PictureShape, Shape, SoundShape

SMALL = PictureShape(Codec.H264, 128, 96, Fraction(25))
STEREO = SoundShape(Codec.AAC, 48_000, 2)
SMALL_SHAPE = Shape(SMALL, STEREO)


def loudness(frame: av.AudioFrame) -> float:
    """The largest sample, of 1."""
    frame.pts = None
    (whole,) = AudioResampler("flt", "mono", frame.sample_rate).resample(frame)
    samples = array("f", bytes(whole.planes[0])[: whole.samples * 4])
    return max(map(abs, samples), default=0)


class Decoded(NamedTuple):
    """What a decoder makes of frames."""

    codecs: dict[str, str]  # by kind: FFmpeg's name
    size: tuple[int, int]
    pix_fmt: str
    pictures: list[bytes]  # the luma of each
    picture_ms: list[int]
    sample_rate: int
    channels: int
    samples: int
    loudest: float


def flv_of(tags: Iterable[FlvTag | tuple[int, int, bytes]]) -> bytes:
    """A file."""
    return flv_header() + b"".join(build_flv_tag(*tag) for tag in tags)


def tags_of(frames: Iterable[Frame]) -> list[tuple[int, int, bytes]]:
    """Frames as tags."""
    return [(frame.kind, frame.dts_ms, frame.body) for frame in frames]


def frames_of(file: av.container.InputContainer) -> Iterator[av.frame.Frame]:
    """All pictures and sounds.

    FFmpeg makes empty packets of configurations of Enhanced RTMP's sound, and subtitles of
    metadata that does not come first.
    """
    for packet in file.demux():
        if packet.stream.type not in ("audio", "video"):
            continue
        try:
            yield from packet.decode()
        except av.ArgumentError:
            assert not packet.size


def luma_of(picture: av.VideoFrame) -> bytes:
    """The brightness of each dot, row by row; of 10 bits, two bytes each."""
    plane = picture.planes[0]
    data, width = bytes(plane), picture.width * (1 + ("10" in picture.format.name))
    starts = range(0, picture.height * plane.line_size, plane.line_size)
    return b"".join(data[start : start + width] for start in starts)


def decoded(flv: bytes) -> Decoded:
    """Decode all of it; fails if FFmpeg cannot."""
    codecs: dict[str, str] = {}
    size, pix_fmt, sample_rate, channels, samples, loudest = (0, 0), "", 0, 0, 0, 0.0
    pictures, picture_ms = [], []
    with av.open(io.BytesIO(flv)) as file:
        for stream in file.streams:
            codecs[stream.type] = stream.codec_context.codec.canonical_name
        for frame in frames_of(file):
            if isinstance(frame, av.VideoFrame):
                size, pix_fmt = (frame.width, frame.height), frame.format.name
                pictures.append(luma_of(frame))
                picture_ms.append(round(1000 * frame.pts * frame.time_base))
            elif isinstance(frame, av.AudioFrame):
                sample_rate, channels = frame.sample_rate, frame.layout.nb_channels
                samples += frame.samples
                loudest = max(loudest, loudness(frame))
    return Decoded(
        codecs, size, pix_fmt, pictures, picture_ms, sample_rate, channels, samples, loudest
    )
