"""Bytes that many ask for: sent as they are or compressed, or not at all to who has them."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Mapping

from aiohttp import web

COMPRESSED_FROM = 1024  # bytes: below, one packet carries it as it is
COMPRESSED_ALOOF = 64 << 10  # bytes: above, it takes a thread more than 2 ms


class Body:
    """Made once, asked for `response()` by each request.

    Args:
        data: the bytes.
        content_type: of the bytes; only texts are compressed.
    """

    def __init__(self, data: bytes, content_type: str) -> None:
        self.content_type = content_type
        self._data = data
        self._tag = hashlib.sha256(data).hexdigest()[:16]
        self._compressed: bytes | None = None

    async def response(
        self, request: web.Request, headers: Mapping[str, str], status: int = 200
    ) -> web.Response:
        """Return the answer with these headers."""
        headers = {**headers, "ETag": f'W/"{self._tag}"', "Vary": "Accept-Encoding"}
        if any(known.value in ("*", self._tag) for known in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        data = self._data
        if len(data) >= COMPRESSED_FROM and "gzip" in request.headers.get("Accept-Encoding", ""):
            data = await self._compress()
            headers["Content-Encoding"] = "gzip"
        headers["Content-Type"] = self.content_type
        return web.Response(status=status, body=data, headers=headers)

    async def _compress(self) -> bytes:
        if self._compressed is None:
            if len(self._data) > COMPRESSED_ALOOF:
                self._compressed = await asyncio.to_thread(_gzip, self._data)
            else:
                self._compressed = _gzip(self._data)
        return self._compressed


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, 9, mtime=0)
