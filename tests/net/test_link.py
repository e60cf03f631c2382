"""A link: what it notices of its peer's end, with either event loop."""

from __future__ import annotations

import asyncio
import gc
import socket
import struct
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from slipstream.net.link import Link

PATIENCE_S = 5.0
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: what is not read yet is lost

Run = Callable[[Coroutine[Any, Any, None]], None]


class Owner:
    """Remembers what a link tells it."""

    def __init__(self) -> None:
        self.got = bytearray()
        self.link: Link | None = None
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def received(self, data: bytes) -> None:
        self.got += data

    def lost(self, reason: str) -> None:
        self.ended.set_result(reason)


def connected() -> tuple[socket.socket, socket.socket]:
    """Both ends of a TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        far = socket.create_connection(listening.getsockname())
        return listening.accept()[0], far


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_a_peer_that_is_reset_right_behind_its_last_bytes_is_noticed_at_once(run: Run) -> None:
    async def scene() -> None:
        near, far = connected()
        owner = Owner()
        link = Link(near, "test", owner, asyncio.get_running_loop())
        link.start()
        far.sendall(b"last words")
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        far.close()
        reason = await asyncio.wait_for(owner.ended, PATIENCE_S)
        assert "reset" in reason
        assert owner.got in (b"last words", b"")

    run(scene())


@pytest.mark.parametrize("by_peer", [True, False])
async def test_a_link_that_has_ended_leaves_nothing_to_the_garbage_collector(
    by_peer: bool,
) -> None:
    near, far = connected()
    owner = Owner()
    owner.link = link = Link(near, "test", owner, asyncio.get_running_loop())
    link.start()
    ended, is_there = owner.ended, weakref.ref(owner)
    gc.disable()
    try:
        if by_peer:
            far.close()
            await asyncio.wait_for(ended, PATIENCE_S)
        else:
            link.abort()
            far.close()
        del owner, link
        await asyncio.sleep(0)
        assert is_there() is None
    finally:
        gc.enable()
