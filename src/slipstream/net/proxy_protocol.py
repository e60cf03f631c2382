"""The header that a proxy puts before a connection's own bytes, to say who is behind it.

The PROXY protocol, versions 1 (a line of text) and 2 (binary), by its specification
(haproxy.org/download/3.0/doc/proxy-protocol.txt, sections 2.1 and 2.2). No I/O.
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from slipstream.errors import ProtocolError

TEXT = b"PROXY "
BINARY = b"\r\n\r\n\0\r\nQUIT\n"
MAX_TEXT_BYTES = 107  # with the line's end
MAX_BYTES = 4096  # of a binary header: the addresses and what else a proxy tells, which we skip

_FIXED_BYTES = 16  # signature, version and command, family, length
_LOCAL, _PROXIED = 0x20, 0x21  # version 2, and a command
_ADDRESS_BYTES = {0: 0, 1: 4, 2: 16, 3: 0}  # by family; of none and of Unix sockets none is read
_BOTH_BYTES = {0: 0, 1: 12, 2: 36, 3: 216}  # two addresses, two ports
_TEXT_FIELDS = 6


class ProxyHeader(NamedTuple):
    """What came before the connection's own bytes."""

    size: int
    """Its bytes; 0: there is none."""
    address: str
    """Of who is behind the proxy; empty: the proxy speaks for itself, or does not say."""


NO_HEADER = ProxyHeader(0, "")


def parse_proxy_header(data: bytes) -> ProxyHeader | None:
    """Read the header at the beginning of what a proxy sent.

    Args:
        data: all that has come, from the first byte.

    Returns:
        None: more has to come before it is clear.

    Raises:
        ProtocolError: it begins as a header and is none.
    """
    for signature, parse in ((TEXT, _parse_text), (BINARY, _parse_binary)):
        if data.startswith(signature):
            return parse(data)
        if signature.startswith(data):
            return None
    return NO_HEADER


def _parse_text(data: bytes) -> ProxyHeader | None:
    end = data.find(b"\r\n", 0, MAX_TEXT_BYTES)
    if end < 0:
        if len(data) >= MAX_TEXT_BYTES:
            raise ProtocolError("the PROXY header has no end")
        return None
    fields = data[:end].split(b" ")
    family, size = fields[1], end + 2
    if family == b"UNKNOWN":
        return ProxyHeader(size, "")
    if family not in (b"TCP4", b"TCP6") or len(fields) != _TEXT_FIELDS:
        raise ProtocolError("the PROXY header is no line of version 1")
    _check_ports(fields[4:])
    kind = ipaddress.IPv4Address if family == b"TCP4" else ipaddress.IPv6Address
    try:
        source, _ = (kind(field.decode("ascii")) for field in fields[2:4])
    except ValueError as error:
        raise ProtocolError("the PROXY header has an address that is none") from error
    return ProxyHeader(size, comparable(source))


def _check_ports(ports: list[bytes]) -> None:
    for port in ports:
        if not port.isdigit() or len(port) > 5 or int(port) > 0xFFFF:
            raise ProtocolError("the PROXY header has a port that is none")


def _parse_binary(data: bytes) -> ProxyHeader | None:
    if len(data) < _FIXED_BYTES:
        return None
    command, family = data[12], data[13] >> 4
    size = _FIXED_BYTES + int.from_bytes(data[14:16])
    if command not in (_LOCAL, _PROXIED):
        raise ProtocolError(f"the PROXY header has the version and command {command:#04x}")
    if size > MAX_BYTES:
        raise ProtocolError(f"the PROXY header has {size} bytes, limit {MAX_BYTES}")
    if command == _PROXIED:
        if family not in _BOTH_BYTES:
            raise ProtocolError(f"the PROXY header has addresses of the family {family}")
        if size < _FIXED_BYTES + _BOTH_BYTES[family]:
            raise ProtocolError("the PROXY header is too short for its addresses")
    if len(data) < size:
        return None
    count = _ADDRESS_BYTES[family] if command == _PROXIED else 0
    if not count:
        return ProxyHeader(size, "")
    return ProxyHeader(
        size, comparable(ipaddress.ip_address(data[_FIXED_BYTES : _FIXED_BYTES + count]))
    )


def comparable(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """As addresses are compared: IPv4 in its own form, no zone."""
    if isinstance(address, ipaddress.IPv6Address):
        return str(address.ipv4_mapped or address).partition("%")[0]
    return str(address)
