"""The two kinds of error: theirs and ours.

A `ProtocolError` is the peer's: it ends that one connection and makes one log line. A
`SlipstreamError` that is not a ProtocolError is told to the operator in one line. Anything
else that is raised is a bug of ours.
"""

from __future__ import annotations


class SlipstreamError(Exception):
    """Something that the user or the operator can mend; the message says how."""


class ProtocolError(SlipstreamError):
    """The peer's bytes break the protocol, or pass one of our limits."""


class HandshakeError(ProtocolError):
    """What came before the first chunk is no RTMP handshake."""


class ChunkError(ProtocolError):
    """A chunk breaks the chunk stream's rules or limits."""


class AmfError(ProtocolError):
    """Bytes that are no AMF0 or AMF3, or more of it than allowed."""


class CommandError(ProtocolError):
    """A command with wrong arguments, out of order, or too many of them."""


class MediaError(ProtocolError):
    """A tag body or codec configuration that cannot be read."""


class BadNameError(ProtocolError):
    """A name of an application or a stream that is not allowed."""
