"""Who an RTMP client is, where users have passwords: asked for in the answers to `connect`.

A client that is turned away connects again and says more, mostly on a new connection; it is given
a moment on the old one, for some stay, and all must be able to read the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from slipstream.hub import NoticeKind
from slipstream.rtmp import ConnectRequested
from slipstream.rtmp.authentication import without_credentials

if TYPE_CHECKING:
    from slipstream.net.rtmp_session import RtmpSession

log = structlog.get_logger()

AGAIN_S = 1.0
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
        log.warning(
            "connect.refused",
            id=session.connection_id,
            address=address,
            app=event.app,
            reason=introduction.reason,
        )
        session.tell(NoticeKind.REFUSED, event.app, reason=introduction.reason, action="connect")
    session.connection.reject_connect(introduction.refusal)
    session.flush()
    session.expect("another connect", AGAIN_S)
    return False
