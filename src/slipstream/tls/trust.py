"""What our own clients ask of servers."""

from __future__ import annotations

import ssl


def client_context(*, insecure: bool = False) -> ssl.SSLContext:
    """TLS 1.2 and up, to servers that a known authority vouches for.

    Args:
        insecure: whoever answers will do: for a server with a certificate of its own making.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
