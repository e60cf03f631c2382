"""How long connections may be silent: before they have asked for something, and after."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from slipstream.http import application
from slipstream.http.entrance import HttpEntrance
from slipstream.net.admissions import Admissions

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection that has come in by the entrance."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="here")

    app = application.http_application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    assert runner.server is not None
    admissions = Admissions(max_pending=1, max_pending_per_address=1)
    entrance = HttpEntrance(admissions, asyncio.get_running_loop())
    entrance.open(runner.server)
    ours, theirs = socket.socketpair()
    admissions.opened("x")
    entrance(theirs, "x")
    reader, writer = await asyncio.open_connection(sock=ours)
    try:
        yield reader, writer
    finally:
        writer.close()
        await runner.cleanup()


async def test_a_head_that_dribbles_is_given_up_whatever_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(application, "FIRST_HEAD_S", 0.3)
    loop = asyncio.get_running_loop()
    async with connected() as (reader, writer):
        started = loop.time()
        writer.write(HEAD)
        for _ in range(60):
            writer.write(b"x")
            await asyncio.sleep(0.05)
            if reader.at_eof():
                break
        assert 0.2 < loop.time() - started < 2


async def test_who_has_been_answered_may_be_silent_for_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(application, "FIRST_HEAD_S", 0.3)
    async with connected() as (reader, writer):
        for _ in range(2):
            writer.write(HEAD + b"\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0]))
            await asyncio.sleep(0.6)
        assert not reader.at_eof()


async def test_who_has_been_answered_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(application.LIMITS, "keepalive_timeout", 0.3)
    async with connected() as (reader, writer):
        writer.write(HEAD + b"\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200")  # to its end


def test_a_head_must_be_whole_within_ten_seconds() -> None:
    assert application.FIRST_HEAD_S == 10
