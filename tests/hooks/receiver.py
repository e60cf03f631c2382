"""A small HTTP server that is told and asked, and answers as a test wants it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiohttp import web
from aiohttp.test_utils import TestServer


class Got(NamedTuple):
    """What was posted."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """Of the message."""
        return self.headers["webhook-id"]


Answer = Callable[[Got, web.Request], Awaitable[web.StreamResponse]]


class Receiver:
    """Made by `receiving()`; `answer` may be changed at any time."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.got: list[Got] = []
        self.url = ""
        self._more = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        got = Got(request.path, headers, await request.read())
        self.got.append(got)
        self._more.set()
        return await self.answer(got, request)

    async def until(self, count: int) -> list[Got]:
        """All that has come, once there is so much of it."""
        async with asyncio.timeout(20):
            while len(self.got) < count:
                self._more.clear()
                await self._more.wait()
        return self.got


def says(status: int, body: bytes = b"", **headers: str) -> Answer:
    """Always the same."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(_: Got, __: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers=named)

    return answer


async def hang(_: Got, request: web.Request) -> web.StreamResponse:
    """Never."""
    await asyncio.Event().wait()
    return web.Response()


async def drip(_: Got, request: web.Request) -> web.StreamResponse:
    """A byte now and then, without an end."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.05)


async def flood(_: Got, request: web.Request) -> web.StreamResponse:
    """A yes of one megabyte."""
    return web.Response(body=b'{"allow": true, "reason": "' + b"x" * (1 << 20) + b'"}')


@asynccontextmanager
async def receiving(answer: Answer | None = None) -> AsyncIterator[Receiver]:
    """A receiver on a free port of this machine."""
    receiver = Receiver(answer or says(200))
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.handle)
    server = TestServer(app)
    await server.start_server(shutdown_timeout=0.1)
    receiver.url = str(server.make_url("/"))
    try:
        yield receiver
    finally:
        await server.close()
