"""Short films to publish: encoded once with PyAV, kept as FLV files; and what is in such files.

A film is named by what is in it. Its pictures are noise, so that no two packets are alike and
a small picture still makes a high bit rate. `read_packets()` says what a file holds, packet by
packet, as FFmpeg 8 reads it; for the one codec that FFmpeg does not read, as we do.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import av

from slipstream.media import (
    FlvParser,
    FlvTag,
    Frame,
    Kind,
    build_flv_tag,
    coded_data,
    flv_header,
    parse_tag,
)

SOUND_FRAME = 1_024  # samples; encoders cut anew what they get


class Packet(NamedTuple):
    """One coded picture or sound."""

    kind: str  # "audio" or "video"
    dts_ms: int
    pts_ms: int
    digest: str  # SHA-256 of what the decoder gets
    keyframe: bool = True


@dataclass(frozen=True)
class Film:
    """How to make one.

    Args:
        video: FFmpeg's name of an encoder; None: sound alone.
        audio: the same; None: pictures alone.
        options: of the video encoder.
        bit_rate: of the picture, in bits per second.
        gop: pictures from one keyframe to the next.
    """

    video: str | None = "libx264"
    audio: str | None = "aac"
    options: dict[str, str] = field(default_factory=dict)
    seconds: float = 2.5
    bit_rate: int = 200_000
    gop: int = 12
    width: int = 128
    height: int = 96
    rate: int = 25
    sample_rate: int = 48_000


X264 = {"preset": "ultrafast", "tune": "zerolatency", "sc_threshold": "0"}
X265 = {"preset": "ultrafast", "x265-params": "log-level=error:pools=1:bframes=0:scenecut=0"}
AV1 = {"preset": "10", "svtav1-params": "lp=1:scd=0"}
B_FRAMES = {"preset": "veryfast", "sc_threshold": "0", "bf": "3", "b_strategy": "0"}

FILMS = {
    "h264-aac": Film(options=X264),
    "b-frames": Film(options=B_FRAMES),
    "h264-mp3": Film(options=X264, audio="libmp3lame", sample_rate=44_100),
    "video-only": Film(options=X264, audio=None),
    "audio-only": Film(video=None),
    "h265-aac": Film("libx265", options=X265),
    "av1-opus": Film("libsvtav1", "libopus", options=AV1),
    "vp9-flac": Film("libvpx-vp9", "flac", options={"cpu-used": "8", "deadline": "realtime"}),
    "heavy": Film(options=X264, seconds=12, bit_rate=4_000_000, gop=250, width=320, height=240),
}
ID12 = (0x1C, 0x2C)  # how bodies of codec id 12 begin
H265_ID12 = "h265-id12"  # H.265 as Chinese encoders send it: made from "h265-aac"


def film_file(folder: Path, name: str) -> Path:
    """The file of a film, made now if the folder does not have it; safe to call in parallel."""
    path = folder / f"{name}.flv"
    if not path.exists():
        draft = folder / f"{name}.{random.randbytes(4).hex()}.flv"
        if name == H265_ID12:
            _rewrite_as_id12(film_file(folder, "h265-aac"), draft)
        else:
            encode_film(FILMS[name], draft)
        draft.rename(path)
    return path


def encode_film(film: Film, path: Path) -> None:
    """Make an FLV file."""
    with av.open(str(path), "w", format="flv", options={"flvflags": "no_duration_filesize"}) as out:
        picture = sound = None
        if film.video is not None:
            picture = out.add_stream(film.video, rate=film.rate, options=film.options)
            picture.width, picture.height, picture.pix_fmt = film.width, film.height, "yuv420p"
            picture.bit_rate, picture.gop_size = film.bit_rate, film.gop
        if film.audio is not None:
            sound = out.add_stream(film.audio, rate=film.sample_rate, layout="stereo")
        for frame in _frames(film):
            stream = picture if isinstance(frame, av.VideoFrame) else sound
            if stream is not None:
                out.mux(stream.encode(frame))
        for stream in (picture, sound):
            if stream is not None:
                out.mux(stream.encode(None))


def read_packets(path: Path) -> list[Packet]:
    """What an FLV file holds, in its order."""
    tags = read_tags(path)
    if any(tag.type_id == Kind.VIDEO and tag.body[0] in ID12 for tag in tags):
        frames = [parse_tag(*tag) for tag in tags]
        return [_packet_of_frame(f) for f in frames if f.kind != Kind.DATA and not f.config]
    with av.open(str(path)) as film:
        return [packet_of(packet) for packet in film.demux() if packet.size]


def packet_of(packet: av.Packet) -> Packet:
    """What is compared of a packet of PyAV's."""
    to_ms = 1000 * packet.time_base
    return Packet(
        packet.stream.type,
        round((packet.dts or 0) * to_ms),
        round((packet.pts or 0) * to_ms),
        sha256(bytes(packet)).hexdigest(),
        packet.is_keyframe,
    )


def has_picture(path: Path) -> bool:
    """Whether an FLV file says that it holds pictures."""
    return bool(path.read_bytes()[4] & 1)


def has_sound(path: Path) -> bool:
    """Whether an FLV file says that it holds sound."""
    return bool(path.read_bytes()[4] & 4)


def read_tags(path: Path) -> list[FlvTag]:
    """The tags of an FLV file."""
    parser = FlvParser()
    tags = parser.receive_data(path.read_bytes())
    assert parser.error is None
    return tags


def _frames(film: Film) -> Iterator[av.VideoFrame | av.AudioFrame]:
    """Noise to see and to hear, in the order of time."""
    noise = random.Random(film.seconds)
    pictures = sounds = 0
    while pictures / film.rate < film.seconds:
        picture = av.VideoFrame(film.width, film.height, "yuv420p")
        for plane in picture.planes:
            plane.update(noise.randbytes(plane.buffer_size))
        picture.pts = pictures
        pictures += 1
        yield picture
        while sounds < pictures / film.rate * film.sample_rate:
            sound = av.AudioFrame("s16", "stereo", SOUND_FRAME)
            sound.planes[0].update(noise.randbytes(sound.planes[0].buffer_size))
            sound.sample_rate, sound.pts = film.sample_rate, sounds
            sounds += SOUND_FRAME
            yield sound


def _packet_of_frame(frame: Frame) -> Packet:
    return Packet(
        frame.kind.name.lower(),
        frame.dts_ms,
        frame.dts_ms + frame.cts_ms,
        sha256(coded_data(frame)).hexdigest(),
        frame.keyframe,
    )


def _rewrite_as_id12(source: Path, target: Path) -> None:
    """FourCC "hvc1" becomes codec id 12: the same octets behind H.264's old header."""
    parts = [flv_header()]
    for type_id, timestamp, body in read_tags(source):
        if body[1:5] == b"hvc1":
            frame_type, packet_type = body[0] >> 4 & 7, body[0] & 15
            cts_and_data = {0: b"\0\0\0" + body[5:], 1: body[5:], 3: b"\0\0\0" + body[5:]}
            if packet_type not in cts_and_data:
                continue
            new_type = bytes((ID12[frame_type - 1], min(packet_type, 1)))
            body = new_type + cts_and_data[packet_type]
        parts.append(build_flv_tag(type_id, timestamp, body))
    target.write_bytes(b"".join(parts))
