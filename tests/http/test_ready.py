"""Answers that are ready: what goes over the wire, to peers that read fast, slowly, or not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import web

from slipstream.http import application, ready
from slipstream.http.application import http_application
from slipstream.http.entrance import HttpEntrance
from slipstream.http.ready import FILE_BYTES, ReadyAnswer
from slipstream.net.admissions import Admissions
from slipstream.net.listener import Listener, open_listening_socket

BODIES = {"short": b"#EXTM3U\n", "long": bytes(range(256)) * (FILE_BYTES // 256), "huge": b""}
BODIES["huge"] = BODIES["long"] * 256  # more than a socket takes at once
HEADERS = {"Cache-Control": "max-age=1", "ETag": '"x"', "Content-Type": "video/mp4"}


def response(name: str) -> web.Response:
    return web.Response(body=BODIES[name], headers=HEADERS)


@asynccontextmanager
async def serving() -> AsyncIterator[int]:
    """A server of `/usual/{name}`, and of the same as `/ready/{name}` from the second time on."""
    made = {f"/ready/{name}": ReadyAnswer(response(name)) for name in BODIES}

    async def usual(request: web.Request) -> web.StreamResponse:
        return response(request.match_info["name"])

    app = http_application()
    app.router.add_get("/usual/{name}", usual)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    assert runner.server is not None
    admissions = Admissions()
    entrance = HttpEntrance(admissions, asyncio.get_running_loop())
    entrance.open(runner.server, lambda target, _: made.get(target))
    sock = open_listening_socket("127.0.0.1:0")
    port = sock.getsockname()[1]
    listener = Listener(sock, entrance, admissions, asyncio.get_running_loop())
    listener.start()
    try:
        yield port
    finally:
        listener.stop()
        await runner.cleanup()


async def connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection over which the library has been asked once."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head("usual/short"))
    assert (await answer(reader)).endswith(BODIES["short"])
    await asyncio.sleep(0.05)  # until the library waits for more
    return reader, writer


def head(path: str, more: str = "") -> bytes:
    return f"GET /{path} HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode()


async def answer(reader: asyncio.StreamReader) -> bytes:
    lines = await reader.readuntil(b"\r\n\r\n")
    length = int(lines.lower().partition(b"content-length: ")[2].split()[0])
    return lines + await reader.readexactly(length)


def dateless(answer: bytes) -> list[bytes]:
    lines, _, body = answer.partition(b"\r\n\r\n")
    fields = [line for line in lines.split(b"\r\n") if not line.startswith(b"Date: ")]
    return [*sorted(fields), body]


@pytest.mark.parametrize("name", BODIES)
async def test_a_ready_answer_is_the_one_it_was_made_from(name: str) -> None:
    async with serving() as port:
        reader, writer = await connected(port)
        got = []
        for way in ("usual", "ready", "ready", "usual"):
            writer.write(head(f"{way}/{name}"))
            got.append(dateless(await answer(reader)))
            await asyncio.sleep(0.05)
        assert got[1:] == got[:1] * 3
        writer.close()


async def test_answers_come_in_order_over_one_connection() -> None:
    async with serving() as port:
        reader, writer = await connected(port)
        for name in ("huge", "short", "long", "short"):
            writer.write(head(f"ready/{name}"))
            assert dateless(await answer(reader))[-1] == BODIES[name]
        writer.write(head("ready/huge"))
        await asyncio.sleep(0.05)  # it does not fit into the socket at once
        writer.write(head("ready/short"))
        assert dateless(await answer(reader))[-1] == BODIES["huge"]
        assert dateless(await answer(reader))[-1] == BODIES["short"]
        writer.close()


async def test_nothing_is_ready_for_other_headers_before_the_library_has_read_them() -> None:
    async with serving() as port:
        reader, writer = await connected(port)
        writer.write(head("ready/short", "Range: bytes=0-0\r\n"))
        assert (await answer(reader)).startswith(b"HTTP/1.1 404 ")
        await asyncio.sleep(0.05)
        writer.write(head("ready/short", "Range: bytes=0-0\r\n"))
        assert (await answer(reader)).startswith(b"HTTP/1.1 404 ")
        writer.close()


async def test_who_asks_for_several_things_at_once_is_answered_by_the_library() -> None:
    async with serving() as port:
        reader, writer = await connected(port)
        writer.write(head("usual/short") + head("ready/short"))
        assert (await answer(reader)).startswith(b"HTTP/1.1 200 ")
        assert (await answer(reader)).startswith(b"HTTP/1.1 404 ")
        writer.write(head("ready/short"))
        assert (await answer(reader)).startswith(b"HTTP/1.1 404 ")
        writer.close()


async def test_half_a_head_is_none() -> None:
    async with serving() as port:
        reader, writer = await connected(port)
        whole = head("ready/short")
        writer.write(whole[:10])
        await asyncio.sleep(0.05)
        writer.write(whole[10:])
        assert (await answer(reader)).startswith(b"HTTP/1.1 404 ")
        writer.close()


async def test_the_library_hears_of_a_connection_before_it_gives_it_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(application, "KEEP_ALIVE_S", 0.2)
    async with serving() as port:
        reader, writer = await connected(port)
        writer.write(head("ready/short"))
        assert (await answer(reader)).startswith(b"HTTP/1.1 200 ")
        await asyncio.sleep(0.15)
        writer.write(head("ready/short"))
        assert (await answer(reader)).startswith(b"HTTP/1.1 404 ")
        writer.close()


async def ask_for_huge(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", port))
    for name in ("usual/short", "ready/huge"):
        await loop.sock_sendall(sock, head(name))
        await asyncio.sleep(0.05)
        if name == "usual/short":
            assert (await loop.sock_recv(sock, 4096)).endswith(BODIES["short"])
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
        writer.write(head("usual/short"))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
        writer.close()


def test_only_long_answers_have_a_file() -> None:
    assert ReadyAnswer(response("long")).is_long
    assert not ReadyAnswer(response("short")).is_long
