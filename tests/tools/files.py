"""Small films in any container that FFmpeg writes, and what is in a file."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import av

WIDTH, HEIGHT, RATE, SAMPLE_RATE = 64, 48, 25, 48_000
SOUND_FRAME = 1_024  # samples
OPTIONS = {
    "libx264": {"preset": "ultrafast", "g": "10"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:pools=1:bframes=3:keyint=10"},
    "libvpx-vp9": {"cpu-used": "8", "deadline": "realtime"},
}


class Track(NamedTuple):
    """What a file holds of one kind."""

    codec: str
    dts_ms: list[int]
    digests: list[str]  # of the packets
    size: tuple[int, int]  # of pictures
    sample_rate: int  # of sound


def film(
    path: Path, video: str | None = "libx264", audio: str | None = "aac", seconds: float = 1.0
) -> Path:
    """Make a file; its name says in which container. Noise, so that no two packets are alike."""
    noise = random.Random(1)
    with av.open(str(path), "w") as out:
        if video:
            picture = out.add_stream(video, rate=RATE, options=OPTIONS.get(video, {}))
            picture.width, picture.height = WIDTH, HEIGHT
        if audio:
            sound = out.add_stream(audio, rate=SAMPLE_RATE, layout="stereo")
        for number in range(round(seconds * RATE) if video else 0):
            frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
            for plane in frame.planes:
                plane.update(noise.randbytes(plane.buffer_size))
            frame.pts = number
            out.mux(picture.encode(frame))
        for number in range(round(seconds * SAMPLE_RATE / SOUND_FRAME) if audio else 0):
            samples = av.AudioFrame("s16", "stereo", SOUND_FRAME)
            samples.planes[0].update(noise.randbytes(samples.planes[0].buffer_size))
            samples.sample_rate, samples.pts = SAMPLE_RATE, number * SOUND_FRAME
            samples.time_base = Fraction(1, SAMPLE_RATE)
            out.mux(sound.encode(samples))
        for stream in (picture if video else None, sound if audio else None):
            if stream is not None:
                out.mux(stream.encode(None))
    return path


def tracks_of(path: Path) -> dict[str, Track]:
    """What is in a file, by kind, as FFmpeg reads it."""
    with av.open(str(path)) as file:
        packets: dict[str, list[av.Packet]] = {stream.type: [] for stream in file.streams}
        for packet in _packets(file):
            packets[packet.stream.type].append(packet)
        return {stream.type: _track(stream, packets[stream.type]) for stream in file.streams}


def _packets(file: av.container.InputContainer) -> Iterator[av.Packet]:
    return (packet for packet in file.demux() if packet.size)


def _track(stream: av.stream.Stream, packets: list[av.Packet]) -> Track:
    video = stream.type == "video"
    return Track(
        stream.codec_context.codec.canonical_name,
        [round(1000 * (packet.dts or 0) * packet.time_base) for packet in packets],
        [sha256(bytes(packet)).hexdigest() for packet in packets],
        (stream.width, stream.height) if video else (0, 0),
        0 if video else stream.rate,
    )
