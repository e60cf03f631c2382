"""HLS with segments of MPEG-TS over HTTP, for players that do not know fragmented MP4.

/{app}/{name}@ts.m3u8               the playlist
/{app}/{name}@ts.{number}.ts        a segment
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web
from aiohttp.typedefs import Handler

from slipstream.formats import hls
from slipstream.http.asked import NUMBER, Routes
from slipstream.http.hls import PLAYLIST

PROTOCOL = "hls-ts"
MPEG_TS = "video/mp2t"


class HttpHlsTs(Routes):
    """See the module."""

    def routes(self) -> Iterable[tuple[str, Handler]]:
        """Return every name that ends so."""
        return (
            (rf"/{{stream:.+}}@ts.{NUMBER}.ts", self._segment),
            (r"/{stream:.+}@ts.m3u8", self._playlist),
        )

    async def _playlist(self, request: web.Request) -> web.StreamResponse:
        async with self._reception.admit(request, PROTOCOL) as asked:
            window, suffix = asked.presentation.window, asked.suffix()
            text = asked.presentation.text(
                (PROTOCOL, suffix), PLAYLIST, lambda: hls.ts_playlist(window, asked.name, suffix)
            )
            return asked.text(text, max_age_s=1)

    async def _segment(self, request: web.Request) -> web.StreamResponse:
        async with self._reception.admit(request, PROTOCOL) as asked:
            segment = await asked.segment()
            parts = [part for parts in segment.parts.values() for part in parts]
            if not segment.is_whole or not parts:
                raise asked.gone()
            return asked.unchanging(asked.read(parts), MPEG_TS, str(segment.number))
