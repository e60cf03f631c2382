"""HLS with segments of MPEG-TS over HTTP, for players that do not know fragmented MP4.

/{app}/{name}@ts.m3u8               the playlist
/{app}/{name}@ts.{number}.ts        a segment
"""

from __future__ import annotations

from aiohttp import web

from slipstream.formats import hls
from slipstream.http.answers import Text
from slipstream.http.asked import NUMBER, Reception
from slipstream.http.hls import PLAYLIST

PROTOCOL = "hls-ts"
MPEG_TS = "video/mp2t"


class HttpHlsTs:
    """The routes.

    Args:
        reception: of this worker.
    """

    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    def add_to(self, app: web.Application) -> None:
        """Serve every name that ends so."""
        for path, answer in (
            (rf"/{{stream:.+}}@ts.{NUMBER}.ts", self._segment),
            (r"/{stream:.+}@ts.m3u8", self._playlist),
        ):
            app.router.add_get(path, answer)  # and HEAD
            app.router.add_options(path, self._reception.origins.preflight)

    async def _playlist(self, request: web.Request) -> web.StreamResponse:
        async with self._reception.admit(request, PROTOCOL) as asked:
            window, cache = asked.presentation.window, asked.presentation.cache
            suffix = asked.suffix()
            text = cache.get(suffix)
            if not isinstance(text, Text):
                made = hls.ts_playlist(window, asked.name, suffix)
                text = cache[suffix] = Text(made, PLAYLIST)
            return asked.text(text, max_age_s=1)

    async def _segment(self, request: web.Request) -> web.StreamResponse:
        async with self._reception.admit(request, PROTOCOL) as asked:
            segment = await asked.segment()
            parts = [part for parts in segment.parts.values() for part in parts]
            if not segment.is_whole or not parts:
                raise asked.gone()
            return asked.unchanging(asked.read(parts), MPEG_TS, str(segment.number))
