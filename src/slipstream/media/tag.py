"""Tag bodies in, frames out: `parse_tag` reads the first bytes of what a publisher sent.

The body of an RTMP message of type 8, 9 or 18 is the body of an FLV tag. `legacy_tag` and
`enhanced_tag` read any of them; the beginnings that nearly all have are looked up in tables
instead. The frame keeps the body as it is. Codec configurations are not looked into here.
"""

from __future__ import annotations

import struct

from slipstream.errors import MediaError
from slipstream.media import legacy_tag
from slipstream.media.enhanced_tag import (
    CODECS_BY_FOURCC,
    COMMAND,
    CONFIG_PACKETS,
    CTS_SIZE,
    AudioPacket,
    VideoPacket,
    has_cts,
    is_enhanced,
    read_enhanced_header,
)
from slipstream.media.frame import Codec, Frame, Kind
from slipstream.media.legacy_tag import VIDEO_CODECS, WITH_PACKET_TYPE
from slipstream.media.metadata import ON_METADATA, data_name, parse_metadata, without_set
from slipstream.media.nal import DOUBTFUL, NEVER, is_disposable

AMF3_DATA = 15  # type of a data message or tag that may hold AMF3: a selector byte, then AMF0
MAX_METADATA_BYTES = 64 << 10  # kept per stream, and sent to every newcomer
NO_DATA_NEEDED = frozenset((Codec.AC3, Codec.EAC3, Codec.MP3, Codec.OPUS))  # in SequenceStart

# One unpacking is cheaper than three indexings, and `tuple.__new__` than `Frame(...)`; each
# saves a quarter of the time of `parse_tag` (bench/micro/tag.py).
_new = tuple.__new__
_unpack_legacy = struct.Struct(">HbH4xB").unpack_from  # head, composition time, first of a NAL
_unpack_cts = struct.Struct(">bH").unpack_from
_AUDIO, _VIDEO, _DATA = Kind.AUDIO, Kind.VIDEO, Kind.DATA
_AAC = Codec.AAC

# codec, keyframe, disposable, table of doubts about that, index of the coded data
_Picture = tuple[Codec, bool, bool, bytes, int]


def _picture(codec: Codec, frame_type: int, start: int) -> _Picture:
    keyframe, disposable = frame_type == legacy_tag.KEY, frame_type == legacy_tag.DISPOSABLE
    doubtful = NEVER if keyframe or disposable else DOUBTFUL.get(codec, NEVER)
    return codec, keyframe, disposable, doubtful, start


_LEGACY_PICTURES = {
    frame_type << 12 | number << 8 | legacy_tag.CODED: _picture(codec, frame_type, 5)
    for frame_type in range(COMMAND)
    for number, codec in VIDEO_CODECS.items()
    if codec in WITH_PACKET_TYPE
}
_ENHANCED_PICTURES = {
    bytes((0x80 | frame_type << 4 | packet,)) + fourcc: _picture(
        codec, frame_type, 5 + CTS_SIZE * has_cts(packet, codec)
    )
    for frame_type in range(COMMAND)
    for packet in (VideoPacket.CODED_FRAMES, VideoPacket.CODED_FRAMES_X)
    for fourcc, codec in CODECS_BY_FOURCC[_VIDEO].items()
}
_ENHANCED_SOUNDS = {
    bytes((0x90 | AudioPacket.CODED_FRAMES,)) + fourcc: codec
    for fourcc, codec in CODECS_BY_FOURCC[_AUDIO].items()
}


