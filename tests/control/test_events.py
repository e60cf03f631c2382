"""What happens, and the log, over the API: what was lately, and what comes, from all workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import structlog

from slipstream.access import Operators, Role, Store
from slipstream.control.api import following
from slipstream.control.api.events import EVENTS_KEPT
from slipstream.control.reports.tail import Position
from slipstream.hub import Notice, NoticeKind
from tests.control.stage import TOKEN, WITH_TOKEN, Stage, serving, serving_workers

EVENTS, LOGS = "/api/v1/events", "/api/v1/logs"
PATIENCE_S = 10


def tell(stage: Stage, kind: NoticeKind, stream: str = "live/a", **about: Any) -> None:
    stage.hub.notices.tell(Notice(kind, stream=stream, **about))


class Reader:
    """Reads server-sent events."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.last_id = ""

    async def next(self) -> tuple[str, Any]:
        """The next event: its name and what it says."""
        name = ""
        while True:
            line = await asyncio.wait_for(self.response.content.readline(), PATIENCE_S)
            assert line, "the answer has ended"
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "id":
                self.last_id = value
            elif field == "event":
                name = value
            elif field == "data":
                return name, orjson.loads(value)


@asynccontextmanager
async def follow(
    stage: Stage, path: str = EVENTS, last_id: str = "", headers: Mapping[str, str] = WITH_TOKEN
) -> AsyncIterator[Reader]:
    """Follow; whoever reads has been taken note of."""
    headers = {**headers, "Accept": "text/event-stream"}
    if last_id:
        headers["Last-Event-ID"] = last_id
    async with stage.client.get(stage.url + path, headers=headers) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == "text/event-stream"
        assert await response.content.readline() == b"retry: 2000\n"
        yield Reader(response)


async def test_what_happened_lately_is_told_in_order_of_all_workers() -> None:
    async with serving_workers(2) as (first, second):
        tell(first, NoticeKind.PUBLISH, id="rtmp-1", address="192.0.2.1", query="key=secret")
        tell(second, NoticeKind.PLAY, id="hls-1", detail={"n": 1})
        tell(first, NoticeKind.PLAY_DONE, reason="left")
        for stage in (first, second):
            told = await stage.json(EVENTS)
            kinds = [event["kind"] for event in told["events"]]
            assert kinds == ["publish", "play", "play_done"]
            assert told["events"][1]["detail"] == {"n": 1}
            assert "secret" not in str(told)
            assert told["missed"] == 0


async def test_what_came_since_is_told_once_whoever_is_asked() -> None:
    async with serving_workers(2) as (first, second):
        tell(first, NoticeKind.PUBLISH)
        position = (await first.json(EVENTS))["position"]
        tell(second, NoticeKind.PLAY)
        tell(first, NoticeKind.PLAY_DONE)
        told = await second.json(f"{EVENTS}?after={position}")
        assert [event["kind"] for event in told["events"]] == ["play", "play_done"]
        assert (await first.json(f"{EVENTS}?after={told['position']}"))["events"] == []


async def test_filters_leave_out_other_kinds_and_streams() -> None:
    async with serving() as stage:
        tell(stage, NoticeKind.PUBLISH)
        tell(stage, NoticeKind.PLAY)
        tell(stage, NoticeKind.PLAY, "live/b")
        for query, count in (("kind=play", 2), ("kind=play&kind=publish&stream=live/a", 2)):
            assert len((await stage.json(f"{EVENTS}?{query}"))["events"]) == count
        assert (await stage.get(f"{EVENTS}?kind=other")).status == 400


async def test_what_is_forgotten_is_counted() -> None:
    async with serving() as stage:
        position = (await stage.json(EVENTS))["position"]
        for _ in range(EVENTS_KEPT + 5):
            tell(stage, NoticeKind.PLAY)
        assert (await stage.json(f"{EVENTS}?after={position}"))["missed"] == 5


async def test_a_place_of_another_server_is_none() -> None:
    async with serving() as stage:
        tell(stage, NoticeKind.PLAY)
        for place in ("x", "0.1-5", "", "0" + ".1-1" * 2000):
            told = await stage.json(f"{EVENTS}?after={place}")
            assert len(told["events"]) == 1


