"""Links that encrypt: to their owners and to the pump they are like any other."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from slipstream.net.admissions import Admissions
from slipstream.net.cursor import Cursor
from slipstream.net.tls_entrance import TlsEntrance
from slipstream.net.tls_link import TlsLink
from slipstream.tls import TlsConnection
from slipstream.tls.certificates import read
from tests.net.stage import GREETING, Stage, Viewer, until
from tests.tls.stage import make_pair, trusting_anybody


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return read(make_pair(tmp_path_factory.mktemp("pair"), "example.test")).context


@dataclass
class Owner:
    """What a link's owner was told."""

    got: bytearray = field(default_factory=bytearray)
    reason: str = ""

    def received(self, data: bytes) -> None:
        self.got += data

    def lost(self, reason: str) -> None:
        self.reason = reason


class Door:
    """An entrance, and what came in by it."""

    def __init__(self, context: ssl.SSLContext | None, within_s: float = 5) -> None:
        self.links: list[TlsLink] = []
        self.owners: list[Owner] = []
        self._streams: list[object] = []
        self.admissions = Admissions(max_pending=100)
        self._entrance = TlsEntrance(
            lambda: context,
            self._enter,
            self.admissions,
            asyncio.get_running_loop(),
            within_s=lambda: within_s,
        )

    def knock(self) -> socket.socket:
        """A connection that begins; the other end of it."""
        near, far = socket.socketpair()
        self.admissions.opened("x")
        self._entrance(near, "x")
        return far

    async def connect(self, **options: object) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        came = len(self.links)
        streams = await asyncio.open_connection(
            sock=self.knock(), ssl=trusting_anybody(), server_hostname="", **options
        )
        await until(lambda: len(self.links) > came)
        self._streams.append(streams)  # who forgets the writer hangs up
        return streams

    def _enter(self, link: TlsLink) -> None:
        self.links.append(link)
        self.owners.append(Owner())
        link.hand_to(self.owners[-1])


@pytest.fixture
async def door(context: ssl.SSLContext) -> AsyncIterator[Door]:
    door = Door(context)
    yield door
    for link in door.links:
        link.abort()


async def test_bytes_pass_both_ways_and_the_end_is_told(door: Door) -> None:
    reader, writer = await door.connect()
    (link,), (owner,) = door.links, door.owners
    data = os.urandom(300_000)
    writer.write(data)
    await until(lambda: len(owner.got) == len(data))
    assert owner.got == data
    link.write_now(data, bounded=False)
    assert await reader.readexactly(len(data)) == data
    writer.close()
    await until(lambda: bool(owner.reason))
    assert owner.reason == "closed by the peer"


async def test_closing_sends_the_rest_and_says_goodbye(door: Door) -> None:
    reader, writer = await door.connect()
    data = os.urandom(2_000_000)
    door.links[0].write_now(data, bounded=False)
    door.links[0].close()
    assert await reader.read(-1) == data  # an end without goodbye would be an error
    writer.close()


async def test_who_leaves_too_much_unread_is_let_go(door: Door) -> None:
    _, writer = await door.connect()
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    (link,), (owner,) = door.links, door.owners
    while not owner.reason:
        link.write(bytes(50_000))
        await asyncio.sleep(0)
    assert "bytes unread, limit 65536" in owner.reason
    writer.close()


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\xff\x01"])
async def test_who_shakes_no_hands_is_let_go(context: ssl.SSLContext, said: bytes) -> None:
    door = Door(context, within_s=0.2)
    far = door.knock()
    far.sendall(said)
    far.setblocking(False)
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(5):
        while await loop.sock_recv(far, 1000):
            pass
    assert not door.links
    assert (door.admissions.pending, door.admissions.open) == (0, 0)
    far.close()


async def test_without_a_certificate_nobody_comes_in() -> None:
    door = Door(None)
    assert door.knock().recv(1) == b""
    assert (door.admissions.pending, door.admissions.open) == (0, 0)


async def test_a_crowd_comes_in_and_the_loop_goes_on_between(door: Door) -> None:
    turns = 0

    def count() -> None:
        nonlocal turns
        turns += 1
        asyncio.get_running_loop().call_soon(count)

    async def come() -> None:
        _, writer = await door.connect()
        writer.close()

    count()
    await asyncio.gather(*(come() for _ in range(40)))
    await until(lambda: len(door.links) == 40)
    assert door.admissions.pending == 40  # theirs to settle who took them in
    assert turns > 10


