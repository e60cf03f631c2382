"""A pull: a publisher whose far end is another server, which we play from.

The stream is claimed when the first media come, so that a source that has nothing keeps nobody
from publishing.
"""

from __future__ import annotations

import socket
from functools import partial

import structlog

from slipstream.errors import MediaError
from slipstream.hub import BusyError, Claim, EndReason, Publication, PublisherState
from slipstream.net.rtmp_client import EVERYTHING
from slipstream.net.rtmp_media import read_frames
from slipstream.net.services import Services
from slipstream.relays.session import Session
from slipstream.rtmp import Event, MediaReceived, Message, PlayStarted, RtmpUrl

log = structlog.get_logger()

PROTOCOL = "rtmp-pull"
MEDIA_S = 30.0  # a server that agreed and sends nothing for so long may have gone


class PullSession(Session):
    """The hub's `PublisherPeer`.

    Args:
        services: of this worker.
        sock: connected.
        url: of the stream, at the other server.
        stream: its name here.
        connection_id: as in the log.
        credential: the same for all that may take over from each other.
    """

    protocol = PROTOCOL

    def __init__(
        self,
        services: Services,
        sock: socket.socket,
        url: RtmpUrl,
        stream: str,
        connection_id: str,
        credential: str,
    ) -> None:
        super().__init__(services, sock, url, stream, connection_id, EVERYTHING)
        self.publication: Publication | None = None
        self._credential = credential
        self._held: list[Message] | None = None  # while the stream is being claimed
        self.connection.play(url.name)

    @property
    def is_watching(self) -> bool:
        """It publishes."""
        return False

    def take(self, event: Event, now: float) -> None:
        """Hand media on."""
        if isinstance(event, PlayStarted):
            self.deadline.expect("any media", MEDIA_S)
        elif isinstance(event, MediaReceived) and event.messages:
            if self.publication is not None:
                self._receive(self.publication, event.messages, now)
            elif self._held is not None:
                self._held += event.messages
            else:
                self._claim(event.messages)

    def leave(self) -> None:
        """Publish no more."""
        publication, self.publication = self.publication, None
        if publication is not None:
            publication.close(self.services.loop.time())
            self.services.intake.remove(self.link)

    def measure(self) -> None:
        """Count what the publication has had."""
        if self.publication is not None:
            self.bytes = self.publication.bytes_received
            self.frames = self.publication.frames_received

    # The hub's side

    def placed(self, state: PublisherState) -> None:
        """What it is to the stream is of no interest to the other server."""

    def end(self, reason: EndReason) -> None:
        """The hub sends it away."""
        self.close(str(reason))

    # Inside

    def _claim(self, messages: list[Message]) -> None:
        self._held = messages
        self.deadline.met()
        self.link.stop_watching()  # what comes would have to be held
        directory = self.services.directory
        directory.claim(self.stream, self._credential, self._on_claimed)

    def _on_claimed(self, claim: Claim) -> None:
        held, self._held = self._held or [], None
        if self.link.is_closing:
            if claim.home is None:
                self.services.hub.give_back(self.stream)
            return
        refusal = claim.refusal or self.services.refuse_publish()
        if claim.home is not None:
            self.close(f"{self.stream} is published in another worker")
        elif refusal:
            self.services.hub.give_back(self.stream)
            self.close(refusal)
        else:
            self._publish(claim, held)

    def _publish(self, claim: Claim, held: list[Message]) -> None:
        services = self.services
        now = services.loop.time()
        try:
            self.publication = publication = services.hub.publish(
                self.stream, self, credential=self._credential, now=now, claim=claim
            )
        except BusyError as error:
            self.close(str(error))
            return
        self.began_at = now
        self.link.start()
        services.intake.add(self.link)
        self._receive(publication, held, now)

    def _receive(self, publication: Publication, messages: list[Message], now: float) -> None:
        frames = read_frames(messages, partial(self._note_refused, publication))
        publication.bytes_received = self.link.bytes_received
        try:
            publication.receive(frames, now)
        except OSError as error:  # the machine is out of memory; its other streams live on
            self.close(f"no room in memory: {error}")

    def _note_refused(self, publication: Publication, error: MediaError) -> None:
        publication.frames_refused += 1
        if publication.frames_refused == 1:
            reason = str(error)
            log.warning(
                "relay.media_refused", id=self.connection_id, stream=self.stream, reason=reason
            )
