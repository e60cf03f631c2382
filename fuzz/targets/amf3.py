"""AMF3 by itself, under small limits and those of data.

What was read can be written again, if it is not too long or too deep then; and from there on
reading and writing change nothing any more.
"""

from __future__ import annotations

from slipstream.amf import DATA_LIMITS, Limits, build_amf3, parse_amf3
from slipstream.errors import AmfError

ALLOWED = (AmfError,)
MAX_BYTES = 1024

SMALL = Limits(max_depth=3, max_nodes=20, max_string=30, allow_open_end=False)  # soon reached
UNLIMITED = Limits(max_nodes=1 << 30, max_string=1 << 30)


def run(data: bytes) -> None:
    """Read bytes; write and read again what came out."""
    try:
        parse_amf3(data, limits=SMALL)
    except ALLOWED:
        pass
    try:
        values = parse_amf3(data, limits=DATA_LIMITS)
        written = build_amf3(*values)
    except ALLOWED:
        return
    assert build_amf3(*parse_amf3(written, limits=UNLIMITED)) == written
