"""Requests of players that fetch playlists and segments: who asks, for what, and the answer."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler

from slipstream.formats import MediaSegment, Part, TrackInfo
from slipstream.http.access import allowed_stream, peer_address
from slipstream.http.answers import Text, unchanging
from slipstream.http.origins import Origins
from slipstream.http.presentation import Player, PlayerKey, Presentation, Presentations
from slipstream.http.shelf import Shelf
from slipstream.hub import EndReason, FullError
from slipstream.net.services import Services

TRACK = r"[av][0-9]{1,3}"
OF_TRACK = rf"/{{stream:.+}}@{{track:{TRACK}}}"  # how routes begin
NUMBER = r"{number:[0-9]{1,10}}"
MP4 = {True: "video/mp4", False: "audio/mp4"}  # whether there are pictures
WAIT_TARGETS = 3  # target durations after which who waits is answered anyhow
FIRST_WAIT_S = 15.0  # for the first segment of a format that nobody has asked for lately


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of somebody who may watch.

    Attributes:
        request: as it came.
        presentation: of the stream that it is about.
        player: whose it is.
        cors: headers for every answer.
        shelf: where answers are kept for others.
        protocol: of which the address is; None: of any.
    """

    request: web.Request
    presentation: Presentation
    player: Player
    cors: Mapping[str, str]
    shelf: Shelf
    protocol: str | None

    @property
    def name(self) -> str:
        """The last part of the stream's name."""
        return self.request.match_info["stream"].rpartition("/")[2]

    @property
    def number(self) -> int:
        """Of the segment that is asked for."""
        return int(self.request.match_info["number"])

    @property
    def patience_s(self) -> float:
        """How long it may wait for what is to come."""
        return WAIT_TARGETS * self.presentation.window.target_s

    @property
    def track(self) -> TrackInfo:
        """The track that is asked for.

        Raises:
            web.HTTPNotFound: there is no such track.
        """
        track = self.presentation.window.track(self.request.match_info["track"])
        if track is None:
            raise self.gone()
        return track

    def suffix(self, *own: str) -> str:
        """The query, for the addresses in a playlist: who needed it here needs it there.

        Args:
            own: fields that are not for them.
        """
        query = self.request.rel_url.raw_query_string  # as it came: "%20" is no space yet
        fields = query.split("&") if query else []
        kept = [field for field in fields if field.partition("=")[0] not in own]
        return f"?{'&'.join(kept)}" if kept and all(map(_PLAIN, kept)) else ""

    async def segment(self) -> MediaSegment:
        """The segment that is asked for; the next one as soon as it begins.

        Raises:
            web.HTTPNotFound: it has gone, or is too far away.
        """
        window, number = self.presentation.window, self.number
        if number == window.segments[-1].number + 1:
            await self.presentation.until(
                lambda: window.segments[-1].number >= number, self.patience_s
            )
        segment = window.find(number)
        if segment is None:
            if number < window.segments[-1].number:
                self.player.late_requests += 1
            raise self.gone()
        return segment

    def read(self, parts: list[Part]) -> bytes:
        """The bytes of parts, counted as sent.

        Raises:
            web.HTTPNotFound: they are no longer kept.
        """
        try:
            body = b"".join(map(self.presentation.window.read, parts))
        except LookupError as error:
            raise self.gone() from error
        player = self.player
        player.bytes_sent += len(body)
        if player.media_at is None:
            player.media_at = player.now()
        return body

    def unchanging(self, body: bytes, content_type: str, tag: str) -> web.Response:
        """Answer with bytes that their address always means."""
        answer = unchanging(self.request, body, content_type, tag, self.cors)
        if "number" in self.request.match_info:
            self._keep(answer, self.number)
        return answer

    def text(self, text: Text, *, max_age_s: int, again: bool = True) -> web.Response:
        """Answer with a playlist.

        Args:
            text: the playlist.
            max_age_s: how long it may be kept elsewhere.
            again: who asks the same gets it without waiting.
        """
        answer = text.answer(self.request, {**self.cors, "Cache-Control": f"max-age={max_age_s}"})
        self.player.bytes_sent += len(answer.body) if isinstance(answer.body, bytes) else 0
        if again:
            self._keep(answer)
        return answer

    def _keep(self, answer: web.Response, number: int | None = None) -> None:
        key = self.player.key.stream, self.protocol
        self.shelf.keep(self.request, answer, self.presentation, key, number)

    def gone(self) -> web.HTTPNotFound:
        """There is no such thing."""
        return web.HTTPNotFound(text="not here, or no longer\n", headers=_not_kept(self.cors))


