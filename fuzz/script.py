"""A fuzz input read as instructions: numbers and bytes from the front, zeros behind the end.

Bytes alone seldom get past a parser's first checks. Targets that need to reach further read
what to do from the input, so that every input is a meaningful one.
"""

from __future__ import annotations

from collections.abc import Iterator

MAX_PIECES = 24  # in which an input is given a second time


class Script:
    """Hands out an input in order."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    @property
    def at_end(self) -> bool:
        """Nothing is left but zeros."""
        return self._position >= len(self._data)

    def take(self, size: int) -> bytes:
        """The next `size` bytes, or what is left of them."""
        piece = self._data[self._position : self._position + size]
        self._position += size
        return piece

    def number(self, size: int) -> int:
        """A number of `size` bytes, the low one first; missing ones are 0."""
        return int.from_bytes(self.take(size), "little")

    def signed(self, size: int) -> int:
        """The same, with a sign."""
        return int.from_bytes(self.take(size).ljust(size, b"\0"), "little", signed=True)

    def rest(self) -> bytes:
        """All that is left."""
        piece = self._data[self._position :]
        self._position = len(self._data)
        return piece


def pieces(data: bytes, at: int, step: int, most: int = MAX_PIECES) -> Iterator[bytes]:
    """Cut bytes as they might come from a socket.

    Args:
        data: all of them.
        at: where to cut, counted around.
        step: bytes of each piece from there on; 0: no more cuts.
        most: pieces from there on, but for the rest.
    """
    start = at % (len(data) + 1)
    yield data[:start]
    if step:
        for _ in range(most):
            if start >= len(data):
                break
            yield data[start : start + step]
            start += step
    yield data[start:]


def with_tail(data: bytes, size: int) -> tuple[bytes, bytes]:
    """Split off the last `size` bytes, which say how the others are to be used.

    At the end, so that the others are what a peer would have sent and seeds can be its bytes.
    """
    if len(data) < size:
        return b"", data.ljust(size, b"\0")
    return data[: len(data) - size], data[len(data) - size :]
