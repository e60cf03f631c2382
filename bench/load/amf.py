"""AMF0, as little of it as RTMP commands need: values in, bytes out, and back.

Numbers, booleans, strings, null, objects and arrays ("Action Message Format - AMF 0", December
2007, §2). It trusts its peer: the servers measured here are ours or well known.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

Value = None | bool | float | str | dict[str, "Value"] | list["Value"]

NUMBER, BOOLEAN, STRING, OBJECT, NULL, UNDEFINED, ECMA_ARRAY, STRICT_ARRAY = 0, 1, 2, 3, 5, 6, 8, 10
OBJECT_END = b"\x00\x00\x09"  # an empty key and the end marker (§2.5)


def build(*values: Value) -> bytes:
    """The bytes of `values`, one after the other, as in a command's body."""
    return b"".join(_build_value(value) for value in values)


def parse(data: bytes) -> list[Value]:
    """All values in `data`."""
    return list(_Parser(data).values())


def _build_value(value: Value) -> bytes:
    match value:
        case None:
            return bytes((NULL,))
        case bool():
            return bytes((BOOLEAN, value))
        case int() | float():
            return struct.pack(">Bd", NUMBER, value)
        case str():
            return bytes((STRING,)) + _build_text(value)
        case dict():
            pairs = (_build_text(key) + _build_value(item) for key, item in value.items())
            return bytes((OBJECT,)) + b"".join(pairs) + OBJECT_END
        case list():
            return struct.pack(">BI", STRICT_ARRAY, len(value)) + build(*value)


def _build_text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack(">H", len(encoded)) + encoded


class _Parser:
    """Walks once through the bytes of a message."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def values(self) -> Iterator[Value]:
        while self._position < len(self._data):
            yield self._value()

    def _take(self, count: int) -> bytes:
        start = self._position
        self._position += count
        if self._position > len(self._data):
            raise ValueError(f"AMF0 ends in a value, at byte {len(self._data)}")
        return self._data[start : self._position]

    def _number(self, length: int) -> int:
        return int.from_bytes(self._take(length), "big")

    def _text(self) -> str:
        return self._take(self._number(2)).decode()

    def _pairs(self) -> dict[str, Value]:
        pairs: dict[str, Value] = {}
        while self._data[self._position : self._position + 3] != OBJECT_END:
            key = self._text()
            pairs[key] = self._value()
        self._take(3)
        return pairs

    def _value(self) -> Value:
        marker = self._number(1)
        if marker == NUMBER:
            (number,) = struct.unpack(">d", self._take(8))
            return float(number)
        if marker == BOOLEAN:
            return self._number(1) != 0
        if marker == STRING:
            return self._text()
        if marker == OBJECT:
            return self._pairs()
        if marker in (NULL, UNDEFINED):
            return None
        if marker == ECMA_ARRAY:
            self._take(4)  # the count is a hint; the end marker decides (§2.10)
            return self._pairs()
        if marker == STRICT_ARRAY:
            return [self._value() for _ in range(self._number(4))]
        raise ValueError(f"AMF0 marker {marker} at byte {self._position - 1}")
