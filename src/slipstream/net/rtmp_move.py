"""RTMP connections that go on in another worker.

A connection that wants to publish a stream belongs to the worker that is the stream's home; one
that wants to play it may be served with less work there. What moves is its socket, and what it
has said so far, which the session there goes through again without an answer. Nothing else is
needed, for the protocol's state depends on nothing but the bytes. With TLS it is the end of a
tunnel that moves (`net.tunnel`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipstream.net.rtmp_permit import Permit, pack_permit
from slipstream.net.tunnel import open_tunnel

if TYPE_CHECKING:
    from slipstream.net.rtmp_session import RtmpSession


def move(session: RtmpSession, home: int, permit: Permit) -> bool:
    """Have a connection go on in another worker, with what it may do there.

    Returns:
        False: it cannot move, for it publishes or plays something already.
    """
    services, link = session.services, session.link
    if services.mover is None or session.said is None:
        return False
    if link.is_encrypted:
        link = open_tunnel(services, link)
    services.mover.move(
        link, home, permit.stream, session.connection_id, session.said, pack_permit(permit)
    )
    session.moved(home)
    return True


def move_to_publisher(session: RtmpSession, permit: Permit) -> bool:
    """Have somebody who wants to play go on where the publisher is, if that saves work.

    Who has come from another worker stays, and who is encrypted: a tunnel would be more work.
    """
    services, link = session.services, session.link
    if services.mover is None or session.has_moved or link.is_encrypted or link.unsent:
        return False
    home = services.mover.home_for_viewer(permit.stream, services.settings.gather_viewers)
    return home is not None and move(session, home, permit)
