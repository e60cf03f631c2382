"""What proxies put before a connection's bytes.

Vectors are made by hand from haproxy.org/download/3.0/doc/proxy-protocol.txt, 2.1 and 2.2.
"""

from __future__ import annotations

import pytest

from slipstream.errors import ProtocolError
from slipstream.net.proxy_protocol import BINARY, NO_HEADER, ProxyHeader, parse_proxy_header

PORTS = b"\xdc\x04\x07\x8f"
V4 = BINARY + b"\x21\x11\0\x0c" + bytes((192, 0, 2, 1, 198, 51, 100, 1)) + PORTS
V6 = bytes.fromhex("20010db8000000000000000000000001")
MAPPED = bytes(10) + b"\xff\xff" + bytes((192, 0, 2, 1))
TLV = b"\x01\0\x02h2"


@pytest.mark.parametrize(
    ("header", "address"),
    [
        (b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 1935\r\n", "192.0.2.1"),
        (b"PROXY TCP6 2001:DB8::1 2001:db8::2 56324 1935\r\n", "2001:db8::1"),
        (b"PROXY TCP6 ::ffff:192.0.2.1 ::1 56324 1935\r\n", "192.0.2.1"),
        (b"PROXY UNKNOWN\r\n", ""),
        (b"PROXY UNKNOWN ffff:f::1 ::1 65535 65535\r\n", ""),
        (V4, "192.0.2.1"),
        (BINARY + b"\x21\x21\0\x24" + V6 + bytes(16) + PORTS, "2001:db8::1"),
        (BINARY + b"\x21\x21\0\x24" + MAPPED + bytes(16) + PORTS, "192.0.2.1"),
        (BINARY + b"\x21\x11\0\x11" + V4[16:] + TLV, "192.0.2.1"),
        (BINARY + b"\x20\0\0\0", ""),
        (BINARY + b"\x20\x11\0\x0c" + V4[16:], ""),
        (BINARY + b"\x21\0\0\x05" + TLV, ""),
        (BINARY + b"\x21\x31\0\xd8" + bytes(216), ""),
    ],
)
def test_a_header_says_who_is_behind_the_proxy_as_soon_as_it_is_whole(
    header: bytes, address: str
) -> None:
    found = ProxyHeader(len(header), address)
    assert parse_proxy_header(header) == found
    assert parse_proxy_header(header + header) == found
    for end in range(len(header)):
        assert parse_proxy_header(header[:end]) is None


@pytest.mark.parametrize("data", [b"\x03", b"GET / HTTP/1.1", b"POST /", b"\x16\x03\x01", b"PROXZ"])
def test_what_is_no_header_is_left_to_who_speaks_on_the_connection(data: bytes) -> None:
    assert parse_proxy_header(data) == NO_HEADER


@pytest.mark.parametrize(
    "data",
    [
        b"PROXY " + b"x" * 101,
        b"PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 65536\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 -1\r\n",
        b"PROXY TCP4 2001:db8::1 2001:db8::2 56324 1935\r\n",
        b"PROXY TCP4 192.0.2.256 198.51.100.1 56324 1935\r\n",
        b"PROXY TCP4 192.0.2.\xb2 198.51.100.1 56324 1935\r\n",
        b"PROXY UDP4 192.0.2.1 198.51.100.1 56324 1935\r\n",
        BINARY + b"\x11\x11\0\x0c",
        BINARY + b"\x22\x11\0\x0c",
        BINARY + b"\x21\x41\0\x0c",
        BINARY + b"\x21\x11\0\x0b",
        BINARY + b"\x21\x11\xff\xff",
    ],
)
def test_what_begins_as_a_header_and_is_none_is_an_error(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="PROXY header"):
        parse_proxy_header(data)
