"""Viewers of a small stream are served by the worker that has its publisher."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.behaviour.conftest import OpenServer
from tests.behaviour.pictures import CONFIGS, GOP_MS, bodies, gop
from tests.behaviour.test_workers import viewers_by_worker
from tests.behaviour.visits import on_air
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer, running_server

FEW = 24  # so many that some have come to either worker
MANY = 200
VISITS = 200


@pytest.fixture(scope="module")
def crew(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server of two workers, as it comes."""
    with running_server(tmp_path_factory.mktemp("server"), "--workers", "2") as server:
        yield server


@contextmanager
def watching(server: RunningServer, stream: str, count: int) -> Iterator[list[RtmpClient]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(RtmpClient.playing(server.play_url(stream))) for _ in range(count)
        ]


def home_of(server: RunningServer, stream: str) -> int:
    return int(server.stream(stream)["worker"])


def test_few_viewers_sit_with_the_publisher_whichever_worker_they_come_to(
    crew: RunningServer, stream: str
) -> None:
    with on_air(crew, stream) as station, watching(crew, stream, FEW) as players:
        crew.wait_for_viewers(stream, FEW + 1, started=True)
        viewers = crew.api(f"streams/{stream}?viewers=100")["viewers"]
        there = [viewer["worker"] == home_of(crew, stream) for viewer in viewers]
        assert there.count(True) >= FEW  # but the one who had waited for the publisher
        sent = gop(GOP_MS, filling=3000)
        station.send(*sent)
        for player in players:
            player.take(len(CONFIGS) + len(gop(0)))
            assert bodies(player.take(len(sent))) == bodies(sent)


def test_who_moves_keeps_its_name_and_comes_and_goes_once(crew: RunningServer, stream: str) -> None:
    with on_air(crew, stream):
        name = ""
        for _ in range(VISITS):
            with RtmpClient.playing(crew.play_url(stream)) as player:
                player.take(len(CONFIGS))
                newest = crew.api(f"streams/{stream}?viewers=9")["viewers"][-1]["id"]
                player.leave()
            crew.wait_for_viewers(stream, 1)
            if re.search(rf"rtmp\.move .*id={newest}\b", crew.log()):
                name = newest
                break
        assert name, "all came to the home"
    for event in ("rtmp.open", "rtmp.move", "play.start", "play.end", "rtmp.close"):
        crew.wait_for_log(rf"{re.escape(event)} .*id={name}\b")
        lines = re.findall(rf"{re.escape(event)} .*id={name}\b", crew.log())
        assert len(lines) == 1, (name, event)


def test_many_viewers_are_shared_by_the_workers(crew: RunningServer, stream: str) -> None:
    with on_air(crew, stream), watching(crew, stream, MANY):
        crew.wait_for_viewers(stream, MANY + 1)
        counts = viewers_by_worker(crew, stream)
        assert min(counts.values()) >= MANY // 4, counts


def test_who_waits_for_a_publisher_stays_where_it_is(crew: RunningServer, stream: str) -> None:
    with watching(crew, stream, FEW) as players:
        crew.wait_for_viewers(stream, FEW, started=False)
        with on_air(crew, stream):
            for player in players:
                player.take(len(CONFIGS))
            assert len(viewers_by_worker(crew, stream)) == 2


def test_nobody_moves_where_that_is_not_wanted(open_server: OpenServer, stream: str) -> None:
    server = open_server("--workers", "2", settings="[net]\ngather_viewers = 0\n")
    with on_air(server, stream), watching(server, stream, FEW):
        server.wait_for_viewers(stream, FEW + 1)
        assert len(viewers_by_worker(server, stream)) == 2
    assert "rtmp.move" not in server.log()
