"""How much AMF one message may hold.

Counts declared on the wire never size anything: what has really been read is counted, so that
a message costs memory in proportion to its bytes, and no more than these limits.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_DEPTH = 16  # containers inside each other; FFmpeg's reader stops at 16 too

# Bytes of a message that we build. One long string, held once in memory and named a thousand
# times by AMF3 references, would otherwise become a thousand copies.
MAX_BUILT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What one message may hold when it is read.

    Args:
        max_depth: containers inside each other.
        max_nodes: values in all, those in containers included.
        max_string: bytes in one string, name, document or byte array.
        allow_open_end: accept a message that ends inside its outermost object, between two
            members. Some encoders leave out the last object end of their metadata.
    """

    max_depth: int = MAX_DEPTH
    max_nodes: int = 4096
    max_string: int = 65536
    allow_open_end: bool = True


COMMAND_LIMITS = Limits(max_nodes=512, max_string=8192, allow_open_end=False)
DATA_LIMITS = Limits()
