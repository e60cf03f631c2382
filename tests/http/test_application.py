"""The HTTP server's limits, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.control.stage import serving

HEAD = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with serving() as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(stage.url.split(":")[-1]))
        try:
            yield reader, writer
        finally:
            writer.close()


async def answer(request: bytes) -> bytes:
    async with connected() as (reader, writer):
        writer.write(request)
        return await reader.readuntil(b"\r\n\r\n")


def header(length: int) -> bytes:
    return b"X: " + b"x" * (length - 3) + b"\r\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (HEAD + b"".join(b"x-%d: x\r\n" % n for n in range(90)) + b"\r\n", 200),
        (HEAD + b"".join(b"x-%d: x\r\n" % n for n in range(101)) + b"\r\n", 400),
        (HEAD + b"".join(b"x-%d: x\r\n" % n for n in range(5000)) + b"\r\n", 400),
        (b"GET /health/live?" + b"x" * 8100 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        (b"GET /health/live?" + b"x" * 8200 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /health/live?" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (HEAD + header(8000) + b"\r\n", 200),
        (HEAD + header(8300) + b"\r\n", 400),
        (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n", 400),
    ],
)
async def test_heads_have_limits(request_: bytes, status: int) -> None:
    head = await answer(request_)
    assert head.split()[1] == str(status).encode()


async def test_no_answer_tells_the_librarys_version() -> None:
    for request in (HEAD + b"\r\n", b"nonsense\r\n\r\n"):
        head = await answer(request)
        assert b"aiohttp" not in head
        assert b"Python" not in head
