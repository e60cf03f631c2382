"""Short films to publish: encoded once with PyAV, kept as FLV files; and what is in such files.

A film is named by what is in it. Its pictures are noise, so that no two packets are alike and
a small picture still makes a high bit rate. `read_content()` says what a file holds, packet by
packet, as FFmpeg 8 reads it; for the one codec that FFmpeg does not read, as we do.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import sha256
from heapq import merge
from itertools import chain, repeat
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
    config_data,
    flv_header,
    parse_tag,
)
from slipstream.transcode.scheduling import be_ordinary

SOUND_FRAME = 1_024  # samples; encoders cut anew what they get


class Packet(NamedTuple):
    """One coded picture or sound."""

    kind: str  # "audio" or "video"
    dts_ms: int
    pts_ms: int
    digest: str  # of what the decoder gets
    keyframe: bool = True


class Content(NamedTuple):
    """What somebody sent or received."""

    packets: list[Packet]
    configs: dict[str, str]  # by kind: the digest of what the decoder needs first, if anything


@dataclass(frozen=True)
class Film:
    """How to make one.

    Args:
        video: FFmpeg's name of an encoder; None: sound alone.
        audio: the same; None: pictures alone.
        options: of the video encoder.
        bit_rate: of the picture, in bits per second.
        gop: pictures from one keyframe to the next.
        rate: pictures per second.
        sample_rate: samples per second.
        more: further tracks, of the same length.
        seed: of the noise.
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
    more: tuple[Film, ...] = ()
    seed: int = 0


X264 = {"preset": "ultrafast", "tune": "zerolatency", "sc_threshold": "0"}
X265 = {"preset": "ultrafast", "x265-params": "log-level=error:pools=1:bframes=0:scenecut=0"}
AV1 = {"preset": "10", "svtav1-params": "lp=1:scd=0"}
VP9 = {"cpu-used": "8", "deadline": "realtime"}
B_FRAMES = {"preset": "veryfast", "sc_threshold": "0", "bf": "3", "b_strategy": "0"}

FILMS = {
    "h264-aac": Film(options=X264),
    "b-frames": Film(options=B_FRAMES),
    "h264-mp3": Film(options=X264, audio="libmp3lame", sample_rate=44_100),
    "video-only": Film(options=X264, audio=None),
    "audio-only": Film(video=None),
    "h265-aac": Film("libx265", options=X265),
    "av1-opus": Film("libsvtav1", "libopus", options=AV1),
    "vp9-flac": Film("libvpx-vp9", "flac", options=VP9),
    "tracks": Film(
        options=X264, more=(Film(options=X264, width=64, height=48, sample_rate=44_100, seed=1),)
    ),
    "tracks-unaligned": Film(
        options=X264, more=(Film(options=X264, width=64, height=48, gop=20, audio=None, seed=1),)
    ),
    "tracks-codecs": Film(
        options=X264,
        more=(
            Film("libsvtav1", "libopus", options=AV1, width=64, height=64, seed=1),
            Film("libx265", "libmp3lame", options=X265, seed=2, sample_rate=44_100),
        ),
    ),
    "heavy": Film(options=X264, seconds=12, bit_rate=4_000_000, gop=250, width=320, height=240),
}
H265_ID12 = "h265-id12"  # H.265 as Chinese encoders send it: made from "h265-aac"
ID12 = (0x1C, 0x2C)  # how the bodies of its tags begin: keyframes, all others


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
        encoders = [_add_streams(out, one) for one in (film, *film.more)]
        for frame, (picture, sound) in merge(
            *(
                zip(_frames(one), repeat(own))
                for one, own in zip((film, *film.more), encoders, strict=True)
            ),
            key=lambda frame_and_streams: frame_and_streams[0].time or 0.0,
        ):
            stream = picture if isinstance(frame, av.VideoFrame) else sound
            if stream is not None:
                out.mux(stream.encode(frame))
        for stream in chain(*encoders):
            if stream is not None:
                out.mux(stream.encode(None))
    be_ordinary()


def _add_streams(
    out: av.container.OutputContainer, film: Film
) -> tuple[av.VideoStream | None, av.AudioStream | None]:
    picture = sound = None
    if film.video is not None:
        picture = out.add_stream(film.video, rate=film.rate, options=film.options)
        picture.width, picture.height, picture.pix_fmt = film.width, film.height, "yuv420p"
        picture.bit_rate, picture.gop_size = film.bit_rate, film.gop
    if film.audio is not None:
        sound = out.add_stream(film.audio, rate=film.sample_rate, layout="stereo")
    return picture, sound


