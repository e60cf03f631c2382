"""The first bytes of tag bodies as Enhanced RTMP defines them (v1 and v2).

Order on the wire: kind of packet, any number of ModEx items, for Multitrack a second byte, a
FourCC, then the data of one track or of several. In: a body. Out: an `EnhancedHeader` that
says where each track's data lies. Nothing is copied, and what the data mean is not known here.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import NamedTuple

from slipstream.errors import MediaError
from slipstream.media.frame import Codec, Kind

MAX_TRACKS = 16  # in one message, so that a message of millions of empty tracks costs nothing
MAX_MOD_EX = 16  # items in one message, likewise
COMMAND = 5  # video frame type: one byte follows, nothing else
CTS_SIZE = 3
PRINTABLE_FOURCC = re.compile(rb"[ -~]{4}").fullmatch
NANO_OFFSET = 0  # type of the ModEx item that carries TimestampOffsetNano
MAX_NANO_OFFSET = 999_999  # ns; a whole millisecond belongs into the timestamp


class AudioPacket(IntEnum):
    """Kinds of audio packets, as the lower half of the first byte names them."""

    SEQUENCE_START = 0
    CODED_FRAMES = 1
    SEQUENCE_END = 2
    MULTICHANNEL_CONFIG = 4
    MULTITRACK = 5
    MOD_EX = 7


class VideoPacket(IntEnum):
    """Kinds of video packets, as the lower half of the first byte names them."""

    SEQUENCE_START = 0
    CODED_FRAMES = 1
    SEQUENCE_END = 2
    CODED_FRAMES_X = 3
    METADATA = 4
    MPEG2TS_SEQUENCE_START = 5
    MULTITRACK = 6
    MOD_EX = 7


class Multitrack(IntEnum):
    """How a Multitrack message is laid out; the upper half of its second byte."""

    ONE_TRACK = 0
    MANY_TRACKS = 1
    MANY_TRACKS_MANY_CODECS = 2


LAYOUTS = frozenset(Multitrack)
MULTITRACK = {Kind.AUDIO: AudioPacket.MULTITRACK, Kind.VIDEO: VideoPacket.MULTITRACK}
PLAIN_PACKETS: dict[Kind, frozenset[int]] = {
    Kind.AUDIO: frozenset(AudioPacket) - {AudioPacket.MULTITRACK, AudioPacket.MOD_EX},
    Kind.VIDEO: frozenset(VideoPacket) - {VideoPacket.MULTITRACK, VideoPacket.MOD_EX},
}
CONFIG_PACKETS: dict[Kind, frozenset[int]] = {
    Kind.AUDIO: frozenset((AudioPacket.SEQUENCE_START, AudioPacket.MULTICHANNEL_CONFIG)),
    Kind.VIDEO: frozenset(
        (VideoPacket.SEQUENCE_START, VideoPacket.METADATA, VideoPacket.MPEG2TS_SEQUENCE_START)
    ),
}
CODECS_WITH_CTS = frozenset((Codec.H264, Codec.H265, Codec.H266))
CODECS_BY_FOURCC = {
    Kind.AUDIO: {
        codec.encode(): codec
        for codec in (Codec.AAC, Codec.MP3, Codec.OPUS, Codec.FLAC, Codec.AC3, Codec.EAC3)
    },
    Kind.VIDEO: {
        codec.encode(): codec
        for codec in (Codec.H264, Codec.H265, Codec.H266, Codec.AV1, Codec.VP8, Codec.VP9)
    },
}


class Track(NamedTuple):
    """One track's part of a message."""

    number: int
    fourcc: bytes
    codec: Codec  # UNKNOWN for a FourCC that we have never heard of
    start: int  # index in the body of the first byte of its data, composition time included
    end: int


class EnhancedHeader(NamedTuple):
    """What the first bytes of a body say about the rest."""

    packet_type: int  # never ModEx or Multitrack: the real one behind them
    frame_type: int  # of video; 0 for audio
    multitrack: Multitrack | None
    multitrack_at: int  # index of the byte that says so, if there is one
    tracks: tuple[Track, ...]  # empty for a video command
    nano_offset_ns: int  # to be added to the time of showing

    @property
    def command(self) -> bool:
        """A message to the player without a picture."""
        return not self.tracks


def is_enhanced(kind: Kind, body: bytes) -> bool:
    """Whether this audio or video body has an Enhanced RTMP header."""
    return body[0] >> 7 == 1 if kind is Kind.VIDEO else body[0] >> 4 == 9


