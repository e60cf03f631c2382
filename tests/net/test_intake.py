"""The intake: few publishers are read at once, many in sweeps, and nothing is lost between."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from slipstream.net.intake import Intake
from slipstream.net.link import Link


class Owner:
    """Collects what a link receives."""

    def __init__(self) -> None:
        self.got = bytearray()
        self.reason = ""

    def received(self, data: bytes) -> None:
        self.got += data
        if self.got.endswith(b"BUG"):
            raise RuntimeError("a bug of ours")

    def lost(self, reason: str) -> None:
        self.reason = reason


class Stage:
    """An intake with as many links as wanted."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.intake = Intake(self.loop)
        self.links: list[tuple[Link, socket.socket, Owner]] = []

    def add(self, count: int) -> None:
        for _ in range(count):
            near, far = socket.socketpair()
            owner = Owner()
            link = Link(near, "test", owner, self.loop)
            link.start()
            self.intake.add(link)
            self.links.append((link, far, owner))

    def close(self) -> None:
        self.intake.stop()
        for link, far, _ in self.links:
            link.abort()
            far.close()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


async def say_all(stage: Stage, data: bytes) -> None:
    for _, far, _ in stage.links:
        far.sendall(data)
    await asyncio.sleep(0.15)


async def test_one_publisher_is_read_at_once(stage: Stage) -> None:
    stage.add(1)
    assert stage.intake.interval_s == 0
    _, far, owner = stage.links[0]
    far.sendall(b"frame")
    for _ in range(5):
        await asyncio.sleep(0)
    assert owner.got == b"frame"


async def test_many_are_swept_and_lose_nothing_when_that_changes(stage: Stage) -> None:
    stage.add(3)
    await say_all(stage, b"one")
    stage.add(60)
    assert 0.02 < stage.intake.interval_s <= 0.06
    await say_all(stage, b"two")
    for link, _, _ in stage.links[5:]:
        stage.intake.remove(link)
    assert stage.intake.interval_s == 0
    await say_all(stage, b"three")
    for index, (_, _, owner) in enumerate(stage.links):
        assert owner.got == (b"onetwothree" if index < 3 else b"twothree")


async def test_more_than_one_buffer_is_taken_in_one_sweep(stage: Stage) -> None:
    stage.add(20)
    data = bytes(400_000)
    _, far, owner = stage.links[0]
    far.setblocking(False)
    await asyncio.wait_for(stage.loop.sock_sendall(far, data), 5)
    async with asyncio.timeout(5):
        while len(owner.got) < len(data):
            await asyncio.sleep(0.01)


async def test_a_link_that_ends_in_a_sweep_harms_no_other(stage: Stage) -> None:
    stage.add(30)
    stage.links[3][1].close()
    stage.links[4][1].sendall(b"BUG")
    await say_all_but(stage, {3, 4}, b"fine")
    assert stage.links[3][2].reason == "closed by the peer"
    assert stage.links[4][2].reason == "an error of the server's own"
    assert all(
        owner.got == b"fine" for i, (_, _, owner) in enumerate(stage.links) if i not in (3, 4)
    )


async def say_all_but(stage: Stage, silent: set[int], data: bytes) -> None:
    for index, (_, far, _) in enumerate(stage.links):
        if index not in silent:
            far.sendall(data)
    await asyncio.sleep(0.15)
