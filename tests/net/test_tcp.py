"""What the kernel tells of a real connection, while it lasts and when it has ended."""

from __future__ import annotations

import asyncio
import socket

from slipstream.net.link import NOBODY, Link
from slipstream.net.tcp import tcp_state


def pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        far = socket.create_connection(listener.getsockname())
        near, _ = listener.accept()
    return near, far


def test_a_connection_has_a_round_trip_and_segments() -> None:
    near, far = pair()
    with near, far:
        before = tcp_state(near)
        assert before is not None
        for _ in range(20):
            near.send(b"x" * 1000)
            far.recv(1000)
        after = tcp_state(near)
    assert after is not None
    assert 0 < after.rtt_ms < 1000
    assert after.segments >= before.segments + 20
    assert after.retransmits <= after.segments


def test_a_socket_without_tcp_tells_nothing() -> None:
    near, far = socket.socketpair()
    with near, far:
        assert tcp_state(near) is None


def test_a_closed_socket_tells_nothing() -> None:
    near, far = pair()
    near.close()
    far.close()
    assert tcp_state(near) is None


async def test_a_link_that_has_ended_tells_how_it_was() -> None:
    near, far = pair()
    link = Link(near, "127.0.0.1", NOBODY, asyncio.get_running_loop())
    with far:
        link.write(b"x" * 1000)
        far.recv(1000)
        link.abort()
    state = link.tcp()
    assert state is not None
    assert state.rtt_ms > 0
    assert state.segments >= 1
