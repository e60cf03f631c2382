"""What lies behind a tag's header: coded pictures and sounds, and codec configurations."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from slipstream.media.enhanced_tag import (
    CTS_SIZE,
    AudioPacket,
    VideoPacket,
    has_cts,
    is_enhanced,
    read_enhanced_header,
)
from slipstream.media.frame import Frame, Kind
from slipstream.media.legacy_tag import read_audio_header, read_video_header


class Role(IntEnum):
    """What a configuration configures; players expect them in this order."""

    METADATA = 0
    CODEC = 1
    CHANNELS = 2
    COLOUR = 3


class ConfigRole(NamedTuple):
    """The place of a configuration: a newer one with the same role replaces it."""

    kind: Kind
    track: int
    order: Role


def config_role(frame: Frame) -> ConfigRole:
    """Return which configuration this config frame is."""
    return ConfigRole(frame.kind, frame.track, _role(frame))


def _role(frame: Frame) -> Role:
    if frame.kind is Kind.DATA:
        return Role.METADATA
    if is_enhanced(frame.kind, frame.body):
        packet_type = read_enhanced_header(frame.kind, frame.body).packet_type
        if frame.kind is Kind.VIDEO and packet_type == VideoPacket.METADATA:
            return Role.COLOUR
        if frame.kind is Kind.AUDIO and packet_type == AudioPacket.MULTICHANNEL_CONFIG:
            return Role.CHANNELS
    return Role.CODEC


def coded_data(frame: Frame) -> memoryview:
    """Return the access unit, or the configuration, without the tag's header.

    Of a frame with several tracks it is the first one's. Empty where a header says it all.
    """
    start, end = _bounds(frame)
    return memoryview(frame.body)[start:end]


def config_data(frame: Frame) -> bytes:
    """Return the codec configuration that a config frame carries."""
    start, end = _bounds(frame)
    return frame.body[start:end]


def _bounds(frame: Frame) -> tuple[int, int]:
    kind, body = frame.kind, frame.body
    if kind is Kind.DATA:
        return 0, len(body)
    if not is_enhanced(kind, body):
        read = read_video_header if kind is Kind.VIDEO else read_audio_header
        return read(body).start, len(body)
    header = read_enhanced_header(kind, body)
    if header.command:
        return len(body), len(body)
    track = header.tracks[0]
    delayed = kind is Kind.VIDEO and has_cts(header.packet_type, track.codec)
    return track.start + CTS_SIZE * delayed, track.end
