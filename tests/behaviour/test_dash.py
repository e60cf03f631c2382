"""DASH: what players get that ask for `/{app}/{name}.mpd`, and for what the manifest lists."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from http.client import HTTPConnection, HTTPResponse
from time import time
from typing import Self

import av
import pytest

from slipstream.media import Frame, Kind
from tests.behaviour.conftest import OpenServer
from tests.formats.cmaf_stage import film, of_kind
from tests.formats.mpd_reader import Listed, Period, read_manifest
from tests.rtmp_client import RtmpClient
from tests.server import PATIENCE_S, RunningServer

SEGMENT_PICTURES = 50  # of the film "long": 2 s


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> list[Frame]:
    """Nine seconds, with a keyframe every two."""
    return film(tmp_path_factory.mktemp("films"), "long")


class DashClient:
    """A player with one connection, so that one worker answers it. Use it in a `with` statement."""

    def __init__(self, server: RunningServer, stream: str) -> None:
        self._connection = HTTPConnection(server.host, server.http_port, PATIENCE_S)
        self._folder, _, self.name = f"/{stream}".rpartition("/")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, name: str, **headers: str) -> HTTPResponse:
        """The head of the answer to a request for something in the stream's folder."""
        self._connection.request("GET", f"{self._folder}/{name}", headers=headers)
        return self._connection.getresponse()

    def get(self, name: str) -> bytes:
        """The body of such an answer."""
        answer = self.ask(name)
        body = answer.read()
        assert answer.status == 200, body
        return body

    def manifest(self) -> list[Period]:
        """What is listed now."""
        return read_manifest(self.get(f"{self.name}.mpd").decode())

    def decode(self, segments: list[Listed]) -> list[av.VideoFrame | av.AudioFrame]:
        """All that is in some segments of one track."""
        data = b"".join(map(self.get, [segments[0].init_url, *(one.url for one in segments)]))
        with av.open(io.BytesIO(data)) as source:
            (stream,) = source.streams
            assert stream.codec_context is not None
            stream.codec_context.options = {"err_detect": "explode"}
            return list(source.decode(stream))


@contextmanager
def playing(
    server: RunningServer, stream: str, frames: list[Frame]
) -> Iterator[tuple[DashClient, RtmpClient]]:
    """A player, and a publisher that has sent these frames after the player had come."""
    with (
        ThreadPoolExecutor(1) as threads,
        DashClient(server, stream) as player,
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
    ):
        first = threads.submit(player.manifest)
        server.wait_for_viewers(stream, 1)
        publisher.send(*frames)
        first.result(PATIENCE_S)
        yield player, publisher


def until_picture(frames: list[Frame], count: int) -> list[Frame]:
    """As many of the frames as it takes for so many pictures."""
    pictures = of_kind(frames, Kind.VIDEO)
    return frames[: frames.index(pictures[count - 1]) + 1]


def wait_for_number(player: DashClient, number: int) -> Period:
    """The newest period, as soon as it lists a segment of that number."""
    while (period := player.manifest()[-1]).tracks["v0"].segments[-1].number < number:
        pass
    return period


def test_all_listed_segments_can_be_fetched_and_decoded(
    server: RunningServer, stream: str, frames: list[Frame]
) -> None:
    with playing(server, stream, frames) as (player, _):
        first = player.manifest()[0].tracks["v0"].segments[0].number
        period = wait_for_number(player, first + 4)
        pictures = player.decode(period.tracks["v0"].segments[:4])
        sounds = player.decode(period.tracks["a0"].segments[:4])
    assert len(pictures) == 4 * SEGMENT_PICTURES
    shown = [picture.time for picture in pictures]
    assert shown == sorted(shown)
    seconds = sum(sound.samples / sound.sample_rate for sound in sounds)
    assert seconds == pytest.approx(8, abs=0.1)


