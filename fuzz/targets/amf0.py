"""AMF0, with AMF3 behind its avmplus marker, under small limits and those of data.

What was read can be written again, if it is not too long or too deep then; and from there on
reading and writing change nothing any more.
"""

from __future__ import annotations

from slipstream.amf import DATA_LIMITS, Limits, build_amf0, parse_amf0
from slipstream.amf.amf0 import parse_amf3_message
from slipstream.errors import AmfError

ALLOWED = (AmfError,)
MAX_BYTES = 1024

SMALL = Limits(max_depth=3, max_nodes=20, max_string=30, allow_open_end=False)  # soon reached
UNLIMITED = Limits(max_nodes=1 << 30, max_string=1 << 30)


def run(data: bytes) -> None:
    """Read bytes under both limits; write and read again what came out."""
    for limits in (SMALL, DATA_LIMITS):
        try:
            parse_amf3_message(data, limits=limits)
        except ALLOWED:
            pass
    try:
        values = parse_amf0(data)
        written = build_amf0(*values)
    except ALLOWED:
        return
    assert build_amf0(*parse_amf0(written, limits=UNLIMITED)) == written
