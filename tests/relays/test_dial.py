"""Which servers relays may reach, and what is said when one is not reached."""

from __future__ import annotations

import asyncio
import socket

import pytest

from slipstream.errors import SlipstreamError
from slipstream.relays.dial import dial, refusal
from slipstream.rtmp import parse_rtmp_url
from tests.interop.nginx import free_port

PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"]
INNER = [
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1%eth0",
    "fd00::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_reached(address: str) -> None:
    assert refusal("example.com", address, ()) == ""


@pytest.mark.parametrize("address", INNER)
def test_no_other_address_may_whatever_its_name(address: str) -> None:
    assert "no public address" in refusal("example.com", address, ())
    assert "no public address" in refusal("example.com", address, ("example.org", "8.8.8.0/24"))


@pytest.mark.parametrize(
    ("host", "address", "listed"),
    [
        ("10.1.2.3", "10.1.2.3", "10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3", "10.1.2.3"),
        ("studio", "::ffff:10.1.2.3", "10.0.0.0/8"),
        ("Studio.LAN", "10.1.2.3", "studio.lan"),
        ("studio.lan.", "10.1.2.3", "studio.lan"),
        ("studio", "fd00::7", "fd00::/8"),
    ],
)
def test_what_is_listed_may_be_reached(host: str, address: str, listed: str) -> None:
    assert refusal(host, address, (listed,)) == ""


async def test_a_name_that_stands_for_an_inner_address_is_not_connected_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = parse_rtmp_url(f"rtmp://localhost:{server.getsockname()[1]}/live/a")
        with pytest.raises(SlipstreamError, match=r"localhost is .*, which is no public address"):
            await dial(url, ())
        with pytest.raises(BlockingIOError):  # nobody has come
            server.accept()
        sock = await dial(url, ("localhost",))
        sock.close()
        (await asyncio.get_running_loop().sock_accept(server))[0].close()


async def test_a_server_that_is_not_there_is_told_of_with_its_place() -> None:
    port = free_port()
    with pytest.raises(SlipstreamError, match=f"127.0.0.1:{port}: connection refused"):
        await dial(parse_rtmp_url(f"rtmp://127.0.0.1:{port}/live/a"), ("127.0.0.1",))


async def test_a_name_that_nobody_has_is_told_of() -> None:
    with pytest.raises(SlipstreamError, match=r"there is no host named 'nobody\.invalid'"):
        await dial(parse_rtmp_url("rtmp://nobody.invalid/live/a"), ())