def test_a_segment_under_way_arrives_part_by_part(
    server: RunningServer, stream: str, frames: list[Frame]
) -> None:
    begun = until_picture(frames, 2 * SEGMENT_PICTURES + 20)
    with playing(server, stream, begun) as (player, publisher):
        first = player.manifest()[0].tracks["v0"].segments[0].number
        newest = wait_for_number(player, first + 2).tracks["v0"].segments[-1]
        answer = player.ask(newest.url)
        assert answer.headers["Transfer-Encoding"] == "chunked"
        early = answer.read(1_000)  # before anything more is published
        assert early[4:8] == b"moof"
        publisher.send(*frames[len(begun) :])
        whole = early + answer.read()
        assert whole == player.get(newest.url)
        assert whole.count(b"moof") > 1


def test_another_publication_is_another_period_and_both_can_be_played(
    server: RunningServer, stream: str, frames: list[Frame]
) -> None:
    with playing(server, stream, frames) as (player, publisher):
        (before,) = player.manifest()
        publisher.leave()
        server.wait_for_log(rf"publish.end .*stream={stream}")
        with RtmpClient.publishing(server.publish_url(stream)) as other:
            other.send(*frames)
            while len(periods := player.manifest()) < 2:
                pass
            first, second = periods
            assert (first.id, first.start_s) == (before.id, before.start_s)
            assert second.start_s > first.start_s
            assert player.decode(first.tracks["v0"].segments)
            start = second.tracks["v0"].segments[0]
            assert start.start_s == pytest.approx(second.start_s, abs=0.001)
            assert len(player.decode([start])) == SEGMENT_PICTURES


def test_a_player_is_one_viewer_of_this_protocol(
    open_server: OpenServer, stream: str, frames: list[Frame]
) -> None:
    server = open_server("--workers", "1")
    with playing(server, stream, frames) as (player, _):
        listed = player.manifest()[0].tracks["v0"].segments[0]
        size = len(player.get(listed.init_url)) + len(player.get(listed.url))
        (viewer,) = server.api(f"streams/{stream}")["viewers"]
        assert viewer["protocol"] == "dash"
        assert viewer["bytes"] > size


def test_a_query_is_carried_on_to_all_addresses(
    server: RunningServer, stream: str, frames: list[Frame]
) -> None:
    with playing(server, stream, frames) as (player, _):
        text = player.get(f"{player.name}.mpd?token=a&more=b").decode()
        segment = read_manifest(text)[0].tracks["v0"].segments[0]
        assert segment.url.endswith(".m4s?token=a&more=b")
        assert player.get(segment.init_url)
        assert player.get(segment.url)


def test_a_manifest_is_asked_for_anew_and_its_segments_never(
    server: RunningServer, stream: str, frames: list[Frame]
) -> None:
    with playing(server, stream, frames) as (player, _):
        answer = player.ask(f"{player.name}.mpd")
        listed = read_manifest(answer.read().decode())[0].tracks["v0"].segments[0]
        assert answer.headers["Content-Type"] == "application/dash+xml"
        assert answer.headers["Cache-Control"] == "max-age=0"
        segment = player.ask(listed.url)
        segment.read()
        assert "immutable" in segment.headers["Cache-Control"]
        assert segment.headers["Content-Type"] == "video/mp4"


def test_the_clock_tells_the_time_to_anybody(server: RunningServer, stream: str) -> None:
    with DashClient(server, stream) as player:
        before = time()
        answer = player.ask(f"{player.name}@time", Origin="https://example.com")
        told = datetime.fromisoformat(answer.read().decode()).timestamp()
        assert before - 0.001 <= told <= time()
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" in answer.headers


def test_there_is_no_manifest_of_what_nobody_publishes(server: RunningServer, stream: str) -> None:
    with DashClient(server, stream) as player:
        answer = player.ask(f"{player.name}.mpd")
        answer.read()
        assert answer.status == 404
        assert answer.headers["Cache-Control"] == "no-store"
