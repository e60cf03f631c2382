"""Streams as the players of playlists see them: windows that grow, and those who ask for them.

A player that fetches playlists and segments has no connection of its own that would tell when
it comes and goes. It is known by its address and its `User-Agent`, is a viewer of the stream
from its first request on, and has left when it has asked for nothing for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from hashlib import blake2b
from typing import NamedTuple

import structlog

from slipstream.formats import CmafFormat, Format, TsFormat, TsWindow, Window
from slipstream.http.answers import Text
from slipstream.http.barred import Barred, Watching
from slipstream.http.ready import ReadyAnswer
from slipstream.hub import EndReason, Had, Notice, NoticeKind, StreamSettings, Subscription
from slipstream.log import Log, SyncPoint
from slipstream.net.quality import Facts, score
from slipstream.net.served import ServedFigures, per_minute
from slipstream.net.services import Services

log = structlog.get_logger()

KEPT_SEGMENTS = 4  # the newest, of which answers are kept: players ask for the last three
MAX_READY = 1024  # answers that are kept of one state of a window; queries make them many
LEAVES_S = 12.0  # without a request; three target durations where that is more
SWEEP_S = 2.0


class Presentation:
    """A stream's window, and when it changes.

    Args:
        form: of the stream.
        loop: of the worker.
    """

    def __init__(self, form: Format, loop: asyncio.AbstractEventLoop) -> None:
        window = TsWindow if isinstance(form, TsFormat) else Window
        self.window = window(form.log, form.shape)
        self.ready: dict[tuple[str, bool], ReadyAnswer] = {}  # the same for those who ask alike
        # Of numbered segments, by path, and whether with a token in a header.
        self.kept: dict[tuple[str, bool], tuple[int, ReadyAnswer]] = {}
        self.window.update()
        self._loop = loop
        self._changed = loop.create_future()
        self._texts: dict[Hashable, Text] = {}  # of this version of the window

    def grow(self) -> None:
        """The log may have grown."""
        if self.window.update():
            self._texts.clear()
            self.ready.clear()
            for variant, (number, _) in list(self.kept.items()):
                if not self.is_new(number):
                    del self.kept[variant]
            self._wake()

    def text(self, key: Hashable, content_type: str, make: Callable[[], str]) -> Text:
        """Return a text that is made once for each version of the window.

        Args:
            key: which text.
            content_type: of it.
            make: what it says.
        """
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = Text(make(), content_type)
        return text

    def keep_until_changed(self, variant: tuple[str, bool], answer: ReadyAnswer) -> None:
        """Keep an answer for this state of the window."""
        if len(self.ready) < MAX_READY:
            self.ready[variant] = answer

    def is_new(self, number: int) -> bool:
        """Whether this segment is one of those that many ask for."""
        segments = self.window.segments
        return bool(segments) and number > segments[-1].number - KEPT_SEGMENTS

    def keep_while_new(self, variant: tuple[str, bool], number: int, answer: ReadyAnswer) -> None:
        """Keep an answer for as long as the segment is one of the newest, which it is now."""
        self.kept[variant] = number, answer

    def close(self) -> None:
        """Nothing more comes."""
        self._wake()

    async def until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until the window is as it should be. False: it is not, after so long."""
        deadline = self._loop.time() + timeout_s
        while not condition():
            left_s = deadline - self._loop.time()
            if left_s <= 0:
                return False
            await asyncio.wait((self._changed,), timeout=left_s)
        return True

    def _wake(self) -> None:
        changed, self._changed = self._changed, self._loop.create_future()
        changed.set_result(None)


class PlayerKey(NamedTuple):
    """Who a player is, and what it watches."""

    stream: str
    protocol: str
    address: str
    agent: str

    @property
    def watching(self) -> Watching:
        """Who watches what, by whatever protocol."""
        return Watching.of(self.stream, self.address, self.agent)

    def short(self) -> str:
        """The same in every worker, and in practice no other player's: 16 characters."""
        text = "\0".join(self).encode(errors="surrogateescape")  # agents may be any bytes
        return blake2b(text, digest_size=8).hexdigest()


PROTOCOLS = ("hls", "dash")  # of the same segments; the first is meant when nothing is known
FORMS: dict[str, type[Format]] = {"hls": CmafFormat, "dash": CmafFormat, "hls-ts": TsFormat}


