"""What travels through the server: one coded picture, one coded sound, or one data message.

A frame keeps the body of the (Enhanced) RTMP tag that it came in, byte for byte; that body is
the canonical form, and the RTMP and FLV formats pass it on untouched. The other fields are
what `tag.parse_tag` read from the body's first bytes, so that nothing after it needs to look.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import NamedTuple


class Kind(IntEnum):
    """What a frame carries; the value is the type of its RTMP message and of its FLV tag."""

    AUDIO = 8
    VIDEO = 9
    DATA = 18


class Codec(StrEnum):
    """How a frame is coded; the value is the FourCC of Enhanced RTMP where one exists."""

    H264 = "avc1"
    H265 = "hvc1"
    H266 = "vvc1"
    AV1 = "av01"
    VP8 = "vp08"
    VP9 = "vp09"

    AAC = "mp4a"
    MP3 = ".mp3"
    OPUS = "Opus"
    FLAC = "fLaC"
    AC3 = "ac-3"
    EAC3 = "ec-3"

    # Known to FLV only; the names are the ones that MP4, QuickTime or AVI use for them.
    SORENSON = "FLV1"
    SCREEN = "FSV1"
    SCREEN2 = "FSV2"
    VP6 = "VP6F"
    VP6_ALPHA = "VP6A"
    H263 = "s263"
    MPEG4 = "mp4v"
    PCM = "lpcm"
    ADPCM = "adpc"
    NELLYMOSER = "nmos"
    PCMA = "alaw"
    PCMU = "ulaw"
    SPEEX = "spex"

    DATA = "data"
    UNKNOWN = "????"  # a FourCC that we do not know: passed on, never looked into


class Frame(NamedTuple):
    """One tag, read. A NamedTuple because the hot path makes thousands a second."""

    kind: Kind
    codec: Codec  # of the first track, if the body carries several codecs
    dts_ms: int  # when to decode: as the publisher said; made steady by the timeline
    cts_ms: int  # when to show, less dts_ms; may be negative
    keyframe: bool  # a picture that decoding can start at; False for sound and for configs
    config: bool  # what a newcomer needs first: sequence headers, colour, channels, metadata
    disposable: bool  # no other picture refers to this one, so that it may be left out
    track: int  # 0 unless Enhanced RTMP Multitrack says otherwise
    body: bytes  # the tag's body, untouched
