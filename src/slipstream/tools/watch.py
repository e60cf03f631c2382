"""A stream as any player gets it, over RTMP or HTTP-FLV: tags in, whatever carried them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

import aiohttp

from slipstream.errors import SlipstreamError
from slipstream.media import FlvParser, FlvTag
from slipstream.net.rtmp_client import ANSWER_S, CONNECT_S, EndedError, RtmpClient
from slipstream.rtmp import parse_rtmp_url
from slipstream.tls import client_context
from slipstream.tools.wording import url_words

MAX_WORDS = 200  # characters of what an HTTP server says when it refuses

Batches: TypeAlias = AsyncIterator[list[FlvTag]]


def watching(url: str, *, insecure: bool = False) -> AbstractAsyncContextManager[Batches]:
    """Play a URL: yields the tags in batches, as they come.

    Args:
        url: of rtmp, rtmps, http or https.
        insecure: with TLS: any certificate will do.

    Raises:
        EndedError: from the iterator, when the server ends the stream; it never ends otherwise.
        SlipstreamError: the server cannot be reached, says no, or sends something else.
    """
    scheme = url.strip().partition("://")[0].lower()
    if scheme in ("http", "https"):
        return _over_http(url.strip(), insecure=insecure)
    if scheme in ("rtmp", "rtmps"):
        return _over_rtmp(url, insecure=insecure)
    raise SlipstreamError(f"{url_words(url)} begins neither with rtmp:// nor with http://")


@asynccontextmanager
async def _over_rtmp(url: str, *, insecure: bool) -> AsyncIterator[Batches]:
    async with await RtmpClient.open(parse_rtmp_url(url), insecure=insecure) as client:
        await client.play()
        yield _tags_of(client)


async def _tags_of(client: RtmpClient) -> Batches:
    while True:
        messages = await client.receive()
        yield [FlvTag(type_id, timestamp, body) for timestamp, type_id, _, body in messages]


@asynccontextmanager
async def _over_http(url: str, *, insecure: bool) -> AsyncIterator[Batches]:
    limits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
    async with aiohttp.ClientSession(timeout=limits) as session:
        try:
            async with asyncio.timeout(ANSWER_S):
                response = await session.get(url, ssl=client_context(insecure=insecure))
        except TimeoutError:
            raise SlipstreamError(f"{url_words(url)}: no answer") from None
        except aiohttp.ClientError as error:
            raise SlipstreamError(f"{url_words(url)}: {_reason(error)}") from error
        async with response:
            if response.status != 200:
                words = (await response.text(errors="replace")).strip()[:MAX_WORDS]
                status = f"{response.status} {response.reason}"
                said = f"{words} ({status})" if words else status
                raise SlipstreamError(f"{url_words(url)}: {said}")
            yield _tags_in(response)


async def _tags_in(response: aiohttp.ClientResponse) -> Batches:
    parser = FlvParser()
    try:
        async for data in response.content.iter_any():
            if tags := parser.receive_data(data):
                yield tags
            if parser.error is not None:
                raise SlipstreamError(f"{url_words(str(response.url))} is no FLV: {parser.error}")
    except aiohttp.ClientError as error:
        raise EndedError(f"The server is gone: {_reason(error)}") from error
    raise EndedError("The server ended the stream")


def _reason(error: aiohttp.ClientError) -> str:
    if isinstance(error, aiohttp.InvalidURL):
        return "is no valid URL"
    if isinstance(error, aiohttp.ClientConnectorError):
        if isinstance(error.os_error, socket.gaierror):
            return "there is no such host"
        if isinstance(error.os_error, ConnectionRefusedError):
            return "connection refused; no server is running there"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server hung up without an answer; does it speak HTTP there?"
    return str(error) or type(error).__name__
