"""One stream that is pushed or pulled: connected, and connected again, until it is closed.

Each is a task of its own; what goes wrong in one is told and tried again later, and no other
relay, viewer or publisher notices.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from enum import StrEnum
from secrets import token_hex

import structlog

from slipstream.errors import SlipstreamError
from slipstream.net.link import describe
from slipstream.net.services import Services
from slipstream.relays.backoff import Backoff
from slipstream.relays.dial import dial
from slipstream.relays.pull import PullSession
from slipstream.relays.push import PushSession
from slipstream.relays.rule import RelayKind, Rule
from slipstream.relays.session import Session
from slipstream.relays.settings import RelaySettings
from slipstream.rtmp import RtmpUrl
from slipstream.rtmp.challenge import STEPS, answer_challenge

log = structlog.get_logger()


class RelayState(StrEnum):
    """What it is doing; the value is what operators read."""

    CONNECTING = "connecting"
    """Or connected, and no media yet."""
    RUNNING = "running"
    WAITING = "waiting"
    """For its stream, a viewer, or the next try."""
    STOPPED = "stopped"
    """By the operator."""


class Relay:
    """Call `start()` once, then `close()` once.

    Attributes:
        rule: by which it is relayed.
        stream: its name here.
        error: why it failed last; empty if it never did.
        reconnects: how often it has been tried again.
        since: when it came to be, in the loop's time.
        tries_again: whether it is connected again when the connection has ended.
        watched_at: when somebody was last seen to watch; of pulls on demand.

    Args:
        services: of this worker.
        rule: by which it is relayed.
        stream: its name here.
        settings_of: the settings in force.
    """

    def __init__(
        self,
        services: Services,
        rule: Rule,
        stream: str,
        settings_of: Callable[[], RelaySettings],
    ) -> None:
        self.rule = rule
        self.stream = stream
        self.error = ""
        self.reconnects = 0
        self.tries_again = True
        self.since = self.watched_at = services.loop.time()
        self.session: Session | None = None
        self._services = services
        self._settings_of = settings_of
        self._backoff = Backoff()
        self._is_waiting = False
        self._bytes = 0  # of the sessions that are over
        self._frames = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def state(self) -> RelayState:
        """What it is doing."""
        if self._is_waiting:
            return RelayState.WAITING
        if self.session is not None and self.session.began_at is not None:
            return RelayState.RUNNING
        return RelayState.CONNECTING

    @property
    def bytes(self) -> int:
        """Of media, sent or received."""
        return self._bytes + (self.session.bytes if self.session is not None else 0)

    @property
    def frames(self) -> int:
        """Messages of media, sent or received."""
        return self._frames + (self.session.frames if self.session is not None else 0)

    @property
    def is_done(self) -> bool:
        """Whether nothing of it runs any more."""
        return self._task is None or self._task.done()

    def start(self) -> None:
        """Connect, and go on until it is closed."""
        self._task = self._services.loop.create_task(self._run())

    def close(self, reason: str) -> None:
        """Take leave of the other server, if it is there, and try no more."""
        if self._task is not None:
            self._task.cancel()
        if self.session is not None:
            self.session.close(reason)

    async def wait(self) -> None:
        """Return when nothing of it runs any more."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while True:
            began_at: float | None = None
            try:
                began_at = await self._relay()
            except SlipstreamError as error:
                self.error = self.rule.hide(str(error))
            except OSError as error:
                self.error = describe(error)
            except Exception:
                log.exception("relay.bug", relay=self.rule.id, stream=self.stream)
                self.error = "an error of the server's own"
            if not self.tries_again:
                return
            now = self._services.loop.time()
            went_well_s = 0.0 if began_at is None else now - began_at
            limit_s = self._settings_of().max_retry_s
            chance = random.random()  # noqa: S311 - nobody gains by guessing it
            pause_s = self._backoff.pause_s(went_well_s, limit_s, chance)
            log.warning(
                "relay.waiting",
                relay=self.rule.id,
                stream=self.stream,
                reason=self.error,
                for_s=round(pause_s, 1),
            )
            self._is_waiting = True
            await asyncio.sleep(pause_s)
            self._is_waiting = False
            self.reconnects += 1

    async def _relay(self) -> float | None:
        """Connect and wait for the end; return when media were let through, if they were.

        Raises:
            SlipstreamError: there is no connection.
            OSError: it broke at once.
        """
        url = self.rule.url_for(self.stream)
        app = url.app
        for _ in range(STEPS):
            session = await self._make_session(url)
            await self._see_through(session)
            plain = app.partition("?")[0]
            answer = answer_challenge(session.refusal, url.user, url.password, token_hex(4), plain)
            if not answer:
                break
            url = url._replace(app=f"{app}{'&' if '?' in app else '?'}{answer}")
        return session.began_at

    async def _make_session(self, url: RtmpUrl) -> Session:
        rule, services = self.rule, self._services
        sock = await dial(url, self._settings_of().allowed_hosts)
        connection_id = services.new_id(rule.kind)
        if rule.kind is RelayKind.PUSH:
            return PushSession(services, sock, url, self.stream, connection_id)
        credential = f"relay:{rule.id}"
        return PullSession(services, sock, url, self.stream, connection_id, credential)

    async def _see_through(self, session: Session) -> None:
        """Wait for the end of a connection."""
        log.info(
            "relay.open",
            id=session.connection_id,
            relay=self.rule.id,
            stream=self.stream,
            url=self.rule.shown_url,
            address=session.address,
        )
        self.session = session
        reason = "closed"
        try:
            session.begin()
            reason = self.error = self.rule.hide(await session.ended)
        finally:
            session.close(reason)
            self.session = None
            self._bytes += session.bytes
            self._frames += session.frames
            log.info(
                "relay.close",
                id=session.connection_id,
                stream=self.stream,
                reason=reason,
                bytes=session.bytes,
                frames=session.frames,
            )
