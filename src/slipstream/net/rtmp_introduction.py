"""Who an RTMP client is, where users have passwords, and whether others let it connect.

Passwords are asked for in the answers to `connect`. A client that is turned away for that
connects again and says more, mostly on a new connection; it is given a moment on the old one, for
some stay, and all must be able to read the answer. Whom others turn away may go at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from slipstream.access import Decision
from slipstream.hub import NoticeKind
from slipstream.net.rtmp_question import RtmpQuestion
from slipstream.rtmp import ConnectRequested
from slipstream.rtmp.authentication import without_credentials

if TYPE_CHECKING:
    from slipstream.net.rtmp_session import RtmpSession

log = structlog.get_logger()

AGAIN_S = 1.0
ANSWER_S = 40.0  # more than others may take to answer, by the settings
REFUSAL = "This connection is not allowed."
PUBLISHER = "nonprivate"  # the `type` that FFmpeg, OBS, librtmp and GStreamer give as publishers


def introduce(session: RtmpSession, event: ConnectRequested) -> bool:
    """Find out who connects, and whether it may go on; if not, it has its answer."""
    if session.link.is_muted:  # the worker that it comes from knew
        return True
    services, address = session.services, session.link.address
    introduction = services.gate.introduce(
        event.app,
        event.query,
        address,
        services.loop.time(),
        publishes=event.properties.get("type") == PUBLISHER,
    )
    session.caller.user = introduction.user
    if introduction.user:
        session.caller.app_query = without_credentials(session.caller.app_query)
    if not introduction.refusal:
        return True
    if introduction.reason:
        _refused(session, event, introduction.reason)
    session.connection.reject_connect(introduction.refusal)
    session.flush()
    session.expect("another connect", AGAIN_S)
    return False


def ask_others(session: RtmpSession, event: ConnectRequested, then: Callable[[], None]) -> None:
    """Have a client connect if those who decide it say so, at once if nobody does.

    Args:
        session: of the connection.
        event: its `connect`.
        then: called if it may; if not, it has its answer, and is closed.
    """
    keeper = session.services.doorkeeper
    if session.link.is_muted or keeper is None or not keeper.is_asked(event.app):
        then()
        return

    def on_answer(decision: Decision) -> None:
        if decision.allowed:
            then()
            return
        _refused(session, event, decision.reason)
        session.connection.reject_connect(REFUSAL)
        session.close("connecting was refused")

    user = session.caller.user
    detail = {"user": user} if user else {}
    notice = session.notice(NoticeKind.CONNECT, event.app, event.query, **detail)
    session.expect("an answer about it", ANSWER_S)
    RtmpQuestion(session, keeper.ask_connect(notice), on_answer).begin()


def _refused(session: RtmpSession, event: ConnectRequested, reason: str) -> None:
    log.warning(
        "connect.refused",
        id=session.connection_id,
        address=session.link.address,
        app=event.app,
        reason=reason,
    )
    session.tell(NoticeKind.REFUSED, event.app, reason=reason, action="connect")
