"""AMF3, both ways: what Flash programs send inside RTMP messages of types 15 to 17.

Source: "Action Message Format -- AMF 3" (January 2013); "§" cites it. Strings, containers and
class definitions (traits) are each written once and then referred to by number. Of the
classes that write themselves (externalizable) the two of Flex that hold one value are known;
any other cannot even be skipped.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, TypeVar

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

MAX_U29 = 0x1FFFFFFF  # the document's table says 0x3FFFFFFF, a slip (§1.3.1)
INTEGERS = range(-(1 << 28), 1 << 28)  # what 29 bits with a sign can hold (§3.6)

EXTERNALIZABLE = {  # class name: what we call the one value that it writes
    "flex.messaging.io.ArrayCollection": "source",
    "flex.messaging.io.ObjectProxy": "object",
}


def parse_amf3(data: bytes | memoryview, *, limits: Limits = DATA_LIMITS) -> list[Value]:
    """Read AMF3 values that share their references.

    Raises:
        AmfError: the bytes are no AMF3, or hold more than allowed.
    """
    reader = Reader(data, limits)
    parser = Amf3Parser(reader)
    values = []
    while not reader.at_end:
        values.append(parser.value())
    return values


def build_amf3(*values: Value) -> bytes:
    """Write values that share their references.

    Raises:
        AmfError: too deep, too long, a string that has no UTF-8, or a member without a name.
    """
    out = _Amf3Writer()
    for value in values:
        _write(out, value)
    return bytes(out)


class _Traits(NamedTuple):
    """What an object's class says about its members (§3.12)."""

    class_name: str
    sealed: tuple[str, ...]  # names whose values come first, in this order
    dynamic: bool  # more names and values follow


_Entry = TypeVar("_Entry", str, Value, _Traits)


class Amf3Parser:
    """Reads AMF3 values of one message, which share three tables of references (§2.2)."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._strings: list[str] = []
        self._objects: list[Value] = []
        self._traits: list[_Traits] = []

    def value(self) -> Value:
        """The next value.

        Raises:
            AmfError: as `parse_amf3`.
        """
        self._reader.count_values()
        marker = self._reader.byte()
        if marker in _CONSTANTS:
            return _CONSTANTS[marker]
        if marker in _SIMPLE:
            return _SIMPLE[marker](self)
        if marker not in _SHARED:
            raise AmfError(f"AMF3 marker 0x{marker:02x}")
        header = self._u29()
        if header & 1:
            return _SHARED[marker](self, header >> 1)
        return _referred(self._objects, header >> 1, "object")

    def _u29(self) -> int:
        """Up to four bytes; seven bits of each, but all eight of the fourth (§1.3.1)."""
        value = 0
        for _ in range(3):
            byte = self._reader.byte()
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value
        return value << 8 | self._reader.byte()

    def _integer(self) -> int:
        value = self._u29()
        return value if value in INTEGERS else value - MAX_U29 - 1

    def _double(self) -> float:
        return self._reader.double()

    def _string(self) -> str:
        header = self._u29()
        if not header & 1:
            return _referred(self._strings, header >> 1, "string")
        text = self._reader.text(header >> 1)
        if text:  # the empty string is never referred to (§1.3.2)
            self._strings.append(text)
        return text

    def _xml(self, size: int) -> Value:
        return self._number_it(Xml(self._reader.text(size)))

    def _date(self, _: int) -> Value:
        return self._number_it(date_from_ms(self._reader.double()))

    def _byte_array(self, size: int) -> Value:
        return self._number_it(self._reader.octets(size))

    def _ints(self, count: int) -> Value:
        return self._numbers(count, "i", 4)

    def _uints(self, count: int) -> Value:
        return self._numbers(count, "I", 4)

    def _doubles(self, count: int) -> Value:
        return self._numbers(count, "d", 8)

    def _numbers(self, count: int, code: str, size: int) -> Value:
        self._reader.count_values(count)
        self._reader.byte()  # 1 if the vector is of fixed length
        return self._number_it(
            list(struct.unpack(f">{count}{code}", self._reader.take(count * size)))
        )

    def _object_vector(self, count: int) -> Value:
        self._reader.byte()  # 1 if the vector is of fixed length
        self._string()  # the class of its items, who tell it themselves
        return self._list(count, self.value)

    def _dictionary(self, count: int) -> Value:
        """Its keys may be anything, so it becomes a list of [key, value]."""
        self._reader.byte()  # 1 if its keys are held weakly
        return self._list(count, lambda: [self.value(), self.value()])

    def _array(self, count: int) -> Value:
        name = self._string()
        if not name:
            return self._list(count, self.value)
        array = EcmaArray()
        self._begin(array)
        self._fill(array, name)
        for index in range(count):
            array[str(index)] = self.value()
        self._reader.leave()
        return array

    def _object(self, header: int) -> Value:
        traits = self._class(header)
        members = TypedObject(traits.class_name) if traits.class_name else dict[str, Value]()
        self._begin(members)
        for name in traits.sealed:
            members[name] = self.value()
        if traits.dynamic:
            self._fill(members, self._string())
        self._reader.leave()
        return members

    def _class(self, header: int) -> _Traits:
        """The class of an object: met before, or described here (§3.12)."""
        if not header & 1:
            return _referred(self._traits, header >> 1, "class")
        class_name = self._string()
        if header & 2:
            if class_name not in EXTERNALIZABLE:
                raise AmfError(f"AMF3 class {class_name!r} writes itself, and is not known")
            traits = _Traits(class_name, (EXTERNALIZABLE[class_name],), dynamic=False)
        else:
            self._reader.count_values(header >> 3)
            sealed = tuple(self._string() for _ in range(header >> 3))
            traits = _Traits(class_name, sealed, dynamic=bool(header & 4))
        self._traits.append(traits)
        return traits

    def _begin(self, container: Value) -> None:
        """Number a container before its members are read: they may refer to it."""
        self._reader.enter()
        self._objects.append(container)

    def _number_it(self, value: Value) -> Value:
        self._objects.append(value)
        return value

    def _list(self, count: int, read: Callable[[], Value]) -> Value:
        items: list[Value] = []
        self._begin(items)
        for _ in range(count):
            items.append(read())  # noqa: PERF401 - items may refer to the list
        self._reader.leave()
        return items

    def _fill(self, members: dict[str, Value], name: str) -> None:
        """Read names and values, the first name being known, up to the empty name."""
        while name:
            members[name] = self.value()
            name = self._string()


def _referred(table: list[_Entry], index: int, kind: str) -> _Entry:
    if index >= len(table):
        raise AmfError(f"AMF3 reference to {kind} {index} of {len(table)}")
    return table[index]


_CONSTANTS: dict[int, Value] = {0x00: UNDEFINED, 0x01: None, 0x02: False, 0x03: True}
_SIMPLE: dict[int, Callable[[Amf3Parser], Value]] = {
    0x04: Amf3Parser._integer,
    0x05: Amf3Parser._double,
    0x06: Amf3Parser._string,
}
_SHARED: dict[int, Callable[[Amf3Parser, int], Value]] = {  # a reference may come instead
    0x07: Amf3Parser._xml,  # the older XMLDocument
    0x08: Amf3Parser._date,
    0x09: Amf3Parser._array,
    0x0A: Amf3Parser._object,
    0x0B: Amf3Parser._xml,
    0x0C: Amf3Parser._byte_array,
    0x0D: Amf3Parser._ints,
    0x0E: Amf3Parser._uints,
    0x0F: Amf3Parser._doubles,
    0x10: Amf3Parser._object_vector,
    0x11: Amf3Parser._dictionary,
}


class _Amf3Writer(Writer):
    """Adds the tables of strings and classes; those of containers are the same as in AMF0."""

    def __init__(self) -> None:
        super().__init__()
        self._strings: dict[bytes, int] = {}
        self._classes: dict[str, int] = {}

    def u29(self, value: int) -> None:
        """One to four bytes (§1.3.1)."""
        if value > MAX_U29:
            raise AmfError(f"{value} in AMF3's 29 bits")
        if value >= 1 << 21:
            self.extend((value >> 22 | 0x80, value >> 15 & 0x7F | 0x80, value >> 8 & 0x7F | 0x80))
            self.append(value & 0xFF)
        else:
            for shift in (14, 7):
                if value >> shift:
                    self.append(value >> shift & 0x7F | 0x80)
            self.append(value & 0x7F)

    def string(self, text: str) -> None:
        """A string, or its number if it has come before (§1.3.2)."""
        encoded = self.encode(text)
        if encoded in self._strings:
            self.u29(self._strings[encoded] << 1)
            return
        if encoded:
            self._strings[encoded] = len(self._strings)
        self.u29(len(encoded) << 1 | 1)
        self += encoded

    def members(self, members: dict[str, Value]) -> None:
        """Names and values, and the empty name that ends them."""
        for name, value in members.items():
            if not name:
                raise AmfError("AMF3 member without a name")
            self.string(name)
            _write(self, value)
        self.string("")

    def begin_object(self, class_name: str) -> None:
        """An object's class, without sealed members, or the number of that class (§3.12)."""
        if class_name in self._classes:
            self.u29(self._classes[class_name] << 2 | 0b01)
            return
        self._classes[class_name] = len(self._classes)
        self.u29(0b0111 if class_name in EXTERNALIZABLE else 0b1011)
        self.string(class_name)


