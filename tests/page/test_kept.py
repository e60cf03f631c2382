"""Many who ask at the same time, or soon after one another, cost as much as one."""

from __future__ import annotations

import asyncio

import pytest

from slipstream.page.kept import Kept


class Maker:
    """Makes the numbers from 1 on; each takes until `finish()`, unless it is quick."""

    def __init__(self) -> None:
        self.now = 100.0
        self.made = 0
        self.gate: asyncio.Event | None = None

    async def make(self) -> int:
        self.made += 1
        made = self.made
        if self.gate is not None:
            await self.gate.wait()
        return made

    def clock(self) -> float:
        return self.now


@pytest.fixture
def maker() -> Maker:
    return Maker()


async def test_what_is_asked_again_at_once_is_made_once(maker: Maker) -> None:
    kept: Kept[int] = Kept(1, 10, maker.clock)
    assert [await kept.get("a", maker.make) for _ in range(3)] == [1, 1, 1]
    maker.now += 0.9
    assert await kept.get("a", maker.make) == 1
    maker.now += 0.2
    assert await kept.get("a", maker.make) == 2
    assert await kept.get("b", maker.make) == 3


async def test_who_asks_while_it_is_made_waits_for_the_same(maker: Maker) -> None:
    kept: Kept[int] = Kept(0, 10, maker.clock)
    maker.gate = asyncio.Event()
    asking = [asyncio.ensure_future(kept.get("a", maker.make)) for _ in range(5)]
    await asyncio.sleep(0)
    asking[0].cancel()  # the one for whom it was begun leaves
    maker.gate.set()
    assert await asyncio.gather(*asking[1:]) == [1, 1, 1, 1]


async def test_what_took_long_is_kept_long(maker: Maker) -> None:
    kept: Kept[int] = Kept(1, 10, maker.clock)
    maker.gate = asyncio.Event()
    asking = asyncio.ensure_future(kept.get("a", maker.make))
    await asyncio.sleep(0)
    maker.now += 0.5
    maker.gate.set()
    assert await asking == 1
    maker.now += 9.9  # 0.5 s of each 10 s
    assert await kept.get("a", maker.make) == 1
    maker.now += 0.2
    assert await kept.get("a", maker.make) == 2


async def test_a_failure_is_everybodys_and_is_tried_again(maker: Maker) -> None:
    kept: Kept[int] = Kept(1, 10, maker.clock)
    tries = 0

    async def fail() -> int:
        nonlocal tries
        tries += 1
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            await kept.get("a", fail)
    assert tries == 1
    maker.now += 1
    assert await kept.get("a", maker.make) == 1


async def test_only_so_many_are_kept(maker: Maker) -> None:
    kept: Kept[int] = Kept(1, 2, maker.clock)
    for key in ("a", "b", "c"):
        await kept.get(key, maker.make)
    assert await kept.get("c", maker.make) == 3
    assert await kept.get("a", maker.make) == 4
