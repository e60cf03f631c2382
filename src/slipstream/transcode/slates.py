"""Slates: what viewers get while their publisher is away, for all streams of a worker.

A stream whose encoder has gone while it is watched gets a `Slate`; its reel is made at once,
by a child process, so that it can be on air in time. What the last encoder sent says what
shape it must have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from slipstream.formats import Greeting
from slipstream.hub import EndReason, Hub, Stream
from slipstream.transcode.order import CARD, CARD_BYTES, REEL_BYTES, Order
from slipstream.transcode.reels import Reels
from slipstream.transcode.settings import SlateSettings
from slipstream.transcode.shape import shape_of
from slipstream.transcode.slate import Slate

TICK_S = 0.25
RETRY_S = 1.0  # after a slate has ended while its stream is still without an encoder


class Slates:
    """Call `start()` once the hub serves, `stop()` when nobody is to be served any more.

    Args:
        hub: of this worker.
        settings_of: the settings of an application, by the stream's name.
        loop: of this worker.
        new_id: what a new connection of a kind is called in the log.
    """

    def __init__(
        self,
        hub: Hub,
        settings_of: Callable[[str], SlateSettings],
        loop: asyncio.AbstractEventLoop,
        new_id: Callable[[str], str],
    ) -> None:
        self._hub = hub
        self._settings_of = settings_of
        self._loop = loop
        self._new_id = new_id
        self._reels = Reels()
        self._slates: dict[str, Slate] = {}
        self._not_before: dict[str, float] = {}  # by stream, after a slate has ended there
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Watch over the streams from now on."""
        self.tick(self._loop.time())
        self._timer = self._loop.call_later(TICK_S, self.start)

    async def stop(self) -> None:
        """End all slates and their children."""
        if self._timer is not None:
            self._timer.cancel()
        for slate in list(self._slates.values()):
            slate.close(str(EndReason.SHUTDOWN))
        await self._reels.stop()

    def tick(self, now: float) -> None:
        """Do what is due."""
        self._reels.tick(now)
        for slate in list(self._slates.values()):
            slate.tick(now)
        streams = self._hub.streams
        for name in list(self._not_before):
            stream = streams.get(name)
            if stream is None or (stream.on_air is not None and not stream.on_slate):
                del self._not_before[name]
        for name, stream in streams.items():
            off_air_s = stream.off_air_s(now)
            if (
                off_air_s is not None
                and name not in self._slates
                and now >= self._not_before.get(name, 0)
            ):
                self._prepare(stream, off_air_s, now)

    def _prepare(self, stream: Stream, off_air_s: float, now: float) -> None:
        settings = self._settings_of(stream.name)
        shape = shape_of(_last_configs(stream)) if settings.source else None
        if shape is None:
            self._not_before[stream.name] = now + RETRY_S
            return
        max_bytes = CARD_BYTES if settings.source == CARD else REEL_BYTES
        order = Order(settings.source, settings.text, shape, max_bytes=max_bytes)
        reel = self._reels.take(order, now)
        if reel is None:
            self._not_before[stream.name] = now + RETRY_S
            return
        on_air_at = now + max(settings.after_s - off_air_s, 0)
        self._slates[stream.name] = Slate(
            self._new_id("slate"),
            self._hub,
            self._loop,
            stream.name,
            order,
            reel,
            on_air_at,
            self._on_ended,
        )

    def _on_ended(self, slate: Slate, reason: EndReason | None) -> None:
        now = self._loop.time()
        del self._slates[slate.stream]
        self._reels.give_back(slate.order, slate.reel, now)
        # Who ends a slate by hand wants none until the encoder has been back.
        pause_s = float("inf") if reason is EndReason.KICKED else RETRY_S
        self._not_before[slate.stream] = now + pause_s


def _last_configs(stream: Stream) -> Greeting:
    """What the last encoder began with; if it was another process's, what we have of it."""
    if stream.last_configs:
        return stream.last_configs
    syncs = [form.log.sync_points[-1] for form in stream.forms() if form.log.sync_points]
    newest = max(syncs, key=lambda sync: sync.time_ms, default=None)
    greeting = newest and newest.greeting
    return greeting if isinstance(greeting, tuple) else ()
