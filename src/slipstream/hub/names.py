"""Which names applications and streams may have: one function decides, for every use.

A stream is named `app/name`. Each of its parts becomes a path in URLs, a file name in
recordings and a label in metrics, so what is allowed is narrow on purpose.
"""

from __future__ import annotations

import re

from slipstream.errors import BadNameError

MAX_PARTS = 4
_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}")
RULE = "letters, digits, '_', '-' and '.', 1 to 64 in each of at most 4 parts, no leading '.'"


def stream_name(app: str, name: str) -> str:
    """Return `app/name` if both are allowed.

    Raises:
        BadNameError: with the rule that was broken.
    """
    parts = [*app.split("/"), *name.split("/")]
    if len(parts) > MAX_PARTS or not all(map(_PART.fullmatch, parts)):
        raise BadNameError(f"the name {app[:64]!r}/{name[:64]!r} is not allowed: {RULE}")
    return "/".join(parts)
