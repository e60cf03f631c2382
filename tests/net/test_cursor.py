"""A cursor over a real socket: what one viewer gets, whatever happens to it."""

from __future__ import annotations

import asyncio
import os

from slipstream.log import SyncPoint
from slipstream.net.cursor import Cursor
from tests.net.stage import GREETING, Stage, fill, until


class OddOnly:
    """A selection that takes every second message and marks it."""

    def __init__(self) -> None:
        self.count = 0

    def select(self, message: bytes, flags: int) -> bytes:
        self.count += 1
        return b"<" + message + b">" if self.count % 2 else b""


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


async def test_lag_counts_what_the_kernel_still_holds(stage: Stage) -> None:
    stage.put(b"key", sync=True)
    viewer = stage.viewer(receive_buffer=4096)
    for _ in range(20):
        stage.put(os.urandom(2000), step_ms=100)
    await until(lambda: viewer.cursor.position == stage.log.head)
    assert viewer.cursor.lag_ms() > 500
