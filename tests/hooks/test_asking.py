from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from slipstream.access import Action, Request
from slipstream.hooks import HookSettings
from slipstream.hooks.asking import Asking
from slipstream.hooks.breaker import OPENS_AFTER
from slipstream.hooks.sender import Sender
from slipstream.hub import Notice, NoticeKind
from tests.hooks.receiver import Answer, Receiver, drip, flood, hang, receiving, says

REQUEST = Request(
    Action.PUBLISH, "live/a", "192.0.2.1", "token=secret", "rtmp", client="FMLE/3.0", id="rtmp-7"
)


@asynccontextmanager
async def asking(
    receiver: Receiver, url: str | None = None, **settings: object
) -> AsyncIterator[Asking]:
    url = receiver.url if url is None else url
    values = {"ask_publish": url, "ask_play": url, "ask_timeout_s": 10, **settings}
    hooks = HookSettings.model_validate(values)
    sender = Sender()
    yield Asking(sender, lambda stream: hooks, lambda settings: "here")
    await sender.close()


async def test_a_question_says_who_wants_what() -> None:
    async with receiving() as receiver, asking(receiver) as backend:
        assert (await backend.ask(REQUEST)).allowed
        asked = json.loads(receiver.got[0].body)
    for name in ("id", "time"):
        assert asked.pop(name)
    assert asked == {
        "question": "publish",
        "server": "here",
        "stream": "live/a",
        "app": "live",
        "name": "a",
        "connection": "rtmp-7",
        "address": "192.0.2.1",
        "protocol": "rtmp",
        "client": "FMLE/3.0",
        "query": "token=secret",
        "tc_url": "",
        "page_url": "",
        "detail": {},
    }


@pytest.mark.parametrize(
    ("answer", "allowed"),
    [
        (says(200), True),
        (says(204), True),
        (says(200, b'{"allow": true}'), True),
        (says(200, b'{"allow": false, "reason": "not today"}'), False),
        (says(200, b'{"allow": "yes"}'), False),
        (says(200, b"[]"), False),
        (says(200, b"OK"), False),
        (says(403), False),
        (says(404), False),
        (says(429), False),
        (says(500, b'{"allow": true}'), False),
        (says(302, Location="/yes"), False),
        (flood, False),
    ],
)
async def test_only_a_clear_yes_allows(answer: Answer, allowed: bool) -> None:
    async with receiving(answer) as receiver, asking(receiver) as backend:
        decision = await backend.ask(REQUEST)
        assert decision.allowed is allowed
        assert allowed or decision.reason
        assert len(receiver.got) == 1


@pytest.mark.parametrize("answer", [hang, drip])
async def test_the_deadline_is_for_the_whole_answer(answer: Answer) -> None:
    async with receiving(answer) as receiver, asking(receiver, ask_timeout_s=0.2) as backend:
        decision = await backend.ask(REQUEST)
        assert not decision.allowed
        assert decision.reason == "no answer within 0.2 s"


def test_the_deadline_is_three_seconds_unless_it_is_set() -> None:
    assert HookSettings().ask_timeout_s == 3
    assert HookSettings().ask_default == "deny"


async def test_nobody_listening_is_no_answer() -> None:
    async with receiving() as receiver, asking(receiver, "http://127.0.0.1:1/") as backend:
        assert not (await backend.ask(REQUEST)).allowed
        assert backend.unanswered == 1


async def test_a_policy_comes_with_the_answer() -> None:
    answer = says(200, b'{"policy": {"max_kbps": 4000}}')
    async with receiving(answer) as receiver, asking(receiver) as backend:
        assert (await backend.ask(REQUEST)).policy.max_kbps == 4000


async def test_answers_are_not_kept_unless_they_say_so() -> None:
    async with receiving() as receiver, asking(receiver) as backend:
        await backend.ask(REQUEST)
        await backend.ask(REQUEST)
        assert len(receiver.got) == 2


@pytest.mark.parametrize(
    "answer",
    [
        says(200, Cache_Control="max-age=60"),
        says(200, b'{"cache_s": 60}'),
        says(403, Cache_Control="max-age=60"),
    ],
)
async def test_an_answer_is_kept_for_the_same_question_alone(answer: Answer) -> None:
    async with receiving(answer) as receiver, asking(receiver) as backend:
        first = await backend.ask(REQUEST)
        assert await backend.ask(REQUEST._replace(id="rtmp-8")) == first
        assert len(receiver.got) == 1
        for other in (
            REQUEST._replace(action=Action.PLAY),
            REQUEST._replace(stream="live/b"),
            REQUEST._replace(address="192.0.2.2"),
            REQUEST._replace(query="token=other"),
        ):
            await backend.ask(other)
        assert len(receiver.got) == 5


