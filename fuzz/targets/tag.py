"""Bodies of tags, legacy and Enhanced RTMP, and all that is done with the frames they become.

The first byte chooses the message's type, the rest is the body.
"""

from __future__ import annotations

from slipstream.errors import MediaError
from slipstream.media import (
    Frame,
    Kind,
    coded_data,
    config_data,
    config_role,
    describe,
    nano_offset_ns,
    parse_tag,
    plain_track,
    player_frame,
    split_tracks,
)
from slipstream.media.enhanced_tag import MAX_MOD_EX, MAX_NANO_OFFSET, MAX_TRACKS
from slipstream.media.tag import parse_any_tag

ALLOWED = (MediaError,)  # by parse_tag and describe; nothing else may raise at all
MAX_BYTES = 512

TYPES = (9, 8, 18, 15, 0, 22)


def run(data: bytes) -> None:
    """Read a body with tables and without, and use the frame as the server does."""
    type_id = TYPES[data[0] % len(TYPES)] if data else 9
    body = data[1:]
    try:
        frame = parse_tag(type_id, 40, body)
    except ALLOWED as error:
        assert _complaint(type_id, body) == str(error)
        return
    assert parse_any_tag(type_id, 40, body) == frame
    _use(frame)
    singles = split_tracks(frame)
    assert len(singles) <= MAX_TRACKS
    for multitrack in (False, True):
        shown = player_frame(frame, multitrack=multitrack)
        if shown is not None and shown is not frame:
            _use(shown)
    if len(singles) > 1:
        _use(singles[-1])


def _complaint(type_id: int, body: bytes) -> str | None:
    try:
        parse_any_tag(type_id, 40, body)
    except ALLOWED as error:
        return str(error)
    return None


def _use(frame: Frame) -> None:
    if frame.kind is not Kind.DATA:
        assert len(coded_data(frame)) <= len(frame.body)
        try:
            describe(frame)
        except ALLOWED:
            pass
    if frame.config:
        config_role(frame)
        config_data(frame)
    plain_track(frame)
    assert 0 <= nano_offset_ns(frame) <= MAX_MOD_EX * MAX_NANO_OFFSET
