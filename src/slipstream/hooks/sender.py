"""Posts to the addresses of the configuration: one deadline for all of it, no redirects."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

import aiohttp

from slipstream.errors import SlipstreamError

MAX_ANSWER_BYTES = 64 << 10
MAX_CONNECTIONS = 256
MAX_CONNECTIONS_PER_HOST = 64
AGENT = "Slipstream"


class PostError(SlipstreamError):
    """There was no whole answer."""


class Answered(NamedTuple):
    """What came back."""

    status: int
    body: bytes
    cache_control: str


class Sender:
    """Make it where a loop runs; `close()` it in the end."""

    def __init__(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=MAX_CONNECTIONS, limit_per_host=MAX_CONNECTIONS_PER_HOST
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # else a few bytes could become any number
            headers={"User-Agent": AGENT, "Accept-Encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=None),
        )

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> Answered:
        """Post, and read the answer.

        Args:
            url: of the configuration.
            body: as it is signed.
            headers: with the body's type.
            timeout_s: from now to the last byte of the answer.

        Raises:
            PostError: there was none, in time, of a size that can be meant.
        """
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._session.post(
                    url, data=body, headers=headers, allow_redirects=False
                ) as response,
            ):
                data = bytearray()
                async for piece in response.content.iter_any():
                    data += piece
                    if len(data) > MAX_ANSWER_BYTES:
                        raise PostError(f"answered with more than {MAX_ANSWER_BYTES} bytes")
                cache_control = response.headers.get("Cache-Control", "")
                return Answered(response.status, bytes(data), cache_control)
        except TimeoutError as error:
            raise PostError(f"no answer within {timeout_s:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise PostError(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """End all connections."""
        await self._session.close()
