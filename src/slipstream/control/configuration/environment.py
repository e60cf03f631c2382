"""Settings from environment variables: SLIPSTREAM_SECTION__KEY, such as SLIPSTREAM_SERVER__RTMP.

Two underscores stand where a file has a dot. Names in capitals mean small letters, all others
what they are: SLIPSTREAM_APPS__school__STREAMS__GRACE_S. Values are written as in a file, but
text needs no quotes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from slipstream.control.configuration.mistakes import Key

PREFIX, DOT = "SLIPSTREAM_", "__"


class Variable(NamedTuple):
    """A setting from the environment."""

    name: str
    key: Key
    value: object


def variables(
    environment: Mapping[str, str], takes_text: Callable[[Key], bool]
) -> Iterator[Variable]:
    """The settings in an environment, right or wrong.

    Args:
        environment: names and values.
        takes_text: whether the setting of a key may be any text.
    """
    for name, text in environment.items():
        if name.startswith(PREFIX) and DOT in name.removeprefix(PREFIX):
            words = name.removeprefix(PREFIX).split(DOT)
            key = tuple(word.lower() if word.isupper() else word for word in words)
            yield Variable(name, key, text if takes_text(key) else _value(text))


def _value(text: str) -> object:
    """What stands there as TOML, or the text itself if that is none."""
    try:
        table = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return table["value"] if len(table) == 1 else text
