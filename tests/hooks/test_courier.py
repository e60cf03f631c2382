from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from slipstream.hooks import HookSettings
from slipstream.hooks.courier import Courier
from slipstream.hooks.outbox import Message, Outbox
from slipstream.hooks.sender import Sender
from tests.hooks.receiver import Got, Receiver, hang, receiving, says

SOON_S = 0.05


def message(number: int, stream: str = "live/a", *, at_s: float | None = None) -> Message:
    body = json.dumps({"number": number, "stream": stream}).encode()
    at_s = time.time() if at_s is None else at_s
    return Message(f"id-{stream}-{number}", at_s, stream, "publish", "application/json", body)


@asynccontextmanager
async def delivering(
    folder: Path,
    settings: HookSettings,
    *,
    places: tuple[int, int] = (1, 0),
    gives_way: Callable[[], bool] = bool,
    within_s: float = 5,
) -> AsyncIterator[Courier]:
    sender = Sender()
    outbox = Outbox(folder, places[1], settings.max_waiting)
    courier = Courier(outbox, sender, lambda stream: settings, places=places, gives_way=gives_way)
    courier.start()
    yield courier
    await courier.stop(within_s)
    await sender.close()


def told(receiver: Receiver, stream: str = "live/a") -> list[int]:
    bodies = [json.loads(got.body) for got in receiver.got]
    return [body["number"] for body in bodies if body["stream"] == stream]


def left(folder: Path) -> int:
    with sqlite3.connect(folder / "outbox-0.sqlite3") as database:
        return int(database.execute("SELECT count(*) FROM message").fetchone()[0])


async def test_events_arrive_once_and_in_the_order_of_their_stream(tmp_path: Path) -> None:
    async with receiving() as receiver:
        async with delivering(tmp_path, HookSettings(url=receiver.url)) as courier:
            for number in range(20):
                courier.tell(message(number, "live/a"))
                courier.tell(message(number, "live/b"))
        assert told(receiver, "live/a") == told(receiver, "live/b") == list(range(20))
        assert courier.sent == 40
    assert left(tmp_path) == 0


async def test_what_a_dead_server_did_not_take_it_gets_after_our_restart(tmp_path: Path) -> None:
    async with receiving() as receiver:
        settings = HookSettings(url=receiver.url)
        receiver.answer = says(503)
        async with delivering(tmp_path, settings, within_s=SOON_S) as courier:
            for number in range(5):
                courier.tell(message(number))
            await receiver.until(1)
        first = receiver.got[0].id
        assert left(tmp_path) == 5
        receiver.got.clear()
        receiver.answer = says(204)
        async with delivering(tmp_path, settings) as courier:
            await receiver.until(5)
        assert told(receiver) == [0, 1, 2, 3, 4]
        assert receiver.got[0].id == first  # by which the receiver knows it
    assert left(tmp_path) == 0


async def test_an_event_that_fails_is_tried_again_before_those_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipstream.hooks.lanes.FIRST_WAIT_S", 0.01)
    failures = iter([500, 302, 429])

    async def answer(got: Got, _: web.Request) -> web.Response:
        status = next(failures, 200)
        return web.Response(status=status, headers={"Location": receiver.url + "elsewhere"})

    async with receiving(answer) as receiver:
        async with delivering(tmp_path, HookSettings(url=receiver.url)) as courier:
            courier.tell(message(0))
            courier.tell(message(1))
            async with asyncio.timeout(20):
                await receiver.until(5)
        assert told(receiver) == [0, 0, 0, 0, 1]
        assert {got.path for got in receiver.got} == {"/"}  # no redirect is followed
        assert len({got.id for got in receiver.got[:4]}) == 1
        assert (courier.sent, courier.failed, courier.dropped) == (2, 3, 0)


async def test_a_stream_whose_event_fails_holds_no_other_up(tmp_path: Path) -> None:
    async def answer(got: Got, _: web.Request) -> web.Response:
        return web.Response(status=500 if b"live/a" in got.body else 200)

    async with receiving(answer) as receiver:
        async with delivering(tmp_path, HookSettings(url=receiver.url), within_s=SOON_S) as courier:
            for number in range(3):
                courier.tell(message(number, "live/a"))
                courier.tell(message(number, "live/b"))
            await receiver.until(4)
        assert told(receiver, "live/b") == [0, 1, 2]
    assert left(tmp_path) == 3


