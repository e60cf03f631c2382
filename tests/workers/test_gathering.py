"""What other workers announce: read at once while little is followed, else in looks."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from functools import partial

import pytest

from slipstream.workers.gathering import Gathering

MANY = 10


class Stage:
    """As many sockets as wanted, and what was read from each of them when."""

    def __init__(self) -> None:
        self.gathering = Gathering(asyncio.get_running_loop())
        self.pairs: list[tuple[socket.socket, socket.socket]] = []
        self.read: list[tuple[int, bytes]] = []
        self.came = asyncio.Event()

    def add(self, count: int) -> None:
        for _ in range(count):
            pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.pairs.append(pair)
            self.gathering.add(pair[0].fileno(), partial(self.on, len(self.pairs) - 1))

    def on(self, number: int) -> None:
        self.read.append((number, self.pairs[number][0].recv(100)))
        self.came.set()

    def remove(self, number: int) -> None:
        self.gathering.remove(self.pairs[number][0].fileno())

    def send(self, number: int, data: bytes) -> None:
        self.pairs[number][1].send(data)

    async def wait_for(self, count: int) -> list[tuple[int, bytes]]:
        async with asyncio.timeout(5):
            while len(self.read) < count:
                self.came.clear()
                await self.came.wait()
        return self.read

    def close(self) -> None:
        for number, pair in enumerate(self.pairs):
            self.remove(number)
            for sock in pair:
                sock.close()


@pytest.fixture
async def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


def test_few_are_read_at_once(stage: Stage) -> None:
    stage.add(2)
    assert stage.gathering.interval_s == 0


@pytest.mark.parametrize("sockets", [1, MANY])
async def test_nothing_is_lost_and_all_is_in_order(stage: Stage, sockets: int) -> None:
    stage.add(sockets)
    sent = []
    for turn in range(30):
        for number in range(sockets):
            stage.send(number, bytes([turn]))
            sent.append((number, bytes([turn])))
        if turn % 7 == 0:
            await asyncio.sleep(0.02)  # long enough for it to be watched again
    assert sorted(await stage.wait_for(len(sent))) == sorted(sent)
    for number in range(sockets):
        assert [data[0] for sock, data in stage.read if sock == number] == list(range(30))


async def test_who_has_left_is_not_called(stage: Stage) -> None:
    stage.add(MANY)
    for number in range(MANY):
        stage.send(number, b"x")
    for number in range(1, MANY):
        stage.remove(number)
    assert await stage.wait_for(1) == [(0, b"x")]


async def test_a_bug_in_one_keeps_no_other_from_being_read(stage: Stage) -> None:
    stage.add(MANY)

    def fail() -> None:
        stage.on(0)
        raise RuntimeError("a bug of ours")

    stage.remove(0)
    stage.gathering.add(stage.pairs[0][0].fileno(), fail)
    for turn in range(3):
        for number in range(MANY):
            stage.send(number, b"x")
        assert len(await stage.wait_for(MANY * (turn + 1))) == MANY * (turn + 1)


async def test_all_may_leave_and_others_come(stage: Stage) -> None:
    stage.add(MANY)
    stage.send(3, b"x")
    await stage.wait_for(1)  # from now on it is looked at
    for number in range(MANY):
        stage.remove(number)
    stage.add(1)
    stage.send(MANY, b"y")
    assert (await stage.wait_for(2))[-1] == (MANY, b"y")


async def test_one_may_leave_while_another_is_read(stage: Stage) -> None:
    stage.add(MANY)
    first, second = stage.pairs[0], stage.pairs[1]
    for sock in (first, second):
        stage.gathering.remove(sock[0].fileno())

    def read_and_remove() -> None:
        stage.on(0)
        stage.remove(1)

    stage.gathering.add(first[0].fileno(), read_and_remove)
    stage.gathering.add(second[0].fileno(), lambda: stage.on(1))
    stage.send(0, b"x")
    stage.send(1, b"y")
    await stage.wait_for(1)
    await asyncio.sleep(0.05)
    assert stage.read == [(0, b"x")]
