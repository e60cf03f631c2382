"""One stream that an RTMP connection plays.

The usual player asks for one stream, on message stream 1, with sound and picture: it gets
the log's bytes as they are. Whoever wants otherwise (a second stream on the connection,
another message stream, sound or picture alone) gets each message on a private, slower path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import structlog

from slipstream.access import Action
from slipstream.formats import (
    Flag,
    Format,
    Greeting,
    RtmpFormat,
    RtmpMultitrackFormat,
    Selection,
    selected,
)
from slipstream.formats.rtmp import PLAY_STREAM_ID
from slipstream.hub import EndReason, Had, NoticeKind, StreamSettings, Subscription
from slipstream.log import SyncPoint
from slipstream.net.cursor import Cursor
from slipstream.net.rtmp_permit import Permit
from slipstream.net.served import ServedFigures, had
from slipstream.net.wish import Wish, parse_wish
from slipstream.rtmp import PauseRequested, ReceiveAudio, ReceiveVideo

if TYPE_CHECKING:
    from slipstream.net.rtmp_session import RtmpSession

log = structlog.get_logger()

NOT_FOUND = (EndReason.NOT_FOUND, EndReason.NO_TRACK, EndReason.UNPUBLISHED)
STREAM_ID_AT = slice(8, 12)  # of the message stream id in a type 0 header of a short csid


class RtmpSelection:
    """Which messages of the log a player wants, on which message stream."""

    __slots__ = ("_await_keyframe", "_stream_id", "audio", "video")

    def __init__(self, stream_id: int) -> None:
        self.audio = True
        self.video = True
        self._await_keyframe = False
        self._stream_id = stream_id.to_bytes(4, "little")

    def want(self, audio: bool | None, video: bool | None) -> None:
        """Change what is wanted; a picture comes back with the next keyframe."""
        if audio is not None:
            self.audio = audio
        if video is not None:
            self._await_keyframe = video and not self.video
            self.video = video

    def select(self, message: bytes, flags: int) -> bytes:
        """The message as it is to be sent; empty if it is not."""
        if not flags & Flag.CONFIG:
            if flags & Flag.AUDIO and not self.audio:
                return b""
            if flags & Flag.VIDEO:
                if flags & Flag.KEYFRAME:
                    self._await_keyframe = False
                if not self.video or self._await_keyframe:
                    return b""
        return message[: STREAM_ID_AT.start] + self._stream_id + message[STREAM_ID_AT.stop :]


class RtmpViewer:
    """The hub's `ViewerPeer` and the cursor's owner; call `begin()` once."""

    __slots__ = (
        "_form",
        "_query",
        "_selection",
        "_session",
        "_stream_id",
        "_subscription",
        "_wish",
        "cursor",
    )

    protocol = "rtmp"

    def __init__(self, session: RtmpSession, stream_id: int) -> None:
        self._session = session
        self._stream_id = stream_id
        self._selection: RtmpSelection | None = None
        self._subscription: Subscription | None = None
        self._form: Format | None = None
        self._wish = Wish()
        self._query = ""
        self.cursor: Cursor | None = None
        if stream_id != PLAY_STREAM_ID or session.viewers:
            self._selection = RtmpSelection(stream_id)

    @property
    def connection_id(self) -> str:
        """As in the log."""
        return self._session.connection_id

    @property
    def address(self) -> str:
        """Of the player."""
        return self._session.link.address

    @property
    def encrypted(self) -> bool:
        """Whether it came with TLS."""
        return self._session.link.came_encrypted

    def begin(self, permit: Permit, tracks: Selection | None = None) -> None:
        """Play, or wait for a publisher.

        Args:
            permit: for the stream; its query says how the player wants to be served.
            tracks: of the stream; None: as the player can read them.

        Raises:
            BadWishError: there is nonsense in the query.
            FullError: there are too many viewers.
        """
        self._wish, self._query = parse_wish(permit.query), permit.query
        session = self._session
        services = session.services
        form = RtmpMultitrackFormat if session.caller.multitrack else RtmpFormat
        chosen = form if tracks is None else selected(RtmpFormat, tracks)
        for other in session.viewers.values():
            if other is not self:
                other.go_private()
        self._subscription = services.hub.subscribe(
            permit.stream, chosen, self, now=services.loop.time(), delay_ms=self._wish.delay_ms
        )
        if session.link.fd < 0:  # the very first bytes failed
            self._subscription.close()
        else:
            services.revocations.hold(self, permit.stream, Action.PLAY, permit.grant)
        log.info(
            "play.start",
            id=self.connection_id,
            stream=permit.stream,
            protocol=self.protocol,
            encrypted=self.encrypted,
        )
        session.tell(NoticeKind.PLAY, permit.stream, permit.query)

    def close(self, reason: str) -> None:
        """The player has gone, or is made to go."""
        figures = self.figures()
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            self._session.services.revocations.release(self)
            subscription.close()
        self._stop_cursor()
        if subscription is not None:
            self._session.bytes_sent += figures.bytes_sent
            log.info(
                "play.end",
                id=self.connection_id,
                stream=subscription.stream.name,
                reason=reason,
                **figures.losses(),
            )
            self._session.tell(
                NoticeKind.PLAY_DONE,
                subscription.stream.name,
                self._query,
                reason,
                bytes_sent=figures.bytes_sent,
                **figures.served(),
            )

    def pause(self, *, paused: bool) -> None:
        """Stop sending, or go on at the newest keyframe."""
        if self.cursor is None or self.cursor.paused is paused:
            return
        if paused:
            self.cursor.pause()
        self._session.connection.confirm_pause(self._stream_id, paused)
        self._session.flush()
        if not paused:
            self.cursor.resume()
            self._session.services.pump.wake(self.cursor.log)

    def grant(self, wish: PauseRequested | ReceiveAudio | ReceiveVideo) -> None:
        """Serve it otherwise from now on."""
        match wish:
            case PauseRequested():
                self.pause(paused=wish.paused)
            case ReceiveAudio():
                self.want(audio=wish.enabled)
            case ReceiveVideo():
                self.want(video=wish.enabled)

    def want(self, *, audio: bool | None = None, video: bool | None = None) -> None:
        """Send sound or picture, or leave it out."""
        if (audio is not False and video is not False) and self._selection is None:
            return  # all is wanted, and all is sent
        self.go_private().want(audio, video)

    def go_private(self) -> RtmpSelection:
        """Leave the fast path."""
        if self._selection is None:
            self._selection = RtmpSelection(self._stream_id)
            if self.cursor is not None:
                self.cursor.choose(self._selection)
        return self._selection

    # The hub's side

    def start(self, form: Format, sync: SyncPoint, settings: StreamSettings) -> None:
        """Answer, greet, and have the pump send the rest."""
        session = self._session
        self._form = form
        session.connection.accept_play(self._stream_id)
        session.flush()
        session.link.write(self._greeting(sync, again=False))
        self.cursor = Cursor(
            session.link,
            form.log,
            sync,
            self,
            ceiling_ms=self._wish.limit_ms(settings),
            stall_s=settings.stall_s,
            now=session.services.loop.time(),
            delay_ms=self._wish.hold_ms(settings),
            asked_at=None if self._subscription is None else self._subscription.asked_at,
        )
        if self._selection is not None:
            self.cursor.choose(self._selection)
        session.services.pump.add(self.cursor)

    def end(self, reason: EndReason) -> None:
        """The hub sends the player away."""
        session = self._session
        if self.cursor is None and reason in NOT_FOUND:
            session.connection.reject_play(
                self._stream_id, "NetStream.Play.StreamNotFound", str(reason)
            )
        elif self.cursor is None:
            session.connection.reject_play(self._stream_id, "NetStream.Play.Failed", str(reason))
        else:
            session.connection.end_play(self._stream_id)
        session.flush()
        self.close(str(reason))
        session.ended(self._stream_id)
        if not session.viewers and not session.publishers:
            session.services.loop.call_soon(session.close, str(reason))

    def revoke(self, reason: str) -> None:  # noqa: ARG002 - players are told less
        """What let the player in is good for nothing any more."""
        if self._subscription is not None:
            self._subscription.end(EndReason.REVOKED)

    def has_all(self) -> bool:
        """Whether the player has received all there is, or gets nothing."""
        return self.cursor is None or self.cursor.has_all()

    def had(self) -> Had:
        """What the player has had so far."""
        return had(self.cursor)

    def figures(self) -> ServedFigures:
        """How the player fares."""
        return ServedFigures.of(self.cursor, self._form)

    # The cursor's side

    def greet(self, sync: SyncPoint) -> bytes:
        """The configurations in this player's form, after a jump."""
        return self._greeting(sync, again=True)

    def fail(self, reason: str) -> None:
        """The cursor cannot go on."""
        self._session.link.fail(reason)

    def _greeting(self, sync: SyncPoint, *, again: bool) -> bytes:
        assert self._form is not None
        messages = self._form.greet(cast(Greeting, sync.greeting), sync.time_ms, again=again)
        if self._selection is not None:
            messages = [self._selection.select(message, Flag.CONFIG) for message in messages]
        return b"".join(messages)

    def _stop_cursor(self) -> None:
        cursor, self.cursor = self.cursor, None
        if cursor is not None:
            cursor.leave()