async def test_who_follows_is_told_what_comes_in_any_worker() -> None:
    async with serving_workers(2) as (first, second):
        tell(first, NoticeKind.PUBLISH)
        async with follow(first, f"{EVENTS}?kind=play") as reader:
            await asyncio.sleep(0.05)  # until its place is taken
            tell(second, NoticeKind.PLAY, id="a")
            tell(second, NoticeKind.PLAY_DONE)
            tell(first, NoticeKind.PLAY, id="b")
            told = [await reader.next(), await reader.next()]
        assert [(name, event["id"]) for name, event in told] == [("play", "a"), ("play", "b")]


async def test_who_comes_back_to_another_worker_goes_on_where_it_was() -> None:
    async with serving_workers(2) as (first, second):
        position = (await first.json(EVENTS))["position"]
        for number in range(3):
            tell((first, second)[number % 2], NoticeKind.PLAY, id=f"{number}")
        async with follow(first, last_id=position) as reader:
            assert (await reader.next())[1]["id"] == "0"
            left_at = reader.last_id
        async with follow(second, last_id=left_at) as reader:
            assert [(await reader.next())[1]["id"] for _ in range(2)] == ["1", "2"]


async def test_silence_is_broken_by_a_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "HEARTBEAT_S", 0.0)
    async with serving() as stage, follow(stage) as reader:
        line = b"\n"
        while line == b"\n":
            line = await asyncio.wait_for(reader.response.content.readline(), PATIENCE_S)
        assert line == b":\n"


async def test_there_are_so_many_who_follow_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "MAX_FOLLOWERS", 1)
    async with serving() as stage:
        async with follow(stage):
            response = await stage.get(EVENTS, {**WITH_TOKEN, "Accept": "text/event-stream"})
            assert response.status == 503
        assert (await stage.get(EVENTS)).status == 200


async def test_it_ends_when_the_token_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LOOK_S", 0.01)
    tokens = Operators(TOKEN, Store(tmp_path))
    headers = {"Authorization": f"Bearer {tokens.add('ci', Role.READ)}"}
    async with serving(folder=tmp_path) as stage, follow(stage, headers=headers) as reader:
        tokens.remove("ci")
        await asyncio.wait_for(reader.response.read(), PATIENCE_S)


async def test_who_does_not_read_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LOOK_S", 0.0)
    monkeypatch.setattr(following, "PATIENCE_S", 0.05)
    async with serving() as stage:
        port = int(stage.url.rpartition(":")[2])
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        head = f"GET {EVENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        writer.write(f"{head}Accept: text/event-stream\r\n\r\n".encode())
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        ended = asyncio.create_task(_fill_until_closed(stage))
        await asyncio.wait_for(ended, PATIENCE_S)
        writer.close()


async def _fill_until_closed(stage: Stage) -> None:
    """Have so much happen that it does not fit between the two ends of a connection."""
    followers = stage.api.following
    while not followers.count:
        await asyncio.sleep(0)
    while followers.count:
        for _ in range(EVENTS_KEPT // 4):
            tell(stage, NoticeKind.ERROR, reason="x" * 500)
        await asyncio.sleep(0.001)


async def test_lines_of_the_log_are_told_and_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as stage:
        stage.parts.logs.start()
        try:
            log = structlog.get_logger()
            log.info("publish.start", stream="live/a", token="secret")
            log.warning("api.refused", address="192.0.2.1")
            told = await stage.json(LOGS)
            assert [line["event"] for line in told["lines"]] == ["publish.start", "api.refused"]
            assert told["lines"][0]["fields"] == {"stream": "live/a", "token": "***"}
            told = await stage.json(f"{LOGS}?level=warning")
            assert [line["level"] for line in told["lines"]] == ["warning"]
            async with follow(stage, f"{LOGS}?limit=1&event=api.") as reader:
                assert (await reader.next())[1]["event"] == "api.refused"
                log.info("publish.start")
                log.info("api.other")
                name, line = await reader.next()
                assert (name, line["event"]) == ("line", "api.other")
        finally:
            stage.parts.logs.stop()


def test_a_place_is_read_as_it_is_written() -> None:
    position = Position("e1a2", {1: 17, 2: 40})
    assert str(position) == "e1a2.1-17.2-40"
    assert Position.parse(str(position)) == position
    assert Position.parse("nonsense") == Position()