def parse_tag(type_id: int, timestamp: int, body: bytes) -> Frame:
    """Read the beginning of a message's or tag's body.

    Args:
        type_id: of the message or tag: 8 audio, 9 video, 18 or 15 data.
        timestamp: of the message or tag, in ms.
        body: all of it. The frame keeps it, so it must not change.

    Raises:
        MediaError: empty, cut off, or of no known kind. Drop the message, keep the session.
    """
    try:
        if type_id == 9:
            if body[0] < 0x80:
                head, high, low, unit = _unpack_legacy(body)
                codec, keyframe, disposable, doubtful, start = _LEGACY_PICTURES[head]
                cts_ms = high << 16 | low
            else:
                codec, keyframe, disposable, doubtful, start = _ENHANCED_PICTURES[body[:5]]
                unit, cts_ms = body[start + 4], 0
                if start == 8:
                    high, low = _unpack_cts(body, 5)
                    cts_ms = high << 16 | low
            if doubtful[unit]:
                disposable = is_disposable(codec, body, start)
            fields = (_VIDEO, codec, timestamp, cts_ms, keyframe, False, disposable, 0, body)
            return _new(Frame, fields)
        if type_id == 8:
            if body[0] == 0xAF and body[1] == 1 and len(body) > 2:
                return _new(Frame, (_AUDIO, _AAC, timestamp, 0, False, False, False, 0, body))
            codec = _ENHANCED_SOUNDS[body[:5]]
            if len(body) > 5:
                return _new(Frame, (_AUDIO, codec, timestamp, 0, False, False, False, 0, body))
    except (LookupError, struct.error):
        pass  # rare, short or wrong
    return parse_any_tag(type_id, timestamp, body)


def parse_any_tag(type_id: int, timestamp: int, body: bytes) -> Frame:
    """Do what `parse_tag` does, for every beginning there is and without tables.

    Raises:
        MediaError: see there.
    """
    if type_id == AMF3_DATA:
        return _parse_data(timestamp, body[1:])
    if type_id == _DATA:
        return _parse_data(timestamp, body)
    if type_id not in (_AUDIO, _VIDEO):
        raise MediaError(f"message type {type_id} carries no media")
    kind = Kind(type_id)
    if not body:  # Enhanced RTMP: an empty audio message is silence. Nothing to pass on
        raise MediaError(f"empty {kind.name.lower()} message")
    if is_enhanced(kind, body):
        return _parse_enhanced(kind, timestamp, body)
    read = legacy_tag.read_video_header if kind is _VIDEO else legacy_tag.read_audio_header
    codec, keyframe, config, disposable, _, cts_ms = read(body)
    return Frame(kind, codec, timestamp, cts_ms, keyframe, config, disposable, 0, body)


def _parse_enhanced(kind: Kind, timestamp: int, body: bytes) -> Frame:
    header = read_enhanced_header(kind, body)
    if header.command:
        return Frame(kind, Codec.UNKNOWN, timestamp, 0, False, False, False, 0, body)
    packet_type, track = header.packet_type, header.tracks[0]
    codec, start, cts_ms = track.codec, track.start, 0
    if kind is _VIDEO and has_cts(packet_type, codec):
        cts_ms = int.from_bytes(body[start : start + CTS_SIZE], signed=True)
        start += CTS_SIZE
    ends = packet_type == VideoPacket.SEQUENCE_END
    if start >= track.end and not (ends or _may_be_empty(kind, packet_type, codec)):
        raise MediaError(f"{codec} packet of type {packet_type} without data")
    config = packet_type in CONFIG_PACKETS[kind]
    picture = kind is _VIDEO and not (config or ends)
    keyframe = picture and header.frame_type == legacy_tag.KEY
    disposable = picture and (
        header.frame_type == legacy_tag.DISPOSABLE
        or (not keyframe and is_disposable(codec, body, start))
    )
    return Frame(kind, codec, timestamp, cts_ms, keyframe, config, disposable, track.number, body)


def _may_be_empty(kind: Kind, packet_type: int, codec: Codec) -> bool:
    """FFmpeg says nothing when AC-3 starts, and Opus may begin without its header."""
    return kind is _AUDIO and packet_type == AudioPacket.SEQUENCE_START and codec in NO_DATA_NEEDED


def _parse_data(timestamp: int, body: bytes) -> Frame:
    body = without_set(body)
    name = data_name(body)
    config = name == ON_METADATA
    if config:
        if len(body) > MAX_METADATA_BYTES:
            raise MediaError(f"metadata of {len(body)} bytes, limit {MAX_METADATA_BYTES}")
        parse_metadata(body)
    return Frame(_DATA, Codec.DATA, timestamp, 0, False, config, False, 0, body)
