"""Which web pages may play from here: what CORS says to browsers, and what WebSockets check.

Browsers let any page open a WebSocket, so the server has to look at `Origin` itself. Players
outside browsers send none and are never refused for that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from aiohttp import web

ANY = "*"


class Origins:
    """Asked for each request.

    Args:
        allowed: origins such as `https://example.com`, or `*`; the server's own is always.
    """

    def __init__(self, allowed: Callable[[], Collection[str]]) -> None:
        self._allowed = allowed

    @property
    def are_any(self) -> bool:
        """Whether all pages may."""
        return ANY in self._allowed()

    def allows(self, request: web.Request) -> bool:
        """Whether the page that asks, if it is one, may play from here."""
        origin = request.headers.get("Origin", "").lower()
        if not origin or self.are_any:
            return True
        if any(origin == allowed.lower().rstrip("/") for allowed in self._allowed()):
            return True
        return urlsplit(origin).netloc == request.headers.get("Host", "").lower()

    def headers(self, request: web.Request) -> dict[str, str]:
        """What is to be said to the browser."""
        if self.are_any:
            return {"Access-Control-Allow-Origin": ANY}
        headers = {"Vary": "Origin"}
        if "Origin" in request.headers and self.allows(request):
            headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        return headers

    async def preflight(self, request: web.Request) -> web.Response:
        """Answer a browser that asks before it asks."""
        headers = {
            **self.headers(request),
            "Access-Control-Allow-Methods": "GET",
            "Access-Control-Allow-Headers": "Authorization",
        }
        return web.Response(status=204, headers=headers)
