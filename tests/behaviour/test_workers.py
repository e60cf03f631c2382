"""Several workers serve as one: nobody can tell which of them they have come to."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack

import pytest

from slipstream.rtmp import Code
from tests.behaviour.conftest import OpenServer
from tests.behaviour.pictures import CONFIGS, GOP_MS, bodies, gop
from tests.behaviour.visits import end_of, on_air
from tests.flv_client import FlvClient
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer, wait_until

VIEWERS = 16
ENOUGH = 12  # connections, so that some have come to either worker


@pytest.fixture
def crew(open_server: OpenServer) -> RunningServer:
    """A server of two workers, whatever the other tests have; viewers stay where they come to."""
    return open_server("--workers", "2", settings="[net]\ngather_viewers = 0\n")


def viewers_by_worker(server: RunningServer, stream: str) -> dict[int, int]:
    counts: dict[int, int] = {}
    for viewer in server.api(f"streams/{stream}?viewers=1000")["viewers"]:
        counts[viewer["worker"]] = counts.get(viewer["worker"], 0) + 1
    return counts


def test_viewers_of_either_worker_get_every_byte_in_order(crew: RunningServer, stream: str) -> None:
    sent = [frame for number in range(1, 11) for frame in gop(number * GOP_MS, filling=3000)]
    with on_air(crew, stream) as station, ExitStack() as stack:
        players = [
            stack.enter_context(RtmpClient.playing(crew.play_url(stream))) for _ in range(VIEWERS)
        ]
        for player in players:
            player.take(len(CONFIGS) + len(gop(0)))
        station.send(*sent)
        for player in players:
            assert bodies(player.take(len(sent))) == bodies(sent)
        assert len(viewers_by_worker(crew, stream)) == 2


def test_http_viewers_are_served_by_either_worker(crew: RunningServer, stream: str) -> None:
    with on_air(crew, stream) as station, ExitStack() as stack:
        viewers = [stack.enter_context(FlvClient(crew, f"/{stream}.flv")) for _ in range(VIEWERS)]
        for viewer in viewers:
            viewer.take(len(CONFIGS) + len(gop(0)))
        sent = gop(GOP_MS)
        station.send(*sent)
        for viewer in viewers:
            assert [tag.body for tag in viewer.take(len(sent))] == bodies(sent)
        assert len(viewers_by_worker(crew, stream)) == 2


def test_connections_spread_over_the_workers(crew: RunningServer, stream: str) -> None:
    with on_air(crew, stream), ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(RtmpClient.playing(crew.play_url(stream)))
        crew.wait_for_viewers(stream, 61)
        counts = viewers_by_worker(crew, stream)
        assert min(counts.values()) >= 20, counts


def test_who_takes_over_may_come_to_any_worker(crew: RunningServer, stream: str) -> None:
    with RtmpClient.playing(crew.play_url(stream)) as viewer, ExitStack() as stack:
        came = 0
        while came < ENOUGH or not re.search(r"rtmp\.move .*to_worker=\d", crew.log()):
            assert came < 20 * ENOUGH, "all came to the same worker"
            publisher = stack.enter_context(RtmpClient.publishing(crew.publish_url(stream)))
            sent = gop(0, filling=came)
            publisher.send(*CONFIGS, *sent)
            assert bodies(viewer.take(len(CONFIGS) + len(sent))) == bodies([*CONFIGS, *sent])
            came += 1
        assert viewer.ended is None
    assert crew.api("server")["takeovers"] == came - 1


def test_strangers_are_refused_whichever_worker_they_come_to(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server("--workers", "2", "--allow-anonymous-publish")
    with RtmpClient.publishing(server.play_url(stream)) as owner:
        owner.send(*CONFIGS, *gop(0))
        for _ in range(ENOUGH):
            with RtmpClient.asking_to_publish(
                server.play_url(stream), source="127.0.0.77"
            ) as stranger:
                assert end_of(stranger).code == Code.PUBLISH_BAD_NAME
        owner.send(*gop(GOP_MS))
        (publisher,) = server.stream(stream)["publishers"]
        assert publisher["state"] == "on air"


def test_a_publisher_that_returns_to_another_worker_is_seen_by_those_who_stayed(
    crew: RunningServer, stream: str
) -> None:
    with ExitStack() as stack:
        players = [stack.enter_context(RtmpClient.playing(crew.play_url(stream))) for _ in range(6)]
        last_ms = -1
        for number in range(ENOUGH):
            with RtmpClient.publishing(crew.publish_url(stream)) as publisher:
                sent = [*CONFIGS, *gop(number * 77_000)]
                publisher.send(*sent)
                for player in players:
                    messages = player.take(len(sent))
                    assert bodies(messages) == bodies(sent)
                    times = [m.timestamp for m in messages if m.type_id != 18]
                    assert times == sorted(times)
                    assert times[0] >= last_ms
                last_ms = times[-1]
            wait_until(lambda: crew.stream(stream)["worker"] is None, "the publisher's end")


def test_a_limit_of_viewers_holds_for_all_workers_together(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server("--workers", "2", settings="[streams]\nmax_viewers = 5\n")
    with RtmpClient.publishing(server.publish_url(stream)) as publisher, ExitStack() as stack:
        publisher.send(*CONFIGS, *gop(0))
        players = [
            stack.enter_context(RtmpClient.playing(server.play_url(stream))) for _ in range(ENOUGH)
        ]
        ends = [end_of(player).code for player in players[5:]]
        assert ends == ["NetStream.Play.Failed"] * (ENOUGH - 5)
        for player in players[:5]:
            assert len(player.take(len(CONFIGS))) == len(CONFIGS)
            player.leave()
        server.wait_for_viewers(stream, 0)
        with RtmpClient.playing(server.play_url(stream)) as newcomer:
            newcomer.take(1)


def test_wrong_keys_count_for_all_workers_together(crew: RunningServer, stream: str) -> None:
    wrong = crew.play_url(stream) + "?key=wrong-wrong-wrong-wrong"
    for _ in range(5):
        with RtmpClient.asking_to_publish(wrong, source="127.0.0.78") as client:
            end_of(client)
            client.drain()
    for _ in range(ENOUGH):
        with RtmpClient.asking_to_publish(crew.publish_url(stream), source="127.0.0.78") as client:
            assert end_of(client).code == Code.PUBLISH_BAD_NAME
    assert "wrong key" in crew.log()
    assert "too many wrong keys" in crew.log()


def test_media_is_in_memory_once_and_does_not_pass_between_workers(
    crew: RunningServer, stream: str
) -> None:
    with on_air(crew, stream) as station, ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(RtmpClient.playing(crew.play_url(stream)))
        wait_until(lambda: len(viewers_by_worker(crew, stream)) == 2, "viewers in both")
        began, filling = time.monotonic(), 200_000
        for number in range(1, 11):
            station.send(*gop(number * GOP_MS, filling=filling))
        (form,) = crew.stream(stream)["formats"]
        assert form["viewers"] == 9
        assert 10 * 5 * filling < form["log_bytes"] < 2 * 10 * 5 * filling
        crossed = crew.metric("feed_bytes_total")
        assert 0 < crossed < 100_000 + 10_000 * (time.monotonic() - began)
