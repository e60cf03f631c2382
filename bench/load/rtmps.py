"""The same client over TLS: RTMPS, on what the target calls its port of HTTP.

Any certificate will do. What a server encrypts costs it the same whether anybody decrypts it.
"""

from __future__ import annotations

import ssl
from functools import cache

from .client import Client, Target


class RtmpsClient(Client):
    """See `Client`."""

    def _connect(self, target: Target) -> None:
        self.socket.connect((target.host, target.http_port))
        self.socket = _context().wrap_socket(self.socket)


@cache
def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
