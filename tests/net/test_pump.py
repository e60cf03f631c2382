"""The pump over real sockets: every viewer gets every byte, and nobody else any."""

from __future__ import annotations

import asyncio
import os
import socket
import weakref
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from slipstream.log import Log
from slipstream.net.cursor import Cursor
from slipstream.net.lane import Lane
from slipstream.net.pump import _sender
from tests.net.stage import Stage, until


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


class Broken:
    """A selection with a bug."""

    def select(self, message: bytes, flags: int) -> bytes:
        raise ZeroDivisionError


async def test_a_bug_that_one_viewer_meets_costs_that_viewer_alone(stage: Stage) -> None:
    stage.put(b"key", sync=True)
    viewers = [stage.viewer() for _ in range(5)]
    for viewer in viewers:
        await viewer.take(3)
    viewers[2].cursor.choose(Broken())
    with capture_logs() as lines:
        stage.put(b"more")
        await until(lambda: viewers[2].reason != "")
    stage.put(b"end")
    for viewer in viewers[:2] + viewers[3:]:
        assert await viewer.take(10) == b"keymoreend"
    assert viewers[2].reason == "an error of the server's own"
    assert [line["event"] for line in lines] == ["pump.bug"]


async def test_the_same_bug_is_told_of_once(stage: Stage) -> None:
    stage.put(b"key", sync=True)
    viewers = [stage.viewer() for _ in range(5)]
    with capture_logs() as lines:
        for viewer in viewers:
            await viewer.take(3)
            viewer.cursor.choose(Broken())
        stage.put(b"more")
        for viewer in viewers:
            await until(lambda viewer=viewer: viewer.reason != "")
    assert [line["event"] for line in lines] == ["pump.bug"]


async def test_a_viewer_whose_end_fails_too_is_written_to_no_more(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(reason: str) -> None:
        raise ZeroDivisionError

    stage.put(b"key", sync=True)
    bad, good = stage.viewer(), stage.viewer()
    await bad.take(3)
    monkeypatch.setattr(bad, "fail", fail)
    bad.cursor.choose(Broken())
    with capture_logs() as lines:
        stage.put(b"more")
        assert await good.take(7) == b"keymore"
    assert len(lines) == 2
    assert bad.cursor.fd < 0
    assert bad.link.fd < 0
    assert await bad.take(100) == b"key"


async def test_a_round_that_breaks_off_leaves_nobody_with_a_hole(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.put(b"key", sync=True)
    for _ in range(40):
        stage.viewer()
    for viewer in stage.viewers:
        await viewer.take(3)
    odd = stage.viewers[20].cursor
    fall_behind = Lane.fall_behind
    broken: list[Cursor] = []

    def odd_sender(
        source: int, offset: int, count: int
    ) -> tuple[Callable[[int, bytes], int], bytes]:
        send, data = _sender(source, offset, count)
        victim = odd.link.fd
        return lambda fd, data: 0 if fd == victim else send(fd, data), data

    def breaks_once(lane: Lane, cursor: Cursor) -> None:
        if not broken:
            broken.append(cursor)
            raise ZeroDivisionError
        fall_behind(lane, cursor)

    monkeypatch.setattr("slipstream.net.pump._sender", odd_sender)
    monkeypatch.setattr(Lane, "fall_behind", breaks_once)
    with capture_logs() as lines:
        stage.put(b"one")
        for viewer in stage.viewers:
            await viewer.take(6)
    assert broken == [odd]
    assert [line["event"] for line in lines] == ["pump.bug"]
    stage.put(b"two")
    for viewer in stage.viewers:
        assert await viewer.take(9) == b"keyonetwo"


async def test_a_bug_in_looking_after_a_viewer_costs_that_viewer_alone(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def survey(cursor: Cursor, now: float) -> None:
        if cursor is bad.cursor:
            raise ZeroDivisionError
        looked_at.append(cursor)

    looked_at: list[Cursor] = []
    monkeypatch.setattr("slipstream.net.pump.SURVEY_S", 0.01)
    monkeypatch.setattr(Cursor, "survey", survey)
    stage.put(b"key", sync=True)
    bad, good = stage.viewer(), stage.viewer()
    with capture_logs():
        stage.pump._look_around()
        assert bad.reason != ""
        await until(lambda: len(looked_at) > 3)
    stage.put(b"more")
    assert await good.take(7) == b"keymore"
