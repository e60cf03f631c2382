"""The pump over real sockets: every viewer gets every byte, and nobody else any."""

from __future__ import annotations

import asyncio
import os
import socket
import weakref

import pytest

from slipstream.log import Log
from tests.net.stage import Stage


async def test_every_viewer_gets_every_byte_from_its_sync_point_on(stage: Stage) -> None:
    stage.put(b"key", sync=True)
    early = [stage.viewer() for _ in range(40)]
    for size in (1, 500, 5000, 70_000, 4096, 4097):
        stage.put(os.urandom(size))
        await asyncio.sleep(0.002)
    start = stage.log.head
    stage.put(b"second key", sync=True)
    late = [stage.viewer() for _ in range(20)]
    stage.put(os.urandom(3000))
    for viewer in early:
        assert await viewer.take(len(stage.written)) == stage.written
    for viewer in late:
        assert await viewer.take(len(stage.written) - start) == stage.written[start:]


async def test_the_log_may_move_on_to_new_segments(stage: Stage) -> None:
    stage.put(b"key", sync=True)
    viewer = stage.viewer()
    for _ in range(60):
        stage.put(os.urandom(90_000), step_ms=1)
        await viewer.take(len(stage.written))
    assert len(stage.log.segments) > 2
    assert viewer.got == stage.written
    assert viewer.cursor.jumps == 0


async def test_a_viewer_that_comes_in_the_middle_of_a_round_gets_nothing_twice(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipstream.net.pump.SLICE_S", 0.0)
    stage.put(b"key", sync=True)
    for _ in range(50):
        stage.viewer()
        stage.put(os.urandom(2000))
        await asyncio.sleep(0)
    for viewer in stage.viewers:
        assert await viewer.take(len(stage.written)) == stage.written


async def test_a_closed_descriptor_is_never_written_to_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its number belongs to somebody else soon."""
    monkeypatch.setattr("slipstream.net.pump.SLICE_S", 0.0)
    stage.put(b"key", sync=True)
    for _ in range(64):
        stage.viewer()
    stage.put(os.urandom(3000))
    await asyncio.sleep(0)  # a round has begun
    for viewer in stage.viewers[10:]:
        viewer.link.fail("test")
    strangers = [socket.socketpair() for _ in range(60)]
    for _ in range(20):
        stage.put(os.urandom(3000))
        await asyncio.sleep(0)
    for near, far in strangers:
        near.setblocking(False)
        far.setblocking(False)
        for end in (near, far):
            with pytest.raises(BlockingIOError):
                end.recv(1)
        near.close()
        far.close()
    for viewer in stage.viewers[:10]:
        assert await viewer.take(len(stage.written)) == stage.written


async def test_a_log_without_viewers_is_let_go_although_it_never_grows_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipstream.net.pump.SURVEY_S", 0.02)
    stage.put(b"key", sync=True)
    viewer = stage.viewer()
    await viewer.take(3)
    held = weakref.ref(stage.log.segments[0])
    viewer.link.fail("gone")
    stage.log = Log()
    viewer.cursor = None  # type: ignore[assignment]
    async with asyncio.timeout(5):
        while held() is not None:
            await asyncio.sleep(0.05)
