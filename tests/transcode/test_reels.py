"""The reels of a worker: made once for all who want the same, and kept within bounds."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from slipstream.media import Codec
from slipstream.transcode import reels as module
from slipstream.transcode.order import Order
from slipstream.transcode.reel import Reel
from slipstream.transcode.reels import AGAIN_S, KEPT_S, Reels
from slipstream.transcode.shape import PictureShape, Shape
from tests.server import PATIENCE_S
from tests.tools.files import film
from tests.transcode.stage import SMALL, SMALL_SHAPE, STEREO

CARD = Order("card", "soon", SMALL_SHAPE)
SLOW_SHAPE = Shape(PictureShape(Codec.H265, 1920, 1080, Fraction(60)), STEREO)
SLOW = Order("card", "soon", SLOW_SHAPE, max_bytes=2 << 20)  # takes seconds


@pytest.fixture
async def reels() -> AsyncIterator[Reels]:
    made = Reels()
    yield made
    await made.stop()
    await until(lambda: not children())


def children() -> list[int]:
    """The processes that we have started and that still run, or nobody has waited for."""
    pids = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(pid) for pid in pids if is_slate(pid)]


def is_slate(pid: str) -> bool:
    """Whether it makes a slate, or is about to; a server that other tests started does not."""
    try:
        return b"serve" not in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return True  # it is ending


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


def taken(reels: Reels, order: Order, now: float = 0) -> Reel:
    reel = reels.take(order, now)
    assert reel is not None
    return reel


async def test_a_reel_is_made_in_a_child_that_leaves_when_it_is_done(reels: Reels) -> None:
    reel = taken(reels, CARD)
    assert not reel.complete
    await until(lambda: reel.complete)
    assert reel.length_s == 2
    await until(lambda: not children())


async def test_all_who_want_the_same_share_one(reels: Reels) -> None:
    first, second = taken(reels, CARD), taken(reels, replace(CARD))
    assert first is second
    assert taken(reels, replace(CARD, text="other")) is not first
    await until(lambda: first.complete)
    assert taken(reels, CARD) is first


async def test_a_child_ends_when_nobody_wants_its_reel_any_more(reels: Reels) -> None:
    reel = taken(reels, SLOW)
    taken(reels, SLOW)
    await until(children)
    reels.give_back(SLOW, reel, 0)
    await asyncio.sleep(0.05)
    assert children()  # the other one does
    reels.give_back(SLOW, reel, 0)
    await until(lambda: not children())
    assert taken(reels, SLOW) is not reel


async def test_a_reel_is_kept_for_a_while(reels: Reels) -> None:
    reel = taken(reels, CARD)
    await until(lambda: reel.complete)
    reels.give_back(CARD, reel, 100)
    reels.tick(100 + KEPT_S - 1)
    assert taken(reels, CARD) is reel
    reels.tick(1e6)  # in use
    reels.give_back(CARD, reel, 1e6)
    reels.tick(1e6 + KEPT_S)
    assert taken(reels, CARD) is not reel


async def test_a_child_gives_way_once_there_is_enough_to_begin_with(reels: Reels) -> None:
    reel = taken(reels, SLOW)
    await until(children)
    (pid,) = children()
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    while not reel.ready:
        assert os.getpriority(os.PRIO_PROCESS, pid) == ours
        await asyncio.sleep(0.01)
    assert os.getpriority(os.PRIO_PROCESS, pid) > ours
    assert not reel.complete


async def test_only_so_many_children_run_at_once() -> None:
    reels = Reels(max_children=2)
    for number in range(5):
        taken(reels, replace(SLOW, text=str(number)))
    seen = 0
    for _ in range(50):
        seen = max(seen, len(children()))
        await asyncio.sleep(0.01)
    assert seen == 2
    await reels.stop()
    await until(lambda: not children())


async def test_who_waits_for_a_place_gets_it(reels: Reels) -> None:
    one = Reels(max_children=1)
    wanted = [taken(one, replace(CARD, text=str(number))) for number in range(3)]
    await until(lambda: all(reel.complete for reel in wanted))
    await one.stop()


async def test_a_file_that_cannot_be_read_is_told_once_and_tried_again_later(
    reels: Reels, tmp_path: Path
) -> None:
    order = Order(str(tmp_path / "none.mp4"), "", SMALL_SHAPE)
    now = asyncio.get_running_loop().time()
    with capture_logs() as lines:
        reel = taken(reels, order, now)
        await until(lambda: reel.failed)
        assert reels.take(order, now) is None
        failed_at = asyncio.get_running_loop().time()
        assert reels.take(order, failed_at + AGAIN_S - 1) is None
        second = taken(reels, order, failed_at + AGAIN_S)
        await until(lambda: second.failed)
        again_at = asyncio.get_running_loop().time()
        assert reels.take(order, again_at + AGAIN_S) is None  # twice as long
        assert reels.take(order, again_at + 2 * AGAIN_S) is not None
    assert [line["reason"] for line in lines if line["event"] == "slate.failed"] == [
        f"{tmp_path}/none.mp4: No such file or directory"
    ]


async def test_a_file_that_works_again_is_read_again(reels: Reels, tmp_path: Path) -> None:
    order = Order(str(tmp_path / "a.mp4"), "", SMALL_SHAPE)
    now = asyncio.get_running_loop().time()
    reel = taken(reels, order, now)
    await until(lambda: reel.failed)
    film(tmp_path / "a.mp4")
    second = taken(reels, order, now + 60)
    await until(lambda: second.complete)
    assert not second.failed


async def test_a_child_that_is_stuck_is_given_up(
    reels: Reels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SILENT_S", 0.5)
    os.mkfifo(tmp_path / "never")  # opening it takes until somebody writes
    with capture_logs() as lines:
        reel = taken(reels, Order(str(tmp_path / "never"), "", SMALL_SHAPE))
        await until(lambda: reel.failed)
    assert [line["reason"] for line in lines] == [f"{tmp_path}/never: nothing came for 0.5 s"]
    await until(lambda: not children())


async def test_what_is_shown_instead_is_told(reels: Reels) -> None:
    order = replace(CARD, shape=Shape(replace(SMALL, codec=Codec.H266), None))
    with capture_logs() as lines:
        reel = taken(reels, order)
        await until(lambda: reel.complete)
        await until(lambda: len(lines) == 2)
    assert lines[0]["note"] == "vvc1 cannot be encoded: there is no encoder"
    assert lines[1]["event"] == "slate.made"


async def test_memory_is_bounded_and_what_is_not_used_makes_room() -> None:
    small = replace(CARD, max_bytes=1_000_000)
    reels = Reels(max_bytes=2_500_000)
    orders = [replace(small, text=str(number)) for number in range(4)]
    first, second = taken(reels, orders[0]), taken(reels, orders[1])
    with capture_logs() as lines:
        assert reels.take(orders[2], 0) is None  # the first two may grow to 2 MB
    assert "2500000 bytes of memory, the limit" in lines[0]["reason"]
    await until(lambda: first.complete and second.complete)
    assert first.bytes + second.bytes < 100_000
    third = taken(reels, orders[2], 60)  # now it is known what they need
    await until(lambda: third.complete)

    tight = Reels(max_bytes=1_000_000)
    reel = taken(tight, orders[0])
    await until(lambda: reel.complete)
    assert tight.take(orders[1], 0) is None
    tight.give_back(orders[0], reel, 0)
    assert tight.take(orders[1], 60) is not None
    for made in (reels, tight):
        await made.stop()


async def test_at_the_end_all_children_go(reels: Reels) -> None:
    for number in range(3):
        taken(reels, replace(SLOW, text=str(number)))
    await until(lambda: len(children()) == 3)
    await reels.stop()
    await until(lambda: not children())
