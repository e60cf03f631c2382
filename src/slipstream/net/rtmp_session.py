"""One RTMP connection: the protocol's events joined to the hub, the gate and the pump.

The protocol itself is `rtmp.ServerConnection`, which does no I/O; the bytes are `Link`'s and
the pump's. What is left is here: deadlines, who may what, and one object for each stream that
the connection publishes (`RtmpPublisher`) or plays (`RtmpViewer`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import structlog

from slipstream.access import Action
from slipstream.errors import BadNameError
from slipstream.formats import Selection, split_selection
from slipstream.hub import BusyError, Claim, FullError, Notice, NoticeKind
from slipstream.net.deadline import Deadline
from slipstream.net.link import Link
from slipstream.net.rtmp_caller import RtmpCaller
from slipstream.net.rtmp_claim import RtmpClaim
from slipstream.net.rtmp_introduction import ask_others, introduce
from slipstream.net.rtmp_move import move_to_publisher
from slipstream.net.rtmp_permit import Permit, permit, refused, unpack_permit
from slipstream.net.rtmp_publisher import RtmpPublisher
from slipstream.net.rtmp_question import RtmpQuestion
from slipstream.net.rtmp_viewer import RtmpViewer
from slipstream.net.services import Services
from slipstream.net.wish import BadWishError
from slipstream.rtmp import (
    Code,
    ConnectRequested,
    Event,
    HandshakeDone,
    MediaReceived,
    PauseRequested,
    PlayEnded,
    PlayRequested,
    PublishEnded,
    PublishRequested,
    ReceiveAudio,
    ReceiveVideo,
    SeekRequested,
    ServerConnection,
)

log = structlog.get_logger()

# A wrong key is answered when the other workers have been told of it, so that none of them
# answers one more than there may be.
OTHERS_KNOW_S = 0.05


class RtmpSession:
    """Made for each connection; lives until its link ends.

    Args:
        services: of this worker.
        link: becomes ours.
        connection_id: what it is called in the worker that it comes from; empty: it is new.
    """

    __slots__ = (
        "_connection",
        "_deadline",
        "_pending",
        "bytes_sent",
        "caller",
        "connection_id",
        "has_moved",
        "link",
        "permit",
        "publishers",
        "said",
        "services",
        "viewers",
        "waiting",
    )

    def __init__(self, services: Services, link: Link, connection_id: str = "") -> None:
        self.services = services
        self.connection_id = connection_id or services.new_id("rtmp")
        self.has_moved = bool(connection_id)
        self.caller = RtmpCaller()
        # While others are asked what it may do, or for a stream's home.
        self.waiting: RtmpQuestion | RtmpClaim | None = None
        self.permit: Permit | None = None  # of the worker that it comes from
        # Read by read, so that it can be repeated in another worker; None once that is too late.
        self.said: list[bytes] | None = [] if services.mover is not None else None
        self.publishers: dict[int, RtmpPublisher] = {}
        self.viewers: dict[int, RtmpViewer] = {}
        self.bytes_sent = 0  # of media, to viewers that have ended
        self.link = link
        link.hand_to(self, self.connection_id)
        self._connection = ServerConnection(random_bytes=os.urandom)
        self._pending = True
        self._deadline = Deadline(services.loop, self.close)
        services.sessions[self] = None
        self.expect("the handshake", services.settings.handshake_s)
        link.start()

    # The link's side

    def received(self, data: bytes) -> None:
        """Handle what was read at once."""
        connection, now = self._connection, self.services.loop.time()
        if self.said is not None:
            self.said.append(data)
        self.handle(connection.receive_data(data, now), now)
        if self.link.is_closing:
            return
        answers = connection.data_to_send()
        if answers:
            self.link.write(answers)
        if connection.error is not None:
            self.close(str(connection.error))

    def handle(self, events: Sequence[Event], now: float) -> None:
        """Act on events, or hold them back while somebody is asked."""
        for event in events:
            if self.link.is_closing:
                return
            if self.waiting is not None:
                self.waiting.held.append(event)
            elif type(event) is MediaReceived:
                self._on_media(event, now)
            else:
                handler = _HANDLERS.get(type(event))
                if handler is not None:
                    handler(self, event)

    def repeat(self, said: Sequence[bytes], permit: bytes = b"") -> None:
        """Go through what the client has said to another worker: it has had its answers.

        Args:
            said: read by read.
            permit: of the other worker, which has decided.
        """
        self.permit = unpack_permit(permit)
        self.link.is_muted = True
        for data in said:
            self.link.bytes_received += len(data)
            self.received(data)
            if self.link.fd < 0:
                return
        self.link.is_muted = False

    def lost(self, reason: str) -> None:
        """The link has ended."""
        self._forget(reason)

    def moved(self, home: int) -> None:
        """The connection goes on in another worker."""
        log.info("rtmp.move", id=self.connection_id, to_worker=home)
        self._forget(f"moved to worker {home}", moved=True)

    def close(self, reason: str) -> None:
        """End the connection, after what is still to be said."""
        if not self.link.is_closing:
            self.flush()
            self._forget(reason)
            self.link.close()

    @property
    def is_watching(self) -> bool:
        """Whether it plays something."""
        return bool(self.viewers)

    def ask_to_reconnect(self) -> bool:
        """Ask a publisher to connect elsewhere. False: it is none, or does not know how."""
        asked = bool(self.publishers) and self._connection.send_reconnect_request(
            description="This server is going away."
        )
        self.flush()
        return asked

    def reconfigure(self) -> None:
        """Other settings may be in force."""
        for publisher in list(self.publishers.values()):
            publisher.reconfigure()

    def flush(self) -> None:
        """Send the protocol's answers, between two messages of whatever is being played."""
        if data := self._connection.data_to_send():
            self.link.write(data)

    # What publishers, viewers and claims of this connection use

    def publish(self, stream_id: int, permit: Permit, claim: Claim) -> None:
        """Publish here, if the stream can be had."""
        publisher = RtmpPublisher(self, stream_id)
        try:
            publisher.begin(permit, claim)
        except BusyError as error:
            self.refuse_publish(stream_id, str(error))
            return
        self.publishers[stream_id] = publisher
        self._connection.accept_publish(stream_id)
        self._trust()
        self.services.intake.add(self.link)
        state = publisher.state
        log.info("publish.start", id=self.connection_id, stream=permit.stream, state=state)
        self.tell(NoticeKind.PUBLISH, permit.stream, permit.query, state=state)

    def refuse_publish(self, stream_id: int, reason: str) -> None:
        """Say no, and close."""
        self._connection.reject_publish(stream_id, "NetStream.Publish.BadName", reason)
        self.close("publishing was refused")

    def tell(self, kind: NoticeKind, stream: str, *more: str, **detail: Any) -> None:
        """Have it known what the connection does; arguments are those of `notice()`."""
        self.services.hub.notices.tell(self.notice(kind, stream, *more, **detail))

    def notice(self, kind: NoticeKind, stream: str, *more: str, **detail: Any) -> Notice:
        """What there is to say of what it does; arguments are those of `RtmpCaller.notice()`."""
        peer = (self.connection_id, self.link.address)
        return self.caller.notice(peer, kind, stream, *more, **detail)

    @property
    def connection(self) -> ServerConnection:
        """The protocol's state."""
        return self._connection

    def ended(self, stream_id: int) -> None:
        """One of the connection's streams has ended; without any, time runs again."""
        self.publishers.pop(stream_id, None)
        self.viewers.pop(stream_id, None)
        if not self.publishers:
            self.services.intake.remove(self.link)
        if not self.publishers and not self.viewers:
            self.expect("another stream", self.services.settings.request_s)

    # Events

    def _on_handshake_done(self, _: HandshakeDone) -> None:
        self.expect("connect", self.services.settings.connect_s)

    def _on_connect(self, event: ConnectRequested) -> None:
        self.caller = RtmpCaller.of(event)
        if introduce(self, event):
            ask_others(self, event, partial(self._on_let_in, event))

    def _on_let_in(self, event: ConnectRequested) -> None:
        self._connection.accept_connect()
        self._settle()
        self.expect("publish or play", self.services.settings.request_s)
        if self.link.is_muted:  # it is known since it came to another worker
            return
        log.info(
            "rtmp.open",
            id=self.connection_id,
            address=self.link.address,
            app=event.app,
            client=event.flash_ver,
            encrypted=self.link.came_encrypted,
        )
        self.tell(NoticeKind.CONNECT, event.app, event.query)

    def _on_publish(self, event: PublishRequested) -> None:
        self._unmute()
        then = partial(self._on_publish_decided, event.stream_id)
        permit(self, Action.PUBLISH, event.name, event.query, then)

    def _on_publish_decided(self, stream_id: int, granted: Permit | None) -> None:
        reason = "wrong stream key or name"
        if granted is not None:
            reason = self.services.refuse_publish()
            if reason:
                refused(self, Action.PUBLISH, reason, granted.stream)
        if granted is None and self.services.mover is not None:
            loop = self.services.loop
            loop.call_later(OTHERS_KNOW_S, self.refuse_publish, stream_id, reason)
            return
        if granted is None or reason:
            self.refuse_publish(stream_id, reason)
            return
        claim = self.waiting = RtmpClaim(self, stream_id, granted)
        claim.begin()

    def _unmute(self) -> None:
        """Forget the answers to what has been gone through again; go on aloud."""
        if self.link.is_muted:
            self._connection.data_to_send()
            self.link.is_muted = False
        else:
            self.flush()

    def _on_play(self, event: PlayRequested) -> None:
        self._unmute()
        try:
            stream, tracks = split_selection(event.name)
        except BadNameError as error:
            refused(self, Action.PLAY, str(error))
            self._on_play_decided(event.stream_id, None, None)
            return
        then = partial(self._on_play_decided, event.stream_id, tracks)
        permit(self, Action.PLAY, stream, event.query, then)

    def _on_play_decided(
        self, stream_id: int, tracks: Selection | None, granted: Permit | None
    ) -> None:
        if granted is None:
            self._connection.reject_play(stream_id, Code.PLAY_STREAM_NOT_FOUND, "no such stream")
            return
        if move_to_publisher(self, granted):
            return
        viewer = RtmpViewer(self, stream_id)
        self.viewers[stream_id] = viewer
        self._trust()
        try:
            viewer.begin(granted, tracks)
        except (BadWishError, FullError) as error:
            self._connection.reject_play(stream_id, "NetStream.Play.Failed", str(error))
            self.ended(stream_id)

    def _on_media(self, event: MediaReceived, now: float) -> None:
        publisher = self.publishers.get(event.stream_id)
        if publisher is not None:
            publisher.receive(event.messages, now)

    def _on_publish_ended(self, event: PublishEnded) -> None:
        publisher = self.publishers.get(event.stream_id)
        if publisher is not None:
            publisher.close("unpublished")
            self.ended(event.stream_id)

    def _on_play_ended(self, event: PlayEnded) -> None:
        viewer = self.viewers.get(event.stream_id)
        if viewer is not None:
            viewer.close("stopped by the player")
            self.ended(event.stream_id)

    def _on_wish(self, event: PauseRequested | ReceiveAudio | ReceiveVideo) -> None:
        viewer = self.viewers.get(event.stream_id)
        if viewer is not None:
            viewer.grant(event)

    def _on_seek(self, event: SeekRequested) -> None:
        self._connection.send_status(
            event.stream_id, "error", "NetStream.Seek.Failed", "a live stream has no other place"
        )

    # Inside

    def expect(self, what: str, within_s: float) -> None:
        """Close the connection if `what` does not happen in time, whatever else comes."""
        if not self.link.is_closing:
            self._deadline.expect(what, within_s)

    def _trust(self) -> None:
        """The peer may do what it asked for: no deadline, and more room for what it is sent."""
        self._deadline.met()
        self.said = None
        self.link.max_unsent = self.services.settings.max_unread

    def _settle(self) -> None:
        if self._pending:
            self._pending = False
            self.services.admissions.settled(self.link.address)

    def _forget(self, reason: str, *, moved: bool = False) -> None:
        """Take the connection out of everything that knows it."""
        self._deadline.met()
        for viewer in list(self.viewers.values()):
            viewer.close(reason)
        for publisher in list(self.publishers.values()):
            publisher.close(reason)
        self.viewers.clear()
        if self.publishers:
            self.publishers.clear()
            self.services.intake.remove(self.link)
        self.services.sessions.pop(self, None)
        was_pending = self._pending
        self._settle()
        self.services.admissions.closed()
        level = log.debug if was_pending or moved else log.info
        address = self.link.address
        counts = {"bytes_received": self.link.bytes_received, "bytes_sent": self.bytes_sent}
        level("rtmp.close", id=self.connection_id, address=address, reason=reason, **counts)
        if not was_pending and not moved:
            self.tell(NoticeKind.DISCONNECT, self.caller.app, reason=reason, **counts)


Handler = Callable[[RtmpSession, Any], None]

_HANDLERS: dict[type[Event], Handler] = {
    HandshakeDone: RtmpSession._on_handshake_done,
    ConnectRequested: RtmpSession._on_connect,
    PublishRequested: RtmpSession._on_publish,
    PlayRequested: RtmpSession._on_play,
    PublishEnded: RtmpSession._on_publish_ended,
    PlayEnded: RtmpSession._on_play_ended,
    PauseRequested: RtmpSession._on_wish,
    ReceiveAudio: RtmpSession._on_wish,
    ReceiveVideo: RtmpSession._on_wish,
    SeekRequested: RtmpSession._on_seek,
}
