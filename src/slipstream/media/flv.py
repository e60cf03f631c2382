"""The FLV file format: a header, then tags, each followed by its size (FLV 10.1, annex E).

`FlvParser` takes bytes cut anywhere and returns tags; the functions beside it make the same
bytes from their parts, without copying bodies. The body of a tag is that of the RTMP message
of the same type, and is not looked into here.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from slipstream.errors import MediaError

HEADER_SIZE = 9  # bytes, as version 1 of the format has it; a header says its own size
MAX_HEADER_SIZE = 1024  # bytes; nobody has been seen to use more than 9
TAG_HEADER_SIZE = 11
PREVIOUS_SIZE = 4  # bytes before each tag: the size of the one before it, 0 before the first
MAX_TAG_SIZE = 8 << 20  # bytes of one body: what an authorised publisher may send
TYPES = frozenset((8, 9, 15, 18))  # audio, video, data as AMF3, data
FILTERED = 0x20  # in the type: encrypted by Adobe's means
AUDIO_FLAG, VIDEO_FLAG = 4, 1

_pack_tag_header = Struct(">II3x").pack
_pack_size = Struct(">I").pack
_unpack_tag_header = Struct(">II").unpack_from


class FlvTag(NamedTuple):
    """One tag of a file. The timestamp is in ms and signed, as the document says."""

    type_id: int
    timestamp: int
    body: bytes


def flv_header(*, audio: bool = True, video: bool = True) -> bytes:
    """Return the 13 bytes before the first tag."""
    flags = AUDIO_FLAG * audio | VIDEO_FLAG * video
    return b"FLV\x01" + bytes((flags,)) + _pack_size(HEADER_SIZE) + _pack_size(0)


def flv_tag_header(type_id: int, timestamp: int, size: int) -> bytes:
    """Return the 11 bytes before a body of `size` bytes; of the timestamp, the low 32 bits."""
    time = (timestamp & 0xFFFFFF) << 8 | timestamp >> 24 & 0xFF
    return _pack_tag_header(type_id << 24 | size, time)


def flv_tag_trailer(size: int) -> bytes:
    """Return the 4 bytes after a body of `size` bytes."""
    return _pack_size(size + TAG_HEADER_SIZE)


def build_flv_tag(type_id: int, timestamp: int, body: bytes) -> bytes:
    """Return a whole tag, as it follows the file header or another tag."""
    size = len(body)
    return flv_tag_header(type_id, timestamp, size) + body + flv_tag_trailer(size)


class FlvParser:
    """Reads a file or an endless stream: `receive_data()` with whatever came, cut anywhere.

    Tags before a violation are returned; the violation is then in `error`, and raised by the
    next call. Tags of unknown types are skipped, sizes after tags are not believed.

    Args:
        max_tag_size: largest body accepted, in bytes; bounds what is held.
    """

    def __init__(self, *, max_tag_size: int = MAX_TAG_SIZE) -> None:
        self.error: MediaError | None = None
        self.has_audio = False  # claimed by the file header
        self.has_video = False
        self._max_tag_size = max_tag_size
        self._buffer = bytearray()
        self._started = False

    def receive_data(self, data: bytes | bytearray | memoryview) -> list[FlvTag]:
        """Take bytes, return the tags that they complete.

        Raises:
            MediaError: the bytes of an earlier call were no FLV.
        """
        if self.error is not None:
            raise self.error
        self._buffer += data
        tags: list[FlvTag] = []
        position = 0
        try:
            if not self._started:
                position = self._read_file_header()
            if self._started:
                position = self._read_tags(position, tags)
        except MediaError as error:
            self.error = error
            position = len(self._buffer)
        del self._buffer[:position]
        return tags

    def _read_file_header(self) -> int:
        """Return where the first tag starts, or 0 when the header is not all there."""
        buffer = self._buffer
        if not b"FLV\x01".startswith(buffer[:4]):
            raise MediaError(f"no FLV header: {buffer[:4].hex()}")
        if len(buffer) < HEADER_SIZE:
            return 0
        size = int.from_bytes(buffer[5:9])
        if not HEADER_SIZE <= size <= MAX_HEADER_SIZE:
            raise MediaError(f"FLV header of {size} bytes, limit {MAX_HEADER_SIZE}")
        if len(buffer) < size:
            return 0
        self.has_audio, self.has_video = bool(buffer[4] & AUDIO_FLAG), bool(buffer[4] & VIDEO_FLAG)
        self._started = True
        return size

    def _read_tags(self, position: int, tags: list[FlvTag]) -> int:
        """Add the whole tags from `position` on to `tags`; return where they end."""
        buffer = self._buffer
        with memoryview(buffer) as view:
            while (start := position + PREVIOUS_SIZE + TAG_HEADER_SIZE) <= len(buffer):
                word, time = _unpack_tag_header(buffer, position + PREVIOUS_SIZE)
                size, type_id = word & 0xFFFFFF, word >> 24
                if type_id & FILTERED:
                    raise MediaError(f"tag of type {type_id:#x}: encrypted")
                if size > self._max_tag_size:
                    raise MediaError(f"tag of {size} bytes, limit {self._max_tag_size}")
                if start + size > len(buffer):
                    break
                if type_id in TYPES:
                    timestamp = time >> 8 | (time & 0xFF) << 24
                    timestamp -= (timestamp & 0x80000000) << 1
                    tags.append(FlvTag(type_id, timestamp, bytes(view[start : start + size])))
                position = start + size
        return position
