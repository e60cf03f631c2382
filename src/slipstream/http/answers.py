"""Finite answers: bytes that never change, with ranges and tags; playlists, compressed."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from hashlib import blake2b

from aiohttp import hdrs, web

FOREVER = "public, max-age=31536000, immutable"
PRIVATELY = FOREVER.replace("public", "private")
GZIP_LEVEL = 5
TAG_BYTES = 8


def for_ever(request: web.BaseRequest) -> str:
    """The `Cache-Control` of what its address always means.

    What was shown in a header is no part of the address: caches on the way would let everybody
    have it (RFC 9111 §3.5).
    """
    return PRIVATELY if hdrs.AUTHORIZATION in request.headers else FOREVER


def unchanging(
    request: web.Request, body: bytes, content_type: str, tag: str, headers: Mapping[str, str]
) -> web.Response:
    """Answer with bytes that their address always means, or with a range of them.

    Args:
        request: what is asked for; its range and its tags are looked at.
        body: the bytes.
        content_type: of them.
        tag: what they are known by.
        headers: to go with it.
    """
    headers = {
        **headers,
        "Cache-Control": for_ever(request),
        "ETag": f'"{tag}"',
        "Accept-Ranges": "bytes",
    }
    if "If-None-Match" in request.headers and knows(request, tag):
        return web.Response(status=304, headers=headers)
    status = 200
    if "Range" in request.headers and _range_holds(request, tag):
        try:
            wanted = request.http_range
        except ValueError:
            wanted = slice(None, None, 1)  # of another kind, or several: all of it (RFC 9110 §14.2)
        if wanted.start is not None or wanted.stop is not None:
            first, last, _ = wanted.indices(len(body))
            if first >= last:
                headers["Content-Range"] = f"bytes */{len(body)}"
                return web.Response(status=416, headers=headers)
            headers["Content-Range"] = f"bytes {first}-{last - 1}/{len(body)}"
            body, status = body[first:last], 206
    return web.Response(body=body, status=status, content_type=content_type, headers=headers)


def knows(request: web.Request, tag: str) -> bool:
    """Whether the one who asks has what is known by this tag."""
    return any(known.value in ("*", tag) for known in request.if_none_match or ())


def _range_holds(request: web.Request, tag: str) -> bool:
    condition = request.headers.get("If-Range")
    return condition is None or condition == f'"{tag}"'


class Text:
    """A text that many ask for, compressed once.

    Args:
        text: what it says.
        content_type: of it.
    """

    __slots__ = ("_gzipped", "_plain", "content_type", "tag")

    def __init__(self, text: str, content_type: str) -> None:
        self.content_type = content_type
        self._plain = text.encode()
        self._gzipped: bytes | None = None
        # By what it says, since every worker has to know it by the same.
        self.tag = blake2b(self._plain, digest_size=TAG_BYTES).hexdigest()

    def answer(self, request: web.Request, headers: Mapping[str, str]) -> web.Response:
        """Answer with it, in the way that the other side reads."""
        # Weak, for it is the same of both ways (RFC 9110 §8.8.3.3).
        headers = {**headers, "ETag": f'W/"{self.tag}"', "Content-Type": self.content_type}
        headers["Vary"] = ", ".join(filter(None, (headers.get("Vary"), "Accept-Encoding")))
        if "If-None-Match" in request.headers and knows(request, self.tag):
            return web.Response(status=304, headers=headers)
        if "gzip" not in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=self._plain, headers=headers)
        if self._gzipped is None:
            self._gzipped = gzip.compress(self._plain, GZIP_LEVEL, mtime=0)
        headers["Content-Encoding"] = "gzip"
        return web.Response(body=self._gzipped, headers=headers)
