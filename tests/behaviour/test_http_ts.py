"""HTTP-TS: what players get that ask for `/{app}/{name}.ts`."""

from __future__ import annotations

import io
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import av
import pytest

from slipstream.media import Frame, Kind, coded_data, parse_tag
from tests.behaviour.conftest import OpenServer
from tests.behaviour.decoding import DecodingPlayer
from tests.behaviour.test_workers import viewers_by_worker
from tests.behaviour.test_ws_flv import ask
from tests.clips import film_file, read_tags
from tests.flv_client import FlvClient
from tests.formats.ts_reader import Content, read_ts
from tests.rtmp_client import RtmpClient
from tests.server import PATIENCE_S, RunningServer

READ_BYTES = 1 << 18
MOST = 64  # viewers, of which some come to either worker


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the films of these tests are."""
    return tmp_path_factory.mktemp("films")


def film(folder: Path, name: str) -> list[Frame]:
    """A film's frames as viewers get them: no sound before the first keyframe, no empty end."""
    frames = [parse_tag(*tag) for tag in read_tags(film_file(folder, name))]
    first = next((index for index, frame in enumerate(frames) if frame.keyframe), 0)
    return [
        frame
        for index, frame in enumerate(frames)
        if frame.kind is Kind.DATA or frame.config or (index >= first and coded_data(frame))
    ]


def count_of(frames: list[Frame]) -> int:
    """How many pictures and sounds they are."""
    return sum(not frame.config and frame.kind is not Kind.DATA for frame in frames)