class Player:
    """The hub's `ViewerPeer`: somebody who fetches playlists and segments.

    Args:
        presentations: where it stands.
        key: who it is.
        connection_id: as in the log.
        query: of its first request.
        encrypted: whether that came with TLS.
    """

    def __init__(
        self,
        presentations: Presentations,
        key: PlayerKey,
        connection_id: str,
        query: str,
        *,
        encrypted: bool,
    ) -> None:
        self.key = key
        self.connection_id = connection_id
        self.address = key.address
        self.protocol = key.protocol
        self.encrypted = encrypted
        self.presentation: Presentation | None = None
        self.refused: EndReason | None = None
        self.bytes_sent = 0
        self.asked_at = 0.0
        self.told_at = 0.0  # when it last asked for something that only its protocol has
        self.asking = 0  # requests that are being answered
        self.late_requests = 0  # for segments that were no longer there
        self.now = presentations.now
        self.came_at = self.now()  # or when the stream began, if that is later
        self.media_at: float | None = None  # when it had its first media
        self.subscription: Subscription | None = None
        self._presentations = presentations
        self._query = query
        self._decided = asyncio.Event()

    async def decided(self) -> None:
        """Return when it is known what there is to see, if anything."""
        await self._decided.wait()

    def start(self, form: Format, sync: SyncPoint, settings: StreamSettings) -> None:  # noqa: ARG002
        """See `ViewerPeer`."""
        self.presentation = self._presentations.of(form)
        if self.subscription is not None:  # it has waited for the stream
            self.came_at = self.now()
        self._decided.set()
        log.info(
            "play.start",
            id=self.connection_id,
            address=self.address,
            stream=self.key.stream,
            protocol=self.protocol,
            encrypted=self.encrypted,
        )
        self._presentations.tell(self.notice(NoticeKind.PLAY))

    def notice(self, kind: NoticeKind, reason: str = "", **detail: object) -> Notice:
        """What it does, for whoever wants to know."""
        return Notice(
            kind,
            stream=self.key.stream,
            id=self.connection_id,
            address=self.address,
            protocol=self.protocol,
            client=self.key.agent,
            query=self._query,
            reason=reason,
            detail=detail,
        )

    def end(self, reason: EndReason) -> None:
        """See `ViewerPeer`."""
        self.refused = reason
        if reason is EndReason.KICKED:
            self._presentations.bar(self)
        self._presentations.forget(self, str(reason))
        self._decided.set()

    def has_all(self) -> bool:
        """A player fetches what it wants."""
        return True

    def had(self) -> Had:
        """What it has had so far."""
        return Had(self.bytes_sent)

    def figures(self) -> ServedFigures:
        """How it fares, as far as it can be seen from here."""
        if self.media_at is None:
            return ServedFigures(bytes_sent=self.bytes_sent, late_requests=self.late_requests)
        startup_s = self.media_at - self.came_at
        jumps = per_minute(self.late_requests, self.media_at)
        return ServedFigures(
            bytes_sent=self.bytes_sent,
            startup_ms=round(startup_s * 1000),
            late_requests=self.late_requests,
            score=score(Facts(startup_s=startup_s, jumps=jumps)),
        )


class Presentations:
    """Those of this worker.

    Attributes:
        barred: who was sent away, and is not let in.

    Args:
        services: of this worker.
    """

    def __init__(self, services: Services) -> None:
        self.barred = Barred()
        self.tell = services.hub.notices.tell
        self.now = services.loop.time
        self._services = services
        self._by_log: dict[Log, Presentation] = {}
        self._players: dict[tuple[str, str, str, str], Player] = {}  # by their keys
        self._sweeper: asyncio.TimerHandle | None = None

    def wake(self, log: Log) -> None:
        """A log has grown."""
        presentation = self._by_log.get(log)
        if presentation is not None:
            presentation.grow()

    def of(self, form: Format) -> Presentation:
        """What there is to see of a stream."""
        presentation = self._by_log.get(form.log)
        if presentation is None:
            presentation = Presentation(form, self._services.loop)
            self._by_log[form.log] = presentation
        return presentation

    def player(self, key: PlayerKey, query: str, *, encrypted: bool) -> Player:
        """Whoever asks; a viewer from now on.

        Args:
            key: who it is.
            query: of the request.
            encrypted: whether it came with TLS.

        Raises:
            FullError: the stream has all the viewers that it may have.
        """
        player = self._players.get(key)
        if player is None:
            new_id = self._services.new_id(key.protocol)
            player = Player(self, key, new_id, query, encrypted=encrypted)
            now = self._services.loop.time()
            self._players[key] = player
            try:
                player.subscription = self._services.hub.subscribe(
                    key.stream, FORMS[key.protocol], player, now=now, player=key.short()
                )
            except BaseException:
                del self._players[key]
                raise
            if self._sweeper is None:
                self._sweeper = self._services.loop.call_later(SWEEP_S, self._sweep)
        return player

    def known(self, stream: str, protocol: str, address: str, agent: str) -> Player | None:
        """Whoever is a viewer already."""
        return self._players.get((stream, protocol, address, agent))

    def latest(self, stream: str, address: str, agent: str) -> Player | None:
        """Who it is that asks for what several protocols have in common."""
        latest = None
        for protocol in PROTOCOLS:
            player = self._players.get((stream, protocol, address, agent))
            if player is not None and (latest is None or player.told_at > latest.told_at):
                latest = player
        return latest

    def protocol_of(self, stream: str, address: str, agent: str) -> str:
        """By which protocol somebody watches who asks for what several have in common."""
        player = self.latest(stream, address, agent)
        return player.protocol if player is not None else PROTOCOLS[0]

    def bar(self, player: Player) -> None:
        """Let a player in no more."""
        self.barred.add(player.key.watching, self._services.loop.time())

    def forget(self, player: Player, reason: str) -> None:
        """A player has gone, or has to go."""
        if self._players.get(player.key) is not player:
            return
        del self._players[player.key]
        if player.subscription is not None:
            player.subscription.close()
        if player.presentation is None:
            return
        player.presentation.close()
        figures = player.figures()
        log.info(
            "play.end",
            id=player.connection_id,
            stream=player.key.stream,
            reason=reason,
            bytes=figures.bytes_sent,
            late_requests=figures.late_requests,
            **figures.served(),
        )
        detail = {"bytes_sent": figures.bytes_sent, **figures.served()}
        self.tell(player.notice(NoticeKind.PLAY_DONE, reason, **detail))

    def _sweep(self) -> None:
        """See who has left."""
        now = self._services.loop.time()
        for player in list(self._players.values()):
            presentation = player.presentation
            target_s = presentation.window.target_s if presentation is not None else 0
            silent_s = now - player.asked_at
            if not player.asking and silent_s > max(LEAVES_S, 3 * target_s):
                self.forget(player, "asked for nothing any more")
        used = {player.presentation for player in self._players.values()}
        for key, presentation in list(self._by_log.items()):
            if presentation not in used:
                del self._by_log[key]
        busy = self._players or self._by_log
        self._sweeper = self._services.loop.call_later(SWEEP_S, self._sweep) if busy else None
