"""Streams over HTTP, and what is said of those that are none. Over RTMP: tests/net."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from slipstream.errors import SlipstreamError
from slipstream.media import FlvTag, build_flv_tag, flv_header
from slipstream.net.rtmp_client import EndedError
from slipstream.tools.watch import watching

TAGS = [FlvTag(8, 20 * number, b"\xaf\x01\x21\x00") for number in range(5)]
FLV = flv_header() + b"".join(build_flv_tag(*tag) for tag in TAGS)


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[str]:
    """The URL of an HTTP server that answers so and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/live/a.flv?key=secret"


async def seen(url: str) -> tuple[list[FlvTag], str]:
    """All that comes of a stream, and how it ends."""
    tags: list[FlvTag] = []
    try:
        async with watching(url) as batches:
            async for batch in batches:
                tags += batch
    except EndedError as end:
        return tags, str(end)
    raise AssertionError("a stream ends with an error")


async def test_a_stream_comes_to_its_end() -> None:
    async with answering(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + FLV) as url:
        assert await seen(url) == (TAGS, "The server ended the stream")


async def test_a_stream_that_breaks_off_has_come_so_far() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    async with answering(head + FLV[:-10]) as url:
        tags, end = await seen(url)
    assert tags == TAGS[:-1]
    assert end.startswith("The server is gone: ")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 14\r\n\r\nno such stream",
            "no such stream (404 Not Found)",
        ),
        (
            b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
            "503 Service Unavailable",
        ),
        (b"HTTP/1.1 200 OK\r\n\r\n<html>Welcome</html>", " is no FLV: no FLV header: 3c68746d"),
        (b"", "the server hung up without an answer; does it speak HTTP there?"),
    ],
)
async def test_what_is_no_stream_is_told(answer: bytes, words: str) -> None:
    async with answering(answer) as url:
        with pytest.raises(SlipstreamError) as error:
            await seen(url)
    assert str(error.value).endswith(words)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://h/live/a", "ftp://h/live/a begins neither with rtmp:// nor with http://"),
        ("http://127.0.0.1:1/a.flv", "connection refused; no server is running there"),
        ("http://nohost.invalid/a.flv", "there is no such host"),
        ("http://h:99999/a.flv", "is no valid URL"),
    ],
)
async def test_a_url_that_leads_nowhere_is_told(url: str, words: str) -> None:
    with pytest.raises(SlipstreamError) as error:
        await seen(url)
    assert str(error.value).endswith(words)
