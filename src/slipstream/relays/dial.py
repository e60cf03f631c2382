"""Connects to another server, if it is one that relays may reach.

Names are resolved once, and what is connected to is the very address that was checked: whoever
can change a name's address gains nothing. Public addresses may be reached; private, loopback,
link-local and other special ones only if the operator has listed them.

Source: the IANA's registries of special-purpose addresses, as `ipaddress` has them.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from slipstream.errors import SlipstreamError
from slipstream.net.link import describe
from slipstream.rtmp import RtmpUrl

DIAL_S = 5.0  # for the name and TCP together
NAT64 = ip_network("64:ff9b::/96")  # RFC 6052: its last 32 bits are an IPv4 address

Address = IPv4Address | IPv6Address


def refusal(host: str, address: str, allowed: Collection[str]) -> str:
    """Why a server may not be reached; empty if it may.

    Args:
        host: its name, as in the URL.
        address: that the name stands for.
        allowed: names, addresses and networks that the operator has listed, in small letters.
    """
    if host.lower().rstrip(".") in {name.rstrip(".") for name in allowed}:
        return ""
    found = _meant(ip_address(address.partition("%")[0]))
    if (found.is_global and not found.is_multicast) or _is_listed(found, allowed):
        return ""
    return f"{host} is {found}, which is no public address and not in relays.allowed_hosts"


async def dial(url: RtmpUrl, allowed: Collection[str]) -> socket.socket:
    """Return a socket that is connected to the server of `url`.

    Raises:
        SlipstreamError: there is none, it may not be reached, or it does not answer.
    """
    try:
        async with asyncio.timeout(DIAL_S):
            return await _dial(url, allowed)
    except TimeoutError:
        reason = f"no answer within {DIAL_S:g} s"
    except socket.gaierror:
        raise SlipstreamError(f"there is no host named {url.host!r}") from None
    except OSError as error:
        reason = describe(error)
    raise SlipstreamError(f"{url.host}:{url.port}: {reason}")


async def _dial(url: RtmpUrl, allowed: Collection[str]) -> socket.socket:
    """Try those of the host's addresses that may be reached, in turn."""
    loop = asyncio.get_running_loop()
    failure: Exception = OSError("no address")
    infos = await loop.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    for family, _, _, _, address in infos:
        reason = refusal(url.host, str(address[0]), allowed)
        if reason:
            failure = SlipstreamError(reason)
            continue
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            await loop.sock_connect(sock, address)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:  # a time-out among them
            sock.close()
            raise
        else:
            return sock
    raise failure


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 one only wraps."""
    if isinstance(address, IPv6Address):
        if address in NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address


def _is_listed(address: Address, allowed: Collection[str]) -> bool:
    for entry in allowed:
        try:
            network = ip_network(entry)
        except ValueError:  # a name
            continue
        if address in network:
            return True
    return False
