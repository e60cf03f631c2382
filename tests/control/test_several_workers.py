"""The API of several workers: whichever is asked, the answer is about the whole server."""

from __future__ import annotations

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from slipstream.control.configuration.config import Config
from slipstream.control.metrics.figures import written_bytes
from slipstream.formats import FlvFormat, RtmpFormat
from slipstream.hub import Publication
from slipstream.net.served import ServedFigures
from tests.control.stage import Stage, Viewer, serving_workers
from tests.hub.stage import Publisher, inter, key, video_config


def publish(stage: Stage, name: str = "live/a") -> Publication:
    """Put a stream on air whose home is this worker."""
    publication = stage.directory.publish(name, Publisher(), credential="k", now=stage.now)
    publication.receive([video_config(), key(0), inter(500), key(1000)], stage.now)
    return publication


def watch(stage: Stage, name: str = "live/a", *, since: float = 0.0, **fares: int) -> None:
    viewer = Viewer(fares=ServedFigures(**fares))
    subscription = stage.hub.subscribe(name, RtmpFormat, viewer, now=stage.now)
    subscription.since -= since


async def series(stage: Stage) -> dict[str, float]:
    """Every value of the metrics, by name and the value of its label."""
    page = await (await stage.get("/metrics")).text()
    return {
        sample.name.removeprefix("slipstream_")
        + "".join(f":{v}" for v in sample.labels.values()): (sample.value)
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


async def test_the_server_is_the_same_whoever_is_asked() -> None:
    async with serving_workers(3) as workers:
        publish(workers[0])
        publish(workers[1], "live/b")
        watch(workers[2])
        watch(workers[1])
        watch(workers[1], "live/none")
        watch(workers[2], "live/none")
        for stage in workers:
            told = await stage.json("/api/v1/server")
            assert told["streams"] == {"live": 2, "slate": 0, "starting": 0, "waiting": 1}
            assert (told["publishers"], told["viewers"]) == ({"rtmp": 2}, {"rtmp": 4})
            assert (told["waiting_viewers"], told["publications"]) == (2, 2)
            assert told["subscriptions"] == 4
            rows = told["workers"]
            assert [(row["number"], row["slot"]) for row in rows] == [(11, 0), (12, 1), (13, 2)]
            assert [row["publishers"] for row in rows] == [1, 1, 0]
            assert [row["viewers"] for row in rows] == [0, 2, 2]


async def test_a_stream_is_one_whose_viewers_are_everywhere() -> None:
    async with serving_workers(2) as (first, second):
        publish(first)
        watch(first, since=5)
        watch(second, since=9)
        second.hub.subscribe("live/a", FlvFormat, Viewer(), now=second.now)
        for stage in (first, second):
            (stream,) = (await stage.json("/api/v1/streams"))["streams"]
            assert (stream["worker"], stream["state"], stream["viewers"]) == (11, "live", 3)
            assert stream["gop_ms"] == 1000
            assert stream["publisher"]["frames"] == 4
            assert [track["kind"] for track in stream["tracks"]] == ["video"]
            forms = {form["name"]: form for form in stream["formats"]}
            assert (forms["rtmp"]["viewers"], forms["flv"]["viewers"]) == (2, 1)
            (log,) = [
                form.log for form in first.hub.streams["live/a"].forms() if form.name == "rtmp"
            ]
            assert forms["rtmp"]["log_bytes"] == log.bytes_kept()
            told = await stage.json("/api/v1/streams/live/a?viewers=2")
            assert told["stream"]["formats"] == stream["formats"]
            assert [viewer["worker"] for viewer in told["viewers"]] == [12, 11]


async def test_the_memory_of_logs_counts_once() -> None:
    async with serving_workers(2) as (first, second):
        publish(first)
        watch(first)
        alone = (await first.json("/api/v1/server"))["log_bytes"]
        watch(second)
        assert (await second.json("/api/v1/server"))["log_bytes"] == alone > 0
        assert [written_bytes(stage.hub) for stage in (first, second)] == [alone, 0]


async def test_it_still_does_when_the_publisher_has_gone() -> None:
    async with serving_workers(2) as (first, second):
        publication = publish(first)
        watch(first)
        watch(second)
        before = (await first.json("/api/v1/server"))["log_bytes"]
        publication.close(first.now)
        for stage in (first, second):
            told = await stage.json("/api/v1/server")
            assert told["log_bytes"] == before
            assert told["streams"] == {"live": 0, "slate": 0, "starting": 0, "waiting": 1}


async def test_many_streams_and_viewers_are_told_in_several_questions() -> None:
    async with serving_workers(2) as (first, second):
        for number in range(25):
            publish((first, second)[number % 2], f"live/{number:02}")
        for since in range(130):
            watch(first, "live/00", since=2 * since)
            watch(second, "live/00", since=2 * since + 1)
        told = await first.json("/api/v1/streams")
        assert [stream["name"] for stream in told["streams"]] == [f"live/{n:02}" for n in range(25)]
        viewers = (await second.json("/api/v1/streams/live/00?viewers=250"))["viewers"]
        assert len(viewers) == 250


async def test_a_worker_that_does_not_answer_is_left_out_and_missed() -> None:
    async with serving_workers(2) as (first, second):
        publish(first)
        watch(second)
        silence(second)
        for path in ("/api/v1/streams", "/api/v1/streams/live/a"):
            told = await first.json(path)
            assert (told["workers_answered"], told["workers_expected"]) == (1, 2)
        told = await first.json("/api/v1/server")
        assert (len(told["workers"]), told["workers_expected"]) == (1, 2)
        values = await series(first)
        assert (values["workers"], values["workers_expected"]) == (1, 2)


async def test_a_worker_of_another_version_is_left_out() -> None:
    async with serving_workers(2) as (first, second):
        answers = second.peers.answers  # type: ignore[attr-defined]
        answers["server"] = lambda version: {"tea": "green"} if version == "0" else None
        told = await first.json("/api/v1/server")
        assert [row["number"] for row in told["workers"]] == [11]


async def test_the_server_is_ready_as_long_as_any_worker_is() -> None:
    async with serving_workers(2) as (first, second):
        first.parts.ready = False
        assert (await first.get("/health/ready")).status == 200
        assert (await second.json("/api/v1/server"))["ready"]
        second.parts.ready = False
        assert (await first.get("/health/ready")).status == 503


async def test_metrics_are_of_the_whole_server_and_of_each_place() -> None:
    async with serving_workers(2) as (first, second):
        publish(first)
        watch(second)
        first.parts.pump.pace.interval_s = 0.02
        second.parts.pump.pace.interval_s = 0.07
        first.parts.memory.is_full = True
        values = await series(second)
        assert (values["streams:live"], values["viewers:rtmp"]) == (1, 1)
        assert values["pump_interval_seconds"] == 0.07
        assert values["memory_full"] == 1
        assert values["connections_max"] == 2 * first.parts.admissions.max_open
        for slot in ("0", "1"):
            assert values[f"worker_descriptors:{slot}"] > 3


async def test_no_count_falls_when_a_worker_dies_or_does_not_answer() -> None:
    async with serving_workers(2) as (first, second):
        publish(first)
        for _ in range(5):
            watch(second)
        assert (await series(first))["subscriptions_total"] == 5
        silence(second)
        assert (await series(first))["subscriptions_total"] == 5
        assert (await first.json("/api/v1/server"))["subscriptions"] == 5


async def test_who_takes_the_place_of_a_worker_counts_on_where_that_one_ended() -> None:
    async with serving_workers(2) as (first, second):
        for _ in range(5):
            watch(second)
        assert (await series(first))["subscriptions_total"] == 5
        heir = Stage(second.config, second.peers, second.parts.ledger)
        heir.parts.slot = 1
        heir.answer_questions()
        watch(heir)
        assert (await series(first))["subscriptions_total"] == 6


async def test_a_standby_is_put_on_air_by_whichever_worker_is_asked() -> None:
    config = Config.model_validate({"streams": {"on_second_publisher": "standby"}})
    async with serving_workers(2, config) as (first, second):
        publish(first)
        standby = publish(first)
        response = await second.get("/api/v1/streams/live/a/switch", method="POST")
        assert response.status == 200
        assert (await response.json())["publisher"]["id"] == standby.peer.connection_id
        standby.receive([key(2000)], first.now)
        assert standby.on_air


async def test_wrong_tokens_are_counted_by_all_workers_together() -> None:
    async with serving_workers(2) as workers:
        for number in range(5):
            response = await workers[number % 2].get("/metrics", {"Authorization": "Bearer x"})
            assert response.status == 401
        for stage in workers:
            assert (await stage.get("/metrics")).status == 429


def silence(stage: Stage) -> None:
    neighbour: Any = stage.peers
    neighbour.is_silent = True
