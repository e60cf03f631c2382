"""Answers that are ready: what goes over the wire, to peers that read fast, slowly, or not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest
from aiohttp import web

from slipstream.http import ready
from slipstream.http.application import http_application
from slipstream.http.ready import FILE_BYTES, ReadyFile, make_ready

BODIES = {"short": b"#EXTM3U\n", "long": bytes(range(256)) * (FILE_BYTES // 256), "huge": b""}
BODIES["huge"] = BODIES["long"] * 256  # more than a socket takes at once
HEADERS = {"Cache-Control": "max-age=1", "ETag": '"x"', "Content-Type": "video/mp4"}


def response(name: str) -> web.Response:
    return web.Response(body=BODIES[name], headers=HEADERS)


@asynccontextmanager
async def serving() -> AsyncIterator[int]:
    """A server of `/usual/{name}` and the same `/ready/{name}`; its port."""
    made = {name: make_ready(response(name)) for name in BODIES}

    async def usual(request: web.Request) -> web.StreamResponse:
        return response(request.match_info["name"])

    async def at_once(request: web.Request) -> web.StreamResponse:
        return made[request.match_info["name"]]

    app = http_application()
    app.router.add_get("/usual/{name}", usual)
    app.router.add_get("/ready/{name}", at_once)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("name", BODIES)
async def test_a_ready_answer_is_the_one_it_was_made_from(name: str) -> None:
    async with serving() as port, aiohttp.ClientSession() as session:
        got = []
        for way in ("usual", "ready", "ready"):
            async with session.get(f"http://127.0.0.1:{port}/{way}/{name}") as answer:
                headers = {key: value for key, value in answer.headers.items() if key != "Date"}
                assert "Date" in answer.headers
                got.append((answer.status, answer.reason, headers, await answer.read()))
    assert got[1] == got[2] == got[0]


async def test_answers_come_in_order_over_one_connection() -> None:
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for name in ("long", "short", "huge", "short"):
            writer.write(f"GET /ready/{name} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        for name in ("long", "short", "huge", "short"):
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(len(BODIES[name])) == BODIES[name]
        writer.close()


async def ask_for_huge(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", port))
    await loop.sock_sendall(sock, b"GET /ready/huge HTTP/1.1\r\nHost: x\r\n\r\n")
    return sock


async def test_who_reads_slowly_gets_all_of_it() -> None:
    loop = asyncio.get_running_loop()
    async with serving() as port:
        with await ask_for_huge(port) as sock:
            data = bytearray()
            while len(data) < len(BODIES["huge"]) or not data.endswith(BODIES["huge"]):
                data += await loop.sock_recv(sock, 1 << 20)


async def test_who_takes_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "STALLED_S", 0.05)
    loop = asyncio.get_running_loop()
    async with serving() as port:
        with await ask_for_huge(port) as sock:
            await asyncio.sleep(0.3)  # for it to lose its patience
            received = 0
            with suppress(ConnectionResetError):
                while data := await loop.sock_recv(sock, 1 << 20):
                    received += len(data)
            assert received < len(BODIES["huge"])


async def test_who_leaves_in_the_middle_costs_nobody_else() -> None:
    async with serving() as port:
        (await ask_for_huge(port)).close()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /ready/short HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
        writer.close()


def test_only_long_answers_have_a_file() -> None:
    assert isinstance(make_ready(response("long")), ReadyFile)
    assert not isinstance(make_ready(response("short")), ReadyFile)
