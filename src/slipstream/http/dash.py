"""DASH over HTTP: `GET /{app}/{name}.mpd`, and the clock that players set theirs by.

    /{app}/{name}.mpd                       the manifest
    /{app}/{name}@time                      the server's time

Segments are in `media_segments`.
"""

from __future__ import annotations

import time

from aiohttp import web

from slipstream.formats import dash
from slipstream.http.answers import Text
from slipstream.http.asked import Reception

PROTOCOL = "dash"
MANIFEST = "application/dash+xml"


class HttpDash:
    """The routes.

    Args:
        reception: of this worker.
    """

    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    def add_to(self, app: web.Application) -> None:
        """Serve every name with an extension of ours, and every name's clock."""
        for path, answer in (
            (r"/{stream:.+}.mpd", self._manifest),
            (r"/{stream:.+}@time", self._clock),
        ):
            app.router.add_get(path, answer)  # and HEAD
            app.router.add_options(path, self._reception.origins.preflight)

    async def _manifest(self, request: web.Request) -> web.StreamResponse:
        async with self._reception.admit(request, PROTOCOL) as asked:
            window, cache = asked.presentation.window, asked.presentation.cache
            suffix = asked.suffix()
            key = PROTOCOL, suffix
            text = cache.get(key)
            if not isinstance(text, Text):
                made = dash.manifest(window, asked.name, suffix)
                text = cache[key] = Text(made, MANIFEST)
            return asked.text(text, max_age_s=0)

    async def _clock(self, request: web.Request) -> web.Response:
        """Tell the time to anybody: there is nothing in it about the stream."""
        headers = {**self._reception.origins.headers(request), "Cache-Control": "no-store"}
        return web.Response(text=dash.clock_text(time.time()), headers=headers)
