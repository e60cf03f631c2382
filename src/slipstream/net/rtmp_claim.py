"""One wish of an RTMP connection to publish: here, or in the worker that is the stream's home.

All publishers of a stream are in one worker. A connection that wants to publish a stream of
another home moves there (`net.rtmp_move`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipstream.hub import Claim
from slipstream.net.rtmp_move import move
from slipstream.net.rtmp_permit import Permit
from slipstream.rtmp import Event

if TYPE_CHECKING:
    from slipstream.net.rtmp_session import RtmpSession


class RtmpClaim:
    """Call `begin()`; until the answer comes, events of the connection are held here.

    Args:
        session: of the connection.
        stream_id: that it wants to publish on.
        permit: to publish what it wants to.
    """

    __slots__ = ("_permit", "_session", "_stream_id", "held")

    def __init__(self, session: RtmpSession, stream_id: int, permit: Permit) -> None:
        self.held: list[Event] = []
        self._session = session
        self._stream_id = stream_id
        self._permit = permit

    def begin(self) -> None:
        """Ask for the stream's home."""
        session, permit = self._session, self._permit
        if not session.publishers:
            session.link.stop_watching()  # what comes would have to be held
        session.services.directory.claim(permit.stream, permit.credential, self._on_answer)

    def _on_answer(self, claim: Claim) -> None:
        session, services = self._session, self._session.services
        stream = self._permit.stream
        session.waiting = None
        if session.link.is_closing:
            if claim.home is None:
                services.hub.give_back(stream)
            return
        if claim.home is not None and move(session, claim.home, self._permit):
            return
        if not session.publishers:
            session.link.start()
        refusal = claim.refusal
        if claim.home is not None:
            refusal = f"{stream} is published elsewhere, and this connection cannot move"
        if refusal:
            session.refuse_publish(self._stream_id, refusal)
        else:
            session.publish(self._stream_id, self._permit, claim)
        session.handle(self.held, services.loop.time())
        session.flush()
