from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from slipstream.hooks import HookSettings
from slipstream.hooks.asking import Asking
from slipstream.hooks.sender import Sender
from slipstream.hooks.updates import Updates
from slipstream.hub import Notice, NoticeKind
from tests.hooks.receiver import receiving, says

PLAYER = Notice(NoticeKind.PLAY, stream="live/a", id="flv-7", address="192.0.2.1")
GONE = Notice(NoticeKind.PLAY_DONE, stream="live/a", id="flv-7", address="192.0.2.1")


@asynccontextmanager
async def updating(url: str) -> AsyncIterator[tuple[Updates, list[Notice]]]:
    settings = HookSettings().model_copy(update={"ask_update": url, "update_s": 0.01})
    sender, sent_away = Sender(), list[Notice]()
    asking = Asking(sender, lambda stream: settings, lambda settings: "here")
    updates = Updates(asking, lambda stream: settings, sent_away.append)
    yield updates, sent_away
    await updates.stop()
    await sender.close()


async def test_whoever_plays_is_asked_about_until_the_answer_is_no() -> None:
    async with receiving() as receiver, updating(receiver.url) as (updates, sent_away):
        updates.hear(PLAYER)
        await receiver.until(2)
        assert sent_away == []
        receiver.answer = says(403)
        async with asyncio.timeout(20):
            while not sent_away:
                await asyncio.sleep(0.01)
    asked = json.loads(receiver.got[0].body)
    assert (asked["question"], asked["doing"], asked["stream"]) == ("update", "play", "live/a")
    assert sent_away == [PLAYER]


async def test_without_an_answer_they_go_on() -> None:
    async with receiving(says(500)) as receiver, updating(receiver.url) as (updates, sent_away):
        updates.hear(PLAYER)
        await receiver.until(5)
        assert sent_away == []


async def test_nobody_is_asked_about_who_has_left() -> None:
    async with receiving() as receiver, updating(receiver.url) as (updates, _):
        updates.hear(PLAYER)
        updates.hear(GONE)
        updates.hear(Notice(NoticeKind.PLAY, stream="live/a", id="flv-8"))
        await receiver.until(2)
    assert {json.loads(got.body)["connection"] for got in receiver.got} == {"flv-8"}