def read_content(path: Path) -> Content:
    """What an FLV file holds, in its order."""
    tags = read_tags(path)
    if any(tag.type_id == Kind.VIDEO and tag.body[0] in ID12 for tag in tags):
        return _content_of_frames([parse_tag(*tag) for tag in tags])
    with av.open(str(path)) as film:
        return content_of(film, film.demux())


def content_of(film: av.container.InputContainer, packets: Iterable[av.Packet]) -> Content:
    """What is compared of all that PyAV read."""
    content = Content([], {})
    for packet in packets:
        if packet.size and packet.stream.type in ("audio", "video"):
            content.packets.append(_packet_of(packet))
    for stream in film.streams:
        if stream.codec_context is not None and stream.codec_context.extradata:
            content.configs[stream.type] = digest_of(stream.codec_context.extradata)
    return content


def digest_of(data: bytes | memoryview) -> str:
    """SHA-256, as FFmpeg's tools write it."""
    return sha256(data).hexdigest()


def has_picture(path: Path) -> bool:
    """Whether an FLV file says that it holds pictures."""
    return bool(path.read_bytes()[4] & 1)


def has_sound(path: Path) -> bool:
    """Whether an FLV file says that it holds sound."""
    return bool(path.read_bytes()[4] & 4)


def is_plain(path: Path) -> bool:
    """Whether FLV as Adobe left it can hold what an FLV file holds: its pictures are H.264."""
    return all(tag.body[0] & 0x8F == 7 for tag in read_tags(path) if tag.type_id == Kind.VIDEO)


def read_tags(path: Path) -> list[FlvTag]:
    """The tags of an FLV file."""
    parser = FlvParser()
    tags = parser.receive_data(path.read_bytes())
    assert parser.error is None
    return tags


def _frames(film: Film) -> Iterator[av.VideoFrame | av.AudioFrame]:
    """Noise to see and to hear, in the order of time."""
    noise = random.Random(film.seconds + film.seed)
    pictures = sounds = 0
    while pictures / film.rate < film.seconds:
        picture = av.VideoFrame(film.width, film.height, "yuv420p")
        for plane in picture.planes:
            plane.update(noise.randbytes(plane.buffer_size))
        picture.pts, picture.time_base = pictures, Fraction(1, film.rate)
        pictures += 1
        yield picture
        while sounds < pictures / film.rate * film.sample_rate:
            sound = av.AudioFrame("s16", "stereo", SOUND_FRAME)
            sound.planes[0].update(noise.randbytes(sound.planes[0].buffer_size))
            sound.sample_rate, sound.pts = film.sample_rate, sounds
            sound.time_base = Fraction(1, film.sample_rate)
            sounds += SOUND_FRAME
            yield sound


def _packet_of(packet: av.Packet) -> Packet:
    dts_ms, pts_ms = (
        round((time or 0) * 1000 * packet.time_base) for time in (packet.dts, packet.pts)
    )
    digest = digest_of(bytes(packet))
    return Packet(packet.stream.type, dts_ms, pts_ms, digest, packet.is_keyframe)


def _content_of_frames(frames: list[Frame]) -> Content:
    """The same for what FFmpeg does not read."""
    content = Content([], {})
    for frame in frames:
        kind, dts_ms = frame.kind.name.lower(), frame.dts_ms
        if frame.kind == Kind.DATA:
            continue
        if frame.config:
            content.configs[kind] = digest_of(config_data(frame))
        else:
            digest = digest_of(coded_data(frame))
            pts_ms = dts_ms + frame.cts_ms
            content.packets.append(Packet(kind, dts_ms, pts_ms, digest, frame.keyframe))
    return content


def _rewrite_as_id12(source: Path, target: Path) -> None:
    """FourCC "hvc1" becomes codec id 12: the same octets behind H.264's old header."""
    parts = [flv_header()]
    for type_id, timestamp, body in read_tags(source):
        if body[1:5] == b"hvc1":
            frame_type, packet_type = body[0] >> 4 & 7, body[0] & 15
            cts_and_data = {0: bytes(3) + body[5:], 1: body[5:], 3: bytes(3) + body[5:]}
            if packet_type not in cts_and_data:
                continue
            head = bytes((ID12[frame_type - 1], min(packet_type, 1)))
            body = head + cts_and_data[packet_type]
        parts.append(build_flv_tag(type_id, timestamp, body))
    target.write_bytes(b"".join(parts))
