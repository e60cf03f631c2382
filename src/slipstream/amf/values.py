"""The values that AMF carries, as Python sees them.

Numbers are floats (AMF0) or ints (AMF3), strings `str`, dates aware `datetime`s, byte arrays
`bytes`, arrays lists, anonymous objects dicts. The few kinds that Python lacks are here. Text
that is no UTF-8 survives as lone surrogates ("surrogateescape"), so that a stream key comes
out of `build_amf0` as it went into `parse_amf0`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final, Literal, TypeAlias

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Container: TypeAlias = "list[Value] | dict[str, Value]"
Value: TypeAlias = "bool | int | float | str | bytes | datetime | Undefined | Container | None"


class Undefined(Enum):
    """The type of UNDEFINED, which is not None: "no such value" instead of "no value"."""

    UNDEFINED = "undefined"

    def __bool__(self) -> Literal[False]:
        return False


UNDEFINED: Final = Undefined.UNDEFINED


class EcmaArray(dict[str, Value]):
    """An array with names for its places: what metadata comes as."""


class TypedObject(dict[str, Value]):
    """An object of a class that the sender has named."""

    def __init__(self, class_name: str, members: Mapping[str, Value] | None = None) -> None:
        super().__init__(members or {})
        self.class_name = class_name


class Xml(str):
    """The text of an XML document. Nothing here ever parses it."""

    __slots__ = ()


def date_from_ms(ms: float) -> Value:
    """The moment `ms` after 1970. What no datetime can hold (Flash has a NaN date) stays as is."""
    try:
        return EPOCH + timedelta(milliseconds=ms)
    except (OverflowError, ValueError):
        return ms


def date_to_ms(date: datetime) -> float:
    """Milliseconds since 1970; a datetime without a zone is taken for UTC, as AMF means it."""
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    return (aware - EPOCH) / timedelta(milliseconds=1)
