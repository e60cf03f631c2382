"""The slate of one stream: waits until it is due, then publishes its reel until it must go.

It is a publisher like any other, of the lowest rank: the hub ends it when an encoder is on
air in its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from slipstream.hub import BusyError, Claim, EndReason, Hub, Publication, PublisherState, Rank
from slipstream.transcode.order import Order
from slipstream.transcode.reel import Playback, Reel

log = structlog.get_logger()

STEP_S = 0.04  # from one batch of frames to the next
AHEAD_S = 0.05  # so much earlier than they are due frames are sent, so that none is late
MAX_LATE_S = 1.0  # what was missed by more, since this process stood still, is not caught up
ASK_AGAIN_S = 1.0  # when the stream cannot be had now
CREDENTIAL = "slate"


class Slate:
    """The hub's `PublisherPeer`: call `tick()` now and then, `close()` to be rid of it.

    Args:
        connection_id: as in the log.
        hub: where it is published.
        loop: of the worker.
        stream: its name.
        order: what is shown.
        reel: of that order, perhaps still growing.
        on_air_at: when it begins, in the loop's time, if the reel is there.
        ended: called once.
    """

    protocol = "slate"
    address = ""
    encrypted = False

    def __init__(
        self,
        connection_id: str,
        hub: Hub,
        loop: asyncio.AbstractEventLoop,
        stream: str,
        order: Order,
        reel: Reel,
        on_air_at: float,
        ended: Callable[[Slate, EndReason | None], None],
    ) -> None:
        self.connection_id = connection_id
        self.stream = stream
        self.order = order
        self.reel = reel
        self._hub = hub
        self._loop = loop
        self._on_air_at = on_air_at
        self._ended: Callable[[Slate, EndReason | None], None] | None = ended
        self._playback = Playback(reel)
        self._publication: Publication | None = None
        self._claiming = False
        self._began_at = self._stepped_at = 0.0
        self._lonely_since: float | None = None
        self._timer = loop.call_at(on_air_at, self._step)

    def tick(self, now: float) -> None:
        """See whether it is wanted still."""
        stream = self._hub.streams.get(self.stream)
        if stream is None or (self._publication is None and stream.off_air_s(now) is None):
            self.close("the publisher is back, or nobody waits for it")
        elif stream.audience or stream.audience.taps:
            self._lonely_since = None
        elif self._lonely_since is None:
            self._lonely_since = now
        elif now - self._lonely_since >= stream.settings.grace_s:
            self.close("nobody watches")

    def placed(self, state: PublisherState) -> None:
        """What it is to the stream, it is from the beginning."""

    def end(self, reason: EndReason) -> None:
        """The hub sends it away."""
        self._finish(str(reason), reason)

    def close(self, reason: str) -> None:
        """End it."""
        if self._publication is not None:
            self._publication.close(self._loop.time())
        self._finish(reason, None)

    # Before it is on air

    def _step(self) -> None:
        now = self._loop.time()
        if self._publication is not None:
            self._play(self._publication, now)
        elif self.reel.failed:
            self.close("it could not be made")
        elif self.reel.ready and not self._claiming:
            self._claiming = True
            self._hub.directory.claim(self.stream, CREDENTIAL, self._on_claimed)
        else:
            self._step_again(now + STEP_S)

    def _on_claimed(self, claim: Claim) -> None:
        self._claiming = False
        if claim.home is not None or claim.refusal:
            self._step_again(self._loop.time() + ASK_AGAIN_S)
        elif self._ended is None:
            self._hub.give_back(self.stream)
        else:
            self._go_on_air(claim)

    def _go_on_air(self, claim: Claim) -> None:
        now = self._loop.time()
        try:
            self._publication = self._hub.publish(
                self.stream,
                self,
                credential=CREDENTIAL,
                now=now,
                claim=claim,
                rank=Rank.SLATE,
            )
        except BusyError as error:
            self._hub.give_back(self.stream)
            self.close(str(error))
            return
        log.info("slate.start", id=self.connection_id, stream=self.stream, source=self.order.source)
        self._began_at = self._stepped_at = now
        self._publication.receive(self.reel.configs, now)
        self._play(self._publication, now)

    # On air

    def _play(self, publication: Publication, now: float) -> None:
        if self.reel.failed and not self.reel.complete:
            self.close("it could not be made to its end")
            return
        late_s = now - self._stepped_at
        if late_s > MAX_LATE_S:
            self._began_at += late_s
        self._stepped_at = now
        frames = self._playback.due(int((now - self._began_at + AHEAD_S) * 1000))
        publication.bytes_received += sum(len(frame.body) for frame in frames)
        try:
            publication.receive(frames, now)
        except OSError as error:  # the machine is out of memory
            self.close(f"no room in memory: {error}")
            return
        self._step_again(now + STEP_S)

    def _step_again(self, at: float) -> None:
        if self._ended is not None:
            self._timer = self._loop.call_at(at, self._step)

    def _finish(self, reason: str, told: EndReason | None) -> None:
        ended, self._ended = self._ended, None
        if ended is None:
            return
        self._timer.cancel()
        if self._publication is not None:
            log.info(
                "slate.end",
                id=self.connection_id,
                stream=self.stream,
                reason=reason,
                frames=self._publication.frames_received,
            )
        ended(self, told)
