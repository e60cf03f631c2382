"""Frames as players get them: what they could not read, or read wrongly, is put differently.

Players that announce nothing read Enhanced RTMP v1, which has neither several tracks nor
ModEx. Frames that need no change, which is nearly all of them, pass as they are.
"""

from __future__ import annotations

from slipstream.errors import MediaError
from slipstream.media.enhanced_tag import (
    COMMAND,
    CTS_SIZE,
    MULTITRACK,
    AudioPacket,
    EnhancedHeader,
    Multitrack,
    Track,
    VideoPacket,
    is_enhanced,
    read_enhanced_header,
)
from slipstream.media.frame import Codec, Frame, Kind
from slipstream.media.legacy_tag import CODED, CONFIG, END
from slipstream.media.tag import parse_tag
from slipstream.media.tag_builder import AAC_FIRST, H264_NUMBER, LEGACY_AUDIO

DEFAULT_TRACK = 0
METADATA = 0x80 | VideoPacket.METADATA
VISIBLE_METADATA = bytes((METADATA | COMMAND << 4,))

AVC_PACKETS: dict[int, int] = {
    VideoPacket.SEQUENCE_START: CONFIG,
    VideoPacket.CODED_FRAMES: CODED,
    VideoPacket.CODED_FRAMES_X: CODED,
    VideoPacket.SEQUENCE_END: END,
}
AAC_PACKETS: dict[int, int] = {AudioPacket.SEQUENCE_START: CONFIG, AudioPacket.CODED_FRAMES: CODED}


def player_frame(frame: Frame, *, multitrack: bool) -> Frame | None:
    """Return the frame as a player gets it; None where nothing of it is for that player.

    Args:
        frame: what `parse_tag` has read.
        multitrack: the player announced that it reads Multitrack (and with it ModEx).
    """
    shown = frame if multitrack else plain_track(frame)
    return None if shown is None else visible_metadata(shown)


def plain_track(frame: Frame, number: int = DEFAULT_TRACK) -> Frame | None:
    """Return a track in the oldest form that there is for it; None if it is not in there.

    That is Flash's for H.264, AAC and MP3, and Enhanced RTMP v1 for all others. What comes alone
    passes as it is.
    """
    header = _read_unusual(frame)
    if header is None:
        return frame if frame.track == number else None
    for track in header.tracks:
        if track.number == number:
            first = _plain_beginning(frame.body[0] & 0xF0, header, track)
            return _reread(frame, first + frame.body[track.start : track.end])
    return None


def _plain_beginning(upper: int, header: EnhancedHeader, track: Track) -> bytes:
    """What stands before a track's data when it comes alone; `upper` half of the first byte."""
    packet_type = header.packet_type
    if track.codec is Codec.H264 and packet_type in AVC_PACKETS:
        cts = b"" if packet_type == VideoPacket.CODED_FRAMES else bytes(CTS_SIZE)
        return bytes((header.frame_type << 4 | H264_NUMBER, AVC_PACKETS[packet_type])) + cts
    if track.codec is Codec.AAC and packet_type in AAC_PACKETS:
        return bytes((AAC_FIRST, AAC_PACKETS[packet_type]))
    if track.codec is Codec.MP3 and packet_type == AudioPacket.CODED_FRAMES:
        return bytes((LEGACY_AUDIO[Codec.MP3],))
    return bytes((upper | packet_type,)) + track.fourcc


def split_tracks(frame: Frame) -> list[Frame]:
    """Return a frame of several tracks as one frame each, any other as it is.

    A configuration must reach newcomers so: of one for several tracks, FFmpeg reads the first.
    """
    header = _read_unusual(frame)
    if header is None or header.multitrack in (None, Multitrack.ONE_TRACK):
        return [frame]
    before = frame.body[: header.multitrack_at]
    layout = bytes((Multitrack.ONE_TRACK << 4 | header.packet_type,))
    bodies = (
        before
        + layout
        + track.fourcc
        + bytes((track.number,))
        + frame.body[track.start : track.end]
        for track in header.tracks
    )
    return [single for body in bodies if (single := _reread(frame, body)) is not None]


def visible_metadata(frame: Frame) -> Frame:
    """Give a packet of colour metadata the frame type "command".

    Enhanced RTMP lets it have any, and OBS sends 0; but FFmpeg takes all others for pictures.
    """
    first = frame.body[0]
    if frame.kind is Kind.VIDEO and first & 0x8F == METADATA and first != VISIBLE_METADATA[0]:
        return frame._replace(body=VISIBLE_METADATA + frame.body[1:])
    return frame


def nano_offset_ns(frame: Frame) -> int:
    """Return what to add to the frame's time of showing, 0 to 999999 ns for each ModEx item."""
    header = _read_unusual(frame)
    return header.nano_offset_ns if header else 0


def _read_unusual(frame: Frame) -> EnhancedHeader | None:
    """Return the header of a frame with Multitrack or ModEx, None for all others."""
    kind, body = frame.kind, frame.body
    if kind is Kind.DATA or not is_enhanced(kind, body):
        return None
    if body[0] & 0x0F not in (MULTITRACK[kind], VideoPacket.MOD_EX):
        return None
    return read_enhanced_header(kind, body)


def _reread(frame: Frame, body: bytes) -> Frame | None:
    try:
        return parse_tag(frame.kind, frame.dts_ms, body)
    except MediaError:  # a track without data
        return None
