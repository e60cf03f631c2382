"""What is wrong with a configuration, said so that it can be mended: file, line, key, reason.

In come the library's validation errors, out come one-line mistakes, all of them at once. The
TOML parser keeps no line numbers, so the line is looked for in the text again.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

from pydantic_core import ErrorDetails

from slipstream.errors import SlipstreamError

Key = tuple[str, ...]

SHOWN_VALUE = 60  # characters of a wrong value
MAX_DEPTH = 4  # names in apps.NAME.section.key; what lies deeper is in nobody's key

_BARE = re.compile(r"[A-Za-z0-9_-]+")  # a name that TOML needs no quotes for


class Mistake(NamedTuple):
    """One thing that is wrong."""

    place: str
    """The file, the variable of the environment, or the flag."""
    reason: str
    key: Key = ()
    line: int | None = None

    @property
    def name(self) -> str:
        """The key as TOML writes it."""
        return ".".join(name if _BARE.fullmatch(name) else json.dumps(name) for name in self.key)

    def __str__(self) -> str:
        place = f"{self.place}:{self.line}" if self.line else self.place
        return _on_one_line(": ".join(part for part in (place, self.name, self.reason) if part))


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
    if error["type"] == "missing":
        return f"{error['loc'][-1]} is missing"
    if error["type"] in ("model_type", "dict_type"):
        return f"must be a table, not {_show(error['input'])}"
    if error["type"] == "missing":
        return "must be given"
    reason = error["msg"]
    if reason.startswith("Input should be "):
        return f"must be {reason.removeprefix('Input should be ')}, not {_show(error['input'])}"
    return reason


def find_line(text: str, key: Key) -> int | None:
    """The line of TOML that sets `key`, or else the nearest table around it; None if neither."""
    beginning, exact = _places(text)
    if key in beginning:
        return beginning[key]
    around = (key[:depth] for depth in range(len(key) - 1, 0, -1))
    return next((exact[table] for table in around if table in exact), None)


def sets(text: str, key: Key) -> bool:
    """Whether TOML sets `key`, or something in it."""
    return key in _places(text)[0]


@lru_cache(maxsize=1)  # one file has many mistakes
def _places(text: str) -> tuple[dict[Key, int], dict[Key, int]]:
    """The first line that sets something by a name that begins so, or that is exactly so."""
    beginning: dict[Key, int] = {}
    exact: dict[Key, int] = {}
    table: Key = ()
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            place = table = _names(stripped)
        elif "=" in stripped:
            place = table + _names(stripped.partition("=")[0] + "=0")
        else:
            continue
        exact.setdefault(place, number)
        for depth in range(1, min(len(place), MAX_DEPTH) + 1):
            beginning.setdefault(place[:depth], number)
    return beginning, exact


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


def _on_one_line(text: str) -> str:
    """The text, with what cannot be printed escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _show(value: object) -> str:
    """A value nearly as it stands in the file."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    try:
        shown = json.dumps(value, default=str)
    except ValueError:  # Python writes no number of more than 4300 digits
        return "a number of thousands of digits"
    return shown if len(shown) <= SHOWN_VALUE else f"{shown[: SHOWN_VALUE - 1]}…"