async def test_after_five_failures_it_is_not_asked_any_more() -> None:
    async with receiving(says(500)) as receiver, asking(receiver) as backend:
        for _ in range(OPENS_AFTER + 3):
            assert not (await backend.ask(REQUEST)).allowed
        assert len(receiver.got) == OPENS_AFTER == 5
        assert backend.open_breakers == 1
        assert backend.unanswered == OPENS_AFTER + 3


async def test_a_probe_that_succeeds_ends_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipstream.hooks.breaker.PROBE_EVERY_S", 0.0)
    async with receiving(says(500)) as receiver, asking(receiver) as backend:
        for _ in range(OPENS_AFTER):
            await backend.ask(REQUEST)
        receiver.answer = says(200)
        assert (await backend.ask(REQUEST)).allowed
        assert backend.open_breakers == 0


async def test_a_refusal_is_no_failure() -> None:
    async with receiving(says(403)) as receiver, asking(receiver) as backend:
        for _ in range(OPENS_AFTER + 1):
            await backend.ask(REQUEST)
        assert len(receiver.got) == OPENS_AFTER + 1


async def test_where_the_default_is_allow_no_answer_allows_and_a_no_does_not() -> None:
    async with (
        receiving(says(500)) as receiver,
        asking(receiver, ask_default="allow") as backend,
    ):
        for _ in range(OPENS_AFTER + 1):
            assert (await backend.ask(REQUEST)).allowed
    async with (
        receiving(says(403)) as receiver,
        asking(receiver, ask_default="allow") as backend,
    ):
        assert not (await backend.ask(REQUEST)).allowed


async def test_without_an_address_nobody_is_allowed() -> None:
    async with receiving() as receiver, asking(receiver, "") as backend:
        decision = await backend.ask(REQUEST)
        assert not decision.allowed
        assert "hooks.ask_publish" in decision.reason
        assert not receiver.got


async def test_many_at_once_have_their_answers_while_one_hangs() -> None:
    async with (
        receiving(hang) as slow,
        receiving() as quick,
        asking(slow, ask_timeout_s=0.5, ask_play=quick.url) as backend,
    ):
        hanging = [asyncio.ensure_future(backend.ask(REQUEST)) for _ in range(3)]
        playing = [backend.ask(REQUEST._replace(action=Action.PLAY)) for _ in range(100)]
        decisions = await asyncio.gather(*playing)
        assert all(decision.allowed for decision in decisions)
        assert not any(decision.allowed for decision in await asyncio.gather(*hanging))


CONNECTING = Notice(
    NoticeKind.CONNECT, "live", "rtmp-7", "192.0.2.1", "rtmp", "FMLE/3.0", query="token=secret"
)


async def test_a_question_about_a_connection_is_asked_and_kept_as_the_others_are() -> None:
    answer = says(200, b'{"cache_s": 60}')
    async with (
        receiving(answer) as receiver,
        asking(receiver, ask_connect=receiver.url) as backend,
    ):
        assert backend.is_asked("live")
        for connection in ("rtmp-7", "rtmp-8"):
            assert (await backend.ask_connect(replace(CONNECTING, id=connection))).allowed
        asked = json.loads(receiver.got[0].body)
        assert len(receiver.got) == 1
        for other in ("address", "query", "client", "tc_url", "page_url"):
            await backend.ask_connect(replace(CONNECTING, **{other: "other"}))
        await backend.ask_connect(replace(CONNECTING, stream="other"))
        assert len(receiver.got) == 7
    assert (asked["question"], asked["app"], asked["stream"]) == ("connect", "live", "")
    assert asked["query"] == "token=secret"


async def test_who_connects_is_not_asked_about_unless_it_is_set() -> None:
    async with receiving() as receiver, asking(receiver) as backend:
        assert not backend.is_asked("live")


async def test_after_five_failures_nobody_connects_and_nobody_is_asked() -> None:
    async with (
        receiving(says(500)) as receiver,
        asking(receiver, ask_connect=receiver.url) as backend,
    ):
        for _ in range(OPENS_AFTER + 3):
            assert not (await backend.ask_connect(CONNECTING)).allowed
        assert len(receiver.got) == OPENS_AFTER
