"""The bytes of one message, read from the front, with what has been read counted.

AMF0 and AMF3 share one Reader, since either may be inside the other: the limits hold for the
message as a whole. Every way past the end, and past a limit, is an AmfError.
"""

from __future__ import annotations

import struct

from slipstream.amf.limits import Limits
from slipstream.errors import AmfError

_DOUBLE = struct.Struct(">d")


class Reader:
    """Hands out a message's bytes in order.

    Args:
        data: the whole message.
        limits: see there; `enter()` and `count_values()` keep the counts.
    """

    def __init__(self, data: bytes | memoryview, limits: Limits) -> None:
        self.depth = 0  # containers that are open
        self._data = bytes(data)
        self._limits = limits
        self._position = 0
        self._values = 0

    @property
    def at_end(self) -> bool:
        """Nothing is left."""
        return self._position == len(self._data)

    @property
    def may_end_here(self) -> bool:
        """Nothing is left, and the one object still open may be taken as closed."""
        return self.at_end and self.depth == 1 and self._limits.allow_open_end

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        end = self._position + size
        if end > len(self._data):
            raise AmfError(f"AMF ends at byte {len(self._data)}, {end} wanted")
        piece = self._data[self._position : end]
        self._position = end
        return piece

    def byte(self) -> int:
        """One byte."""
        return self.take(1)[0]

    def u16(self) -> int:
        """Two bytes, the high one first."""
        return int.from_bytes(self.take(2))

    def u32(self) -> int:
        """Four bytes, the high one first."""
        return int.from_bytes(self.take(4))

    def double(self) -> float:
        """Eight bytes of IEEE 754; NaN and infinities included."""
        value: float = _DOUBLE.unpack(self.take(8))[0]
        return value

    def octets(self, size: int) -> bytes:
        """The bytes of one string, document or byte array."""
        if size > self._limits.max_string:
            raise AmfError(f"AMF string of {size} bytes, limit {self._limits.max_string}")
        return self.take(size)

    def text(self, size: int) -> str:
        """The same as text; bytes that are no UTF-8 become lone surrogates."""
        return self.octets(size).decode(errors="surrogateescape")

    def ends_object(self) -> bool:
        """Take the object end marker 09 if it comes next. Asked after an empty name only."""
        found = self._data[self._position : self._position + 1] == b"\x09"
        self._position += found
        return found

    def count_values(self, count: int = 1) -> None:
        """Values, or names of members, are about to be read."""
        self._values += count
        if self._values > self._limits.max_nodes:
            raise AmfError(f"more than {self._limits.max_nodes} AMF values")

    def enter(self) -> None:
        """A container begins."""
        self.depth += 1
        if self.depth > self._limits.max_depth:
            raise AmfError(f"AMF nested deeper than {self._limits.max_depth}")

    def leave(self) -> None:
        """A container has ended."""
        self.depth -= 1