_PLAIN = re.compile(r"[A-Za-z0-9_.~%=+:/,@!*()-]*").fullmatch  # nothing that ends an attribute


class Reception:
    """Lets those who ask be viewers: `async with reception.admit(request, "hls") as asked`.

    Args:
        services: of this worker.
        presentations: of this worker.
    """

    def __init__(self, services: Services, presentations: Presentations) -> None:
        self.origins = Origins(lambda: services.settings.allowed_origins)
        self._services = services
        self._presentations = presentations
        self.shelf = Shelf(services, presentations, self.origins)

    @asynccontextmanager
    async def admit(
        self, request: web.Request, protocol: str | None = None
    ) -> AsyncIterator[Asked]:
        """Let the one who asks be a viewer, and wait until there is something to see.

        Args:
            request: whose.
            protocol: of which the address is; None: of any, so it is known by earlier requests.

        Raises:
            web.HTTPException: there is nothing, or not for this one.
        """
        cors = self.origins.headers(request)
        player = await self._player(request, protocol, cors)
        player.asking += 1
        try:
            await player.decided()
            presentation = player.presentation
            if player.refused in (EndReason.FULL, EndReason.SHUTDOWN):
                raise web.HTTPServiceUnavailable(text=f"{player.refused}\n", headers=cors)
            if player.refused is EndReason.KICKED:
                raise _kicked(cors)
            if player.refused is not None or presentation is None:
                raise web.HTTPNotFound(text=f"{player.refused}\n", headers=_not_kept(cors))
            window = presentation.window
            if not await presentation.until(
                lambda: any(segment.is_whole for segment in window.segments), FIRST_WAIT_S
            ):
                raise web.HTTPNotFound(text="no segment yet\n", headers=_not_kept(cors))
            yield Asked(request, presentation, player, cors, self.shelf, protocol)
        finally:
            player.asking -= 1
            player.asked_at = self._services.loop.time()

    async def _player(
        self, request: web.Request, protocol: str | None, cors: Mapping[str, str]
    ) -> Player:
        address, agent = peer_address(request), request.headers.get("User-Agent", "")
        known = self._presentations.protocol_of(request.match_info["stream"], address, agent)
        stream = await allowed_stream(self._services, request, protocol or known, cors)
        key = PlayerKey(stream, protocol or known, address, agent)
        if self._presentations.barred.holds(key.watching, self._services.loop.time()):
            raise _kicked(cors)
        try:
            player = self._presentations.player(key, request.query_string, encrypted=request.secure)
        except FullError as error:
            raise web.HTTPServiceUnavailable(text=f"{error}\n", headers=cors) from error
        if protocol is not None:
            player.told_at = self._services.loop.time()
        return player


def _kicked(cors: Mapping[str, str]) -> web.HTTPForbidden:
    return web.HTTPForbidden(text=f"{EndReason.KICKED}\n", headers=_not_kept(cors))


def _not_kept(cors: Mapping[str, str]) -> dict[str, str]:
    return {**cors, "Cache-Control": "no-store"}


class Routes:
    """Routes for those who are let in. Subclasses say which, in the order in which they are tried.

    Args:
        reception: of this worker.
    """

    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    def routes(self) -> Iterable[tuple[str, Handler]]:
        """Paths, and who answers there."""
        raise NotImplementedError

    def add_to(self, app: web.Application) -> None:
        """Serve them."""
        for path, answer in self.routes():
            app.router.add_get(path, answer)  # and HEAD
            app.router.add_options(path, self._reception.origins.preflight)
