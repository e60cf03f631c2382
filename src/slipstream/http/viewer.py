"""A viewer over HTTP: an endless response out of a log, after the library has read the request.

Once it is clear that there is something to send, the connection is taken over from the library
(`http.takeover`), and from then on the viewer is a link and a cursor like any other.
"""

from __future__ import annotations

import asyncio
from typing import cast

import structlog

from slipstream.access import Action, Grant
from slipstream.formats import Format, Greeting
from slipstream.http.access import Visitor
from slipstream.hub import EndReason, Had, Notice, NoticeKind, StreamSettings, Subscription
from slipstream.log import SyncPoint
from slipstream.net.cursor import Cursor
from slipstream.net.link import Link
from slipstream.net.served import ServedFigures, had
from slipstream.net.services import Services
from slipstream.net.wish import Wish

log = structlog.get_logger()


class HttpViewer:
    """The hub's `ViewerPeer`, the cursor's owner and the link's, one after the other.

    Args:
        viewers: where it stands while it is served.
        services: of this worker.
        visitor: who asks.
        wish: what it asks for.
        protocol: how it is called in lists and logs.
    """

    __slots__ = (
        "_cursor",
        "_form",
        "_link",
        "_services",
        "_settings",
        "_started",
        "_subscription",
        "_sync",
        "_viewers",
        "_visitor",
        "_wish",
        "address",
        "connection_id",
        "encrypted",
        "protocol",
        "refused",
    )

    def __init__(
        self,
        viewers: dict[HttpViewer, None],
        services: Services,
        visitor: Visitor,
        wish: Wish,
        protocol: str,
    ) -> None:
        self.connection_id = services.new_id(protocol.partition("-")[2])
        self.address = visitor.address
        self.encrypted = visitor.encrypted
        self._visitor = visitor
        self.protocol = protocol
        self.refused: EndReason | None = None
        self._viewers = viewers
        self._services = services
        self._started: asyncio.Event | None = asyncio.Event()
        self._subscription: Subscription | None = None
        self._link: Link | None = None
        self._cursor: Cursor | None = None
        self._form: Format | None = None
        self._sync: SyncPoint | None = None
        self._settings = StreamSettings()
        self._wish = wish

    async def wait_for_start(self, stream: str, form: type[Format], grant: Grant) -> None:
        """Subscribe and wait until there is something to send, or nothing will come.

        Args:
            stream: its name.
            form: in which format.
            grant: what the viewer was let in by.

        Raises:
            FullError: there are too many viewers.
        """
        now = self._services.loop.time()
        delay_ms = self._wish.delay_ms
        self._subscription = self._services.hub.subscribe(
            stream, form, self, now=now, delay_ms=delay_ms
        )
        self._services.revocations.hold(self, stream, Action.PLAY, grant)
        assert self._started is not None
        try:
            await self._started.wait()
        except asyncio.CancelledError:
            self.close("left while waiting")
            raise
        self._started = None

    @property
    def greeting(self) -> Greeting:
        """What is known of the stream where the viewer starts."""
        return () if self._sync is None else cast(Greeting, self._sync.greeting)

    def take_over(self, link: Link, head: bytes, left_out: str = "") -> None:
        """Send the response's head, the greeting and then the log.

        Args:
            link: becomes ours.
            head: of the response.
            left_out: the codecs that the viewer's format cannot carry, for the log.
        """
        services = self._services
        assert self._form is not None
        assert self._subscription is not None
        if self._subscription.ended:
            link.abort()
            return
        services.admissions.opened(self.address)
        services.admissions.settled(self.address)
        self._viewers[self] = None
        log.info(
            "play.start",
            id=self.connection_id,
            address=self.address,
            stream=self._subscription.stream.name,
            protocol=self.protocol,
            encrypted=self.encrypted,
            **({"left_out": left_out} if left_out else {}),
        )
        self._tell(NoticeKind.PLAY, self._subscription.stream.name)
        self._link = link
        link.hand_to(self, self.connection_id)
        link.start()
        sync = self._sync
        assert sync is not None
        link.write(head + self._greeting(sync, again=False))
        self._cursor = Cursor(
            link,
            self._form.log,
            sync,
            self,
            ceiling_ms=self._wish.limit_ms(self._settings),
            stall_s=self._settings.stall_s,
            now=services.loop.time(),
            delay_ms=self._wish.hold_ms(self._settings),
            asked_at=self._subscription.asked_at,
        )
        services.pump.add(self._cursor)

    def close(self, reason: str) -> None:
        """The viewer has gone, or is made to go."""
        figures = self.figures()
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            self._services.revocations.release(self)
            subscription.close()
        cursor, self._cursor = self._cursor, None
        self._form = self._sync = None  # link and viewer refer to each other: none to a log
        if cursor is not None:
            cursor.leave()
        if subscription is not None and self._viewers.pop(self, 0) is None:
            self._services.admissions.closed()
            log.info(
                "play.end",
                id=self.connection_id,
                stream=subscription.stream.name,
                reason=reason,
                **figures.losses(),
            )
            self._tell(
                NoticeKind.PLAY_DONE,
                subscription.stream.name,
                reason,
                bytes_sent=figures.bytes_sent,
                **figures.served(),
            )

    # The hub's side

    def start(self, form: Format, sync: SyncPoint, settings: StreamSettings) -> None:
        """Let the request go on."""
        self._form, self._sync, self._settings = form, sync, settings
        if self._started is not None:
            self._started.set()

    def end(self, reason: EndReason) -> None:
        """The hub sends the viewer away."""
        if self._link is not None:
            self._link.write(self.farewell(reason))
            self.close(str(reason))
            self._link.close()
        else:
            self.close(str(reason))
            self.refused = reason
            if self._started is not None:
                self._started.set()

    def revoke(self, reason: str) -> None:  # noqa: ARG002 - players are told less
        """What let the viewer in is good for nothing any more."""
        if self._subscription is not None:
            self._subscription.end(EndReason.REVOKED)

    def farewell(self, reason: EndReason) -> bytes:  # noqa: ARG002 - others have one
        """The last thing that the viewer is told."""
        return b""

    def has_all(self) -> bool:
        """Whether the viewer has received all there is, or gets nothing."""
        return self._cursor is None or self._cursor.has_all()

    def had(self) -> Had:
        """What the viewer has had so far."""
        return had(self._cursor)

    def figures(self) -> ServedFigures:
        """How the viewer fares."""
        return ServedFigures.of(self._cursor, self._form)

    # The cursor's side

    def greet(self, sync: SyncPoint) -> bytes:
        """The configurations, after a jump."""
        return self._greeting(sync, again=True)

    def fail(self, reason: str) -> None:
        """The cursor cannot go on."""
        if self._link is not None:
            self._link.fail(reason)

    def _greeting(self, sync: SyncPoint, *, again: bool) -> bytes:
        assert self._form is not None
        greeting = cast(Greeting, sync.greeting)
        return b"".join(self._form.greet(greeting, sync.time_ms, again=again))

    def _tell(self, kind: NoticeKind, stream: str, reason: str = "", **detail: object) -> None:
        notice = Notice(
            kind,
            stream=stream,
            id=self.connection_id,
            address=self.address,
            protocol=self.protocol,
            client=self._visitor.agent,
            query=self._visitor.query,
            page_url=self._visitor.page,
            reason=reason,
            detail=detail,
        )
        self._services.hub.notices.tell(notice)

    # The link's side

    def received(self, data: bytes) -> None:
        """Whatever a viewer says after its request is of no interest."""

    def lost(self, reason: str) -> None:
        """The link has ended."""
        self.close(reason)
