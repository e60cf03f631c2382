"""HLS over HTTP: `GET /{app}/{name}.m3u8`, and what the playlists name.

    /{app}/{name}.m3u8                      the playlist of playlists
    /{app}/{name}@{track}.m3u8              the playlist of one track
    /{app}/{name}@{track}.{number}.{part}.m4s

Playlists and parts that are asked for a little early are answered when they are there. Segments
are in `media_segments`.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web
from aiohttp.typedefs import Handler

from slipstream.formats import TrackInfo, Window, hls
from slipstream.http.asked import MP4, NUMBER, OF_TRACK, Asked, Routes

PROTOCOL = "hls"
PLAYLIST = "application/vnd.apple.mpegurl"
PART_PATIENCE = 0.7  # target durations: hls.js gives up after 0.8
AHEAD = 2  # segments beyond the newest that may be asked for (§6.2.5.2)
AHEAD_S = 3  # parts beyond the newest that may be asked for, of a second at most (§6.2.5.2)
DIRECTIVES = ("_HLS_msn", "_HLS_part", "_HLS_skip", "_HLS_push")


class HttpHls(Routes):
    """See the module."""

    def routes(self) -> Iterable[tuple[str, Handler]]:
        """Return every name with an extension of ours, and every name with an '@'."""
        return (
            (rf"{OF_TRACK}.{NUMBER}.{{part:[0-9]{{1,6}}}}.m4s", self._part),
            (rf"{OF_TRACK}.m3u8", self._media_playlist),
            (r"/{stream:.+}.m3u8", self._multivariant_playlist),
        )

    async def _multivariant_playlist(self, request: web.Request) -> web.StreamResponse:
        async with self._reception.admit(request, PROTOCOL) as asked:
            presentation, suffix = asked.presentation, _suffix(asked)
            audio_only = request.query.get("tracks") == "audio"
            text = presentation.text(
                ("multivariant", suffix, audio_only),
                PLAYLIST,
                lambda: hls.multivariant_playlist(
                    presentation.window, asked.name, suffix, audio_only=audio_only
                ),
            )
            return asked.text(text, max_age_s=1)

    async def _media_playlist(self, request: web.Request) -> web.StreamResponse:
        async with self._reception.admit(request, PROTOCOL) as asked:
            presentation, window = asked.presentation, asked.presentation.window
            track, wanted, is_there = asked.track, _wanted(asked), False
            if wanted is not None:
                if _is_too_far(window, track, *wanted):
                    raise web.HTTPBadRequest(text="too far ahead\n", headers=asked.cors)
                patient_s = PART_PATIENCE * window.target_s
                is_there = await presentation.until(
                    lambda: _is_there(window, track, *wanted),
                    asked.patience_s if wanted[1] is None else patient_s,
                )
                track = asked.track
            skip = request.query.get("_HLS_skip") in ("YES", "v2")
            suffix = _suffix(asked)
            text = presentation.text(
                (track.name, suffix, skip),
                PLAYLIST,
                lambda: hls.media_playlist(window, track, asked.name, suffix, skip=skip),
            )
            max_age_s = window.target_s if wanted and is_there else 1
            return asked.text(text, max_age_s=max_age_s, again=wanted is None or is_there)

    async def _part(self, request: web.Request) -> web.StreamResponse:
        async with self._reception.admit(request, PROTOCOL) as asked:
            index, track = int(request.match_info["part"]), asked.track
            segment = await asked.segment()

            def is_decided() -> bool:
                return segment.is_whole or len(segment.parts_of(track)) > index

            if index > len(segment.parts_of(track)) + 1:
                raise asked.gone()
            await asked.presentation.until(is_decided, asked.patience_s)
            parts = segment.parts_of(track)[index : index + 1]
            if not parts:
                raise asked.gone()
            return asked.unchanging(
                asked.read(parts), MP4[track.is_video], f"{segment.number}.{index}"
            )


def _suffix(asked: Asked) -> str:
    return asked.suffix(*DIRECTIVES, "tracks")


def _wanted(asked: Asked) -> tuple[int, int | None] | None:
    """What the playlist shall hold before it is sent: a segment, and maybe a part of it."""
    query, cors = asked.request.query, asked.cors
    number, part = query.get("_HLS_msn"), query.get("_HLS_part")
    if number is None and part is None:
        return None
    for value in filter(None, (number, part)):
        if not (value.isascii() and value.isdecimal() and len(value) <= 10):
            raise web.HTTPBadRequest(text="_HLS_msn and _HLS_part are numbers\n", headers=cors)
    if not number:
        raise web.HTTPBadRequest(text="_HLS_part without _HLS_msn\n", headers=cors)
    return int(number), int(part) if part else None


def _is_too_far(window: Window, track: TrackInfo, number: int, index: int | None) -> bool:
    newest = window.segments[-1]
    if index is None or number != newest.number:
        return number > newest.number + AHEAD
    part_s = min(window.part_target_s(track), 1.0)
    return index >= len(newest.parts_of(track)) + AHEAD_S / part_s


def _is_there(window: Window, track: TrackInfo, number: int, index: int | None) -> bool:
    """Whether there is that segment, or that part; beyond its last one, the next one's first."""
    segment = window.find(number)
    if segment is None:
        return window.segments[-1].number > number
    if index is None:
        return segment.is_whole
    if len(segment.parts_of(track)) > index:
        return True
    return segment.is_whole and _is_there(window, track, number + 1, 0)
