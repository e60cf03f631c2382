"""A push: a viewer whose far end is another server, which we publish to.

It gets the bytes of the RTMP log as they are, since the log's messages are on message stream 1
in chunks of the size that our client announces. A server that gives us another message stream
gets each message with that one's number, on the private, slower path.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import cast

from slipstream.amf import build_amf0
from slipstream.formats import Flag, Format, Greeting, RtmpFormat, RtmpMultitrackFormat
from slipstream.formats.rtmp import PLAY_STREAM_ID
from slipstream.hub import EndReason, FullError, Had, StreamSettings, Subscription
from slipstream.log import SyncPoint
from slipstream.media import Frame, Kind
from slipstream.net.cursor import Cursor
from slipstream.net.rtmp_viewer import RtmpSelection
from slipstream.net.served import ServedFigures, had
from slipstream.net.services import Services
from slipstream.relays.session import Session
from slipstream.rtmp import Event, PublishStarted, RtmpUrl
from slipstream.rtmp.capabilities import FORWARDS_EVERYTHING

PROTOCOL = "rtmp-push"
SET_DATA_FRAME = build_amf0("@setDataFrame")  # before metadata: Adobe's way to publish it


class PushSession(Session):
    """The hub's `ViewerPeer` and the cursor's owner."""

    protocol = PROTOCOL

    def __init__(
        self,
        services: Services,
        sock: socket.socket,
        url: RtmpUrl,
        stream: str,
        connection_id: str,
    ) -> None:
        super().__init__(services, sock, url, stream, connection_id, FORWARDS_EVERYTHING)
        self._subscription: Subscription | None = None
        self._form: Format | None = None
        self._selection: RtmpSelection | None = None
        self._cursor: Cursor | None = None
        self._counted = 0  # position up to which messages have been counted
        self._dropped = 0  # pictures left out up to there
        self.connection.publish(url.name)

    @property
    def is_watching(self) -> bool:
        """It is, once the server has agreed."""
        return self._subscription is not None

    def take(self, event: Event, now: float) -> None:
        """Begin to watch when the server waits for media."""
        if not isinstance(event, PublishStarted):
            return
        self.deadline.met()
        if event.stream_id != PLAY_STREAM_ID:
            self._selection = RtmpSelection(event.stream_id)
        form = RtmpMultitrackFormat if self.server.multitrack else RtmpFormat
        self.flush()
        try:
            self._subscription = self.services.hub.subscribe(self.stream, form, self, now=now)
        except FullError as error:
            self.close(str(error))
        else:
            self.began_at = now

    def leave(self) -> None:
        """Watch no more."""
        cursor, self._cursor = self._cursor, None
        if cursor is not None:
            cursor.leave()
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            subscription.close()

    def measure(self) -> None:
        """Count the messages that the cursor has passed since it was last asked."""
        cursor = self._cursor
        if cursor is None:
            return
        self.bytes = cursor.bytes_sent
        passed = cursor.log.entries_between(self._counted, cursor.position)
        self.frames += max(passed - (cursor.dropped_frames - self._dropped), 0)
        self._counted, self._dropped = cursor.position, cursor.dropped_frames

    @property
    def lag_ms(self) -> int:
        """What the server has not received."""
        return 0 if self._cursor is None else self._cursor.lag_ms()

    # The hub's side

    def start(self, form: Format, sync: SyncPoint, settings: StreamSettings) -> None:
        """Greet, and have the pump send the rest."""
        self._form = form
        self.link.write(self._greeting(sync, again=False))
        self._counted = sync.position
        self._cursor = Cursor(
            self.link,
            form.log,
            sync,
            self,
            ceiling_ms=settings.latency_ceiling_ms,
            stall_s=settings.stall_s,
            now=self.services.loop.time(),
        )
        if self._selection is not None:
            self._cursor.choose(self._selection)
        self.services.pump.add(self._cursor)

    def end(self, reason: EndReason) -> None:
        """The hub sends it away."""
        self.close(str(reason))

    def has_all(self) -> bool:
        """Whether the server has received all there is."""
        return self._cursor is None or self._cursor.has_all()

    def had(self) -> Had:
        """What the server has had so far."""
        return had(self._cursor)

    def figures(self) -> ServedFigures:
        """How the server fares."""
        return ServedFigures.of(self._cursor, self._form)

    # The cursor's side

    def greet(self, sync: SyncPoint) -> bytes:
        """The configurations, after a jump; what was skipped is not counted."""
        self._counted = sync.position
        return self._greeting(sync, again=True)

    def fail(self, reason: str) -> None:
        """The cursor cannot go on."""
        self.link.fail(reason)

    def _greeting(self, sync: SyncPoint, *, again: bool) -> bytes:
        assert self._form is not None
        greeting = tuple(_published(cast(Greeting, sync.greeting)))
        messages = self._form.greet(greeting, sync.time_ms, again=again)
        if self._selection is not None:
            messages = [self._selection.select(message, Flag.CONFIG) for message in messages]
        return b"".join(messages)


def _published(greeting: Greeting) -> Iterator[Frame]:
    """The metadata as publishers send it, and the configurations."""
    for frame in greeting:
        if frame.kind == Kind.DATA:
            yield frame._replace(body=SET_DATA_FRAME + bytes(frame.body))
        else:
            yield frame
