"""What proxies put before a connection's bytes: whole, cut anywhere, and with more behind it."""

from __future__ import annotations

import ipaddress

from slipstream.errors import ProtocolError
from slipstream.net.proxy_protocol import MAX_BYTES as LONGEST
from slipstream.net.proxy_protocol import ProxyHeader, parse_proxy_header

ALLOWED = (ProtocolError,)
MAX_BYTES = 600


def run(data: bytes) -> None:
    """Read the header from all of the bytes, and as if they came one by one."""
    whole = _parse(data)
    for end in range(len(data)):
        part = _parse(data[:end])
        if part is not None:
            assert part == whole
            break
    if isinstance(whole, ProxyHeader):
        assert whole.size <= min(len(data), LONGEST)
        assert _parse(data[: whole.size] + b"x") == whole
        assert not whole.address or str(ipaddress.ip_address(whole.address)) == whole.address


def _parse(data: bytes) -> ProxyHeader | str | None:
    try:
        return parse_proxy_header(data)
    except ALLOWED as error:
        return str(error)
