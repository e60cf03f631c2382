"""HLS with segments of MPEG-TS, from the outside."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack

import av
import m3u8
import pytest

from tests.formats.cmaf_stage import film
from tests.hls_client import HlsClient
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer, wait_until


@pytest.fixture
def player(
    server: RunningServer, stream: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HlsClient]:
    """Watches a stream of which two segments are whole."""
    frames = film(tmp_path_factory.getbasetemp(), "long")  # with a keyframe every 2 s
    with ExitStack() as stack:
        publisher = stack.enter_context(RtmpClient.publishing(server.publish_url(stream)))
        publisher.send(*(frame for frame in frames if frame.dts_ms < 100))
        player = stack.enter_context(HlsClient(server, stream))
        player.begin(f"/{stream}@ts.m3u8")
        server.wait_for_viewers(stream, 1)
        publisher.send(*(frame for frame in frames if 100 <= frame.dts_ms < 4_500))
        assert player.answer().status == 200
        path = f"/{stream}@ts.m3u8"
        wait_until(lambda: player.get(path).text.count("#EXTINF") == 2, "two segments")
        yield player


def test_the_playlist_names_whole_segments_that_hold_all_tracks(
    player: HlsClient, stream: str
) -> None:
    answer = player.get(f"/{stream}@ts.m3u8")
    found = m3u8.loads(answer.text)
    name = stream.rpartition("/")[2]
    first = found.media_sequence
    assert [segment.uri for segment in found.segments] == [
        f"{name}@ts.{number}.ts" for number in range(first, first + 2)
    ]
    assert [segment.duration for segment in found.segments] == [2.0, 2.0]
    for segment in found.segments:
        assert segment.uri is not None
        data = player.get(segment.uri)
        assert data.headers["content-type"] == "video/mp2t"
        with av.open(io.BytesIO(data.body), format="mpegts") as demuxer:
            packets = [(p.stream.type, p.is_keyframe) for p in demuxer.demux() if p.size]
        pictures = [is_keyframe for kind, is_keyframe in packets if kind == "video"]
        assert {kind for kind, _ in packets} == {"audio", "video"}
        assert pictures[0]
        assert len(pictures) >= 40


def test_what_is_not_there_is_not_found(player: HlsClient, stream: str) -> None:
    name = stream.rpartition("/")[2]
    for missing in (f"{name}@ts.1.ts", f"{name}@ts.x.ts", f"{name}@ts.0.mp4"):
        assert player.get(missing).status == 404
