"""DASH over HTTP: `GET /{app}/{name}.mpd`, and the clock that players set theirs by.

    /{app}/{name}.mpd                       the manifest
    /{app}/{name}@time                      the server's time

Segments are in `media_segments`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from aiohttp import web
from aiohttp.typedefs import Handler

from slipstream.formats import dash
from slipstream.http.asked import Routes

PROTOCOL = "dash"
MANIFEST = "application/dash+xml"


class HttpDash(Routes):
    """See the module."""

    def routes(self) -> Iterable[tuple[str, Handler]]:
        """Return every name with an extension of ours, and every name's clock."""
        return (
            (r"/{stream:.+}.mpd", self._manifest),
            (r"/{stream:.+}@time", self._clock),
        )

    async def _manifest(self, request: web.Request) -> web.StreamResponse:
        async with self._reception.admit(request, PROTOCOL) as asked:
            window, suffix = asked.presentation.window, asked.suffix()
            text = asked.presentation.text(
                (PROTOCOL, suffix), MANIFEST, lambda: dash.manifest(window, asked.name, suffix)
            )
            return asked.text(text, max_age_s=0)

    async def _clock(self, request: web.Request) -> web.Response:
        """Tell the time to anybody: there is nothing in it about the stream."""
        headers = {**self._reception.origins.headers(request), "Cache-Control": "no-store"}
        return web.Response(text=dash.clock_text(time.time()), headers=headers)
