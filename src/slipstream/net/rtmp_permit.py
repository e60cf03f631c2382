"""Whether an RTMP connection may do what it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import structlog

from slipstream.access import Action, Request
from slipstream.errors import BadNameError
from slipstream.hub import NoticeKind, stream_name

if TYPE_CHECKING:
    from slipstream.net.rtmp_session import RtmpSession

log = structlog.get_logger()


class Permit(NamedTuple):
    """That somebody may publish or play a stream."""

    stream: str
    """Its full name."""
    credential: str
    """Whoever has the same may take over."""
    query: str
    """Of the stream's name and of the application, as the client gave them."""


def permit(session: RtmpSession, action: Action, name: str, query: str) -> Permit | None:
    """Return what somebody may do; None: they may not, and that is in the log.

    Args:
        session: of the connection.
        action: what it asks for.
        name: of the stream, within the application.
        query: behind that name.
    """
    try:
        stream = stream_name(session.app, name)
    except BadNameError as error:
        refused(session, action, str(error))
        return None
    address = session.link.address
    joined = "&".join(part for part in (query, session.app_query) if part)
    request = Request(action, stream, address, joined, "rtmp")
    decision = session.services.gate.decide(request, session.services.loop.time())
    if not decision.allowed:
        refused(session, action, decision.reason, stream)
        return None
    return Permit(stream, decision.credential or f"address:{address}", joined)


def refused(session: RtmpSession, action: Action, reason: str, stream: str = "") -> None:
    """Note that somebody may not."""
    log.warning(
        f"{action}.refused",
        id=session.connection_id,
        address=session.link.address,
        reason=reason,
        **({"stream": stream} if stream else {}),
    )
    session.tell(NoticeKind.REFUSED, stream or session.app, reason=reason, action=str(action))