def _write(out: _Amf3Writer, value: Value) -> None:
    out.check_size()
    match value:
        case Undefined():
            out.append(0x00)
        case None:
            out.append(0x01)
        case bool():
            out.append(0x03 if value else 0x02)
        case int() if value in INTEGERS:
            out.append(0x04)
            out.u29(value & MAX_U29)
        case int() | float():
            out += struct.pack(">Bd", 0x05, value)
        case Xml() | datetime() | bytes() | list() | dict():
            _write_shared(out, value)
        case str():
            out.append(0x06)
            out.string(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no AMF3")


def _write_shared(out: _Amf3Writer, value: Xml | datetime | bytes | Container) -> None:
    """Write a value of the kinds in _SHARED; one met again is written as its number."""
    out.append(_marker(value))
    number = out.number_of(value)
    if number is not None:
        out.u29(number << 1)
        return
    match value:
        case datetime():
            out += struct.pack(">Bd", 1, date_to_ms(value))
        case Xml() | bytes():
            octets = value if isinstance(value, bytes) else out.encode(value)
            out.u29(len(octets) << 1 | 1)
            out += octets
        case list() | dict():
            out.enter()
            _write_container(out, value)
            out.leave()


def _marker(value: object) -> int:
    match value:
        case datetime():
            return 0x08
        case list() | EcmaArray():
            return 0x09
        case dict():
            return 0x0A
        case Xml():
            return 0x0B
        case _:
            return 0x0C


def _write_container(out: _Amf3Writer, value: Container) -> None:
    match value:
        case list():
            out.u29(len(value) << 1 | 1)
            out.string("")  # no names
            for item in value:
                _write(out, item)
        case EcmaArray():
            out.u29(1)  # no places but those with names
            out.members(value)
        case TypedObject(class_name=class_name) if class_name in EXTERNALIZABLE:
            out.begin_object(class_name)
            _write(out, value.get(EXTERNALIZABLE[class_name]))
        case dict():
            out.begin_object(value.class_name if isinstance(value, TypedObject) else "")
            out.members(value)
