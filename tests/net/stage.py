"""A log, a pump and viewers over real sockets, for tests of the pump and its cursors."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from slipstream.log import SYNC, Batch, Log, SyncPoint
from slipstream.net.cursor import Cursor
from slipstream.net.link import Link
from slipstream.net.pace import Pace
from slipstream.net.pump import Pump

GREETING = b"<hello>"


@dataclass
class Viewer:
    """A cursor's and a link's owner, with the far end of its connection."""

    far: socket.socket
    link: Link = field(init=False)
    cursor: Cursor = field(init=False)
    reason: str = ""
    got: bytearray = field(default_factory=bytearray)

    def received(self, data: bytes) -> None:
        pass

    def lost(self, reason: str) -> None:
        self.reason = reason
        self.cursor.leave()

    def greet(self, sync: SyncPoint) -> bytes:
        return GREETING

    def fail(self, reason: str) -> None:
        self.link.fail(reason)

    async def take(self, count: int) -> bytes:
        """Read until `count` bytes have come in all."""
        loop = asyncio.get_running_loop()
        while len(self.got) < count:
            data = await asyncio.wait_for(loop.sock_recv(self.far, 1 << 16), 5)
            if not data:
                break
            self.got += data
        return bytes(self.got)


class Stage:
    """A log, a pump and as many viewers as wanted."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.log = Log(keep_ms=2000)
        self.pump = Pump(self.loop, Pace(0))
        self.viewers: list[Viewer] = []
        self.time_ms = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.written = bytearray()

    def put(self, data: bytes, *, sync: bool = False, step_ms: int = 40, flags: int = 0) -> None:
        all_flags = bytearray(((SYNC if sync else 0) | flags,))
        greetings: list[object] = [None] if sync else []
        self.log.append(Batch([data], [len(data)], [self.time_ms], all_flags, greetings))
        self.written += data
        self.time_ms += step_ms
        self.pump.wake(self.log)

    def viewer(
        self, *, receive_buffer: int = 0, ceiling_ms: int = 3000, delay_ms: int = 0
    ) -> Viewer:
        """One that comes now; `receive_buffer` makes its kernel hold little for it."""
        far = socket.socket()
        if receive_buffer:
            far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        far.connect(self.listener.getsockname())
        far.setblocking(False)
        near, _ = self.listener.accept()
        viewer = Viewer(far)
        viewer.link = Link(near, "127.0.0.1", viewer, self.loop)
        viewer.link.start()
        sync = self.log.sync_point(delay_ms)
        assert sync is not None
        viewer.cursor = Cursor(
            viewer.link,
            self.log,
            sync,
            viewer,
            ceiling_ms=ceiling_ms,
            stall_s=0.5,
            now=self.loop.time(),
            delay_ms=delay_ms,
        )
        self.pump.add(viewer.cursor)
        self.viewers.append(viewer)
        return viewer

    def close(self) -> None:
        self.pump.stop()
        for viewer in self.viewers:
            viewer.link.abort()
            viewer.far.close()
        self.listener.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def fill(stage: Stage, viewer: Viewer) -> None:
    """Let the log grow until the viewer, who reads nothing, stands in mid-message."""
    for _ in range(200):
        stage.put(os.urandom(50_000), step_ms=1)
        await asyncio.sleep(0.001)
        segment = stage.log.locate(viewer.cursor.position)
        if (
            segment is not None
            and segment.boundary(viewer.cursor.position) != viewer.cursor.position
        ):
            return
    pytest.fail("the socket never filled")
