"""Whatever viewers take, and when: each gets whole messages, and what is left out is counted.

Viewers with TLS and without stand in one lane and read as chance has it, out of sockets that hold
little. Each message says which one it is, so that what came can be judged to the byte.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipstream.formats import Flag
from slipstream.log import SYNC, Batch, Log, SyncPoint
from slipstream.net import cursor as cursor_module
from slipstream.net.cursor import Cursor
from slipstream.net.link import Link
from slipstream.net.pace import Pace
from slipstream.net.pump import Pump
from slipstream.net.tls_link import TlsLink
from slipstream.tls import TlsConnection
from slipstream.tls.certificates import read
from tests.tls.stage import ForeignEnd, make_pair, shake_hands, trusting_anybody

KEY, PICTURE, SPARE = SYNC | Flag.VIDEO, Flag.VIDEO, Flag.VIDEO | Flag.DISPOSABLE
SOUND, CONFIG = Flag.AUDIO, Flag.VIDEO | Flag.CONFIG
KINDS = (KEY, PICTURE, PICTURE, PICTURE, SPARE, SOUND, CONFIG)
MESSAGE, GREETING, ANSWER = b"MGA"
HEAD = 9  # bytes: what it is, its number or place, its size
RECEIVE_BUFFER = 4 << 10
CEILING_MS = 3000
VIEWERS = 5
ENCRYPTED = (2, 3, 4)
NARROW = (0, 2, 3)  # their sockets hold little


class Put(NamedTuple):
    """A message is published."""

    flags: int
    size: int
    step_ms: int


class Take(NamedTuple):
    """A viewer takes so many bytes, if they are there."""

    viewer: int
    size: int


class Answer(NamedTuple):
    """A viewer is sent something of its own."""

    viewer: int
    size: int


class Leap(NamedTuple):
    """A viewer asks for the newest there is."""

    viewer: int


Step: TypeAlias = Put | Take | Answer | Leap
sizes = st.integers(HEAD, 70_000) | st.just(300_000)
which = st.integers(0, VIEWERS - 1)
puts = st.builds(Put, st.sampled_from(KINDS), sizes, st.integers(0, 400))
steps = st.one_of(
    puts,
    puts,
    st.builds(Take, which, st.sampled_from((1, 100, 5_000, 50_000, 500_000))),
    st.builds(Answer, which, st.integers(HEAD, 1_000)),
    st.builds(Leap, which),
)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return read(make_pair(tmp_path_factory.mktemp("pair"), "example.test")).context


def build(kind: int, number: int, size: int) -> bytes:
    """Something that tells what it is."""
    return (
        bytes((kind,)) + number.to_bytes(4) + size.to_bytes(4) + bytes((number % 251,)) * (size - 9)
    )


def parse(data: bytes) -> list[tuple[int, int]]:
    """What is in there; fails unless all of it is whole."""
    found = []
    at = 0
    while at < len(data):
        kind, number = data[at], int.from_bytes(data[at + 1 : at + 5])
        size = int.from_bytes(data[at + 5 : at + HEAD])
        assert data[at : at + size] == build(kind, number, size)
        found.append((kind, number))
        at += size
    return found


@dataclass
class Viewer:
    """A link's and a cursor's owner, and the far end, which takes what it is told to take."""

    far: socket.socket
    client: ForeignEnd | None
    link: Link = field(init=False)
    cursor: Cursor = field(init=False)
    got: bytearray = field(default_factory=bytearray)
    answers: list[int] = field(default_factory=list)
    reason: str = ""

    def received(self, data: bytes) -> None:
        pass

    def lost(self, reason: str) -> None:
        self.reason = reason

    def fail(self, reason: str) -> None:
        self.link.fail(reason)

    def greet(self, sync: SyncPoint) -> bytes:
        return build(GREETING, sync.position, HEAD)

    def take(self, size: int) -> None:
        with suppress(BlockingIOError):
            data = self.far.recv(size)
            self.got += data if self.client is None else self.client.hear(data)


class Scene:
    """A log, its pump and the viewers, in a loop that runs."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.loop = asyncio.get_running_loop()
        self.log = Log(keep_ms=2000, max_bytes=1 << 20)
        self.pump = Pump(self.loop, Pace(0))
        self.published: list[Put] = []
        self.time_ms = 0
        self.put(Put(KEY, 1_000, 40))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.viewers = [
            self._viewer(context if index in ENCRYPTED else None, narrow=index in NARROW)
            for index in range(VIEWERS)
        ]

    def _viewer(self, context: ssl.SSLContext | None, *, narrow: bool) -> Viewer:
        far = socket.socket()
        if narrow:
            far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        far.connect(self._listener.getsockname())
        far.setblocking(False)
        near, _ = self._listener.accept()
        if context is None:
            viewer = Viewer(far, None)
            viewer.link = Link(near, "x", viewer, self.loop, max_unsent=1 << 20)
        else:
            viewer = Viewer(far, ForeignEnd(trusting_anybody()))
            tls = TlsConnection(context)
            assert viewer.client is not None
            shake_hands(tls, viewer.client)
            viewer.link = TlsLink(near, "x", viewer, self.loop, tls, on_established=lambda _: None)
            viewer.link.max_unsent = 1 << 20
        viewer.link.start()
        sync = self.log.sync_point(0)
        assert sync is not None
        viewer.cursor = Cursor(
            viewer.link,
            self.log,
            sync,
            viewer,
            ceiling_ms=CEILING_MS,
            stall_s=60,
            now=self.loop.time(),
        )
        self.pump.add(viewer.cursor)
        return viewer

    def put(self, put: Put) -> None:
        data = build(MESSAGE, len(self.published), put.size)
        greetings: list[object] = [None] if put.flags & SYNC else []
        flags = bytearray((put.flags,))
        self.log.append(Batch([data], [len(data)], [self.time_ms], flags, greetings))
        self.published.append(put)
        self.time_ms += put.step_ms
        self.pump.wake(self.log)

    async def do(self, step: Step) -> None:
        match step:
            case Put():
                self.put(step)
            case Take(viewer, size):
                self.viewers[viewer].take(size)
            case Answer(viewer, size):
                one = self.viewers[viewer]
                one.link.write(build(ANSWER, len(one.answers), size))
                one.answers.append(size)
            case Leap(viewer):
                self.viewers[viewer].cursor.jump()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def finish(self) -> None:
        """A last keyframe, and everybody takes all there is."""
        self.put(Put(KEY, 1_000, 40))
        async with asyncio.timeout(10):
            while not all(viewer.cursor.has_all() for viewer in self.viewers):
                for viewer in self.viewers:
                    viewer.take(1 << 20)
                await asyncio.sleep(0.001)
        for viewer in self.viewers:
            viewer.take(1 << 20)

    def judge(self, viewer: Viewer) -> None:
        """What came is what was published, but for what the cursor says that it left out."""
        cursor = viewer.cursor
        jumps = left_out = skipped_bytes = answers = 0
        expected, greeted = 0, -1
        for kind, number in parse(bytes(viewer.got)):
            if kind == ANSWER:
                assert number == answers
                answers += 1
                continue
            if kind == GREETING:
                jumps, greeted = jumps + 1, number
                continue
            assert number >= expected, "came twice, or too late"
            missing = self.published[expected:number]
            skipped_bytes += sum(put.size for put in missing)
            if greeted >= 0:
                place = sum(put.size for put in self.published[:number])
                assert (greeted, self.published[number].flags) == (place, KEY)
            else:
                assert all(put.flags in (PICTURE, SPARE) for put in missing)
                left_out += len(missing)
            expected, greeted = number + 1, -1
        assert expected == len(self.published)
        assert answers == len(viewer.answers)
        assert (jumps, skipped_bytes) == (cursor.jumps, cursor.skipped_bytes)
        assert left_out <= cursor.dropped_frames, "some may be left out just before a jump"
        if not jumps:
            assert left_out == cursor.dropped_frames

    def close(self) -> None:
        self.pump.stop()
        for viewer in self.viewers:
            viewer.link.abort()
            viewer.far.close()
        self._listener.close()


