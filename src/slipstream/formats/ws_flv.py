"""FLV in WebSocket messages, framed once for all viewers: one binary message for each tag.

What a server sends is not masked (RFC 6455, 5.1), so that the same bytes serve everybody.
"""

from __future__ import annotations

from struct import Struct

from slipstream.formats.flv import FlvFormat
from slipstream.formats.format import Greeting
from slipstream.log.segment import Buffer
from slipstream.media import Frame

_pack_16 = Struct(">BBH").pack
_pack_64 = Struct(">BBQ").pack
_BINARY = 0x82  # the only frame of a binary message


def message_header(size: int, first: int = _BINARY) -> bytes:
    """What stands before a message of `size` bytes, 2 to 10 octets; `first` says what it is."""
    if size < 126:
        return bytes((first, size))
    if size < 1 << 16:
        return _pack_16(first, 126, size)
    return _pack_64(first, 127, size)


class WsFlvFormat(FlvFormat):
    """The default tracks, for players in browsers."""

    name = "ws-flv"

    def wrap(self, parts: list[Buffer], frame: Frame, time_ms: int) -> int:
        """Add one message with one tag to `parts`; return how many bytes it is."""
        header = message_header(len(frame.body) + 15)
        parts.append(header)
        return len(header) + super().wrap(parts, frame, time_ms)

    def greet(self, greeting: Greeting, at_ms: int, *, again: bool = False) -> list[bytes]:
        """The file header, in a message of its own, and what every newcomer gets."""
        messages = super().greet(greeting, at_ms, again=again)
        if not again:
            messages[0] = message_header(len(messages[0])) + messages[0]
        return messages


class WsFlvMultitrackFormat(WsFlvFormat):
    """All tracks as the publisher sent them."""

    name = "ws-flv-multitrack"
    multitrack = True