class TsClient:
    """A viewer that keeps what it gets. Use it in a `with` statement."""

    def __init__(self, server: RunningServer, path: str) -> None:
        self.socket = socket.create_connection((server.host, server.http_port), PATIENCE_S)
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        self._data = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    @property
    def head(self) -> str:
        """Of the answer, waited for."""
        while b"\r\n\r\n" not in self._data:
            self._read()
        return self._data.partition(b"\r\n\r\n")[0].decode()

    def take(self, count: int) -> bytes:
        """Wait until so many frames have come whole; return all bytes so far."""
        assert self.head.startswith("HTTP/1.1 200")
        while True:
            body = self._data.partition(b"\r\n\r\n")[2]
            body = body[: len(body) // 188 * 188]
            if len(body) > 188 and len(content_of(body).units) >= count:
                return body
            self._read()

    def _read(self) -> None:
        data = self.socket.recv(READ_BYTES)
        assert data, "the response has ended"
        self._data += data


def content_of(body: bytes) -> Content:
    """What is in it. Another worker that goes on with a stream counts its packets anew."""
    return read_ts(body, goes_on=True, gaps_allowed=True)


def test_all_viewers_of_all_workers_get_the_same_whole_stream(
    open_server: OpenServer, stream: str, folder: Path
) -> None:
    server = open_server("--workers", "2")
    frames = film(folder, "b-frames")
    viewers: list[TsClient] = []
    with ExitStack() as stack:
        while not viewers or (len(viewers) < MOST and len(viewers_by_worker(server, stream)) < 2):
            viewers += [stack.enter_context(TsClient(server, f"/{stream}.ts")) for _ in range(8)]
            server.wait_for_viewers(stream, len(viewers))
        publisher = stack.enter_context(RtmpClient.publishing(server.publish_url(stream)))
        publisher.send(*frames)
        got = [viewer.take(count_of(frames)) for viewer in viewers]
        assert len(viewers_by_worker(server, stream)) == 2
        assert read_ts(got[0]).gaps == 0
        (form,) = server.stream(stream)["formats"]
        assert form["name"] == "ts"
        assert {v["protocol"] for v in server.api(f"streams/{stream}")["viewers"]} == {"http-ts"}
    assert len(set(got)) == 1
    with av.open(io.BytesIO(got[0]), format="mpegts") as source:
        pictures = [frame.pts for frame in source.decode(video=0)]
    assert len(pictures) == sum(frame.kind is Kind.VIDEO and not frame.config for frame in frames)
    assert pictures == sorted(pictures)


@pytest.mark.parametrize("name", ["h264-aac", "h265-aac", "h264-mp3"])
def test_who_joins_in_the_middle_decodes_from_the_first_picture_on(
    server: RunningServer, stream: str, folder: Path, name: str
) -> None:
    frames = film(folder, name)
    keys = [index for index, frame in enumerate(frames) if frame.keyframe]
    half = keys[2] + 5
    with (
        TsClient(server, f"/{stream}.ts") as early,
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
    ):
        publisher.send(*frames[:half])
        early.take(count_of(frames[:half]))
        with TsClient(server, f"/{stream}.ts") as late:
            late.take(count_of(frames[keys[2] : half]))
            publisher.send(*frames[half:])
            data = late.take(count_of(frames[keys[2] :]))
            assert early.take(count_of(frames)).endswith(data)
    with av.open(io.BytesIO(data), format="mpegts") as source:
        pictures = list(source.decode(video=0))
    assert pictures[0].key_frame
    assert len(pictures) == sum(frame.kind is Kind.VIDEO for frame in frames[keys[2] :])


def test_a_player_shows_pictures_and_sounds(
    server: RunningServer, stream: str, folder: Path
) -> None:
    url = f"http://{server.host}:{server.http_port}/{stream}.ts"
    with DecodingPlayer(url) as player, RtmpClient.publishing(server.publish_url(stream)) as out:
        server.wait_for_viewers(stream, 1)
        out.send_file(film_file(folder, "b-frames"))
        player.wait_for(lambda shown: len(shown.pictures) > 40, "pictures")
        player.wait_for(lambda shown: len(shown.sounds) > 60, "sounds")
        assert {picture.codec for picture in player.shown.pictures} == {"h264"}


def test_sound_alone_is_served(server: RunningServer, stream: str, folder: Path) -> None:
    frames = film(folder, "audio-only")
    with (
        TsClient(server, f"/{stream}.ts") as viewer,
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
    ):
        server.wait_for_viewers(stream, 1)
        publisher.send(*frames)
        found = content_of(viewer.take(count_of(frames)))
    assert [len(programme.streams) for programme in found.programmes] == [1] * len(found.programmes)


def test_viewers_stay_while_publishers_and_codecs_change(
    server: RunningServer, stream: str, folder: Path
) -> None:
    count = 0
    films = [film(folder, name) for name in ("h264-aac", "h265-aac", "h264-mp3")]
    with TsClient(server, f"/{stream}.ts") as viewer:
        server.wait_for_viewers(stream, 1)
        for frames in films:
            with RtmpClient.publishing(server.publish_url(stream)) as publisher:
                publisher.send(*frames)
                count += count_of(frames)
                found = content_of(viewer.take(count))
    types = [{s.stream_type for s in programme.streams} for programme in found.programmes]
    assert types[0] == {0x1B, 0x0F}
    assert {0x24, 0x0F} in types
    assert types[-1] == {0x1B, 0x03}


def test_what_cannot_be_carried_is_said_in_the_head_and_in_the_log(
    server: RunningServer, stream: str, folder: Path
) -> None:
    frames = film(folder, "av1-opus")
    sounds = sum(frame.kind is Kind.AUDIO and not frame.config for frame in frames)
    with (
        TsClient(server, f"/{stream}.ts") as viewer,
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
    ):
        publisher.send(*frames)
        assert "X-Left-Out: av01" in viewer.head
        assert content_of(viewer.take(sounds)).programmes[-1].streams[0].stream_type == 0x06
    server.wait_for_log(rf"play.start .*stream={stream} .*left_out=av01")


def test_of_what_cannot_be_carried_at_all_there_is_an_empty_programme(
    server: RunningServer, stream: str, folder: Path
) -> None:
    tags = [tag for tag in read_tags(film_file(folder, "vp9-flac")) if len(tag.body) > 5]
    with (
        TsClient(server, f"/{stream}.ts") as viewer,
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
    ):
        publisher.send(*(parse_tag(*tag) for tag in tags))
        assert "X-Left-Out: fLaC, vp09" in viewer.head
        assert content_of(viewer.take(0)).programmes[0].streams == ()


def test_browsers_of_other_sites_may_look(server: RunningServer, stream: str, folder: Path) -> None:
    path = f"/{stream}.ts"
    with RtmpClient.publishing(server.publish_url(stream)) as publisher, ExitStack() as stack:
        publisher.send(*film(folder, "video-only"))
        get = stack.enter_context(TsClient(server, path))
        get.take(1)
        head = stack.enter_context(FlvClient(server, path, method="HEAD"))
        options = stack.enter_context(FlvClient(server, path, method="OPTIONS"))
        assert (head.status, options.status) == (200, 204)
        assert head.headers["content-type"] == "video/mp2t"
        assert "Content-Type: video/mp2t" in get.head
        assert "Access-Control-Allow-Origin: *" in get.head
        assert "X-Left-Out" not in get.head
        for answer in (head, options):
            assert answer.headers["access-control-allow-origin"] == "*"


def test_head_says_at_once_that_nobody_publishes(server: RunningServer, stream: str) -> None:
    with FlvClient(server, f"/{stream}.ts", method="HEAD") as viewer:
        assert viewer.status == 404


def test_there_is_no_websocket_for_it(server: RunningServer, stream: str) -> None:
    status, head = ask(server, f"/{stream}.ts")
    assert status == 400
    assert "Access-Control-Allow-Origin: *" in head


def test_the_last_extension_is_the_format(server: RunningServer, stream: str, folder: Path) -> None:
    """A name may end like another format."""
    frames = film(folder, "video-only")
    with (
        FlvClient(server, f"/{stream}.ts.flv") as flv,
        RtmpClient.publishing(server.publish_url(f"{stream}.ts")) as publisher,
        TsClient(server, f"/{stream}.ts.ts") as viewer,
    ):
        server.wait_for_viewers(f"{stream}.ts", 2)
        publisher.send(*frames)
        assert viewer.take(count_of(frames))
        assert flv.status == 200
