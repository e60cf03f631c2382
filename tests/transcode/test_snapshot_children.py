"""The decoders of a worker: real processes, within bounds, and none that is left over."""

from __future__ import annotations

import asyncio
import io
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import av
import pytest

from slipstream.errors import SlipstreamError
from slipstream.media import Codec
from slipstream.transcode.keyframe import Keyframe
from slipstream.transcode.snapshot_children import (
    CHILD,
    CrowdedError,
    SnapshotChildren,
    UndecodableError,
)
from tests.clips import film_file
from tests.server import PATIENCE_S
from tests.transcode.films import keyframe_in

OpenChildren = Callable[..., SnapshotChildren]


@pytest.fixture(scope="module")
def keyframe(tmp_path_factory: pytest.TempPathFactory) -> Keyframe:
    return keyframe_in(film_file(tmp_path_factory.mktemp("films"), "video-only"))


@pytest.fixture
async def open_children() -> AsyncIterator[OpenChildren]:
    opened = []

    def open_them(**options: object) -> SnapshotChildren:
        opened.append(SnapshotChildren(**options))  # type: ignore[arg-type]
        return opened[-1]

    yield open_them
    for children in opened:
        await children.stop()
    await until(lambda: not decoders())


def decoders() -> list[int]:
    """The children of this process that make snapshots, or that nobody has waited for."""
    found = []
    for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        with suppress(OSError):
            if CHILD.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                found.append(int(pid))
    return found


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


def size_of(jpeg: bytes) -> tuple[int, int]:
    with av.open(io.BytesIO(jpeg), format="jpeg_pipe") as file:
        (picture,) = file.decode(video=0)
    return picture.width, picture.height


async def test_one_child_makes_all_that_is_ordered_in_turn(
    open_children: OpenChildren, keyframe: Keyframe
) -> None:
    children = open_children()
    jpegs = await children.decode(keyframe, [640, 64])
    assert [size_of(jpeg) for jpeg in jpegs] == [(128, 96), (64, 48)]
    (pid,) = decoders()
    assert await children.decode(keyframe, [64]) == jpegs[1:]
    assert decoders() == [pid]


async def test_it_leaves_when_there_is_no_more_work(
    open_children: OpenChildren, keyframe: Keyframe
) -> None:
    children = open_children(idle_s=0.05)
    await children.decode(keyframe, [64])
    await until(lambda: not decoders())
    await children.decode(keyframe, [64])


@pytest.mark.parametrize(
    "broken",
    [
        Keyframe(Codec.H264, b"", b""),
        Keyframe(Codec.H264, b"\1" * 40, b"\0" * 100),
        Keyframe(Codec.H265, b"garbage", b"\xff" * 5000),
        Keyframe(Codec.AV1, b"", bytes(range(256))),
        Keyframe(Codec.VP9, b"", b"\x82\x49\x83\x42" + bytes(60)),
        Keyframe(Codec.SCREEN, b"", b"x"),
    ],
    ids=lambda keyframe: f"{keyframe.codec}-{len(keyframe.data)}",
)
async def test_what_cannot_be_decoded_is_told_and_the_child_goes_on(
    open_children: OpenChildren, keyframe: Keyframe, broken: Keyframe
) -> None:
    children = open_children()
    await children.decode(keyframe, [64])
    before = decoders()
    with pytest.raises(UndecodableError, match=r"\w"):
        await children.decode(broken, [64])
    await children.decode(keyframe, [64])
    assert decoders() == before


async def test_damage_costs_no_more_than_its_own_picture(
    open_children: OpenChildren, keyframe: Keyframe
) -> None:
    children = open_children()
    for at in range(0, len(keyframe.data), 1201):
        data = keyframe.data[:at] + bytes((keyframe.data[at] ^ 0xFF,)) + keyframe.data[at + 1 :]
        with suppress(UndecodableError):
            (jpeg,) = await children.decode(Keyframe(keyframe.codec, keyframe.config, data), [64])
            assert size_of(jpeg) == (64, 48)
    assert len(decoders()) == 1


async def test_a_decoder_that_hangs_is_killed(
    open_children: OpenChildren, keyframe: Keyframe
) -> None:
    children = open_children()
    await children.decode(keyframe, [64])
    children._deadline_s = 0.3  # its start may take longer than that
    (pid,) = decoders()
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(SlipstreamError, match=r"no picture within 0\.3 s"):
        await children.decode(keyframe, [64])
    await until(lambda: pid not in decoders())


async def test_a_decoder_that_crashes_is_replaced(
    open_children: OpenChildren, keyframe: Keyframe
) -> None:
    children = open_children()
    await children.decode(keyframe, [64])
    (pid,) = decoders()
    os.kill(pid, signal.SIGSTOP)
    decoding = asyncio.create_task(children.decode(keyframe, [64]))
    await asyncio.sleep(0.05)
    os.kill(pid, signal.SIGSEGV)
    os.kill(pid, signal.SIGCONT)
    with pytest.raises(SlipstreamError, match="the decoder: reading it failed by SIGSEGV"):
        await decoding
    await children.decode(keyframe, [64])
    assert pid not in decoders()


async def test_one_that_was_killed_while_it_waited_costs_nothing(
    open_children: OpenChildren, keyframe: Keyframe
) -> None:
    children = open_children()
    await children.decode(keyframe, [64])
    (pid,) = decoders()
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    await children.decode(keyframe, [64])
    assert pid not in decoders()


async def test_a_child_that_answers_nonsense_is_not_believed(
    open_children: OpenChildren, keyframe: Keyframe
) -> None:
    with pytest.raises(SlipstreamError, match=r"nonsense|has ended"):
        await open_children(module="this").decode(keyframe, [64])


async def test_only_so_many_work_at_once_and_only_so_many_wait(
    open_children: OpenChildren, keyframe: Keyframe
) -> None:
    children = open_children(max_children=2, max_waiting=3)
    asked = [asyncio.create_task(children.decode(keyframe, [64])) for _ in range(7)]
    most = 0
    while not all(task.done() for task in asked):
        most = max(most, len(decoders()))
        await asyncio.sleep(0.005)
    assert most == 2
    crowded = [task for task in asked if isinstance(task.exception(), CrowdedError)]
    assert crowded == asked[5:]
    await children.decode(keyframe, [64])  # there is room again


async def test_who_gives_up_leaves_no_child_at_work(
    open_children: OpenChildren, keyframe: Keyframe
) -> None:
    children = open_children()
    await children.decode(keyframe, [64])
    (pid,) = decoders()
    os.kill(pid, signal.SIGSTOP)
    decoding = asyncio.create_task(children.decode(keyframe, [64]))
    await asyncio.sleep(0.05)
    decoding.cancel()
    await until(lambda: not decoders())


async def test_none_is_left_when_they_are_stopped(
    open_children: OpenChildren, keyframe: Keyframe
) -> None:
    children = open_children()
    await children.decode(keyframe, [64])
    await children.stop()
    assert not decoders()
    with pytest.raises(CrowdedError):
        await children.decode(keyframe, [64])
