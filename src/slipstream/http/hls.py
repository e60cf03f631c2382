"""HLS over HTTP: `GET /{app}/{name}.m3u8`, and what the playlists name.

    /{app}/{name}.m3u8                      the playlist of playlists
    /{app}/{name}@{track}.m3u8              the playlist of one track
    /{app}/{name}@{track}.{hash}.mp4        its initialisation segment
    /{app}/{name}@{track}.{number}.m4s      a segment; one that is under way comes as it is made
    /{app}/{name}@{track}.{number}.{part}.m4s

Playlists and parts that are asked for a little early are answered when they are there.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from slipstream.formats import MediaSegment, Part, TrackInfo, hls
from slipstream.http.access import allowed_stream, peer_address
from slipstream.http.answers import FOREVER, Text, unchanging
from slipstream.http.origins import Origins
from slipstream.http.presentation import Player, PlayerKey, Presentation, Presentations
from slipstream.hub import EndReason, FullError
from slipstream.net.services import Services

PLAYLIST = "application/vnd.apple.mpegurl"
MP4 = {True: "video/mp4", False: "audio/mp4"}  # whether there are pictures
WAIT_TARGETS = 3  # target durations after which who waits is answered anyhow (§6.2.5.2)
FIRST_WAIT_S = 15.0  # for the first segment of a format that nobody has asked for lately
AHEAD = 2  # segments beyond the newest that may be asked for (§6.2.5.2)
NAME = r"[A-Za-z0-9_.-]+"
TRACK = r"[av][0-9]{1,3}"
DIRECTIVES = ("_HLS_msn", "_HLS_part", "_HLS_skip", "_HLS_push")


class HttpHls:
    """The routes.

    Args:
        services: of this worker.
        presentations: of this worker.
    """

    def __init__(self, services: Services, presentations: Presentations) -> None:
        self._services = services
        self._presentations = presentations
        self._origins = Origins(services.settings.allowed_origins)

    def add_to(self, app: web.Application) -> None:
        """Serve every name with an extension of ours, and every name with an '@'."""
        of_track = rf"/{{stream:.+}}@{{track:{TRACK}}}"
        number = r"{number:[0-9]{1,10}}"
        for path, answer in (
            (rf"{of_track}.{number}.{{part:[0-9]{{1,6}}}}.m4s", self._part),
            (rf"{of_track}.{number}.m4s", self._segment),
            (rf"{of_track}.{{hash:[0-9a-f]{{8}}}}.mp4", self._init),
            (rf"{of_track}.m3u8", self._media_playlist),
            (r"/{stream:.+}.m3u8", self._multivariant_playlist),
        ):
            app.router.add_get(path, answer)  # and HEAD
            app.router.add_options(path, self._origins.preflight)

    async def _multivariant_playlist(self, request: web.Request) -> web.StreamResponse:
        async with self._asked(request) as (presentation, player, cors):
            window = presentation.window
            audio_only = request.query.get("tracks") == "audio"
            suffix = _suffix(request)
            key = "multivariant", suffix, audio_only
            text = presentation.cache.get(key)
            if not isinstance(text, Text):
                name = _name(request)
                made = hls.multivariant_playlist(window, name, suffix, audio_only=audio_only)
                text = presentation.cache[key] = Text(made, PLAYLIST, f"m{window.version}")
            return self._send_text(request, player, text, cors, max_age_s=1)

    async def _media_playlist(self, request: web.Request) -> web.StreamResponse:
        async with self._asked(request) as (presentation, player, cors):
            window = presentation.window
            wanted = _wanted(request, cors)
            if wanted is not None:
                newest = window.segments[-1].number
                if wanted[0] > newest + AHEAD:
                    raise web.HTTPBadRequest(text="too far ahead\n", headers=cors)
                track_name = request.match_info["track"]
                await presentation.until(
                    lambda: _is_there(presentation, track_name, wanted),
                    WAIT_TARGETS * window.target_s,
                )
            track = self._track(request, presentation, cors)
            skip = request.query.get("_HLS_skip") in ("YES", "v2")
            suffix = _suffix(request)
            key = track.name, suffix, skip
            text = presentation.cache.get(key)
            if not isinstance(text, Text):
                made = hls.media_playlist(window, track, _name(request), suffix, skip=skip)
                tag = f"{track.name}{window.version}{'s' * skip}"
                text = presentation.cache[key] = Text(made, PLAYLIST, tag)
            max_age_s = 1 if wanted is None else window.target_s
            return self._send_text(request, player, text, cors, max_age_s=max_age_s)

    async def _init(self, request: web.Request) -> web.StreamResponse:
        async with self._asked(request) as (presentation, player, cors):
            for segment in reversed(presentation.window.segments):
                for track in segment.start.tracks:
                    if hls.init_name(_name(request), track) == request.path.rpartition("/")[2]:
                        player.bytes_sent += len(track.init)
                        tag = request.match_info["hash"]
                        return unchanging(request, track.init, MP4[track.is_video], tag, cors)
            raise _gone(cors)

    async def _part(self, request: web.Request) -> web.StreamResponse:
        async with self._asked(request) as (presentation, player, cors):
            number, index = int(request.match_info["number"]), int(request.match_info["part"])
            track = self._track(request, presentation, cors)
            segment = await self._find(presentation, number, cors)

            def is_decided() -> bool:
                return segment.is_whole or len(segment.parts_of(track)) > index

            if index > len(segment.parts_of(track)) + 1:
                raise _gone(cors)
            await presentation.until(is_decided, WAIT_TARGETS * presentation.window.target_s)
            parts = segment.parts_of(track)
            if index >= len(parts):
                raise _gone(cors)
            body = _read(presentation, parts[index : index + 1], cors)
            player.bytes_sent += len(body)
            return unchanging(request, body, MP4[track.is_video], f"{number}.{index}", cors)

    async def _segment(self, request: web.Request) -> web.StreamResponse:
        async with self._asked(request) as (presentation, player, cors):
            number = int(request.match_info["number"])
            track = self._track(request, presentation, cors)
            segment = await self._find(presentation, number, cors)
            if not segment.is_whole:
                return await self._send_as_made(request, presentation, segment, track, player, cors)
            if not segment.parts_of(track):
                raise _gone(cors)
            body = _read(presentation, segment.parts_of(track), cors)
            player.bytes_sent += len(body)
            return unchanging(request, body, MP4[track.is_video], str(number), cors)

    async def _send_as_made(
        self,
        request: web.Request,
        presentation: Presentation,
        segment: MediaSegment,
        track: TrackInfo,
        player: Player,
        cors: Mapping[str, str],
    ) -> web.StreamResponse:
        """Answer with a segment that is under way, part by part."""
        headers = {**cors, "Cache-Control": FOREVER, "Content-Type": MP4[track.is_video]}
        response = web.StreamResponse(headers=headers)
        response.enable_chunked_encoding()
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        sent = 0

        def has_more() -> bool:
            return segment.is_whole or len(segment.parts_of(track)) > sent

        while await presentation.until(has_more, WAIT_TARGETS * presentation.window.target_s):
            parts = segment.parts_of(track)[sent:]
            if not parts:
                break
            body = _read(presentation, parts, cors)
            player.bytes_sent += len(body)
            await response.write(body)
            sent += len(parts)
        else:
            if request.transport is not None:
                request.transport.abort()  # what has come is not all of it
        return response

    async def _find(
        self, presentation: Presentation, number: int, cors: Mapping[str, str]
    ) -> MediaSegment:
        """The segment with that number; the next one as soon as it begins.

        Raises:
            web.HTTPNotFound: it has gone, or is too far away.
        """
        window = presentation.window
        if number == window.segments[-1].number + 1:
            await presentation.until(
                lambda: window.segments[-1].number >= number, WAIT_TARGETS * window.target_s
            )
        segment = window.find(number)
        if segment is None:
            raise _gone(cors)
        return segment

    def _track(
        self, request: web.Request, presentation: Presentation, cors: Mapping[str, str]
    ) -> TrackInfo:
        track = presentation.window.track(request.match_info["track"])
        if track is None:
            raise _gone(cors)
        return track

    def _send_text(
        self,
        request: web.Request,
        player: Player,
        text: Text,
        cors: Mapping[str, str],
        *,
        max_age_s: int,
    ) -> web.Response:
        answer = text.answer(request, {**cors, "Cache-Control": f"max-age={max_age_s}"})
        player.bytes_sent += len(answer.body) if isinstance(answer.body, bytes) else 0
        return answer

    @asynccontextmanager
    async def _asked(
        self, request: web.Request
    ) -> AsyncIterator[tuple[Presentation, Player, Mapping[str, str]]]:
        """Let the one who asks be a viewer, and wait until there is something to see.

        Raises:
            web.HTTPException: there is nothing, or not for this one.
        """
        cors = self._origins.headers(request)
        stream = allowed_stream(self._services, request, "hls", cors)
        agent = request.headers.get("User-Agent", "")
        key = PlayerKey(stream, "hls", peer_address(request), agent)
        try:
            player = self._presentations.player(key)
        except FullError as error:
            raise web.HTTPServiceUnavailable(text=f"{error}\n", headers=cors) from error
        player.asking += 1
        try:
            await player.decided()
            presentation = player.presentation
            if player.refused in (EndReason.FULL, EndReason.SHUTDOWN):
                raise web.HTTPServiceUnavailable(text=f"{player.refused}\n", headers=cors)
            if player.refused is not None or presentation is None:
                raise web.HTTPNotFound(text=f"{player.refused}\n", headers=_not_kept(cors))
            window = presentation.window
            if not await presentation.until(
                lambda: any(segment.is_whole for segment in window.segments), FIRST_WAIT_S
            ):
                raise web.HTTPNotFound(text="no segment yet\n", headers=_not_kept(cors))
            yield presentation, player, cors
        finally:
            player.asking -= 1
            player.asked_at = self._services.loop.time()


def _name(request: web.Request) -> str:
    """The last part of the stream's name."""
    return request.match_info["stream"].rpartition("/")[2]


