"""The child process of a source: what comes out of it, what it tells, and that it goes."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from slipstream.errors import SlipstreamError
from slipstream.media import FlvTag
from slipstream.tools.source import Source
from tests.tools.files import film


async def all_of(source: Source) -> list[FlvTag]:
    async with source:
        return await rest_of(source)


async def rest_of(source: Source) -> list[FlvTag]:
    tags: list[FlvTag] = []
    while more := await source.read():
        tags += more
    return tags


def children() -> set[int]:
    """The processes that we have started and that still run."""
    return set(map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()))


async def test_a_film_comes_out_whole_and_is_described(tmp_path: Path) -> None:
    source = Source(str(film(tmp_path / "a.mp4", seconds=0.5)))
    tags = await all_of(source)
    assert [tag.type_id for tag in tags[:3]] == [18, 9, 8]
    assert sum(tag.type_id == 9 for tag in tags) >= 12
    assert list(source.notes) == [
        "video: H.264 64x48 at 25 fps, copied",
        "audio: AAC 48000 Hz stereo, copied",
    ]
    assert source.length_s == pytest.approx(0.5, abs=0.05)
    assert not source.is_live


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file or directory"), ("hello", "Invalid data found when processing input")],
)
async def test_a_file_that_is_none_is_told_in_one_line(
    tmp_path: Path, content: str | None, reason: str
) -> None:
    path = tmp_path / "a.mp4"
    if content:
        path.write_text(content)
    with pytest.raises(SlipstreamError) as error:
        await all_of(Source(str(path)))
    assert str(error.value) == f"{path}: {reason}"


async def test_a_file_whose_name_looks_like_a_flag_is_a_file() -> None:
    with pytest.raises(SlipstreamError, match="--loop: No such file or directory"):
        await all_of(Source("--loop"))


async def test_the_child_goes_with_its_parent(tmp_path: Path) -> None:
    before = children()
    async with Source(str(film(tmp_path / "a.mp4")), loop=True) as source:
        assert await source.read()
        assert len(children() - before) == 1
        await asyncio.sleep(0.3)  # until nothing more goes into the pipe
    assert children() == before


async def test_the_child_goes_when_nobody_reads_any_more(tmp_path: Path) -> None:
    async with Source(str(film(tmp_path / "a.mp4")), loop=True) as source:
        assert await source.read()
        child = source._child
        assert child is not None
        source._output._transport.close()  # type: ignore[union-attr]  # as the system does at our end
        assert await asyncio.to_thread(child.wait, 10) == 0


async def test_a_child_that_dies_is_told(tmp_path: Path) -> None:
    async with Source(str(film(tmp_path / "a.mp4")), loop=True) as source:
        assert await source.read()
        assert source._child is not None
        source._child.send_signal(signal.SIGSEGV)
        with pytest.raises(SlipstreamError, match="reading it failed by SIGSEGV"):
            await rest_of(source)
