"""Foreign bytes: a few frames from FFmpeg's encoders, through its FLV muxer, as our frames."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av

from slipstream.media.flv import FlvParser
from slipstream.media.frame import Frame, Kind
from slipstream.media.tag import parse_tag
from slipstream.transcode.scheduling import be_ordinary

PICTURES = 6
SOUNDS = 4
WIDTH, HEIGHT = 160, 120
QUIET = {"x265-params": "log-level=none"}  # other encoders ignore it


@dataclass
class Encoded:
    """What one encoder made."""

    flv: bytes
    frames: list[Frame] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Read the file with our own parser."""
        self.frames = [parse_tag(*tag) for tag in FlvParser().receive_data(self.flv)]

    def media(self, kind: Kind) -> list[Frame]:
        """The coded frames."""
        return [f for f in self.frames if f.kind is kind and not f.config]

    def config(self, kind: Kind) -> Frame:
        """The first configuration of that kind: the codec's own."""
        return next(f for f in self.frames if f.kind is kind and f.config)

    def packets(self) -> list[tuple[int, int, bytes]]:
        """What FFmpeg's demuxer says: (dts, pts - dts, payload) in ms."""
        with av.open(io.BytesIO(self.flv), "r", format="flv") as container:
            return [
                (packet.dts, (packet.pts or 0) - packet.dts, bytes(packet))
                for packet in container.demux()
                if packet.size and packet.dts is not None
            ]


def _picture(index: int, width: int, height: int) -> av.VideoFrame:
    picture = av.VideoFrame(width, height, "yuv420p")
    for plane in picture.planes:
        plane.update(bytes((40 + 20 * index,)) * plane.buffer_size)
    picture.pts = index
    return picture


def encode_video(
    encoder: str,
    *,
    width: int = WIDTH,
    height: int = HEIGHT,
    rate: Fraction | int = 25,
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
) -> Encoded:
    """Encode grey pictures that get brighter."""
    file = io.BytesIO()
    with av.open(file, "w", format="flv") as container:
        stream = container.add_stream(encoder, rate=rate, options=QUIET | (options or {}))
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        for index in range(PICTURES):
            picture = _picture(index, width, height)
            picture.time_base = 1 / Fraction(rate)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    be_ordinary()
    return Encoded(file.getvalue())


def encode_audio(
    encoder: str,
    *,
    rate: int = 48000,
    layout: str = "stereo",
    samples: str = "fltp",
    options: dict[str, str] | None = None,
) -> Encoded:
    """Encode silence."""
    file = io.BytesIO()
    with av.open(file, "w", format="flv") as container:
        stream = container.add_stream(encoder, rate=rate, layout=layout, options=options or {})
        assert isinstance(stream, av.AudioStream)
        stream.codec_context.format = av.AudioFormat(samples)
        stream.codec_context.open(strict=False)
        size = stream.codec_context.frame_size or 1024
        for _ in range(SOUNDS):
            sound = av.AudioFrame(format=samples, layout=layout, samples=size)
            for plane in sound.planes:
                plane.update(bytes(plane.buffer_size))
            sound.sample_rate = rate
            container.mux(stream.encode(sound))
        # The FLAC encoder ends with an empty packet without a time.
        container.mux([packet for packet in stream.encode(None) if packet.size])
    return Encoded(file.getvalue())


def codec_string(encoder: str, folder: Path, *, pixels: str = "yuv420p") -> str:
    """What FFmpeg's DASH muxer calls the pictures that `encode_video` makes."""
    manifest = folder / "manifest.mpd"
    with av.open(str(manifest), "w", format="dash") as container:
        stream = container.add_stream(encoder, rate=25, options=QUIET)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        if encoder == "libx265":
            stream.codec_context.codec_tag = "hvc1"
        for index in range(PICTURES):
            container.mux(stream.encode(_picture(index, WIDTH, HEIGHT)))
        container.mux(stream.encode(None))
    found = re.search('codecs="([^"]+)"', manifest.read_text())
    assert found is not None
    return found[1]
