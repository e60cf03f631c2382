"""How the connections of a worker end when the worker does.

Publishers are asked to connect elsewhere, where they know how, and end first. Viewers get what
is in the logs for them, and then the end; those who wait are told at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

import structlog

from slipstream.hub import EndReason, Subscription
from slipstream.net.services import Services, Session

log = structlog.get_logger()

LOOK_S = 0.05
RECONNECT_S = 3.0  # what publishers have that were asked to connect elsewhere
HURRIED_S = 1.0  # what peers have to read their last words when we are told a second time


class Shutdown:
    """Call `stop()` or `drain()` from wherever that is told; one task waits for it and obeys:
    `await wanted()`, and then `await end()`.

    Args:
        services: of the worker.
        accept_nobody: closes the listening sockets; called once.
        stop_s: how long viewers may take to get what is there for them.
        drain_s: how long everybody may stay who is there when accepting ends.
    """

    def __init__(
        self,
        services: Services,
        accept_nobody: Callable[[], None],
        *,
        stop_s: float,
        drain_s: float,
    ) -> None:
        self._services = services
        self._accept_nobody = accept_nobody
        self.stop_s = stop_s
        self.drain_s = drain_s
        self._told = asyncio.Event()
        self._closed = False
        self._stopping = False
        self._hurried_at: float | None = None

    @property
    def is_stopping(self) -> bool:
        """Whether nobody may begin anything any more."""
        return self._stopping

    @property
    def is_draining(self) -> bool:
        """Whether it is to end when everybody has left, and others go on instead."""
        return self._told.is_set() and not self._stopping

    # Told

    def stop(self) -> None:
        """End, and soon. Told a second time: within two seconds."""
        if self._stopping and self._hurried_at is None:
            self._hurried_at = self._now()
        self.stop_once()

    def stop_once(self) -> None:
        """End, and soon; however often that is told."""
        self._stopping = True
        self.drain()

    def drain(self) -> None:
        """Accept nobody any more, and end when everybody has left."""
        self._told.set()

    # Obeyed

    async def wanted(self) -> None:
        """Return when the worker is to end, and all have left who may leave by themselves."""
        await self._told.wait()
        self._close()
        if not self._stopping:
            log.info("worker.draining", connections=len(self._services.sessions))
            self._ask_publishers()
            await self.until(lambda: self._stopping or not self._anybody(), self.drain_s)

    async def end(self) -> None:
        """End all connections; what is left of them afterwards sees to itself."""
        started_at = self._now()
        self._stopping = True
        self._close()
        for subscription in self._subscriptions():
            if not subscription.started:
                subscription.end(EndReason.SHUTDOWN)
        asked = self._ask_publishers()
        await self.until(lambda: not self._goes_on(asked), RECONNECT_S)
        self._end_publishers()
        for session in list(self._services.sessions):
            if not session.is_watching:
                session.close(str(EndReason.SHUTDOWN))
        left_s = self.stop_s - (self._now() - started_at)
        await self.until(self._viewers_are_gone, left_s)
        self._services.hub.end(EndReason.SHUTDOWN, self._now())
        await asyncio.sleep(0)  # connections whose last stream has ended close then
        for session in list(self._services.sessions):
            session.close(str(EndReason.SHUTDOWN))

    async def until(self, done: Callable[[], bool], within_s: float) -> None:
        """Wait for something, but not longer than there is time for it."""
        deadline = self._now() + within_s
        while not done():
            now = self._now()
            if self._hurried_at is not None:
                deadline = min(deadline, self._hurried_at + HURRIED_S)
            if now >= deadline:
                return
            await asyncio.sleep(min(LOOK_S, deadline - now))

    # Inside

    def _now(self) -> float:
        return self._services.loop.time()

    def _close(self) -> None:
        if not self._closed:
            self._closed = True
            self._accept_nobody()

    def _subscriptions(self) -> Iterator[Subscription]:
        for stream in list(self._services.hub.streams.values()):
            yield from list(stream.subscriptions)

    def _anybody(self) -> bool:
        return bool(self._services.sessions) or next(self._subscriptions(), None) is not None

    def _ask_publishers(self) -> list[Session]:
        return [session for session in list(self._services.sessions) if session.ask_to_reconnect()]

    def _goes_on(self, asked: Sequence[Session]) -> bool:
        """Whether publishers that were asked to leave are still there, here or elsewhere."""
        if any(session in self._services.sessions for session in asked):
            return True
        streams = self._services.hub.streams.values()
        return any(stream.is_elsewhere and stream.subscriptions for stream in streams)

    def _end_publishers(self) -> None:
        """Let no log grow any more."""
        now = self._now()
        for stream in list(self._services.hub.streams.values()):
            for publication in reversed(stream.publications()):  # so that nobody takes a place
                publication.end(EndReason.SHUTDOWN, now)
            stream.audience.unfollow()

    def _viewers_are_gone(self) -> bool:
        """Send those away who have all there is."""
        gone = True
        for subscription in self._subscriptions():
            if not subscription.started or subscription.peer.has_all():
                subscription.end(EndReason.SHUTDOWN)
            else:
                gone = False
        return gone