async def play(context: ssl.SSLContext, script: Sequence[Step]) -> list[Viewer]:
    """Do all that, and judge what each viewer got."""
    scene = Scene(context)
    try:
        for step in script:
            await scene.do(step)
        await scene.finish()
        for viewer in scene.viewers:
            assert not viewer.reason
            scene.judge(viewer)
    finally:
        scene.close()
    return scene.viewers


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(script=st.lists(steps, max_size=60))
def test_what_came_is_whole_and_what_did_not_is_counted(
    context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, script: list[Step]
) -> None:
    monkeypatch.setattr(cursor_module, "CHECK_S", 0)
    asyncio.run(play(context, script))


def test_who_reads_nothing_for_a_while_leaves_out_and_jumps_with_tls_as_without(
    context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cursor_module, "CHECK_S", 0)
    slow, group = (0, 2), (KEY, SOUND, PICTURE, SPARE, SOUND, PICTURE)
    script: list[Step] = []
    for number in range(180):
        script.append(Put(group[number % len(group)], 5_000, 40))
        script += [Take(viewer, 1 << 20) for viewer in range(VIEWERS) if viewer not in slow]
        script += [Take(viewer, 2_000) for viewer in slow]
    for index, viewer in enumerate(asyncio.run(play(context, script))):
        cursor = viewer.cursor
        assert bool(cursor.jumps or cursor.dropped_frames) == (index in slow)
