"""The test source: a picture and a sound that any decoder shows, made as time goes by."""

from __future__ import annotations

import io
from itertools import pairwise
from time import monotonic

import av
import pytest

from slipstream.media import Codec, FlvTag, build_flv_tag, flv_header
from slipstream.tools import TEST
from slipstream.tools.source import Source
from slipstream.tools.test_source import FRAME_RATE, HEIGHT, SAMPLE_RATE, WIDTH, one_second
from slipstream.tools.viewing import Viewing
from slipstream.transcode.canvas import BARS

SECONDS = 2.3  # beyond the second keyframe


async def test_the_test_source_is_what_it_says() -> None:
    tags, viewing = await taken()
    pictures = decoded_pictures(tags)
    assert len(viewing.infos) == 2
    for info in viewing.infos.values():
        if info.codec is Codec.H264:
            assert (info.width, info.height, info.frame_rate) == (WIDTH, HEIGHT, FRAME_RATE)
        else:
            assert (info.codec, info.sample_rate, info.channels) == (Codec.AAC, SAMPLE_RATE, 2)
    video, _ = (viewing.meter.tracks[key] for key in sorted(viewing.infos, reverse=True))
    assert list(video.keyframes_ms) == [0, 2_000]
    assert viewing.meter.figures(0).gaps == 0
    y = HEIGHT * 17 // 72  # in the bars
    for number, bar in enumerate(BARS):
        x = WIDTH * (2 * number + 1) // (2 * len(BARS))
        assert pictures[0][y * WIDTH + x] == pytest.approx(bar.luma, abs=3)
    assert len(set(pictures)) == len(pictures)  # something moves in every one


async def taken() -> tuple[list[FlvTag], Viewing]:
    tags: list[FlvTag] = []
    viewing = Viewing()
    async with Source(TEST) as source:
        assert source.is_live
        tags += await source.read()
        began = monotonic()
        viewing.count(tags, began)
        while viewing.meter.media_ms < SECONDS * 1000:
            more = await source.read()
            viewing.count(more, monotonic())
            tags += more
        assert monotonic() - began > SECONDS - 0.2  # no faster than time goes by
        assert [note.rpartition(", ")[2] for note in source.notes] == ["made here"] * 2
    return tags, viewing


def decoded_pictures(tags: list[FlvTag]) -> list[bytes]:
    """The luma of each picture."""
    file = io.BytesIO(flv_header() + b"".join(build_flv_tag(*tag) for tag in tags))
    with av.open(file) as container:
        return [bytes(frame.planes[0]) for frame in container.decode(video=0)]


def test_the_sound_joins_to_itself() -> None:
    samples = one_second()
    assert len(samples) == SAMPLE_RATE
    steps = [abs(later - earlier) for earlier, later in pairwise(samples)]
    assert abs(samples[0] - samples[-1]) <= max(steps)
    assert max(samples) < 0.5
