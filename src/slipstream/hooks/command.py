"""The argument list of a program that an event starts: checked, and filled in.

There is no shell. What strangers choose (names, addresses) fills arguments in, never the
program's path, and never makes an option of what was none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Formatter

PLACEHOLDERS = ("event", "stream", "app", "name", "address", "id")
MAX_WORDS = 64


def check_command(words: Sequence[str]) -> None:
    """Return if it can be filled in and started.

    Raises:
        ValueError: with the reason.
    """
    if not words:
        raise ValueError("must have a program's path")
    if len(words) > MAX_WORDS:
        raise ValueError(f"has {len(words)} words, the limit is {MAX_WORDS}")
    if not words[0].startswith("/"):
        raise ValueError(f"must begin with the whole path of a program, not {words[0]!r}")
    if _names(words[0]):
        raise ValueError("must have no placeholders in the program's path")
    for word in words:
        if "\0" in word:
            raise ValueError("must have no zero bytes")
        for name in _names(word):
            if name not in PLACEHOLDERS:
                known = ", ".join(f"{{{placeholder}}}" for placeholder in PLACEHOLDERS)
                raise ValueError(f"unknown placeholder {{{name}}}; there are {known}")


def fill_in(words: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """The arguments, of a command that `check_command` has seen.

    Raises:
        ValueError: a value would be read as an option.
    """
    filled = [word.format_map(values).replace("\0", "") for word in words]
    for word, argument in zip(words, filled, strict=True):
        if argument.startswith("-") and not word.startswith("-"):
            raise ValueError(f"{argument!r} would be read as an option")
    return filled


def _names(word: str) -> list[str]:
    """The placeholders in a word.

    Raises:
        ValueError: a brace that stands alone, or more than a name between two.
    """
    try:
        parts = list(Formatter().parse(word))
    except ValueError as error:
        raise ValueError(f"{word!r}: {error}; a brace is written {{{{ or }}}}") from error
    if any(how or conversion for _, _, how, conversion in parts):
        raise ValueError(f"{word!r}: there may only be names between braces")
    return [name for _, name, _, _ in parts if name is not None]
