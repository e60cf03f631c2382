"""Names of applications and streams as clients send them, cleaned up and then allowed or not.

Up to the first zero byte the application's name, up to the second its URL, then the stream's, which
may say which of its tracks are meant.
"""

from __future__ import annotations

import string

from slipstream.errors import BadNameError
from slipstream.formats import format_named, split_selection
from slipstream.hub import stream_name
from slipstream.rtmp.address import parse_app, parse_stream_name

ALLOWED = (BadNameError,)
MAX_BYTES = 512

LETTERS = frozenset(string.ascii_letters + string.digits + "_.-")


def run(data: bytes) -> None:
    """Ask for the name as it is, and cleaned up as a connection does it."""
    text = data.decode(errors="surrogateescape")
    app, _, rest = text.partition("\0")
    tc_url, _, name = rest.partition("\0")
    _name_of(app, name)
    _tracks_of(name)
    try:
        clean_app, clean_name = parse_app(app, tc_url).name, parse_stream_name(name).name
    except ALLOWED:
        return
    _name_of(clean_app, clean_name)


def _tracks_of(name: str) -> None:
    try:
        stream, selection = split_selection(name)
    except ALLOWED:
        return
    assert "@" not in stream
    if selection is None:
        assert stream == name
        return
    assert split_selection(f"{stream}@{selection}") == (stream, selection)
    form = format_named(f"flv@{selection}")
    assert form is not None
    assert form.name == f"flv@{selection}"


def _name_of(app: str, name: str) -> None:
    try:
        allowed = stream_name(app, name)
    except ALLOWED:
        return
    parts = allowed.split("/")
    assert 2 <= len(parts) <= 4
    for part in parts:
        assert 1 <= len(part) <= 64
        assert part[0] != "."
        assert set(part) <= LETTERS
    assert stream_name(parts[0], "/".join(parts[1:])) == allowed
