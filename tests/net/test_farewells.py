"""Peers that leave all at once."""

from __future__ import annotations

import asyncio
import socket
from itertools import count, pairwise

import pytest

from slipstream.net import farewells
from slipstream.net.farewells import SLICE_S, Farewells
from slipstream.net.link import Link

MANY = 50
PER_TURN = 4  # that are ended until their time is up
PATIENCE_S = 10


class Owner:
    """Notes that it was told; one of them meets a bug."""

    def __init__(self, number: int, told: list[tuple[int, str]]) -> None:
        self._number = number
        self._told = told

    def received(self, data: bytes) -> None:
        """Nobody says anything."""

    def lost(self, reason: str) -> None:
        self._told.append((self._number, reason))
        if self._number == 1:
            raise RuntimeError("a bug")


async def test_they_are_let_go_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = count()
    monkeypatch.setattr(farewells, "monotonic", lambda: next(ticks) * SLICE_S / PER_TURN)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)
    leaving = Farewells(loop)
    told: list[tuple[int, str]] = []
    links = []
    for number in range(MANY):
        near, far = socket.socketpair()
        link = Link(near, "test", Owner(number, told), loop, leaving=leaving)
        link.start()
        links.append(link)
        far.close()
    counts = [0]
    async with asyncio.timeout(PATIENCE_S):
        while len(told) < MANY:
            await asyncio.sleep(0)
            counts.append(len(told))
    steps = [after - before for before, after in pairwise(counts)]
    assert max(steps) <= PER_TURN + 1  # the sum of floats may be a little less
    assert sorted(told) == [(number, "closed by the peer") for number in range(MANY)]
    assert all(link.fd < 0 for link in links)
