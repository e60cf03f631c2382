"""The bytes of one message, written from the front.

AMF0 and AMF3 share this. A value that came from a peer may contain itself, and may hold one
long string a thousand times: so containers are known again by identity, and depth and size
are bounded.
"""

from __future__ import annotations

from slipstream.amf.limits import MAX_BUILT_BYTES, MAX_DEPTH
from slipstream.errors import AmfError


class Writer(bytearray):
    """Bytes to append to. The values must live on while they are written."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._numbers: dict[int, int] = {}  # by id, of the values that can be referred to

    def number_of(self, value: object) -> int | None:
        """The number of a value written before: write a reference. None: it is new, write it."""
        if (number := self._numbers.get(id(value))) is not None:
            return number
        self._numbers[id(value)] = len(self._numbers)
        return None

    def enter(self) -> None:
        """Begin a container.

        Raises:
            AmfError: nested too deep.
        """
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise AmfError(f"AMF nested deeper than {MAX_DEPTH}")

    def leave(self) -> None:
        """End the innermost container."""
        self._depth -= 1

    def check_size(self) -> None:
        """Raise AmfError if the message has grown too long."""
        if len(self) > MAX_BUILT_BYTES:
            raise AmfError(f"AMF message of more than {MAX_BUILT_BYTES} bytes")

    @staticmethod
    def encode(text: str) -> bytes:
        """The text as UTF-8, bytes that were none restored.

        Raises:
            AmfError: the text has a surrogate that stands for no byte.
        """
        try:
            return text.encode(errors="surrogateescape")
        except UnicodeEncodeError as error:
            raise AmfError(f"text without UTF-8: {error.reason}") from None
