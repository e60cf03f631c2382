"""AMF0, both ways: the values of commands and metadata.

Source: "Action Message Format -- AMF 0" (December 2007); "§" cites it. A value behind the
avmplus marker is AMF3 and read in `amf3.py`. What is built keeps to what every reader knows,
if it holds no more than bools, numbers, strings, dicts, lists and dates: FFmpeg's reader loses
its place at an undefined, a reference, a typed object or XML.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from slipstream.amf.amf3 import Amf3Parser, build_amf3
from slipstream.amf.limits import DATA_LIMITS, Limits
from slipstream.amf.reader import Reader
from slipstream.amf.values import (
    UNDEFINED,
    Container,
    EcmaArray,
    TypedObject,
    Undefined,
    Value,
    Xml,
    date_from_ms,
    date_to_ms,
)
from slipstream.amf.writer import Writer
from slipstream.errors import AmfError

MAX_SHORT = 0xFFFF  # bytes of a string or name, and references, that a u16 can count
OBJECT_END = b"\x00\x00\x09"  # an empty name and the object end marker (§2.11)
STRING_MARKER = 0x02
AMF3_SELECTORS = (0, 3)  # 0 by the book; Red5 has seen 3

_Members = TypeVar("_Members", bound=dict[str, Value])


def parse_amf0(data: bytes | memoryview, *, limits: Limits = DATA_LIMITS) -> list[Value]:
    """Read all the values of a message.

    Raises:
        AmfError: the bytes are no AMF0, or hold more than allowed.
    """
    parser = _Parser(Reader(data, limits))
    return parser.values()


def parse_amf3_message(data: bytes | memoryview, *, limits: Limits = DATA_LIMITS) -> list[Value]:
    """Read an RTMP message of type 15, 16 or 17: a selector octet, then AMF0 (RTMP 1.0 §7.1).

    Despite the name AMF3 comes only behind avmplus markers, one value each. Where the
    selector was forgotten and the string of a command's name comes first, that is accepted.

    Raises:
        AmfError: as `parse_amf0`, or the selector is unknown.
    """
    selector = data[0] if data else 0
    if selector == STRING_MARKER:
        return parse_amf0(data, limits=limits)
    if selector not in AMF3_SELECTORS:
        raise AmfError(f"AMF3 message with selector {selector}")
    return parse_amf0(data[1:], limits=limits)


def build_amf0(*values: Value) -> bytes:
    """Write values one after the other. A container met again is written as a reference.

    Raises:
        AmfError: too deep, too long, or a string that has no UTF-8.
    """
    out = Writer()
    for value in values:
        _write(out, value)
    return bytes(out)


class _Parser:
    """Reads AMF0 values from one message, which shares one table of references (§2.9)."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._containers: list[Value] = []  # in the order in which they begin
        self._amf3: Amf3Parser | None = None

    def values(self) -> list[Value]:
        """Everything up to the end."""
        values = []
        while not self._reader.at_end:
            values.append(self._value())
        return values

    def _value(self) -> Value:
        self._reader.count_values()
        marker = self._reader.byte()
        read = _READERS.get(marker)
        if read is None:
            raise AmfError(f"AMF0 marker 0x{marker:02x}")
        return read(self)

    def _number(self) -> float:
        return self._reader.double()

    def _boolean(self) -> bool:
        return self._reader.byte() != 0

    def _string(self) -> str:
        return self._reader.text(self._reader.u16())

    def _long_string(self) -> str:
        return self._reader.text(self._reader.u32())

    def _xml(self) -> Xml:
        return Xml(self._long_string())

    def _null(self) -> None:
        return None

    def _undefined(self) -> Undefined:
        return UNDEFINED

    def _date(self) -> Value:
        ms = self._reader.double()
        self._reader.take(2)  # a time zone that shall be 0 and is not to be used (§2.13)
        return date_from_ms(ms)

    def _reference(self) -> Value:
        index = self._reader.u16()
        if index >= len(self._containers):
            raise AmfError(f"AMF0 reference {index} of {len(self._containers)}")
        return self._containers[index]

    def _object(self) -> Value:
        return self._members(dict[str, Value]())

    def _typed_object(self) -> TypedObject:
        return self._members(TypedObject(self._string()))

    def _ecma_array(self) -> EcmaArray:
        self._reader.u32()  # how many, they say: often 0, or wrong
        return self._members(EcmaArray())

    def _members(self, members: _Members) -> _Members:
        """Read names and values into a container that its own members may refer to."""
        reader = self._reader
        reader.enter()
        self._containers.append(members)
        while not reader.may_end_here:
            name = self._string()
            if not name and reader.ends_object():
                break
            members[name] = self._value()
        reader.leave()
        return members

    def _strict_array(self) -> list[Value]:
        self._reader.enter()
        items: list[Value] = []
        self._containers.append(items)
        for _ in range(self._reader.u32()):
            items.append(self._value())  # noqa: PERF401 - items may refer to the list
        self._reader.leave()
        return items

    def _avmplus(self) -> Value:
        if self._amf3 is None:
            self._amf3 = Amf3Parser(self._reader)
        return self._amf3.value()


