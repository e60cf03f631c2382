"""What may stand in a field of a log line: no secret, no control character, at most 512 bytes.

Much of what is logged was sent by strangers. It must not break lines, drive a terminal, fill
a disk or carry somebody's key into an archive.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_FIELD_BYTES = 512
MASK = "***"
SECRET_FIELDS = frozenset({"key", "token", "authorization", "password", "secret"})

_CUT = "…"
_MASKED: tuple[tuple[re.Pattern[str], str], ...] = (
    # key=, streamkey=, api_token= ... of queries, escaped once or not
    (re.compile(r"(?i)\b(\w*(?:key|token|secret|passw(?:or)?d|auth)(?:=|%3D))[^&\s\"'#]+"), r"\1"),
    (re.compile(r"(?i)\b((?:bearer|basic)\s+)[\w.~+/=-]+"), r"\1"),
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+(?=@)"), r"\1"),  # user:password@host
)

Plain = str | int | float | bool | None


def clean(name: str, value: object, secrets: Iterable[str] = ()) -> Plain:
    """The value as it may be written.

    Args:
        name: of the field.
        value: numbers and truth values stay what they are, the rest becomes text.
        secrets: masked wherever they occur.
    """
    if name in SECRET_FIELDS:
        return MASK
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int) and value.bit_length() < 64:
        return int(value)
    # Cut twice: escaping costs 2 µs for each letter of garbage.
    return cut(escape(mask(str(value), secrets)[: MAX_FIELD_BYTES + 1]))


def mask(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace what looks like a key or token, and every one of `secrets`."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    for pattern, kept in _MASKED:
        text = pattern.sub(kept + MASK, text)
    return text


def escape(text: str) -> str:
    """Show what a terminal would obey: control characters, line ends, turned writing direction."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


def cut(text: str) -> str:
    """At most `MAX_FIELD_BYTES` of the text."""
    data = text.encode()
    if len(data) <= MAX_FIELD_BYTES:
        return text
    return data[: MAX_FIELD_BYTES - len(_CUT.encode())].decode(errors="ignore") + _CUT
