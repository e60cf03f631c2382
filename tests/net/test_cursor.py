"""A cursor over a real socket: what one viewer gets, whatever happens to it."""

from __future__ import annotations

import asyncio
import os
from typing import ClassVar

from slipstream.formats import Flag
from slipstream.log import SyncPoint
from slipstream.net.cursor import Cursor
from tests.net.stage import GREETING, Stage, Viewer, fill, until


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


# Leaving out


def marked(letter: str, size: int = 2000) -> bytes:
    """A message that says what it is, and is unlike all others."""
    return letter.encode() + os.urandom(size - 2).hex()[: size - 2].encode() + b"\n"


class Film:
    """Pictures and sounds as `K`, `p`, `b` (disposable), `a` and `c` (configuration)."""

    FLAGS: ClassVar = {
        "K": Flag.VIDEO | Flag.KEYFRAME,
        "p": Flag.VIDEO,
        "b": Flag.VIDEO | Flag.DISPOSABLE,
        "a": Flag.AUDIO,
        "c": Flag.VIDEO | Flag.CONFIG,
    }

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.sent: list[bytes] = []

    def put(self, letters: str, *, step_ms: int = 40) -> None:
        for letter in letters:
            message = marked(letter, 400 if letter in "ac" else 4000)
            self.stage.put(message, sync=letter == "K", step_ms=step_ms, flags=self.FLAGS[letter])
            self.sent.append(message)

    def got(self, viewer: Viewer) -> list[int]:
        """Which messages have come, whole, by their numbers."""
        assert viewer.got.endswith(b"\n")
        return [self.sent.index(line + b"\n") for line in bytes(viewer.got).split(b"\n")[:-1]]

    def named(self, numbers: list[int]) -> str:
        return "".join(chr(self.sent[number][0]) for number in numbers)


async def stalled(film: Film, *, ceiling_ms: int) -> Viewer:
    """A viewer whose socket is full, and that is as far behind as there is room for."""
    film.put("K")
    viewer = film.stage.viewer(receive_buffer=4096, ceiling_ms=ceiling_ms)
    still = 0  # for so many turns of the loop nothing has gone out
    while still < 20:
        if film.stage.log.head - viewer.cursor.position < 20_000:
            film.put("pa", step_ms=1)
        before = viewer.cursor.position
        await asyncio.sleep(0.001)
        still = still + 1 if viewer.cursor.position == before else 0
    return viewer


async def read_until(viewer: Viewer, tail: bytes) -> None:
    while not viewer.got.endswith(tail):
        await viewer.take(len(viewer.got) + 1)


async def test_a_lag_of_half_the_ceiling_costs_pictures_that_nothing_refers_to(
    stage: Stage,
) -> None:
    film = Film(stage)
    viewer = await stalled(film, ceiling_ms=10_000)
    before = len(film.sent)
    film.put("pabacabapaba", step_ms=500)
    await asyncio.sleep(0.15)
    await read_until(viewer, film.sent[-1])
    kept = [number for number in range(len(film.sent)) if film.sent[number][:1] != b"b"]
    assert film.got(viewer) == kept
    assert film.named(kept)[before:] == "paacaapaa"
    assert viewer.cursor.dropped_frames == 3
    assert viewer.cursor.jumps == viewer.cursor.skipped_ms == 0
    assert viewer.cursor.bytes_sent == len(viewer.got)


async def test_a_lag_of_three_quarters_costs_all_pictures_up_to_the_next_keyframe(
    stage: Stage,
) -> None:
    film = Film(stage)
    viewer = await stalled(film, ceiling_ms=10_000)
    before = len(film.sent)
    film.put("papacaKapa", step_ms=850)
    await asyncio.sleep(0.15)
    await read_until(viewer, film.sent[-1])
    numbers = film.got(viewer)
    lost = len(film.sent) - len(numbers)
    assert film.named([n for n in numbers if n >= before]) == "aacaKapa"
    old = [number for number in numbers if number < before]
    assert old[-1] == before - 1
    assert film.named(sorted(set(range(before)) - set(old))) == "p" * (lost - 2)
    assert viewer.cursor.dropped_frames == lost > 2
    assert viewer.cursor.jumps == 0


async def test_what_is_left_out_returns_when_the_viewer_has_caught_up(stage: Stage) -> None:
    film = Film(stage)
    viewer = await stalled(film, ceiling_ms=10_000)
    film.put("pabaKaba", step_ms=900)
    await asyncio.sleep(0.15)
    await read_until(viewer, film.sent[-1])
    dropped = viewer.cursor.dropped_frames
    assert dropped > 0
    async with asyncio.timeout(5):
        while viewer.cursor.fd < 0:  # until the fast lane has it again
            film.put("a", step_ms=1)
            await asyncio.sleep(0.02)
    film.put("pbapb", step_ms=1)
    await read_until(viewer, film.sent[-1])
    assert film.named(film.got(viewer)).endswith("pbapb")
    assert viewer.cursor.dropped_frames == dropped


