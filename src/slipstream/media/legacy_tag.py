"""The first bytes of tag bodies as FLV 10.1 defines them (annex E.4.2 and E.4.3).

One byte names the codec; for AAC and the codecs with delayed pictures a packet type follows,
and for the latter a composition time. In: the first bytes of a body. Out: a `Header`. Codec
numbers 12 to 15 (video) and 13 (audio) are not Adobe's: Chinese encoders, SRS and ZLMediaKit
made them up and use them with the H.264 layout.
"""

from __future__ import annotations

from typing import NamedTuple

from slipstream.errors import MediaError
from slipstream.media.frame import Codec
from slipstream.media.nal import is_disposable

KEY, INTER, DISPOSABLE, COMMAND = 1, 2, 3, 5  # frame types; 4, "generated key", is a server's
CONFIG, CODED, END = 0, 1, 2  # packet types

VIDEO_CODECS = {
    2: Codec.SORENSON,
    3: Codec.SCREEN,
    4: Codec.VP6,
    5: Codec.VP6_ALPHA,
    6: Codec.SCREEN2,
    7: Codec.H264,
    8: Codec.H263,
    9: Codec.MPEG4,
    12: Codec.H265,
    13: Codec.AV1,
    14: Codec.VP8,
    15: Codec.VP9,
}
AUDIO_CODECS = {
    0: Codec.PCM,
    1: Codec.ADPCM,
    2: Codec.MP3,
    3: Codec.PCM,
    4: Codec.NELLYMOSER,
    5: Codec.NELLYMOSER,
    6: Codec.NELLYMOSER,
    7: Codec.PCMA,
    8: Codec.PCMU,
    10: Codec.AAC,
    11: Codec.SPEEX,
    13: Codec.OPUS,
    14: Codec.MP3,
}
WITH_PACKET_TYPE = frozenset(
    (Codec.H264, Codec.MPEG4, Codec.H265, Codec.AV1, Codec.VP8, Codec.VP9, Codec.AAC)
)


class Header(NamedTuple):
    """What the first bytes of a body say about the rest."""

    codec: Codec
    keyframe: bool
    config: bool
    disposable: bool
    start: int  # index of the coded data
    cts_ms: int


def read_video_header(body: bytes) -> Header:
    """Read the first bytes of a video body.

    Raises:
        MediaError: they make no sense, or nothing follows them.
    """
    frame_type, number = body[0] >> 4, body[0] & 0x0F
    codec = VIDEO_CODECS.get(number)
    if codec is None:
        raise MediaError(f"video codec number {number}")
    if frame_type == COMMAND:  # one byte, for a player's seeking; no picture and no header
        return Header(codec, False, False, False, 1, 0)
    keyframe, disposable = frame_type == KEY, frame_type == DISPOSABLE
    if codec not in WITH_PACKET_TYPE:
        _need(body, 2)
        return Header(codec, keyframe, False, disposable, 1, 0)
    _need(body, 2)
    packet_type = body[1]
    if packet_type == END:  # librtmp based encoders send 2 bytes, FFmpeg 5
        return Header(codec, False, False, False, len(body), 0)
    if packet_type not in (CONFIG, CODED):
        raise MediaError(f"{codec} packet type {packet_type}")
    _need(body, 6)
    if packet_type == CONFIG:
        return Header(codec, False, True, False, 5, 0)
    cts_ms = int.from_bytes(body[2:5], signed=True)  # Wirecast and FFmpeg send negative ones
    disposable = disposable or (not keyframe and is_disposable(codec, body, 5))
    return Header(codec, keyframe, False, disposable, 5, cts_ms)


def read_audio_header(body: bytes) -> Header:
    """Read the first bytes of an audio body.

    Raises:
        MediaError: they make no sense, or nothing follows them.
    """
    number = body[0] >> 4
    codec = AUDIO_CODECS.get(number)
    if codec is None:  # 15 is "device specific": DJI sends it
        raise MediaError(f"audio codec number {number}")
    if codec is not Codec.AAC:
        _need(body, 2)
        return Header(codec, False, False, False, 1, 0)
    _need(body, 3)
    if body[1] > CODED:
        raise MediaError(f"AAC packet type {body[1]}")
    return Header(codec, False, body[1] == CONFIG, False, 2, 0)


def _need(body: bytes, size: int) -> None:
    if len(body) < size:
        raise MediaError(f"body of {len(body)} bytes, needs {size}")
