"""Who is behind the proxies that have handed a request on, by the headers that they add to.

`X-Forwarded-For` is what proxies have always written; `Forwarded` is RFC 7239's. A proxy that
writes one of them leaves the other as the client sent it: the second counts only without the first.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from slipstream.net.proxies import is_trusted
from slipstream.net.proxy_protocol import comparable

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy

MAX_PROXIES = 32  # that one request may have come through
_FOR = re.compile(r'(?:^|;)\s*for\s*=\s*("[^"]*"|[^;,\s]*)', re.IGNORECASE)
_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\d+)?|([^:]*):\d+")


def client_address(peer: str, headers: CIMultiDictProxy[str], trusted: Collection[str]) -> str:
    """The address nearest to us that is no proxy's of ours.

    Args:
        peer: of the connection.
        headers: of the request.
        trusted: networks and addresses of our proxies; what others say is not believed.
    """
    if not is_trusted(peer, trusted):
        return peer
    address = peer
    for said in reversed(_chain(headers)[-MAX_PROXIES:]):
        found = _address(said)
        if not found:
            break
        address = found
        if not is_trusted(address, trusted):
            break
    return address


def _chain(headers: CIMultiDictProxy[str]) -> list[str]:
    """Whom the proxies have had before them, the first proxy's peer first; empty: it is hidden."""
    lines = headers.getall("X-Forwarded-For", [])
    if lines:
        return ",".join(lines).split(",")
    hops = ",".join(headers.getall("Forwarded", [])).split(",")
    found = [_FOR.search(hop) for hop in hops]
    return ["" if match is None else match[1].strip('"') for match in found]


def _address(said: str) -> str:
    """What is an address, in its plain form, without a port; else nothing."""
    text = said.strip()
    match = _WITH_PORT.fullmatch(text)
    if match is not None:
        text = match[1] or match[2] or ""
    try:
        return comparable(ipaddress.ip_address(text))
    except ValueError:
        return ""
