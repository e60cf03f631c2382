"""The listener: who is accepted, who waits, and what an address may look like."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from slipstream.errors import SlipstreamError
from slipstream.net.listener import (
    Admissions,
    Listener,
    format_address,
    open_listening_socket,
    parse_address,
    plain_address,
)
from slipstream.net.proxies import Proxies


class Door:
    """A listener whose accepted sockets are kept."""

    def __init__(self, admissions: Admissions, trusted: tuple[str, ...] = ()) -> None:
        self.accepted: list[tuple[socket.socket, str]] = []
        self.admissions = admissions
        sock = open_listening_socket("127.0.0.1:0")
        self.place = sock.getsockname()
        loop = asyncio.get_running_loop()
        self.proxies = Proxies(lambda: trusted, loop)
        self.listener = Listener(sock, self.accept, admissions, loop, proxies=self.proxies)
        self.listener.start()
        self.callers: list[socket.socket] = []

    def accept(self, sock: socket.socket, address: str) -> None:
        self.accepted.append((sock, address))

    def call(self, count: int) -> None:
        for _ in range(count):
            self.callers.append(socket.create_connection(self.place))

    async def settle(self, expected: int) -> None:
        """Wait until so many are accepted, and see that it stays so."""
        async with asyncio.timeout(5):
            while len(self.accepted) < expected:
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.03)
        assert len(self.accepted) == expected

    def close(self) -> None:
        self.listener.stop()
        self.proxies.stop()
        for sock in self.callers + [sock for sock, _ in self.accepted]:
            sock.close()


@pytest.fixture
async def open_door() -> AsyncIterator[Callable[[Admissions], Door]]:
    doors: list[Door] = []

    def make(admissions: Admissions) -> Door:
        doors.append(Door(admissions))
        return doors[-1]

    yield make
    for door in doors:
        door.close()


async def test_connections_beyond_the_bound_wait_and_none_is_refused(
    open_door: Callable[[Admissions], Door],
) -> None:
    door = open_door(Admissions(max_pending=5))
    door.call(12)
    await door.settle(5)
    for _ in range(3):
        door.admissions.settled("127.0.0.1")
    await door.settle(8)
    for _ in range(5):
        door.admissions.settled("127.0.0.1")
    await door.settle(12)


async def test_one_address_may_not_take_all_the_places(
    open_door: Callable[[Admissions], Door], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipstream.net.admissions._is_loopback", lambda address: False)
    door = open_door(Admissions(max_pending=100, max_pending_per_address=3))
    door.call(6)
    await door.settle(3)
    door.admissions.settled("127.0.0.1")
    await door.settle(4)


async def test_no_more_are_accepted_than_descriptors_allow(
    open_door: Callable[[Admissions], Door],
) -> None:
    admissions = Admissions()
    admissions.max_open = 4
    door = open_door(admissions)
    door.call(6)
    await door.settle(4)
    admissions.settled("127.0.0.1")
    admissions.closed()
    await door.settle(5)


async def test_a_listener_that_stops_accepts_nobody(
    open_door: Callable[[Admissions], Door],
) -> None:
    door = open_door(Admissions())
    door.listener.stop()
    with pytest.raises(ConnectionRefusedError):
        door.call(1)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:1935", "127.0.0.1", 1935),
        (":1935", "", 1935),
        ("1935", "", 1935),
        ("[::1]:80", "::1", 80),
        ("media.example:0", "media.example", 0),
    ],
)
def test_addresses(text: str, host: str, port: int) -> None:
    assert parse_address(text) == (host, port)


@pytest.mark.parametrize(
    "text", ["", "host", "host:", "host:port", "host:70000", "host:-1", "a:1²"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(SlipstreamError, match="expected HOST:PORT"):
        parse_address(text)


def test_a_port_in_use_is_said_in_one_line() -> None:
    with open_listening_socket("127.0.0.1:0") as sock:
        address = format_address(sock)
        with pytest.raises(SlipstreamError, match=f"cannot listen on {address}: another program"):
            open_listening_socket(address)


def test_a_host_that_is_unknown_is_said_in_one_line() -> None:
    with pytest.raises(SlipstreamError, match=r"cannot listen on no\.such\.host\.invalid:1"):
        open_listening_socket("no.such.host.invalid:1")


def test_no_host_means_all_addresses_of_both_families() -> None:
    with open_listening_socket(":0") as sock:
        port = sock.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()


@pytest.mark.parametrize(
    ("host", "plain"),
    [("::ffff:192.0.2.7", "192.0.2.7"), ("fe80::1%eth0", "fe80::1"), ("192.0.2.7", "192.0.2.7")],
)
def test_an_address_has_one_form(host: str, plain: str) -> None:
    assert plain_address(host) == plain


HEADER = b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 1935\r\n"


async def test_a_proxy_says_who_is_behind_it_and_nothing_else_is_read() -> None:
    admissions = Admissions(max_pending_per_address=2)
    door = Door(admissions, ("127.0.0.0/8",))
    door.call(4)
    await door.settle(0)
    assert admissions.pending == 4
    for caller in door.callers[:2]:
        caller.sendall(HEADER[:20])
    await door.settle(0)
    for caller in door.callers[:2]:
        caller.sendall(HEADER[20:] + b"first")
    door.callers[2].sendall(b"\x03first")
    await door.settle(3)
    said = sorted((address, sock.recv(99)) for sock, address in door.accepted)
    assert said == [("127.0.0.1", b"\x03first")] + [("192.0.2.1", b"first")] * 2
    assert admissions.is_crowded("192.0.2.1")
    door.callers[3].sendall(HEADER)
    await door.settle(3)
    admissions.settled("192.0.2.1")
    await door.settle(4)
    door.close()


async def test_what_is_no_header_of_a_proxy_closes_the_connection() -> None:
    admissions = Admissions()
    door = Door(admissions, ("127.0.0.1",))
    door.call(1)
    door.callers[0].sendall(b"PROXY nonsense\r\n")
    await door.settle(0)
    with pytest.raises(ConnectionResetError):  # since what it said was not read
        await asyncio.to_thread(door.callers[0].recv, 1)
    assert (admissions.pending, admissions.open) == (0, 0)
    door.close()


async def test_a_header_of_somebody_else_is_left_unread() -> None:
    door = Door(Admissions(), ("10.0.0.0/8",))
    door.call(1)
    door.callers[0].sendall(HEADER)
    await door.settle(1)
    ((sock, address),) = door.accepted
    assert (address, sock.recv(99)) == ("127.0.0.1", HEADER)
    door.close()
