"""A file that keeps a stream as it comes, as FLV: tags in, times from 0 on."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import TracebackType
from typing import Self

from slipstream.errors import MediaError, SlipstreamError
from slipstream.media import FlvTag, Kind, build_flv_tag, flv_header, parse_tag

CLOCK = 1 << 32  # ms until a timestamp wraps


class FlvFile:
    """A context manager; `write()` takes tags as they come.

    Args:
        path: of the file; one that exists is replaced.

    Raises:
        SlipstreamError: the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._origin: int | None = None
        self._kinds: set[int] = set()
        try:
            self._file = path.open("wb")
        except OSError as error:
            raise SlipstreamError(f"{path}: {error.strerror}") from error

    def __enter__(self) -> Self:
        self._put(flv_header())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):  # a pipe has no beginning to go back to
            self._file.seek(0)
            self._file.write(
                flv_header(audio=Kind.AUDIO in self._kinds, video=Kind.VIDEO in self._kinds)
            )
        with contextlib.suppress(OSError):
            self._file.close()

    def write(self, tags: list[FlvTag]) -> None:
        """Append tags.

        Raises:
            SlipstreamError: the disk is full, or worse.
        """
        self._put(b"".join([self._rebased(tag) for tag in tags]))

    def _put(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise SlipstreamError(f"{self.path}: {error.strerror}") from error

    def _rebased(self, tag: FlvTag) -> bytes:
        """Return the tag with its time from the first frame on; what comes before it is at 0."""
        if self._origin is None and _is_frame(tag):
            self._origin = tag.timestamp
        self._kinds.add(tag.type_id)
        since = 0 if self._origin is None else (tag.timestamp - self._origin) % CLOCK
        return build_flv_tag(tag.type_id, since if since < CLOCK // 2 else 0, tag.body)


def _is_frame(tag: FlvTag) -> bool:
    """Whether it is sound or picture itself: configurations carry any time."""
    try:
        frame = parse_tag(*tag)
    except MediaError:
        return False
    return frame.kind is not Kind.DATA and not frame.config
