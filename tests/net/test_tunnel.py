"""A tunnel between a connection and the worker that it belongs to."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from slipstream.access import AccessSettings, Gate
from slipstream.hub import Hub, StreamSettings
from slipstream.net.admissions import Admissions
from slipstream.net.intake import Intake
from slipstream.net.link import NOBODY, Link
from slipstream.net.pace import Pace
from slipstream.net.pump import Pump
from slipstream.net.services import Services
from slipstream.net.settings import NetSettings
from slipstream.net.tunnel import HIGH_BYTES, open_tunnel
from tests.net.stage import until


@dataclass
class Passage:
    """A client's end, the link that moves away, and the worker between them."""

    services: Services
    client: socket.socket
    link: Link
    moved: Link
    got: bytearray = field(default_factory=bytearray)
    reason: str = ""

    def received(self, data: bytes) -> None:
        self.got += data

    def lost(self, reason: str) -> None:
        self.reason = reason


@pytest.fixture
async def passage() -> AsyncIterator[Passage]:
    loop = asyncio.get_running_loop()
    pump = Pump(loop, Pace(0))
    services = Services(
        loop=loop,
        hub=Hub(lambda _: StreamSettings(), pump.wake),
        pump=pump,
        intake=Intake(loop),
        gate=Gate(lambda _: AccessSettings(publish="anonymous"), ""),
        admissions=Admissions(),
        settings=NetSettings(),
    )
    near, client = socket.socketpair()
    client.setblocking(False)
    link = Link(near, "x", NOBODY, loop)
    passage = Passage(services, client, link, open_tunnel(services, link))
    passage.moved.hand_to(passage)
    yield passage
    passage.moved.abort()
    client.close()
    pump.stop()


async def test_bytes_pass_both_ways(passage: Passage) -> None:
    loop = asyncio.get_running_loop()
    passage.moved.start()
    data = os.urandom(1_000_000)
    await loop.sock_sendall(passage.client, data)
    await until(lambda: len(passage.got) == len(data))
    assert passage.got == data
    passage.moved.write_now(b"answer")
    assert await loop.sock_recv(passage.client, 100) == b"answer"


async def test_no_more_is_read_than_is_taken_at_the_other_end(passage: Passage) -> None:
    loop = asyncio.get_running_loop()
    sending = loop.create_task(loop.sock_sendall(passage.client, os.urandom(8_000_000)))
    for _ in range(50):
        await asyncio.sleep(0.002)
    assert not sending.done()
    assert passage.link.bytes_received < 4 * HIGH_BYTES
    passage.moved.start()
    await until(lambda: len(passage.got) == 8_000_000)
    await sending


async def test_it_counts_as_a_connection_until_one_end_goes(passage: Passage) -> None:
    passage.moved.start()
    assert passage.services.admissions.open == 1
    (session,) = passage.services.sessions
    assert session.link is passage.link
    passage.client.close()
    await until(lambda: bool(passage.reason))
    assert passage.services.admissions.open == 0
    assert not passage.services.sessions


async def test_the_client_hears_of_it_when_the_other_worker_goes(passage: Passage) -> None:
    passage.moved.write_now(b"last words")
    passage.moved.abort()
    got = b""
    while data := await asyncio.get_running_loop().sock_recv(passage.client, 100):
        got += data
    assert got == b"last words"
    assert not passage.services.sessions
