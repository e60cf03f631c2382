"""Which encoder makes which codec, and how it is told to make what can be repeated for ever.

Pictures: closed groups that begin with a keyframe every two seconds at most, each picture
referring only to earlier ones, so that they are sent in the order in which they are shown.
Sound: frames of one length that need none before them, as far as the codec allows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from slipstream.media import Codec
from slipstream.transcode.shape import PictureShape, SoundShape

KEYFRAME_S = 2
BITS_PER_DOT = Fraction(1, 10)  # at most: 720p30 gets 2.8 Mbit/s
MAX_BITS_PER_S = 4_000_000  # of pictures: a minute of them is 30 MB
SOUND_BITS_PER_S = 64_000  # of each channel
ANY_PICTURE, ANY_SOUND = Codec.H264, Codec.AAC  # where there is no encoder, or it fails

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}
FLV_MP3_RATES = (11_025, 22_050, 44_100)  # Hz; FFmpeg writes no others


def threads() -> int:
    """How many processors an encoder may use: half of them, for the rest are the viewers'."""
    return max((os.cpu_count() or 1) // 2, 1)


def gop(shape: PictureShape) -> int:
    """Pictures from one keyframe to the next."""
    return max(int(KEYFRAME_S * shape.rate), 1)


def bits_per_s(shape: PictureShape) -> int:
    """The highest bit rate of pictures."""
    return min(int(shape.width * shape.height * shape.rate * BITS_PER_DOT), MAX_BITS_PER_S)


@dataclass(frozen=True, slots=True)
class PictureEncoder:
    """An encoder of pictures.

    Args:
        name: FFmpeg's.
        options: for a shape.
        deep: whether it does 10 bits.
    """

    name: str
    options: Callable[[PictureShape], Mapping[str, str]]
    deep: bool


@dataclass(frozen=True, slots=True)
class SoundEncoder:
    """An encoder of sound.

    Args:
        name: FFmpeg's.
        sample_rates: that it does, in Hz; another becomes the nearest above, or the highest.
        max_channels: more than these become stereo.
        options: of it.
    """

    name: str
    sample_rates: tuple[int, ...]
    max_channels: int
    options: Mapping[str, str]

    def sample_rate(self, shape: SoundShape) -> int:
        """The nearest that it does."""
        above = [rate for rate in self.sample_rates if rate >= shape.sample_rate]
        return min(above, default=max(self.sample_rates))

    def layout(self, shape: SoundShape) -> str:
        """The nearest that it does, by FFmpeg's name."""
        fits = shape.channels in LAYOUTS and shape.channels <= self.max_channels
        return LAYOUTS[shape.channels if fits else 2]


def _x264(shape: PictureShape) -> Mapping[str, str]:
    limit = str(bits_per_s(shape))
    return {
        "preset": "superfast",
        "tune": "zerolatency",
        "profile": "high10" if shape.deep else "high",
        "crf": "23",
        "maxrate": limit,
        "bufsize": limit,
        "sc_threshold": "0",
    }


def _x265(shape: PictureShape) -> Mapping[str, str]:
    limit = bits_per_s(shape) // 1000
    parameters = {
        "log-level": "error",
        "pools": str(threads()),
        "frame-threads": "1",
        "bframes": "0",
        "scenecut": "0",
        "open-gop": "0",
        "vbv-maxrate": str(limit),
        "vbv-bufsize": str(limit),
    }
    joined = ":".join(f"{name}={value}" for name, value in parameters.items())
    return {"preset": "ultrafast", "tune": "zerolatency", "crf": "26", "x265-params": joined}


def _svt_av1(_: PictureShape) -> Mapping[str, str]:
    # Low delay: every picture refers back only, and none is hidden.
    parameters = f"lp={threads()}:scd=0:pred-struct=1"
    return {"preset": "10", "crf": "35", "svtav1-params": parameters}


def _vpx(shape: PictureShape) -> Mapping[str, str]:
    return {
        "deadline": "realtime",
        "cpu-used": "8",
        "lag-in-frames": "0",
        "auto-alt-ref": "0",
        "b": str(bits_per_s(shape)),
    }


PICTURE_ENCODERS = {
    Codec.H264: PictureEncoder("libx264", _x264, deep=True),
    Codec.H265: PictureEncoder("libx265", _x265, deep=True),
    Codec.AV1: PictureEncoder("libsvtav1", _svt_av1, deep=True),
    Codec.VP9: PictureEncoder("libvpx-vp9", _vpx, deep=False),
}
AAC_RATES = (
    *(8_000, 11_025, 12_000, 16_000, 22_050, 24_000),
    *(32_000, 44_100, 48_000, 64_000, 88_200, 96_000),
)
DOLBY_RATES = (32_000, 44_100, 48_000)
SOUND_ENCODERS = {
    Codec.AAC: SoundEncoder("aac", AAC_RATES, 6, {}),
    # Without its reservoir no frame of MP3 needs bits out of the one before it.
    Codec.MP3: SoundEncoder("libmp3lame", FLV_MP3_RATES, 2, {"reservoir": "0"}),
    Codec.OPUS: SoundEncoder("libopus", (48_000,), 2, {}),
    Codec.AC3: SoundEncoder("ac3", DOLBY_RATES, 6, {}),
    Codec.EAC3: SoundEncoder("eac3", DOLBY_RATES, 6, {}),
    Codec.FLAC: SoundEncoder("flac", (44_100, 48_000), 2, {}),
}
