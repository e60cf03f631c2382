"""One end of a TLS connection: bytes of the network in, plain bytes out, and the other way.

OpenSSL does the work, on buffers in memory, so that the socket stays ours: nothing is encrypted
before the peer can take it. What OpenSSL has not used of its input it keeps itself, and what it
puts out is taken away at once. So one pair of buffers does for all connections of a process;
with a pair for each they would hold the size of their largest batch for good.
"""

from __future__ import annotations

import ssl
from contextlib import suppress

from slipstream.errors import SlipstreamError

RECORD_BYTES = 16 << 10  # the most that a record holds (RFC 8446 §5.1)

_INCOMING, _OUTGOING = ssl.MemoryBIO(), ssl.MemoryBIO()


class TlsError(SlipstreamError):
    """The peer does not speak TLS, not as we do, or is not who it should be."""


class TlsConnection:
    """Give it what has been read: `receive_data()`; send `data_to_send()` after each call.

    Args:
        context: of the server, or of a client.
        server_name: whom a client wants to talk to; None: we are the server.
    """

    __slots__ = ("_answers", "_tls", "has_ended", "is_established")

    def __init__(self, context: ssl.SSLContext, server_name: str | None = None) -> None:
        self.is_established = False
        self.has_ended = False  # the peer has said that nothing more comes
        self._answers = b""
        self._tls = context.wrap_bio(
            _INCOMING, _OUTGOING, server_side=server_name is None, server_hostname=server_name
        )

    def receive_data(self, data: bytes) -> bytes:
        """Take bytes from the network, none to begin; return the plain bytes that they hold.

        Raises:
            TlsError: the connection cannot go on; there may be a last word to send.
        """
        _INCOMING.write(data)
        parts = []
        try:
            if not self.is_established:
                self._tls.do_handshake()
                self.is_established = True
            while part := self._tls.read(RECORD_BYTES):
                parts.append(part)
            self.has_ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.has_ended = True
        except ssl.SSLError as error:
            raise TlsError(_words(error)) from error
        finally:
            self._answers += _OUTGOING.read()
            _INCOMING.read()  # of a connection that is over
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def encrypt(self, data: bytes | bytearray | memoryview) -> bytes:
        """Return the records that carry `data`, which must be sent before any later ones."""
        try:
            self._tls.write(data)
        except ssl.SSLError as error:
            raise TlsError(_words(error)) from error
        finally:
            records = _OUTGOING.read()
        return records

    def data_to_send(self) -> bytes:
        """Return what OpenSSL has to say by itself."""
        answers, self._answers = self._answers, b""
        return answers

    def close(self) -> bytes:
        """Return the record which says that nothing more comes (RFC 8446 §6.1)."""
        if self.is_established:
            with suppress(ssl.SSLError):  # the peer has not said so yet
                self._tls.unwrap()
        return _OUTGOING.read()

    @property
    def context(self) -> ssl.SSLContext:
        """By which the connection was made, or by the name that the peer asked for."""
        return self._tls.context

    @property
    def version(self) -> str:
        """As `TLSv1.3`; empty before it is known."""
        return self._tls.version() or ""


def _words(error: ssl.SSLError) -> str:
    """A reason for the log line."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    return (error.reason or str(error)).lower().replace("_", " ")
