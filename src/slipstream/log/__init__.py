"""The log: an append-only chain of memory files, its index, and places to start in it.

Bytes, positions, a time in milliseconds and flag bits: the log knows nothing of media,
formats or sockets. Formats append to it; the pump sends ranges of it to viewers.
"""

from slipstream.log.log import SYNC, Batch, Log, SyncPoint
from slipstream.log.segment import Segment

__all__ = ["SYNC", "Batch", "Log", "Segment", "SyncPoint"]
