"""All of it together, beside a hub: what is told there is posted, run and counted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from slipstream.hooks import Hooks, HookSettings
from slipstream.hub import Hub, Notice, NoticeKind, StreamSettings
from tests.hooks.receiver import hang, receiving

NOTICE = Notice(NoticeKind.PUBLISH, stream="live/a", id="rtmp-1", address="192.0.2.1")


@asynccontextmanager
async def hearing(folder: Path, settings: HookSettings) -> AsyncIterator[tuple[Hub, Hooks]]:
    hub = Hub(lambda name: StreamSettings(), lambda log, picture: None)
    hooks = Hooks(hub, lambda stream: settings, folder)
    hooks.start()
    yield hub, hooks
    await hooks.stop()
    assert hub.notices.listeners == []


async def test_an_event_is_posted_and_starts_its_programs_and_both_are_counted(
    tmp_path: Path,
) -> None:
    async with receiving() as receiver:
        settings = HookSettings(
            url=receiver.url, server_id="here", commands={"publish": [["/bin/true"]]}
        )
        async with hearing(tmp_path, settings) as (hub, hooks):
            hub.notices.tell(NOTICE)
            (got,) = await receiver.until(1)
        body = json.loads(got.body)
        assert (body["event"], body["stream"], body["server"]) == ("publish", "live/a", "here")
        assert got.headers["webhook-id"] == body["id"]
        counts = {name: read() for name, read in hooks.counts.items()}
        assert counts["hook_events"]["sent"] == 1
        assert counts["hook_commands"]["started"] == 1
        assert counts["hooks"] == {"events_waiting": 0, "commands_running": 0, "breakers_open": 0}


async def test_a_limit_that_is_hit_over_and_over_is_told_once(tmp_path: Path) -> None:
    async with receiving() as receiver:
        async with hearing(tmp_path, HookSettings(url=receiver.url)) as (hub, _):
            for _ in range(5):
                hub.notices.tell(Notice(NoticeKind.LIMIT, stream="live/a"))
        assert len(receiver.got) == 1


async def test_nothing_is_kept_or_started_for_what_nobody_wants_to_know(tmp_path: Path) -> None:
    async with hearing(tmp_path, HookSettings()) as (hub, hooks):
        for kind in NoticeKind:
            hub.notices.tell(Notice(kind, stream="live/a"))
        await asyncio.sleep(0)
        assert not any(sum(read().values()) for read in hooks.counts.values())
    assert list(tmp_path.iterdir()) == []


async def test_who_posts_to_a_server_that_hangs_ends_in_time(tmp_path: Path) -> None:
    async with receiving(hang) as receiver:
        async with (
            asyncio.timeout(20),
            hearing(tmp_path, HookSettings(url=receiver.url)) as (
                hub,
                hooks,
            ),
        ):
            hub.notices.tell(NOTICE)
            await receiver.until(1)
        assert hooks.courier.waiting == 1
