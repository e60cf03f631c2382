"""A server of two workers, asked from outside: every answer is about all of it."""

from __future__ import annotations

import json
import os
import re
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.behaviour.conftest import OpenServer
from tests.behaviour.pictures import CONFIGS, GOP_MS, bodies, gop
from tests.behaviour.visits import on_air
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer, wait_until

VIEWERS = 12  # so that either worker has some
STANDBY = """
[streams]
on_second_publisher = "standby"
grace_s = 3
latency_ceiling_ms = 20000
"""


@pytest.fixture
def server(open_server: OpenServer) -> RunningServer:
    return open_server("--workers", "2", settings=STANDBY)


def request(
    server: RunningServer, path: str, method: str = "GET", token: str = ""
) -> tuple[int, bytes]:
    """The status and the body of an answer, over a connection of its own."""
    headers = {"Authorization": f"Bearer {token or server.token}"}
    url = f"http://{server.host}:{server.http_port}{path}"
    question = urllib.request.Request(url, headers=headers, method=method)
    try:
        with urllib.request.urlopen(question) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def metric(server: RunningServer, name: str) -> float:
    _, page = request(server, "/metrics")
    return sum(
        sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
        if sample.name == f"slipstream_{name}"
    )


@pytest.fixture
def crowd(server: RunningServer, stream: str) -> Iterator[list[RtmpClient]]:
    """Viewers in both workers."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(RtmpClient.playing(server.play_url(stream))) for _ in range(VIEWERS)
        ]


def test_whoever_is_asked_tells_of_all_viewers(
    server: RunningServer, stream: str, crowd: list[RtmpClient]
) -> None:
    with on_air(server, stream):
        server.wait_for_viewers(stream, VIEWERS + 1, started=True)
        for _ in range(10):  # each over a connection of its own, so to either worker
            told = server.api("server")
            assert told["viewers"] == {"rtmp": VIEWERS + 1}
            assert (told["streams"]["live"], told["publications"]) == (1, 1)
            shares = [worker["viewers"] for worker in told["workers"]]
            assert len(shares) == 2
            assert all(shares)
            (listed,) = server.api("streams")["streams"]
            assert listed["viewers"] == VIEWERS + 1
            viewers = server.api(f"streams/{stream}?viewers=1000")["viewers"]
            assert len({viewer["id"] for viewer in viewers}) == VIEWERS + 1
            assert metric(server, "viewers") == VIEWERS + 1


def test_the_memory_of_a_stream_counts_once(
    server: RunningServer, stream: str, crowd: list[RtmpClient]
) -> None:
    with on_air(server, stream) as station:
        server.wait_for_viewers(stream, VIEWERS + 1, started=True)
        frames = [frame for number in range(1, 20) for frame in gop(number * GOP_MS, filling=9000)]
        station.send(*frames)
        media = sum(map(len, bodies(frames)))
        assert media < server.api("server")["log_bytes"] < media * 1.1


def test_no_count_falls_when_a_worker_is_killed(
    server: RunningServer, stream: str, crowd: list[RtmpClient]
) -> None:
    with on_air(server, stream):
        server.wait_for_viewers(stream, VIEWERS + 1, started=True)
        before = metric(server, "subscriptions_total")
        assert before == VIEWERS + 1
        home = server.stream(stream)["worker"]
        victim = next(w for w in server.api("server")["workers"] if w["number"] != home)
        os.kill(victim["pid"], signal.SIGKILL)

        def replaced() -> bool:
            assert metric(server, "subscriptions_total") == before
            workers = server.api("server")["workers"]
            return len(workers) == 2 and victim["number"] not in [w["number"] for w in workers]

        wait_until(replaced, "another worker in the place of the dead one")
        with RtmpClient.playing(server.play_url(stream)):
            wait_until(
                lambda: metric(server, "subscriptions_total") == before + 1, "one more viewer"
            )


def test_a_standby_is_put_on_air_over_the_api(server: RunningServer, stream: str) -> None:
    path = f"/api/v1/streams/{stream}/switch"
    assert request(server, path, "POST")[0] == 404
    with on_air(server, stream) as station:
        assert request(server, path, "POST")[0] == 409
        with RtmpClient.publishing(server.publish_url(stream)) as standby:
            standby.send(*CONFIGS, *gop(0))
            wait_until(lambda: len(publishers(server, stream)) == 2, "a standby")
            station.send(*gop(GOP_MS))
            standby.send(*gop(GOP_MS))
            old, new = publishers(server, stream)
            assert (old["state"], new["state"]) == ("on air", "standby")

            status, answer = request(server, path, "POST")
            assert status == 200
            assert json.loads(answer)["publisher"]["id"] == new["id"]
            standby.send(*gop(2 * GOP_MS))
            wait_until(
                lambda: server.stream(stream)["publisher"]["id"] == new["id"], "the standby on air"
            )
            assert metric(server, "switches_total") == 1


def publishers(server: RunningServer, stream: str) -> list[Any]:
    told: list[Any] = server.stream(stream)["publishers"]
    return told


def test_no_worker_answers_more_guesses_than_the_server_may(server: RunningServer) -> None:
    statuses = [request(server, "/metrics", token="x")[0] for _ in range(12)]
    assert statuses == [401] * 5 + [429] * 7


def test_each_line_of_the_log_says_which_worker_wrote_it(
    server: RunningServer, stream: str, crowd: list[RtmpClient]
) -> None:
    with on_air(server, stream):
        numbers = {worker["number"] for worker in server.api("server")["workers"]}
    lines = re.findall(r" play\.start worker=(\d+) ", server.log())
    assert {int(number) for number in lines} == numbers
