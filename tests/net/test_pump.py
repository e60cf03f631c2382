"""The pump and its cursors over real sockets: what viewers get, whatever they do."""

from __future__ import annotations

import asyncio
import os
import socket
import weakref
from collections.abc import AsyncIterator, Callable
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

    def put(self, data: bytes, *, sync: bool = False, step_ms: int = 40) -> None:
        flags = bytearray((SYNC if sync else 0,))
        self.log.append(Batch([data], [len(data)], [self.time_ms], flags, [None] if sync else []))
        self.written += data
        self.time_ms += step_ms
        self.pump.wake(self.log)

    def viewer(self, *, receive_buffer: int = 0, ceiling_ms: int = 3000) -> Viewer:
        far = socket.socket()
        if receive_buffer:
            far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        far.connect(self.listener.getsockname())
        far.setblocking(False)
        near, _ = self.listener.accept()
        viewer = Viewer(far)
        viewer.link = Link(near, "127.0.0.1", viewer, self.loop)
        viewer.link.start()
        viewer.cursor = Cursor(
            viewer.link,
            self.log,
            self.log.sync_points[-1],
            viewer,
            ceiling_ms=ceiling_ms,
            stall_s=0.5,
            now=self.loop.time(),
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


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


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


async def test_private_bytes_never_come_inside_a_message(stage: Stage) -> None:
    stage.put(b"key", sync=True)
    viewer = stage.viewer(receive_buffer=4096)
    await fill(stage, viewer)
    position = viewer.cursor.position
    segment = stage.log.locate(position)
    assert segment is not None
    boundary = segment.boundary(position)
    assert boundary > position
    viewer.link.write(b"PRIVATE")
    stage.put(b"tail")
    expected = bytes(stage.written[:boundary]) + b"PRIVATE" + bytes(stage.written[boundary:])
    assert await viewer.take(len(expected)) == expected


async def test_who_has_answers_made_and_reads_none_is_given_up(stage: Stage) -> None:
    stage.put(b"key", sync=True)
    viewer = stage.viewer(receive_buffer=4096)
    await fill(stage, viewer)
    for _ in range(viewer.link.max_unsent // 1000 + 1):
        viewer.link.write(bytes(1000))
    await until(lambda: viewer.reason != "")
    assert "bytes unread, limit" in viewer.reason


async def test_private_bytes_to_a_viewer_that_keeps_up_go_out_at_once(stage: Stage) -> None:
    stage.put(b"key", sync=True)
    viewer = stage.viewer()
    await viewer.take(3)
    viewer.link.write(b"PRIVATE")
    stage.put(b"tail")
    assert await viewer.take(14) == b"keyPRIVATEtail"


async def test_a_viewer_past_its_ceiling_jumps_to_a_sync_point_between_messages(
    stage: Stage,
) -> None:
    stage.put(b"key", sync=True)
    viewer = stage.viewer(receive_buffer=4096, ceiling_ms=1000)
    await fill(stage, viewer)
    stage.put(b"to be skipped")
    stage.time_ms += 5000
    sync_at = stage.log.head
    stage.put(b"newkey", sync=True)
    stage.put(b"the end")
    await asyncio.sleep(0.15)
    while not viewer.got.endswith(b"the end"):
        await viewer.take(len(viewer.got) + 1)
    sent, landed = viewer.got.split(GREETING)
    segment = stage.log.locate(len(sent))
    assert segment is not None
    assert segment.boundary(len(sent)) == len(sent) < sync_at
    assert sent == stage.written[: len(sent)]
    assert landed == stage.written[sync_at:]
    assert viewer.cursor.jumps == 1
    assert viewer.cursor.skipped_ms >= 4000


async def test_a_viewer_with_nothing_newer_to_jump_to_goes_on(stage: Stage) -> None:
    stage.put(b"key", sync=True)
    viewer = stage.viewer(receive_buffer=4096, ceiling_ms=100)
    await fill(stage, viewer)
    stage.time_ms += 60_000
    stage.put(b"late")
    await asyncio.sleep(0.15)
    assert await viewer.take(len(stage.written)) == stage.written
    assert viewer.cursor.jumps == 0


async def test_a_pause_ends_between_messages_and_resumes_without_loss(stage: Stage) -> None:
    stage.put(b"key", sync=True)
    viewer = stage.viewer()
    await viewer.take(3)
    viewer.cursor.pause()
    stage.put(b"unseen")
    await asyncio.sleep(0.05)
    assert viewer.got == b"key"
    viewer.cursor.resume()
    stage.put(b"more")
    assert await viewer.take(13) == b"keyunseenmore"


async def test_a_resumed_viewer_starts_at_a_newer_sync_point_if_there_is_one(
    stage: Stage,
) -> None:
    stage.put(b"key", sync=True)
    viewer = stage.viewer()
    await viewer.take(3)
    viewer.cursor.pause()
    stage.put(b"unseen")
    stage.put(b"newkey", sync=True)
    viewer.cursor.resume()
    assert await viewer.take(3 + 7 + 6) == b"key" + GREETING + b"newkey"


async def test_who_takes_nothing_is_given_up_with_a_reason(stage: Stage) -> None:
    stage.put(b"key", sync=True)
    viewer = stage.viewer(receive_buffer=4096)
    good = stage.viewer()
    await fill(stage, viewer)
    assert await good.take(len(stage.written)) == stage.written
    await until(lambda: viewer.reason != "")
    assert "took nothing" in viewer.reason
    assert good.reason == ""


async def test_leaving_finishes_the_message_that_has_begun(stage: Stage) -> None:
    stage.put(b"key", sync=True)
    viewer = stage.viewer(receive_buffer=4096)
    await fill(stage, viewer)
    segment = stage.log.locate(viewer.cursor.position)
    assert segment is not None
    boundary = segment.boundary(viewer.cursor.position)
    viewer.cursor.leave()
    viewer.link.write(b"BYE")
    viewer.link.close()
    stage.put(b"never")
    got = await viewer.take(boundary + 100)
    assert got == stage.written[:boundary] + b"BYE"


class OddOnly:
    """A selection that takes every second message and marks it."""

    def __init__(self) -> None:
        self.count = 0

    def select(self, message: bytes, flags: int) -> bytes:
        self.count += 1
        return b"<" + message + b">" if self.count % 2 else b""


async def test_a_selection_gets_whole_messages_one_by_one(stage: Stage) -> None:
    stage.put(b"key", sync=True)
    viewer = stage.viewer()
    await viewer.take(3)
    viewer.cursor.choose(OddOnly())
    for data in (b"one", b"two", b"three"):
        stage.put(data)
    assert await viewer.take(3 + 5 + 7) == b"key<one><three>"


async def test_a_selected_message_may_be_larger_than_what_may_wait(stage: Stage) -> None:
    stage.put(b"key", sync=True)
    viewer = stage.viewer(receive_buffer=4096)
    await viewer.take(3)
    viewer.cursor.choose(OddOnly())
    large = os.urandom(viewer.link.max_unsent * 8)
    stage.put(large)
    assert await viewer.take(3 + len(large) + 2) == b"key<" + large + b">"
    assert viewer.reason == ""


async def test_two_cursors_on_one_link_never_mix_their_messages(stage: Stage) -> None:
    stage.put(b"key", sync=True)
    viewer = stage.viewer(receive_buffer=4096)
    await fill(stage, viewer)
    segment = stage.log.locate(viewer.cursor.position)
    assert segment is not None
    boundary = segment.boundary(viewer.cursor.position)
    viewer.cursor.choose(OddOnly())
    second = Cursor(
        viewer.link,
        stage.log,
        SyncPoint(stage.log.head, stage.time_ms, None),
        viewer,
        ceiling_ms=3000,
        stall_s=15,
        now=stage.loop.time(),
    )
    second.choose(OddOnly())
    stage.pump.add(second)
    stage.put(b"LAST")
    got = await viewer.take(boundary + 12)
    assert got[:boundary] == stage.written[:boundary]
    await until(lambda: second.position == stage.log.head == viewer.cursor.position)
    rest = await viewer.take(len(stage.written))
    assert b"<LAST>" in rest[boundary:]


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


async def test_lag_counts_what_the_kernel_still_holds(stage: Stage) -> None:
    stage.put(b"key", sync=True)
    viewer = stage.viewer(receive_buffer=4096)
    for _ in range(20):
        stage.put(os.urandom(2000), step_ms=100)
    await until(lambda: viewer.cursor.position == stage.log.head)
    assert viewer.cursor.lag_ms() > 500


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
