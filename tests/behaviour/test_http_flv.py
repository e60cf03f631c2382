"""HTTP-FLV: what browsers and players get that ask for `/{app}/{name}.flv`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from slipstream.media import FlvTag, Kind
from tests.behaviour.conftest import OpenServer
from tests.behaviour.pictures import CONFIGS, GOP_MS, bodies, gop
from tests.behaviour.visits import OnAir, on_air
from tests.flv_client import FlvClient
from tests.hub.stage import video_config
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer


@pytest.fixture
def station(server: RunningServer, stream: str) -> Iterator[OnAir]:
    """Publishes the stream of this test; a first GOP is out."""
    with on_air(server, stream) as station:
        yield station


def in_them(tags: list[FlvTag]) -> list[bytes]:
    return [tag.body for tag in tags]


def test_a_viewer_may_come_before_the_publisher(server: RunningServer, stream: str) -> None:
    with FlvClient(server, f"/{stream}.flv") as viewer:
        server.wait_for_viewers(stream, 1, started=False)
        with RtmpClient.publishing(server.publish_url(stream)) as publisher:
            publisher.send(*CONFIGS, *gop(0))
            tags = viewer.take(len(CONFIGS) + len(gop(0)))
    assert viewer.status == 200
    assert in_them(tags) == bodies([*CONFIGS, *gop(0)])


def test_a_stream_that_nobody_publishes_is_not_found_in_the_end(
    server: RunningServer, stream: str
) -> None:
    with FlvClient(server, f"/{stream}.flv") as viewer:
        assert viewer.status == 404
    assert viewer.headers["access-control-allow-origin"] == "*"


def test_who_joins_in_the_middle_gets_a_file_that_starts_with_a_keyframe(
    server: RunningServer, stream: str, station: OnAir
) -> None:
    with FlvClient(server, f"/{stream}.flv") as early:
        early.take(len(CONFIGS) + 1)
        station.send(*gop(GOP_MS), *gop(2 * GOP_MS)[:4])
        with FlvClient(server, f"/{stream}.flv") as viewer:
            tags = viewer.take(len(CONFIGS) + 4)
            station.send(*gop(2 * GOP_MS)[4:])
            tags += viewer.take(len(gop(0)) - 4)
    assert in_them(tags) == bodies([*CONFIGS, *gop(2 * GOP_MS)])
    assert [tag.type_id for tag in tags[:4]] == [Kind.DATA, Kind.AUDIO, Kind.VIDEO, Kind.VIDEO]
    assert [tag.timestamp for tag in tags] == [0, 2 * GOP_MS, 2 * GOP_MS] + [
        f.dts_ms for f in gop(2 * GOP_MS)
    ]


@pytest.mark.usefixtures("station")
def test_browsers_of_other_sites_may_look(server: RunningServer, stream: str) -> None:
    path = f"/{stream}.flv"
    with (
        FlvClient(server, path) as get,
        FlvClient(server, path, method="HEAD") as head,
        FlvClient(server, path, method="OPTIONS") as options,
    ):
        assert (get.status, head.status, options.status) == (200, 200, 204)
        for answer in (get, head, options):
            assert answer.headers["access-control-allow-origin"] == "*"
        assert "GET" in options.headers["access-control-allow-methods"]
        assert get.headers["content-type"] == head.headers["content-type"] == "video/x-flv"
        assert get.headers["x-content-type-options"] == "nosniff"


def test_head_says_at_once_that_nobody_publishes(server: RunningServer, stream: str) -> None:
    with FlvClient(server, f"/{stream}.flv", method="HEAD") as viewer:
        assert viewer.status == 404
    assert server.stream(stream) is None  # nothing was begun for it


@pytest.mark.parametrize("ending", ["", ".v1.2", ".flv"])
def test_the_last_extension_is_the_format_and_the_rest_is_the_name(
    server: RunningServer, stream: str, ending: str
) -> None:
    with (
        FlvClient(server, f"/{stream}{ending}.flv") as viewer,
        RtmpClient.publishing(server.publish_url(stream + ending)) as publisher,
    ):
        publisher.send(*CONFIGS, *gop(0))
        assert in_them(viewer.take(len(CONFIGS))) == bodies(CONFIGS)


@pytest.mark.parametrize("path", ["/live/../../etc/passwd.flv", "/live/.a.flv", "/live/%2e%2e.flv"])
def test_names_that_could_be_paths_are_not_found(server: RunningServer, path: str) -> None:
    with FlvClient(server, path) as viewer:
        assert viewer.status == 404


def test_a_new_configuration_reaches_viewers_in_mid_stream(
    server: RunningServer, stream: str, station: OnAir
) -> None:
    new_config = video_config(GOP_MS, b"\0")
    with FlvClient(server, f"/{stream}.flv") as viewer:
        viewer.take(len(CONFIGS) + len(gop(0)))
        station.send(new_config, *gop(GOP_MS))
        tags = viewer.take(1 + len(gop(GOP_MS)))
    assert in_them(tags) == bodies([new_config, *gop(GOP_MS)])


def test_the_response_ends_when_the_publisher_does_not_come_back(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server(settings="[streams]\ngrace_s = 0.5")
    with FlvClient(server, f"/{stream}.flv") as viewer:
        with RtmpClient.publishing(server.publish_url(stream)) as publisher:
            publisher.send(*CONFIGS, *gop(0))
            viewer.take(len(CONFIGS))
        assert in_them(viewer.drain()) == bodies(gop(0))


def test_a_viewer_more_than_there_may_be_is_told(open_server: OpenServer, stream: str) -> None:
    server = open_server(settings="[streams]\nmax_viewers = 1")
    with FlvClient(server, f"/{stream}.flv"):
        server.wait_for_viewers(stream, 1)
        with FlvClient(server, f"/{stream}.flv") as viewer:
            assert viewer.status == 503


def test_viewers_that_leave_are_forgotten(
    server: RunningServer, stream: str, station: OnAir
) -> None:
    with FlvClient(server, f"/{stream}.flv") as viewer:
        viewer.take(1)
        server.wait_for_viewers(stream, 2)  # with the station's witness
    server.wait_for_viewers(stream, 1)
    station.send(*gop(GOP_MS))
    server.wait_for_log(rf"play.end .*id=flv-[0-9-]+ .*stream={stream}")
