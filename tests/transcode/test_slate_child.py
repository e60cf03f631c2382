"""The child process of a slate, run as the worker runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from slipstream.errors import SlipstreamError
from slipstream.media import Codec, FlvTag
from slipstream.transcode.child import FlvChild
from slipstream.transcode.order import Order
from slipstream.transcode.reel import Playback, Reel
from slipstream.transcode.reels import CHILD
from slipstream.transcode.shape import PictureShape, Shape
from tests.server import wait_until
from tests.tools.files import film
from tests.transcode.stage import SMALL, SMALL_SHAPE, STEREO, decoded, flv_of, tags_of

PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-m", {module!r}, {order!r}], stdout=subprocess.PIPE)
print(child.pid, flush=True)
child.wait()
"""


def slate_child(order: Order) -> FlvChild:
    return FlvChild(CHILD, order.to_json(), name=order.source)


async def all_of(child: FlvChild) -> list[FlvTag]:
    async with child:
        return await rest_of(child)


async def rest_of(child: FlvChild) -> list[FlvTag]:
    tags: list[FlvTag] = []
    while more := await child.read():
        tags += more
    return tags


async def test_a_card_comes_out_that_can_be_played_for_ever() -> None:
    child = slate_child(Order("card", "soon", SMALL_SHAPE))
    reel = Reel(SMALL.rate)
    reel.add(await all_of(child))
    reel.finish()
    assert not child.notes
    assert (reel.length_s, len(reel.pictures)) == (2, 50)
    seen = decoded(flv_of(tags_of([*reel.configs, *Playback(reel).due(20_000)])))
    assert seen.codecs == {"video": "h264", "audio": "aac"}
    assert (seen.size, seen.sample_rate, seen.channels) == ((128, 96), 48_000, 2)
    assert seen.picture_ms == [40 * number for number in range(500)]


async def test_a_film_comes_out_in_the_codecs_of_the_stream(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", "libx264", "aac", seconds=3)
    shape = Shape(replace(SMALL, codec=Codec.AV1), replace(STEREO, codec=Codec.OPUS))
    reel = Reel(SMALL.rate)
    reel.add(await all_of(slate_child(Order(str(source), "soon", shape))))
    reel.finish()
    assert reel.length_s == pytest.approx(3, abs=0.1)
    seen = decoded(flv_of(tags_of([*reel.configs, *Playback(reel).due(10_000)])))
    assert seen.codecs == {"video": "av1", "audio": "opus"}
    assert len(seen.pictures) == 250


async def test_what_it_cannot_do_it_says(tmp_path: Path) -> None:
    child = slate_child(Order(str(tmp_path / "none.mp4"), "soon", SMALL_SHAPE))
    with pytest.raises(SlipstreamError, match=r"none\.mp4: No such file or directory"):
        await all_of(child)


async def test_what_it_does_instead_it_says() -> None:
    child = slate_child(Order("card", "", Shape(replace(SMALL, codec=Codec.H266), None)))
    assert await all_of(child)
    assert list(child.notes) == ["vvc1 cannot be encoded: there is no encoder"]


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265, Codec.AV1, Codec.VP9])
async def test_encoders_keep_their_figures_to_themselves(codec: Codec) -> None:
    child = slate_child(Order("card", "", Shape(replace(SMALL, codec=codec), None)))
    assert await all_of(child)
    assert not child.notes


async def test_it_is_gone_when_it_is_not_wanted_any_more(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", seconds=10)
    large = Shape(PictureShape(Codec.H265, 1920, 1080, SMALL.rate), STEREO)
    async with slate_child(Order(str(source), "soon", large)) as child:
        assert await child.read()
        assert child._child is not None
        pid = child._child.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_it_gives_way_when_it_is_told(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", seconds=10)
    large = Shape(PictureShape(Codec.H265, 1920, 1080, SMALL.rate), STEREO)
    async with slate_child(Order(str(source), "soon", large)) as child:
        assert await child.read()
        assert child._child is not None
        ours, pid = os.getpriority(os.PRIO_PROCESS, 0), child._child.pid
        assert os.getpriority(os.PRIO_PROCESS, pid) == ours
        child.give_way()
        threads = [int(place.name) for place in Path(f"/proc/{pid}/task").iterdir()]
        assert len(threads) > 1
        assert all(os.getpriority(os.PRIO_PROCESS, thread) > ours for thread in threads)


async def test_no_encoder_has_real_time_scheduling(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", seconds=10)
    shape = Shape(PictureShape(Codec.AV1, 640, 360, SMALL.rate), STEREO)
    async with slate_child(Order(str(source), "soon", shape)) as child:
        assert await child.read()
        assert child._child is not None
        threads = list(Path(f"/proc/{child._child.pid}/task").iterdir())
        assert len(threads) > 1
        assert {os.sched_getscheduler(int(thread.name)) for thread in threads} == {os.SCHED_OTHER}


def test_it_dies_with_its_parent_even_when_it_has_nothing_to_write(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "never")  # opening it takes until somebody writes
    order = Order(str(tmp_path / "never"), "soon", SMALL_SHAPE)
    program = PARENT.format(module=CHILD, order=order.to_json())
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        wait_until(lambda: is_at_work(child), "its start")
        parent.kill()
        wait_until(lambda: not is_alive(child), "the child's end")


def is_at_work(pid: int) -> bool:
    """Whether it has come as far as to open its encoders, the last thing before the file."""
    return "libx264" in Path(f"/proc/{pid}/maps").read_text() and state_of(pid) == "S"


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def is_alive(pid: int) -> bool:
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


async def test_a_child_that_is_killed_is_told() -> None:
    large = Shape(PictureShape(Codec.H265, 1920, 1080, SMALL.rate), STEREO)
    async with slate_child(Order("card", "soon", large)) as child:
        assert child._child is not None
        child._child.send_signal(signal.SIGSEGV)
        with pytest.raises(SlipstreamError, match="card: reading it failed by SIGSEGV"):
            await rest_of(child)