def _suffix(request: web.Request) -> str:
    """The query, for the addresses in a playlist: who needed it here needs it there."""
    if not request.query_string:
        return ""
    kept = [
        field
        for field in request.query_string.split("&")
        if field.partition("=")[0] not in (*DIRECTIVES, "tracks")
    ]
    return f"?{'&'.join(kept)}" if kept and all(map(_PLAIN, kept)) else ""


_PLAIN = re.compile(r"[A-Za-z0-9_.~%=+:/,@!*()-]*").fullmatch  # nothing that ends an attribute


def _wanted(request: web.Request, cors: Mapping[str, str]) -> tuple[int, int | None] | None:
    """What the playlist shall hold before it is sent: a segment, and maybe a part of it."""
    number, part = request.query.get("_HLS_msn"), request.query.get("_HLS_part")
    if number is None and part is None:
        return None
    for value in filter(None, (number, part)):
        if not (value.isascii() and value.isdecimal() and len(value) <= 10):
            raise web.HTTPBadRequest(text="_HLS_msn and _HLS_part are numbers\n", headers=cors)
    if not number:
        raise web.HTTPBadRequest(text="_HLS_part without _HLS_msn\n", headers=cors)
    return int(number), int(part) if part else None


def _is_there(presentation: Presentation, track_name: str, wanted: tuple[int, int | None]) -> bool:
    number, index = wanted
    newest = presentation.window.segments[-1]
    if newest.number != number:
        return newest.number > number
    if newest.is_whole or index is None:
        return newest.is_whole
    track = presentation.window.track(track_name)
    return track is None or len(newest.parts_of(track)) > index


def _read(presentation: Presentation, parts: list[Part], cors: Mapping[str, str]) -> bytes:
    try:
        return b"".join(map(presentation.window.read, parts))
    except LookupError as error:
        raise _gone(cors) from error


def _gone(cors: Mapping[str, str]) -> web.HTTPNotFound:
    return web.HTTPNotFound(text="not here, or no longer\n", headers=_not_kept(cors))


def _not_kept(cors: Mapping[str, str]) -> dict[str, str]:
    return {**cors, "Cache-Control": "no-store"}
