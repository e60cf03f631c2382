"""A connection taken over from the library that has read the request: it is a link from then on."""

from __future__ import annotations

import asyncio
import os
import socket

from slipstream.http.tls_transport import TlsTransport
from slipstream.net.link import NOBODY, Link
from slipstream.net.services import Services


def take_link(transport: asyncio.Transport, address: str, services: Services) -> Link:
    """End the connection for the library; the link that is returned goes on with it.

    Args:
        transport: of the request.
        address: of the peer.
        services: of this worker.
    """
    if isinstance(transport, TlsTransport):
        return transport.take_link()
    shared = transport.get_extra_info("socket")
    sock = socket.socket(fileno=os.dup(shared.fileno()))
    transport.abort()  # closes the library's descriptor only: no word goes to the peer
    return Link(sock, address, NOBODY, services.loop, leaving=services.farewells)
