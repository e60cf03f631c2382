"""Segments of tracks over HTTP, which playlists of all kinds name:

    /{app}/{name}@{track}.{hash}.mp4        the initialisation segment of a track
    /{app}/{name}@{track}.{number}.m4s      a segment; one that is under way comes as it is made

For each of them, whoever asks is the player that it is known as by its playlists.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import HttpVersion11, web
from aiohttp.typedefs import Handler

from slipstream.formats import MediaSegment, TrackInfo, init_name
from slipstream.http.answers import for_ever
from slipstream.http.asked import MP4, NUMBER, OF_TRACK, Asked, Routes


class HttpSegments(Routes):
    """See the module."""

    def routes(self) -> Iterable[tuple[str, Handler]]:
        """Return every name with an '@' that ends as segments do."""
        return (
            (rf"{OF_TRACK}.{NUMBER}.m4s", self._segment),
            (rf"{OF_TRACK}.{{hash:[0-9a-f]{{8}}}}.mp4", self._init),
        )

    async def _init(self, request: web.Request) -> web.StreamResponse:
        async with self._reception.admit(request) as asked:
            wanted = request.path.rpartition("/")[2]
            for segment in reversed(asked.presentation.window.segments):
                for track in segment.start.tracks:
                    if init_name(asked.name, track) == wanted:
                        asked.player.bytes_sent += len(track.init)
                        return asked.unchanging(
                            track.init, MP4[track.is_video], request.match_info["hash"]
                        )
            raise asked.gone()

    async def _segment(self, request: web.Request) -> web.StreamResponse:
        async with self._reception.admit(request) as asked:
            track = asked.track
            segment = await asked.segment()
            if not segment.is_whole and request.version >= HttpVersion11:
                return await _send_as_made(asked, segment, track)
            if not await asked.presentation.until(lambda: segment.is_whole, asked.patience_s):
                raise asked.gone()
            parts = segment.parts_of(track)
            if not parts:
                raise asked.gone()
            return asked.unchanging(asked.read(parts), MP4[track.is_video], str(segment.number))


async def _send_as_made(
    asked: Asked, segment: MediaSegment, track: TrackInfo
) -> web.StreamResponse:
    """Answer with a segment that is under way, part by part."""
    request, presentation = asked.request, asked.presentation
    headers = {**asked.cors, "Cache-Control": for_ever(request)}
    headers["Content-Type"] = MP4[track.is_video]
    response = web.StreamResponse(headers=headers)
    response.enable_chunked_encoding()
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    sent = 0

    def has_more() -> bool:
        return segment.is_whole or len(segment.parts_of(track)) > sent

    while await presentation.until(has_more, asked.patience_s):
        parts = segment.parts_of(track)[sent:]
        if not parts:
            break
        try:
            await response.write(asked.read(parts))
        except ConnectionError:  # they have left
            break
        sent += len(parts)
    else:
        if request.transport is not None:
            request.transport.abort()  # what has come is not all of it
    return response
