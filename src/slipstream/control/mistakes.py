"""What is wrong with a configuration, said so that it can be mended: file, line, key, reason.

In come the library's validation errors, out come one-line mistakes, all of them at once. The
TOML parser keeps no line numbers, so the line is looked for in the text again.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Collection, Sequence
from typing import NamedTuple

from pydantic_core import ErrorDetails

from slipstream.errors import SlipstreamError

Key = tuple[str, ...]

SHOWN_VALUE = 60  # characters of a wrong value


class Mistake(NamedTuple):
    """One thing that is wrong."""

    place: str
    """The file, or the flag."""
    reason: str
    key: Key = ()
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.place}:{self.line}" if self.line else self.place
        return ": ".join(part for part in (place, ".".join(self.key), self.reason) if part)


class ConfigError(SlipstreamError):
    """The configuration cannot be used; the message has one line per mistake."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


def explain(error: ErrorDetails, known: Collection[str]) -> str:
    """Say in our words why a value is refused.

    Args:
        error: the library's.
        known: the keys that would be right where this one stands.
    """
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(error["loc"][-1]), known, n=1)
        return f"unknown key, did you mean {near[0]}?" if near else "unknown key"
    if error["type"] in ("model_type", "dict_type"):
        return f"must be a table, not {_show(error['input'])}"
    reason = error["msg"]
    if reason.startswith("Input should be "):
        return f"must be {reason.removeprefix('Input should be ')}, not {_show(error['input'])}"
    return reason


def find_line(text: str, key: Key) -> int | None:
    """The line of TOML that sets `key`, or else the nearest table around it; None if neither."""
    table: Key = ()
    nearest, depth = None, 0
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            place = table = _names(stripped)
        elif "=" in stripped:
            place = table + _names(stripped.partition("=")[0] + "=0")
        else:
            continue
        if place[: len(key)] == key:
            return number
        if len(place) > depth and key[: len(place)] == place:
            nearest, depth = number, len(place)
    return nearest


def _names(line: str) -> Key:
    """The names in a line of TOML; its own parser knows best about quotes and dots."""
    try:
        table: object = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    names = []
    while isinstance(table, dict) and table:
        name, table = next(iter(table.items()))
        names.append(name)
    return tuple(names)


def _show(value: object) -> str:
    """A value nearly as it stands in the file."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    shown = json.dumps(value, default=str)
    return shown if len(shown) <= SHOWN_VALUE else f"{shown[: SHOWN_VALUE - 1]}…"