async def test_a_link_may_be_a_client_s(door: Door) -> None:
    owner, ours = Owner(), []
    client = TlsLink(
        door.knock(),
        "x",
        owner,
        asyncio.get_running_loop(),
        TlsConnection(trusting_anybody(), "example.test"),
        on_established=ours.append,
    )
    client.shake_hands()
    await until(lambda: bool(door.links and ours))
    client.write(b"from the client")
    door.links[0].write(b"from the server")
    await until(lambda: bool(owner.got and door.owners[0].got))
    assert (owner.got, door.owners[0].got) == (b"from the server", b"from the client")
    client.close()
    await until(lambda: bool(door.owners[0].reason))


async def watching(stage: Stage, door: Door, **limits: int) -> tuple[Viewer, asyncio.StreamReader]:
    """A viewer over TLS, who comes now."""
    reader, _ = await door.connect(**limits)
    viewer = Viewer(socket.socket())
    viewer.link = door.links[-1]
    viewer.link.hand_to(viewer)
    sync = stage.log.sync_point(0)
    assert sync is not None
    viewer.cursor = Cursor(
        viewer.link, stage.log, sync, viewer, ceiling_ms=3000, stall_s=0.5, now=stage.loop.time()
    )
    stage.pump.add(viewer.cursor)
    stage.viewers.append(viewer)
    return viewer, reader


async def test_viewers_get_every_byte_of_the_log(stage: Stage, door: Door) -> None:
    stage.put(b"first", sync=True)
    watchers = [await watching(stage, door) for _ in range(3)]
    plain = stage.viewer()
    for number in range(60):
        stage.put(os.urandom(1 + number * 1000))
        if number % 10 == 0:
            await asyncio.sleep(0.01)
    size = len(stage.written)
    got = await asyncio.gather(*(reader.readexactly(size) for _, reader in watchers))
    assert got == [stage.written] * 3
    assert await plain.take(len(stage.written)) == stage.written
    await until(lambda: all(viewer.cursor.fd >= 0 for viewer, _ in watchers))
    stage.put(b"last")
    for _, reader in watchers:
        assert await reader.readexactly(4) == b"last"


async def test_no_more_is_encrypted_than_a_slow_viewer_takes(stage: Stage, door: Door) -> None:
    stage.put(b"first", sync=True)
    viewer, reader = await watching(stage, door, limit=1000)
    for _ in range(100):
        stage.put(os.urandom(50_000), step_ms=1)
        await asyncio.sleep(0.001)
    assert viewer.link.unsent < 70_000
    held = viewer.cursor.position
    assert held < len(stage.written) / 2
    assert await reader.readexactly(len(stage.written)) == stage.written


async def test_a_slow_viewer_jumps_between_two_messages_and_is_greeted(
    stage: Stage, door: Door
) -> None:
    stage.put(b"first", sync=True)
    viewer, reader = await watching(stage, door, limit=1000)
    for _ in range(100):
        stage.put(os.urandom(50_000), step_ms=40)
        await asyncio.sleep(0.001)
    start = len(stage.written)
    stage.put(b"newest", sync=True)
    viewer.cursor.jump()
    stage.put(b"end")
    got = bytearray()
    while not got.endswith(b"newestend"):
        got += await asyncio.wait_for(reader.read(1 << 16), 5)
    before, greeting, after = got.rpartition(GREETING)
    assert greeting == GREETING
    assert after == b"newestend"
    assert stage.written.startswith(before)
    assert len(before) < start
    assert len(before) in {5, *range(50_005, start, 50_000)}, "in the middle of a message"


async def test_a_viewer_that_takes_nothing_is_let_go(stage: Stage, door: Door) -> None:
    stage.put(b"first", sync=True)
    viewer, _ = await watching(stage, door, limit=1000)
    for _ in range(100):
        stage.put(os.urandom(50_000), step_ms=1)
    await until(lambda: bool(viewer.reason))
    assert viewer.reason == "took nothing for 0.5 s"
