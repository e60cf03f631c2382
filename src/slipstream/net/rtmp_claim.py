"""One wish of an RTMP connection to publish: here, or in the worker that is the stream's home.

All publishers of a stream are in one worker. A connection that wants to publish a stream of
another home moves there: its socket, and what it has said so far, which the session there goes
through again without an answer. Nothing else is needed, for the protocol's state depends on
nothing but the bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipstream.hub import Claim
from slipstream.rtmp import Event

if TYPE_CHECKING:
    from slipstream.net.rtmp_session import RtmpSession


class RtmpClaim:
    """Call `begin()`; until the answer comes, events of the connection are held here.

    Args:
        session: of the connection.
        stream_id: that it wants to publish on.
        stream: what it wants to publish.
        credential: by which it may.
    """

    __slots__ = ("_credential", "_session", "_stream", "_stream_id", "held")

    def __init__(self, session: RtmpSession, stream_id: int, stream: str, credential: str) -> None:
        self.held: list[Event] = []
        self._session = session
        self._stream_id = stream_id
        self._stream = stream
        self._credential = credential

    def begin(self) -> None:
        """Ask for the stream's home."""
        session = self._session
        if not session.publishers:
            session.link.stop_watching()  # what comes would have to be held
        session.services.directory.claim(self._stream, self._credential, self._on_answer)

    def _on_answer(self, claim: Claim) -> None:
        session, services = self._session, self._session.services
        session.claim = None
        if session.link.is_closing:
            if claim.home is None:
                services.hub.give_back(self._stream)
            return
        if claim.home is not None and session.said is not None and services.mover is not None:
            services.mover.move(session.link, claim.home, self._stream, session.said)
            session.lost(f"moved to worker {claim.home}, which has the stream")
            return
        if not session.publishers:
            session.link.start()
        refusal = claim.refusal
        if claim.home is not None:
            refusal = f"{self._stream} is published elsewhere, and this connection cannot move"
        if refusal:
            session.refuse_publish(self._stream_id, refusal)
        else:
            session.publish(self._stream_id, self._stream, self._credential, claim)
        session.handle(self.held, services.loop.time())
        session.flush()
