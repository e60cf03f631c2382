"""One stream that an RTMP connection publishes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import structlog

from slipstream.access import Action
from slipstream.errors import MediaError
from slipstream.hub import Claim, EndReason, NoticeKind, Publication, PublisherState
from slipstream.net.ingest_policy import IngestPolicy
from slipstream.net.rtmp_media import read_frames
from slipstream.net.rtmp_permit import Permit
from slipstream.rtmp import Code, Message

if TYPE_CHECKING:
    from slipstream.net.rtmp_session import RtmpSession

log = structlog.get_logger()

CODES = {
    EndReason.TAKEN_OVER: "NetStream.Publish.BadName",
    EndReason.SILENT: "NetStream.Publish.Idle",
    EndReason.KICKED: "NetStream.Publish.Denied",
    EndReason.SHUTDOWN: "NetConnection.Connect.AppShutdown",
}


class RtmpPublisher:
    """The hub's `PublisherPeer`; call `begin()` once, then `receive()` per read."""

    __slots__ = ("_permit", "_policy", "_query", "_session", "_stream_id", "publication")

    protocol = "rtmp"

    def __init__(self, session: RtmpSession, stream_id: int) -> None:
        self._session = session
        self._stream_id = stream_id
        self._query = ""
        self._permit: Permit | None = None
        self._policy: IngestPolicy | None = None  # None: nothing is limited
        self.publication: Publication | None = None

    @property
    def connection_id(self) -> str:
        """As in the log."""
        return self._session.connection_id

    @property
    def address(self) -> str:
        """Of the encoder."""
        return self._session.link.address

    @property
    def encrypted(self) -> bool:
        """Whether it came with TLS."""
        return self._session.link.came_encrypted

    @property
    def state(self) -> str:
        """What it is to the stream; empty if it does not publish."""
        return "" if self.publication is None else str(self.publication.state)

    def begin(self, permit: Permit, claim: Claim) -> None:
        """Publish a stream whose home is here by this claim.

        Raises:
            BusyError: somebody else does.
        """
        services = self._session.services
        now = services.loop.time()
        policy = services.gate.policy(permit.stream, permit.policy)
        self.publication = services.hub.publish(
            permit.stream,
            self,
            credential=permit.credential,
            now=now,
            claim=claim,
            max_viewers=policy.max_viewers or 0,
        )
        services.revocations.hold(self, permit.stream, Action.PUBLISH, permit.grant)
        self._permit, self._query = permit, permit.query
        if not policy.is_empty:
            self._policy = IngestPolicy(self._session, permit, now)

    def receive(self, messages: Sequence[Message], now: float) -> None:
        """Take the media of one read."""
        publication = self.publication
        if publication is None:
            return
        frames = read_frames(messages, partial(self._note_refused, publication))
        publication.bytes_received = self._session.link.bytes_received
        if self._policy is not None:
            excess = self._policy.refuses(frames, publication.state, now)
            if excess:
                self._send_away(Code.PUBLISH_DENIED, excess)
                return
        try:
            publication.receive(frames, now)
        except OSError as error:  # the machine is out of memory; its other streams live on
            self._session.close(f"no room in memory: {error}")

    def reconfigure(self) -> None:
        """The application may limit what is sent now, or more than before."""
        publication, permit = self.publication, self._permit
        if publication is None or permit is None:
            return
        if self._policy is None:
            if self._session.services.gate.policy(permit.stream, permit.policy).is_empty:
                return
            self._policy = IngestPolicy(self._session, permit, publication.since)
        excess = self._policy.reconsider(publication.configs, publication.state)
        if excess:
            self._send_away(Code.PUBLISH_DENIED, excess)

    def close(self, reason: str) -> None:
        """The publisher has gone, or is made to go."""
        publication, self.publication = self.publication, None
        if publication is None:
            return
        self._session.services.revocations.release(self)
        log.info(
            "publish.end",
            id=self.connection_id,
            stream=publication.stream.name,
            reason=reason,
            frames=publication.frames_received,
            refused=publication.frames_refused,
        )
        stream, frames = publication.stream.name, publication.frames_received
        self._session.tell(NoticeKind.PUBLISH_DONE, stream, self._query, reason, frames=frames)
        publication.close(self._session.services.loop.time())

    def placed(self, state: PublisherState) -> None:
        """The hub has given the publisher another part."""
        publication = self.publication
        if publication is not None and publication.stood_by:  # else it is on air, as it wanted
            stream = publication.stream.name
            log.info("publish.placed", id=self.connection_id, stream=stream, state=str(state))

    def end(self, reason: EndReason) -> None:
        """The hub sends the publisher away."""
        self._send_away(CODES.get(reason, Code.PUBLISH_DENIED), str(reason))

    def revoke(self, reason: str) -> None:
        """What let the publisher in is good for nothing any more."""
        self._send_away(Code.PUBLISH_DENIED, reason)

    def _send_away(self, code: str, reason: str) -> None:
        session = self._session
        session.connection.end_publish(self._stream_id, code, reason)
        session.flush()
        self.close(reason)
        session.ended(self._stream_id)
        if not session.publishers and not session.viewers:
            # OBS reads nothing while it streams: only a closed connection tells it.
            session.services.loop.call_soon(session.close, reason)

    def _note_refused(self, publication: Publication, error: MediaError) -> None:
        publication.frames_refused += 1
        if publication.frames_refused == 1:
            log.warning(
                "publish.media_refused",
                id=self.connection_id,
                stream=publication.stream.name,
                reason=str(error),
            )
