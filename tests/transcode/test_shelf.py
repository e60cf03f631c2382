"""What is made of keyframes, and how often: never twice for those who can share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from slipstream.errors import SlipstreamError
from slipstream.transcode.shelf import Prints, Shelf
from tests.server import PATIENCE_S

LONG_S = 1e6


class Maker:
    """Makes what it is told, when it is told to go on."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[int]]] = []
        self.digest = "one"
        self.error: SlipstreamError | None = None
        self.size = 1
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def make(self, stream: str, widths: Sequence[int], have: Prints) -> Prints:
        if self.digest == have.digest and have.settles(widths):
            return have
        self.calls.append((stream, list(widths)))
        await self.may_go_on.wait()
        if self.error is not None:
            raise self.error
        return Prints(self.digest, dict.fromkeys(widths, self.digest.encode() * self.size))


OpenShelf = Callable[..., Shelf]


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
async def open_shelf(maker: Maker) -> AsyncIterator[OpenShelf]:
    shelves = []

    def open_one(**options: float) -> Shelf:
        shelf = Shelf(maker.make, **options)  # type: ignore[arg-type]
        shelves.append(shelf)
        return shelf

    yield open_one
    for shelf in shelves:
        await shelf.stop()


async def test_those_who_ask_at_once_wait_for_the_same(maker: Maker, open_shelf: OpenShelf) -> None:
    shelf = open_shelf()
    maker.may_go_on.clear()
    asked = [asyncio.create_task(shelf.get("live/a", [640])) for _ in range(5)]
    await asyncio.sleep(0.01)
    maker.may_go_on.set()
    assert {(await prints).digest for prints in asked} == {"one"}
    assert maker.calls == [("live/a", [640])]


async def test_who_leaves_does_not_take_it_from_the_others(
    maker: Maker, open_shelf: OpenShelf
) -> None:
    shelf = open_shelf()
    maker.may_go_on.clear()
    first, second = (asyncio.create_task(shelf.get("live/a", [640])) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.sleep(0.01)
    maker.may_go_on.set()
    assert (await second).digest == "one"
    assert len(maker.calls) == 1


async def test_within_the_interval_nothing_is_made(maker: Maker, open_shelf: OpenShelf) -> None:
    shelf = open_shelf(interval_s=LONG_S)
    await shelf.get("live/a", [640])
    maker.digest = "two"
    assert (await shelf.get("live/a", [640])).digest == "one"
    assert (await shelf.get("live/b", [640])).digest == "two"
    assert maker.calls == [("live/a", [640]), ("live/b", [640])]


async def test_after_it_the_newest_keyframe_is(maker: Maker, open_shelf: OpenShelf) -> None:
    shelf = open_shelf(interval_s=0)
    await shelf.get("live/a", [640])
    assert (await shelf.get("live/a", [640])).digest == "one"
    assert len(maker.calls) == 1
    maker.digest = "two"
    assert (await shelf.get("live/a", [640])).jpegs == {640: b"two"}


async def test_all_widths_that_are_wanted_are_made_together(
    maker: Maker, open_shelf: OpenShelf
) -> None:
    shelf = open_shelf(interval_s=0.1)
    await shelf.get("live/a", [640])
    maker.digest = "two"
    asked = [asyncio.create_task(shelf.get("live/a", [width])) for width in (320, 160)]
    assert [set((await prints).jpegs) for prints in asked] == [{160, 320, 640}] * 2
    assert maker.calls[1:] == [("live/a", [160, 320, 640])]


async def test_a_width_that_comes_while_others_are_made_is_made_next(
    maker: Maker, open_shelf: OpenShelf
) -> None:
    shelf = open_shelf(interval_s=0.05)
    maker.may_go_on.clear()
    first = asyncio.create_task(shelf.get("live/a", [640]))
    await asyncio.sleep(0.01)
    second = asyncio.create_task(shelf.get("live/a", [320]))
    await asyncio.sleep(0.01)
    maker.may_go_on.set()
    assert 640 in (await first).jpegs
    assert 320 in (await second).jpegs
    assert maker.calls == [("live/a", [640]), ("live/a", [320, 640])]


async def test_a_failure_is_everybodys_until_the_interval_is_over(
    maker: Maker, open_shelf: OpenShelf
) -> None:
    shelf = open_shelf(interval_s=0.05)
    maker.error = SlipstreamError("broken")
    for _ in range(2):
        with pytest.raises(SlipstreamError, match="broken"):
            await shelf.get("live/a", [640])
    assert len(maker.calls) == 1
    maker.error = None
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                assert (await shelf.get("live/a", [640])).digest == "one"
                break
            except SlipstreamError:
                await asyncio.sleep(0.01)


async def test_a_keyframe_of_which_nothing_comes_is_not_tried_again(
    open_shelf: OpenShelf, maker: Maker
) -> None:
    tried = []

    async def make(stream: str, widths: Sequence[int], have: Prints) -> Prints:
        if have.digest != maker.digest:
            tried.append((stream, widths))
            return Prints(maker.digest, failure=SlipstreamError("no picture"))
        return have

    shelf = Shelf(make, interval_s=0)
    for _ in range(3):
        with pytest.raises(SlipstreamError, match="no picture"):
            await shelf.get("live/a", [640])
    assert len(tried) == 1
    await shelf.stop()


async def test_what_nobody_asks_for_is_let_go(maker: Maker, open_shelf: OpenShelf) -> None:
    shelf = open_shelf(kept_s=0.05)
    await shelf.get("live/a", [640])
    assert list(shelf.streams) == ["live/a"]
    async with asyncio.timeout(PATIENCE_S):
        while shelf.streams:
            await asyncio.sleep(0.01)
    await shelf.get("live/a", [640])
    assert len(maker.calls) == 2


async def test_what_was_asked_for_longest_ago_makes_room(
    maker: Maker, open_shelf: OpenShelf
) -> None:
    shelf = open_shelf(interval_s=LONG_S, max_bytes=3000)
    maker.size = 400  # of 3 bytes
    for stream in ("live/a", "live/b", "live/a", "live/c"):
        await shelf.get(stream, [640])
    assert len(maker.calls) == 3
    await shelf.get("live/a", [640])
    await shelf.get("live/c", [640])
    assert len(maker.calls) == 3
    asking = asyncio.create_task(shelf.get("live/b", [640]))  # not again so soon
    await asyncio.sleep(0.01)
    assert not asking.done()
    asking.cancel()


async def test_who_waits_when_the_server_stops_is_told(maker: Maker, open_shelf: OpenShelf) -> None:
    shelf = open_shelf()
    maker.may_go_on.clear()
    asking = asyncio.create_task(shelf.get("live/a", [640]))
    await asyncio.sleep(0.01)
    await shelf.stop()
    with pytest.raises(SlipstreamError, match="stopping"):
        await asking