def has_cts(packet_type: int, codec: Codec) -> bool:
    """Whether a composition time precedes the coded data of this video packet."""
    return packet_type == VideoPacket.CODED_FRAMES and codec in CODECS_WITH_CTS


def read_enhanced_header(kind: Kind, body: bytes) -> EnhancedHeader:
    """Read the header of an audio or video body.

    Raises:
        MediaError: the header is cut off, unknown, or beyond MAX_TRACKS or MAX_MOD_EX.
    """
    try:
        return _read_header(kind, body)
    except IndexError:
        raise MediaError(f"enhanced {kind.name.lower()} header cut off at {len(body)}") from None


def _read_header(kind: Kind, body: bytes) -> EnhancedHeader:
    frame_type = body[0] >> 4 & 7 if kind is Kind.VIDEO else 0
    packet_type, index, nano_offset_ns = _read_mod_ex(body)
    if frame_type == COMMAND and packet_type != VideoPacket.METADATA:
        return EnhancedHeader(packet_type, frame_type, None, 0, (), nano_offset_ns)
    multitrack, multitrack_at = None, index
    if packet_type == MULTITRACK[kind]:
        layout, packet_type = body[index] >> 4, body[index] & 0x0F
        if layout not in LAYOUTS:
            raise MediaError(f"multitrack layout {layout}")
        multitrack, index = Multitrack(layout), index + 1
    if packet_type not in PLAIN_PACKETS[kind]:
        raise MediaError(f"enhanced {kind.name.lower()} packet type {packet_type}")
    tracks = _read_tracks(kind, body, index, multitrack)
    return EnhancedHeader(
        packet_type, frame_type, multitrack, multitrack_at, tracks, nano_offset_ns
    )


def _read_mod_ex(body: bytes) -> tuple[int, int, int]:
    """Return (packet type behind the ModEx items, index after them, offset in ns)."""
    packet_type, index, nano_offset_ns = body[0] & 0x0F, 1, 0
    for _ in range(MAX_MOD_EX + 1):
        if packet_type != VideoPacket.MOD_EX:
            return packet_type, index, nano_offset_ns
        size, index = body[index] + 1, index + 1
        if size == 256:
            size, index = (body[index] << 8 | body[index + 1]) + 1, index + 2
        item, index = body[index : index + size], index + size
        if body[index] >> 4 == NANO_OFFSET and size >= 3:
            nano_offset_ns += min(int.from_bytes(item[:3]), MAX_NANO_OFFSET)
        packet_type, index = body[index] & 0x0F, index + 1
    raise MediaError(f"more than {MAX_MOD_EX} ModEx items")


def _read_tracks(
    kind: Kind, body: bytes, index: int, multitrack: Multitrack | None
) -> tuple[Track, ...]:
    fourcc, codec = b"", Codec.UNKNOWN
    if multitrack is not Multitrack.MANY_TRACKS_MANY_CODECS:
        fourcc, codec, index = _read_fourcc(kind, body, index)
    if multitrack is None:
        return (Track(0, fourcc, codec, index, len(body)),)
    if multitrack is Multitrack.ONE_TRACK:
        return (Track(body[index], fourcc, codec, index + 1, len(body)),)
    tracks: list[Track] = []
    while index < len(body) or not tracks:
        if len(tracks) == MAX_TRACKS:
            raise MediaError(f"more than {MAX_TRACKS} tracks in one message")
        if multitrack is Multitrack.MANY_TRACKS_MANY_CODECS:
            fourcc, codec, index = _read_fourcc(kind, body, index)
        number, start = body[index], index + 4
        size = body[index + 1] << 16 | body[index + 2] << 8 | body[index + 3]
        index = start + size
        if index > len(body):
            raise MediaError(f"track {number} of {size} bytes, {len(body) - start} are there")
        tracks.append(Track(number, fourcc, codec, start, index))
    return tuple(tracks)


def _read_fourcc(kind: Kind, body: bytes, index: int) -> tuple[bytes, Codec, int]:
    fourcc, end = body[index : index + 4], index + 4
    codec = CODECS_BY_FOURCC[kind].get(fourcc, Codec.UNKNOWN)
    if codec is Codec.UNKNOWN and not PRINTABLE_FOURCC(fourcc):
        raise MediaError(f"FourCC {fourcc.hex()}")
    return fourcc, codec, end