async def test_who_selects_messages_is_spared_the_same(stage: Stage) -> None:
    class All:
        def select(self, message: bytes, flags: int) -> bytes:
            return message

    film = Film(stage)
    film.put("K")
    viewer = stage.viewer(receive_buffer=4096, ceiling_ms=10_000)
    viewer.cursor.choose(All())
    while not viewer.link.unsent:
        film.put("pa", step_ms=1)
        await asyncio.sleep(0.001)
    before = len(film.sent)
    film.put("pabacaKapaba", step_ms=800)
    await asyncio.sleep(0.15)
    await read_until(viewer, film.sent[-1])
    numbers = film.got(viewer)
    assert film.named([n for n in numbers if n >= before]) == "aacaKapaa"
    assert viewer.cursor.dropped_frames == len(film.sent) - len(numbers)


async def test_past_the_ceiling_it_jumps_all_the_same(stage: Stage) -> None:
    film = Film(stage)
    viewer = await stalled(film, ceiling_ms=1_000)
    film.put("papaKapa", step_ms=850)
    await asyncio.sleep(0.15)
    await read_until(viewer, film.sent[-1])
    assert viewer.cursor.jumps == 1
    landed = bytes(viewer.got).split(GREETING)[1]
    assert landed == b"".join(film.sent[-4:])


# Holding back


async def test_a_viewer_that_is_held_gets_what_is_old_enough(stage: Stage) -> None:
    stage.put(b"old key", sync=True, step_ms=1000)
    stage.put(b"key", sync=True, step_ms=500)
    stage.put(b"one", step_ms=500)
    stage.put(b"two", step_ms=500)
    viewer = stage.viewer(delay_ms=1000)
    assert await viewer.take(3) == b"key"
    await asyncio.sleep(0.02)
    assert viewer.got == b"key"
    assert viewer.cursor.lag_ms() == 0
    stage.put(b"six")
    assert await viewer.take(6) == b"keyone"


async def test_held_viewers_share_their_rounds_with_those_of_the_same_delay(
    stage: Stage,
) -> None:
    stage.put(b"key", sync=True)
    viewers = [stage.viewer(delay_ms=delay_ms) for delay_ms in (0, 400, 400, 800)]
    for _ in range(40):
        stage.put(b"x")
        await asyncio.sleep(0.001)
    await viewers[0].take(43)
    for viewer, count in zip(viewers, (43, 33, 33, 23), strict=True):
        got = await viewer.take(count)
        assert got == stage.written[: len(got)]
        assert viewer.cursor.fd >= 0
    assert viewers[1].cursor.lane is viewers[2].cursor.lane is not viewers[3].cursor.lane


async def test_a_held_viewer_gets_the_rest_when_the_log_grows_no_more(stage: Stage) -> None:
    stage.put(b"key", sync=True)
    viewer = stage.viewer(delay_ms=300)
    for _ in range(5):
        stage.put(b"rest")
    assert viewer.cursor.position == 0  # nothing is due yet
    assert await viewer.take(23) == stage.written


async def test_a_held_viewer_that_has_paused_goes_on_as_far_behind(stage: Stage) -> None:
    for number in range(5):
        stage.put(b"<key %d>" % number, sync=True, step_ms=1000)
    viewer = stage.viewer(delay_ms=2000)
    assert await viewer.take(7) == b"<key 2>"
    viewer.cursor.pause()
    for number in range(5, 9):
        stage.put(b"<key %d>" % number, sync=True, step_ms=1000)
    viewer.cursor.resume()
    stage.pump.wake(stage.log)
    assert await viewer.take(7 + len(GREETING) + 7) == b"<key 2>" + GREETING + b"<key 6>"


async def test_a_held_viewer_that_is_slow_jumps_to_a_place_that_is_as_far_behind(
    stage: Stage,
) -> None:
    stage.put(b"key", sync=True)
    for _ in range(50):
        stage.put(os.urandom(50_000), step_ms=20)
    viewer = stage.viewer(receive_buffer=4096, ceiling_ms=500, delay_ms=1000)
    for number in range(8):
        stage.put(b"<key %d>" % number, sync=True, step_ms=0)
        for _ in range(10):
            stage.put(os.urandom(50_000), step_ms=50)
    await asyncio.sleep(0.15)
    stage.put(b"end")
    while GREETING not in viewer.got:
        await viewer.take(len(viewer.got) + 1)
    await viewer.take(viewer.got.index(GREETING) + len(GREETING) + 7)
    assert viewer.got.split(GREETING)[1].startswith(b"<key 6>")
