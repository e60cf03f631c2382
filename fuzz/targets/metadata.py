"""Data messages: metadata as encoders send it, read and written again for players."""

from __future__ import annotations

from slipstream.errors import AmfError, MediaError
from slipstream.media import Codec, Frame, Kind, announces_video, build_metadata, parse_metadata
from slipstream.media.metadata import data_name

ALLOWED = (MediaError,)
ALLOWED_IN_BUILDING = (AmfError,)  # too deep or too long by now, or a name without UTF-8
MAX_BYTES = 1024

HEAD = b"\x02\x00\x0aonMetaData"


def run(data: bytes) -> None:
    """Read a message as it is, and the same bytes as the values of an onMetaData."""
    _read(data)
    _read(HEAD + data)


def _read(body: bytes) -> None:
    frame = Frame(Kind.DATA, Codec.DATA, 0, 0, False, True, False, 0, body)
    try:
        data_name(body)
        values = parse_metadata(body)
    except ALLOWED:
        return
    announces_video(frame)
    try:
        built = build_metadata(values, set_data_frame=True)
    except ALLOWED_IN_BUILDING:
        return
    assert list(parse_metadata(built)) == list(values)