@pytest.mark.parametrize("status", [400, 422])
async def test_what_is_refused_for_good_is_dropped(tmp_path: Path, status: int) -> None:
    async with receiving(says(status)) as receiver:
        async with delivering(tmp_path, HookSettings(url=receiver.url)) as courier:
            courier.tell(message(0))
            await receiver.until(1)
        assert len(receiver.got) == 1
        assert courier.dropped == 1
    assert left(tmp_path) == 0


async def test_what_is_too_old_is_dropped(tmp_path: Path) -> None:
    async with receiving() as receiver:
        settings = HookSettings(url=receiver.url, max_age_s=60)
        async with delivering(tmp_path, settings) as courier:
            courier.tell(message(0, at_s=time.time() - 61))
            courier.tell(message(1))
        assert told(receiver) == [1]
        assert courier.dropped == 1


async def test_a_receiver_that_hangs_keeps_no_worker_from_ending(tmp_path: Path) -> None:
    async with receiving(hang) as receiver:
        settings = HookSettings(url=receiver.url)
        async with delivering(tmp_path, settings, within_s=SOON_S) as courier:
            courier.tell(message(0))
            await receiver.until(1)
    assert left(tmp_path) == 1


async def test_too_many_make_room_and_are_counted(tmp_path: Path) -> None:
    async with receiving(hang) as receiver:
        settings = HookSettings(url=receiver.url, max_waiting=10)
        async with delivering(tmp_path, settings, within_s=SOON_S) as courier:
            for number in range(10):
                courier.tell(message(number))
            await receiver.until(1)
            courier.tell(message(10))
            async with asyncio.timeout(20):
                while not courier.dropped:
                    await asyncio.sleep(0)
    assert courier.dropped == 2
    assert left(tmp_path) == 9


async def test_whoever_replaces_a_worker_delivers_what_both_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipstream.hooks.courier.LOOK_S", 0.02)
    replaced = False
    async with receiving() as receiver:
        settings = HookSettings(url=receiver.url)
        async with delivering(tmp_path, settings, places=(2, 0), gives_way=lambda: replaced) as old:
            old.tell(message(0))
            await receiver.until(1)
            async with delivering(tmp_path, settings, places=(2, 0)) as new:
                new.tell(message(1))
                await receiver.until(2)
                replaced = True
                old.tell(message(2))
                await receiver.until(3)
        assert told(receiver) == [0, 1, 2]
        assert (old.sent, new.sent) == (2, 1)


async def test_without_anything_to_tell_there_is_no_file(tmp_path: Path) -> None:
    async with delivering(tmp_path / "hooks", HookSettings()):
        await asyncio.sleep(0)
    assert not (tmp_path / "hooks").exists()


class SmallDisk(Outbox):
    """An outbox on a disk that is nearly full."""

    def open(self) -> None:
        super().open()
        self._opened.execute("PRAGMA max_page_count = 8")


async def test_a_disk_that_is_full_costs_what_it_cannot_hold_and_the_rest_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipstream.hooks.courier.LOOK_S", 0.02)
    monkeypatch.setattr("tests.hooks.test_courier.Outbox", SmallDisk)
    async with (
        receiving() as receiver,
        delivering(tmp_path, HookSettings(url=receiver.url)) as courier,
    ):
        courier.tell(message(0))
        await receiver.until(1)
        with capture_logs() as logs:
            courier.tell(message(1)._replace(body=b"x" * 100_000))
            async with asyncio.timeout(20):
                while not courier.dropped:
                    await asyncio.sleep(0)
        courier.tell(message(2))
        got = await receiver.until(2)
    assert [one.id for one in got] == [message(0).id, message(2).id]
    assert "full" in logs[0]["error"]
    assert logs[0]["path"].startswith(str(tmp_path))


async def test_a_disk_that_fails_costs_the_events_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipstream.hooks.courier.LOOK_S", 0.02)
    (tmp_path / "hooks").write_text("not a folder")
    async with delivering(tmp_path / "hooks", HookSettings(url="http://127.0.0.1:9/")) as courier:
        courier.tell(message(0))
        async with asyncio.timeout(20):
            while not courier.dropped:
                await asyncio.sleep(0)
    assert courier.dropped == 1
