"""Whether an RTMP connection may do what it asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import structlog
from pydantic import TypeAdapter

from slipstream.access import NO_GRANT, NO_POLICY, Action, Decision, Grant, Policy, Request
from slipstream.errors import BadNameError
from slipstream.hub import NoticeKind, stream_name
from slipstream.net.rtmp_question import RtmpQuestion

if TYPE_CHECKING:
    from slipstream.net.rtmp_session import RtmpSession

log = structlog.get_logger()


class Permit(NamedTuple):
    """That somebody may publish or play a stream."""

    action: Action
    stream: str
    """Its full name."""
    credential: str
    """Whoever has the same may take over."""
    query: str
    """Of the stream's name and of the application, as the client gave them."""
    policy: Policy = NO_POLICY
    """What holds for it as a publisher."""
    grant: Grant = NO_GRANT
    """What it was let in by."""


_PERMIT = TypeAdapter(Permit)

Granted = Callable[[Permit | None], None]


def permit(session: RtmpSession, action: Action, name: str, query: str, then: Granted) -> None:
    """Find out what somebody may do, at once or when others have answered.

    Args:
        session: of the connection.
        action: what it asks for.
        name: of the stream, within the application.
        query: behind that name.
        then: gets what they may; None: they may not, and that is in the log.
    """
    caller = session.caller
    try:
        stream = stream_name(caller.app, name)
    except BadNameError as error:
        refused(session, action, str(error))
        then(None)
        return
    granted, session.permit = session.permit, None
    if granted is not None and (granted.action, granted.stream) == (action, stream):
        then(granted)
        return
    joined = "&".join(part for part in (query, caller.app_query) if part)
    request = Request(
        action,
        stream,
        session.link.address,
        joined,
        "rtmp",
        user=caller.user,
        client=caller.client,
        id=session.connection_id,
        tc_url=caller.tc_url,
        page_url=caller.page_url,
    )
    gate, now = session.services.gate, session.services.loop.time()
    decision = gate.decide(request, now)
    if not decision.undecided:
        then(_permit(session, request, decision))
        return

    def on_answer(decision: Decision) -> None:
        then(_permit(session, request, decision))

    RtmpQuestion(session, gate.ask(request, now), on_answer).begin()


def pack_permit(permit: Permit) -> bytes:
    """Make bytes of a permit, for the worker that its connection moves to."""
    return _PERMIT.dump_json(permit)


def unpack_permit(data: bytes) -> Permit | None:
    """Undo `pack_permit`; None if there is none."""
    return _PERMIT.validate_json(data) if data else None


def _permit(session: RtmpSession, request: Request, decision: Decision) -> Permit | None:
    if not decision.allowed:
        refused(session, request.action, decision.reason, request.stream)
        return None
    credential = decision.credential or f"address:{request.address}"
    return Permit(
        request.action,
        request.stream,
        credential,
        request.query,
        decision.policy,
        decision.grant,
    )


def refused(session: RtmpSession, action: Action, reason: str, stream: str = "") -> None:
    """Note that somebody may not."""
    log.warning(
        f"{action}.refused",
        id=session.connection_id,
        address=session.link.address,
        reason=reason,
        **({"stream": stream} if stream else {}),
    )
    session.tell(
        NoticeKind.REFUSED, stream or session.caller.app, reason=reason, action=str(action)
    )