_READERS: dict[int, Callable[[_Parser], Value]] = {  # by marker (§2.1)
    0x00: _Parser._number,
    0x01: _Parser._boolean,
    STRING_MARKER: _Parser._string,
    0x03: _Parser._object,
    0x05: _Parser._null,
    0x06: _Parser._undefined,
    0x07: _Parser._reference,
    0x08: _Parser._ecma_array,
    0x0A: _Parser._strict_array,
    0x0B: _Parser._date,
    0x0C: _Parser._long_string,
    0x0D: _Parser._undefined,  # "unsupported": the sender could not write its value (§2.15)
    0x0F: _Parser._xml,
    0x10: _Parser._typed_object,
    0x11: _Parser._avmplus,
}


def _write(out: Writer, value: Value) -> None:
    out.check_size()
    match value:
        case None:
            out += b"\x05"
        case Undefined():
            out += b"\x06"
        case bool():
            out += b"\x01\x01" if value else b"\x01\x00"
        case int() | float():
            out += struct.pack(">Bd", 0x00, value)
        case Xml():
            encoded = out.encode(value)
            out += struct.pack(">BI", 0x0F, len(encoded)) + encoded
        case str():
            _write_string(out, value)
        case datetime():
            out += struct.pack(">Bdh", 0x0B, date_to_ms(value), 0)
        case bytes():  # AMF0 has no byte array, but a way to AMF3, which has
            out += b"\x11" + build_amf3(value)
        case dict() | list():
            _write_container(out, value)
        case _:
            raise TypeError(f"{type(value).__name__} has no AMF0")


def _write_string(out: Writer, value: str) -> None:
    encoded = out.encode(value)
    if len(encoded) <= MAX_SHORT:
        out += struct.pack(">BH", STRING_MARKER, len(encoded)) + encoded
    else:
        out += struct.pack(">BI", 0x0C, len(encoded)) + encoded


def _write_container(out: Writer, value: Container) -> None:
    number = out.number_of(value)
    if number is not None:
        if number > MAX_SHORT:
            raise AmfError(f"AMF0 reference {number}, limit {MAX_SHORT}")
        out += struct.pack(">BH", 0x07, number)
        return
    out.enter()
    match value:
        case list():
            out += struct.pack(">BI", 0x0A, len(value))
            for item in value:
                _write(out, item)
        case EcmaArray():
            out += struct.pack(">BI", 0x08, len(value))
            _write_members(out, value)
        case TypedObject():
            out += b"\x10"
            _write_name(out, value.class_name)
            _write_members(out, value)
        case dict():
            out += b"\x03"
            _write_members(out, value)
    out.leave()


def _write_members(out: Writer, members: dict[str, Value]) -> None:
    for name, value in members.items():
        _write_name(out, name)
        _write(out, value)
    out += OBJECT_END


def _write_name(out: Writer, name: str) -> None:
    encoded = out.encode(name)
    if len(encoded) > MAX_SHORT:
        raise AmfError(f"AMF0 name of {len(encoded)} bytes, limit {MAX_SHORT}")
    out += len(encoded).to_bytes(2) + encoded
