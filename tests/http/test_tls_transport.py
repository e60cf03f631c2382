"""HTTPS: the library's server behind a transport of ours."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from slipstream.http.application import http_application
from slipstream.http.entrance import HttpEntrance
from slipstream.http.ready import ReadyAnswer
from slipstream.http.tls_transport import TlsTransport
from slipstream.net.admissions import Admissions
from slipstream.net.link import Link
from slipstream.net.tls_entrance import TlsEntrance
from slipstream.tls import TlsConnection
from slipstream.tls.certificates import read
from tests.net.stage import until
from tests.tls.stage import make_pair, trusting_anybody

LARGE = os.urandom(3_000_000)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return read(make_pair(tmp_path_factory.mktemp("pair"), "example.test")).context


class Site:
    """Serves some paths; keeps what it knows of its connections."""

    def __init__(self, context: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        self.admissions = Admissions()
        self.taken: list[Link] = []
        self.schemes: list[str] = []
        self._http = HttpEntrance(self.admissions, loop)
        self._entrance = TlsEntrance(
            lambda: context, self._http.take_encrypted, self.admissions, loop, within_s=lambda: 5
        )
        app = http_application()
        app.router.add_get("/large", self._large)
        app.router.add_get("/pieces", self._pieces)
        app.router.add_get("/endless", self._endless)
        app.router.add_route("*", "/echo", self._echo)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)

    async def start(self) -> None:
        await self.runner.setup()
        assert self.runner.server is not None
        ready = ReadyAnswer(web.Response(body=LARGE))
        self._http.open(self.runner.server, lambda target, _: ready if target == "/ready" else None)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        near, far = socket.socketpair()
        self.admissions.opened("127.0.0.9")
        self._entrance(near, "127.0.0.9")
        return await asyncio.open_connection(
            sock=far, ssl=trusting_anybody(), server_hostname="", limit=1 << 16
        )

    async def _large(self, request: web.Request) -> web.Response:
        self.schemes.append(f"{request.scheme} {request.remote}")
        return web.Response(body=LARGE)

    async def _pieces(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for start in range(0, len(LARGE), 100_000):
            await response.write(LARGE[start : start + 100_000])
        return response

    async def _echo(self, request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    async def _endless(self, request: web.Request) -> web.Response:
        assert isinstance(request.transport, TlsTransport)
        self.taken.append(request.transport.take_link())
        return web.Response()


@asynccontextmanager
async def opened(context: ssl.SSLContext) -> AsyncIterator[Site]:
    site = Site(context)
    await site.start()
    try:
        yield site
    finally:
        await site.runner.cleanup()


def head(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, body: bytes = b""
) -> bytes:
    post = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(post.encode() + body if body else head(path))
    answer = (await reader.readuntil(b"\r\n\r\n")).lower()
    assert answer.startswith(b"http/1.1 200")
    if b"transfer-encoding: chunked" in answer:
        got = b""
        while size := int(await reader.readline(), 16):
            got += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return got
    return await reader.readexactly(int(answer.partition(b"content-length: ")[2].split()[0]))


async def test_whole_answers_come_over_one_connection(context: ssl.SSLContext) -> None:
    async with opened(context) as site:
        reader, writer = await site.connect()
        for path in ("/large", "/ready", "/pieces", "/large", "/ready"):
            assert await ask(reader, writer, path) == LARGE, path
            await asyncio.sleep(0.02)  # until the library waits for more
        assert await ask(reader, writer, "/echo", LARGE[:200_000]) == LARGE[:200_000]
        assert site.schemes == ["https 127.0.0.9"] * 2
        assert site.admissions.open == 1
        writer.close()
        await until(lambda: site.admissions.open == 0)
        assert site.admissions.pending == 0


@pytest.mark.parametrize("path", ["/large", "/pieces", "/ready"])
async def test_no_more_of_an_answer_is_encrypted_than_the_peer_takes(
    context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    encrypted = 0
    encrypt: Callable[[TlsConnection, memoryview], bytes] = TlsConnection.encrypt

    def count(tls: TlsConnection, data: memoryview) -> bytes:
        nonlocal encrypted
        encrypted += len(data)
        return encrypt(tls, data)

    async with opened(context) as site:
        reader, writer = await site.connect()
        await ask(reader, writer, "/echo")
        monkeypatch.setattr(TlsConnection, "encrypt", count)
        writer.write(head(path))
        await until(lambda: encrypted > 0)
        for _ in range(20):
            await asyncio.sleep(0.005)
        assert encrypted < len(LARGE) / 2
        got = 0
        while got < len(LARGE):
            got += len(await reader.read(1 << 16))
        writer.close()


async def test_the_last_answer_arrives_whole_however_slowly_it_is_read(
    context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipstream.net.link.LINGER_S", 0.1)  # once it has been sent
    async with opened(context) as site:
        reader, writer = await site.connect()
        writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.5)
        assert await reader.read(-1) == LARGE
        writer.close()
        await until(lambda: site.admissions.open == 0)


async def test_who_takes_nothing_of_an_answer_is_let_go(
    context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipstream.http.tls_transport.STALLED_S", 0.3)
    async with opened(context) as site:
        _, writer = await site.connect()
        writer.write(head("/large"))
        await until(lambda: site.admissions.open == 0)
        writer.close()


async def test_a_connection_that_is_taken_over_goes_on_as_a_link(
    context: ssl.SSLContext,
) -> None:
    async with opened(context) as site:
        reader, writer = await site.connect()
        writer.write(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: bool(site.taken))
        await until(lambda: site.admissions.open == 0)  # to the library it has ended
        (link,) = site.taken
        link.write(b"and on")
        assert await reader.readexactly(6) == b"and on"
        link.close()
        assert await reader.read() == b""
        writer.close()


async def test_who_asks_nothing_in_time_is_let_go(
    context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipstream.http.application.FIRST_HEAD_S", 0.2)
    async with opened(context) as site:
        reader, writer = await site.connect()
        writer.write(b"GET / HTTP/1.1\r\nHo")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        await until(lambda: site.admissions.open == 0)
