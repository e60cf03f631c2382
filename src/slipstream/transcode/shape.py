"""What a slate must look like, so that players hardly notice the change: that of its publisher.

In come the configurations of the last publisher, out comes a `Shape`: codec, size and rate of
the picture, codec, rate and channels of the sound. What the configurations leave open the
metadata fills, and what that leaves open or has wrong is guessed. Always something that can
be made: no size or rate that a stranger claims is believed beyond the limits here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from math import isfinite
from typing import Any, Self

from slipstream.errors import MediaError
from slipstream.media import Codec, CodecInfo, Frame, Kind, describe, parse_metadata
from slipstream.media.enhanced_tag import CODECS_BY_FOURCC
from slipstream.media.legacy_tag import AUDIO_CODECS, VIDEO_CODECS

USUAL_SIZE, USUAL_RATE = (1280, 720), 25
MIN_SIDE = 16  # dots; below it encoders refuse
MAX_PROPORTION = 64  # of one side to the other: more is no picture, but somebody's experiment
MAX_DOTS = 4096 * 2304  # of a picture; a larger one is made smaller: 14 MB each, in YUV
MIN_RATE, MAX_RATE = 1, 120  # pictures a second
NTSC = 1001  # the largest denominator there is: 30000/1001
USUAL_SAMPLE_RATE, USUAL_CHANNELS = 48_000, 2
SAMPLE_RATES = (8_000, 96_000)  # Hz
MAX_CHANNELS = 8
DEEP = 10  # bits

Metadata = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PictureShape:
    """What pictures are like. Width and height are even."""

    codec: Codec
    width: int
    height: int
    rate: Fraction
    """Pictures per second."""
    deep: bool = False
    """10 bits instead of 8."""


@dataclass(frozen=True, slots=True)
class SoundShape:
    """What sound is like."""

    codec: Codec
    sample_rate: int
    channels: int


@dataclass(frozen=True, slots=True)
class Shape:
    """What a stream is like; at least one of the two is there."""

    picture: PictureShape | None
    sound: SoundShape | None

    def to_json(self) -> dict[str, Any]:
        """As the child gets it."""
        values = asdict(self)
        if values["picture"]:
            values["picture"]["rate"] = str(values["picture"]["rate"])
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        picture, sound = values["picture"], values["sound"]
        return cls(
            picture
            and PictureShape(
                Codec(picture["codec"]),
                picture["width"],
                picture["height"],
                Fraction(picture["rate"]),
                picture["deep"],
            ),
            sound and SoundShape(Codec(sound["codec"]), sound["sample_rate"], sound["channels"]),
        )


def shape_of(frames: Iterable[Frame]) -> Shape | None:
    """Return the shape of a stream that began with these frames; None if it shows nothing.

    Args:
        frames: metadata and configurations; pictures and sounds add what they know.
    """
    infos: dict[Kind, CodecInfo] = {}
    metadata: Metadata = {}
    for frame in frames:
        try:
            if frame.kind is Kind.DATA:
                metadata = parse_metadata(frame.body)
            elif frame.track == 0:
                info = _describe(frame)
                known = infos.get(frame.kind)
                infos[frame.kind] = info if known is None else known.filled_from(info)
        except MediaError:
            continue  # metadata that is none
    picture = infos.get(Kind.VIDEO) or _announced(metadata, "videocodecid", Kind.VIDEO)
    sound = infos.get(Kind.AUDIO) or _announced(metadata, "audiocodecid", Kind.AUDIO)
    if picture is None and sound is None:
        return None
    return Shape(
        _picture_shape(picture, metadata) if picture else None,
        _sound_shape(sound, metadata) if sound else None,
    )


def _describe(frame: Frame) -> CodecInfo:
    try:
        return describe(frame)
    except MediaError:
        return CodecInfo(frame.codec)


def _announced(metadata: Metadata, key: str, kind: Kind) -> CodecInfo | None:
    """A track that needs no configuration, such as MP3: known from the metadata alone."""
    value = metadata.get(key)
    if isinstance(value, str):
        codec = CODECS_BY_FOURCC[kind].get(value.encode(errors="replace"))
        return CodecInfo(codec or Codec.UNKNOWN)
    number = _number(metadata, key)
    if number is None or not 0 <= number < 1 << 32:
        return None
    legacy = VIDEO_CODECS if kind is Kind.VIDEO else AUDIO_CODECS
    fourcc = int(number).to_bytes(4)
    codec = legacy.get(int(number)) or CODECS_BY_FOURCC[kind].get(fourcc)
    return CodecInfo(codec or Codec.UNKNOWN)


def _picture_shape(info: CodecInfo, metadata: Metadata) -> PictureShape:
    width = info.width or _number(metadata, "width") or 0
    height = info.height or _number(metadata, "height") or 0
    rate = info.frame_rate or _number(metadata, "framerate") or 0
    if not MIN_RATE <= rate <= MAX_RATE:
        rate = USUAL_RATE
    deep = (info.bit_depth or 0) >= DEEP
    return PictureShape(
        info.codec, *_fitting(width, height), Fraction(rate).limit_denominator(NTSC), deep
    )


def _fitting(width: float, height: float) -> tuple[int, int]:
    """A size that can be encoded: as it is, or with the same proportions."""
    low, high = sorted((width, height))
    if low < MIN_SIDE or high > MAX_DOTS or high > low * MAX_PROPORTION:
        return USUAL_SIZE
    scale = min((MAX_DOTS / (width * height)) ** 0.5, 1)
    even = (max(int(side * scale) // 2 * 2, MIN_SIDE) for side in (width, height))
    return next(even), next(even)


def _sound_shape(info: CodecInfo, metadata: Metadata) -> SoundShape:
    stereo = metadata.get("stereo")
    announced = 1 + stereo if isinstance(stereo, bool) else _number(metadata, "audiochannels")
    sample_rate = int(info.sample_rate or _number(metadata, "audiosamplerate") or 0)
    channels = int(info.channels or announced or 0)
    low, high = SAMPLE_RATES
    return SoundShape(
        info.codec,
        sample_rate if low <= sample_rate <= high else USUAL_SAMPLE_RATE,
        channels if 1 <= channels <= MAX_CHANNELS else USUAL_CHANNELS,
    )


def _number(metadata: Metadata, key: str) -> float | None:
    value = metadata.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        return None
    return value
