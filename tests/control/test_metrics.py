"""The metrics page: what Prometheus reads, and how much of it there can be."""

from __future__ import annotations

import re
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from slipstream import __version__
from slipstream.control.configuration.config import Config
from slipstream.control.metrics.detail import APPS, STREAMS
from slipstream.control.metrics.metrics import METRICS
from slipstream.formats import FlvFormat, RtmpFormat
from slipstream.hub.totals import MAX_APPS
from slipstream.net.served import ServedFigures
from tests.control.stage import Stage, Viewer, serving, serving_workers
from tests.hub.stage import Publisher, key, video_config

Series = dict[tuple[str, str], float]
GOOD = ServedFigures(20, 9_000_000_000_123, startup_ms=100, score=100)
BAD = ServedFigures(
    900, 1000, jumps=2, skipped_ms=1500, dropped_frames=7, startup_ms=3000, score=40
)


async def all_series(stage: Stage) -> dict[str, list[tuple[Mapping[str, str], float]]]:
    """Every sample, by the metric's name."""
    page = await (await stage.get("/metrics")).text()
    series: dict[str, list[tuple[Mapping[str, str], float]]] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            series.setdefault(sample.name, []).append((sample.labels, sample.value))
    return series


async def series(stage: Stage) -> Series:
    """Every value, by the metric's name and the values of its labels."""
    return {
        (name, "/".join(labels.values())): value
        for name, samples in (await all_series(stage)).items()
        for labels, value in samples
    }


async def count(stage: Stage) -> int:
    return len(await series(stage))


async def test_prometheus_reads_what_the_parts_counted() -> None:
    async with serving() as stage:
        publication = stage.hub.publish("live/a", Publisher(), credential="k", now=stage.now)
        publication.receive([key(0)], stage.now)
        stage.hub.subscribe("live/a", RtmpFormat, Viewer(), now=stage.now)
        stage.hub.subscribe("live/b", RtmpFormat, Viewer(), now=stage.now)
        stage.parts.pump.rounds = 7
        stage.parts.gate.failures.note("192.0.2.9", 0.0)
        stage.parts.logs.lines["warning"] = 3
        values = await series(stage)
    assert values["slipstream_info", __version__] == 1
    assert values["slipstream_ready", ""] == 1
    assert values["slipstream_streams", "live"] == 1
    assert values["slipstream_streams", "waiting"] == 1
    assert values["slipstream_viewers", "rtmp"] == 2
    assert values["slipstream_viewers_waiting", ""] == 1
    assert values["slipstream_publications_total", ""] == 1
    assert values["slipstream_takeovers_total", ""] == 0
    assert values["slipstream_subscriptions_total", ""] == 2
    assert values["slipstream_log_bytes", ""] > 0
    assert values["slipstream_pump_rounds_total", ""] == 7
    assert values["slipstream_wrong_keys_total", ""] == 1
    assert values["slipstream_log_lines_total", "warning"] == 3
    assert values["slipstream_worker_descriptors", "0"] > 3
    assert values["slipstream_worker_memory_bytes", "0"] > 1 << 20
    assert values["slipstream_worker_cpu_seconds_total", "0"] > 0
    assert values["slipstream_start_time_seconds", ""] == 1_795_000_000
    assert values["slipstream_workers", ""] == values["slipstream_workers_expected", ""] == 1
    assert values["slipstream_alerts", "silence"] == 0


async def test_a_stream_and_its_application_have_series_of_their_own() -> None:
    async with serving() as stage:
        publication = stage.hub.publish("live/a", Publisher(), credential="k", now=stage.now)
        publication.receive([video_config(), key(0), key(2000)], stage.now)
        publication.bytes_received = 5000
        publication.bitrate, publication.frame_rate = 4_000_000.0, 29.97
        for number in range(19):
            fares = BAD if number == 7 else GOOD
            stage.hub.subscribe("live/a", RtmpFormat, Viewer(fares=fares), now=stage.now)
        stage.hub.subscribe("live/a", FlvFormat, Viewer(protocol="http-flv"), now=stage.now)
        stage.hub.subscribe("live/b", RtmpFormat, Viewer(), now=stage.now)
        values = await series(stage)
    sent = 18 * 9_000_000_000_123 + 1000
    assert values["slipstream_stream_bits_per_second", "live/a"] == 4_000_000
    assert values["slipstream_stream_frame_rate", "live/a"] == 29.97
    assert values["slipstream_stream_keyframe_interval_seconds", "live/a"] == 2
    assert values["slipstream_stream_viewers", "live/a/rtmp"] == 19
    assert values["slipstream_stream_viewers", "live/a/http-flv"] == 1
    assert values["slipstream_stream_received_bytes_total", "live/a/0"] == 5000
    assert values["slipstream_stream_sent_bytes_total", "live/a/0"] == sent
    assert values["slipstream_stream_jumps_total", "live/a/0"] == 2
    assert values["slipstream_stream_skipped_seconds_total", "live/a/0"] == 1.5
    assert values["slipstream_stream_dropped_frames_total", "live/a/0"] == 7
    assert values["slipstream_stream_viewer_lag_seconds", "live/a/0.5"] == 0.02
    assert values["slipstream_stream_viewer_lag_seconds", "live/a/0.99"] == 0.9
    assert values["slipstream_stream_viewer_startup_seconds", "live/a/0.99"] == 3
    assert values["slipstream_stream_viewer_score", "live/a/0.01"] == 40
    assert values["slipstream_stream_viewer_score", "live/a/0.5"] == 100
    assert values["slipstream_app_streams", "live/live"] == 1
    assert values["slipstream_app_viewers", "live/rtmp"] == 20
    assert values["slipstream_app_publishers", "live"] == 1
    assert values["slipstream_app_received_bytes_total", "live/0"] == 5000
    assert values["slipstream_app_sent_bytes_total", "live/0"] == sent
    assert ("slipstream_stream_bits_per_second", "live/b") not in values


async def test_what_viewers_have_had_counts_on_when_they_and_their_stream_have_gone() -> None:
    async with serving() as stage:
        publication = stage.hub.publish("live/a", Publisher(), credential="k", now=stage.now)
        publication.receive([video_config(), key(0)], stage.now)
        publication.bytes_received = 700
        viewer = stage.hub.subscribe("live/a", RtmpFormat, Viewer(fares=BAD), now=stage.now)
        viewer.close()
        values = await series(stage)
        assert values["slipstream_stream_sent_bytes_total", "live/a/0"] == 1000
        publication.close(stage.now)
        stage.hub.tick(stage.now + 100)
        assert not stage.hub.streams
        values = await series(stage)
    assert ("slipstream_stream_sent_bytes_total", "live/a/0") not in values
    assert values["slipstream_app_sent_bytes_total", "live/0"] == 1000
    assert values["slipstream_app_received_bytes_total", "live/0"] == 700
    assert values["slipstream_app_jumps_total", "live/0"] == 2


async def test_viewers_of_all_workers_are_told_together_and_counters_apart() -> None:
    async with serving_workers(2) as (home, other):
        publication = home.directory.publish(
            "live/a", Publisher(), credential="k", now=home.now - 1
        )
        publication.receive([video_config(), key(0)], home.now)
        for stage, fares in ((home, GOOD), (other, BAD)):
            stage.hub.subscribe("live/a", RtmpFormat, Viewer(fares=fares), now=stage.now)
        values = await series(other)
    assert values["slipstream_stream_viewers", "live/a/rtmp"] == 2
    assert values["slipstream_app_viewers", "live/rtmp"] == 2
    assert values["slipstream_app_streams", "live/live"] == 1
    assert values["slipstream_stream_sent_bytes_total", "live/a/0"] == GOOD.bytes_sent
    assert values["slipstream_stream_sent_bytes_total", "live/a/1"] == BAD.bytes_sent


async def test_the_number_of_series_does_not_grow_with_strangers() -> None:
    async with serving() as stage:
        stage.hub.subscribe("live/0", RtmpFormat, Viewer(), now=stage.now)
        before = await count(stage)
        for number in range(1, 200):
            viewer = Viewer(address=f"192.0.2.{number}")
            stage.hub.subscribe(f"live/{number}", RtmpFormat, viewer, now=stage.now)
        assert await count(stage) == before


async def test_so_many_streams_have_series_of_their_own_and_who_has_them_keeps_them() -> None:
    config = Config.model_validate({"server": {"metrics_streams": 3}})
    async with serving(config) as stage:
        for number in reversed(range(50)):
            publication = stage.hub.publish(
                f"live/{number}", Publisher(), credential="k", now=stage.now - number
            )
            publication.receive([video_config(), key(0)], stage.now)
        told = await all_series(stage)
        values = await series(stage)
    names = {labels["stream"] for labels, _ in told["slipstream_stream_frame_rate"]}
    assert names == {"live/49", "live/48", "live/47"}
    assert values["slipstream_app_streams", "live/live"] == 50


async def test_applications_that_people_make_up_count_as_one() -> None:
    async with serving() as stage:
        for number in range(MAX_APPS + 50):
            stage.hub.subscribe(f"app{number}/x", RtmpFormat, Viewer(), now=stage.now)
        told = (await all_series(stage))["slipstream_app_viewers"]
    apps = {labels["app"]: value for labels, value in told}
    assert len(apps) == MAX_APPS + 1
    assert apps[""] == 50


async def test_what_further_parts_count_is_told_by_the_api() -> None:
    async with serving_workers(2) as stages:
        for number, stage in enumerate(stages):
            stage.parts.others["bells"] = lambda number=number: {"rung": 3 + number}
        stages[0].parts.others["doors"] = lambda: {"open": 1}
        report = await stages[0].json("/api/v1/server")
    assert report["others"].items() >= {"bells": {"rung": 7}, "doors": {"open": 1}}.items()


def test_names_are_as_prometheus_wants_them() -> None:
    metrics = [*METRICS, *APPS, *STREAMS]
    assert len({metric.name for metric in metrics}) == len(metrics)
    for metric in metrics:
        assert re.fullmatch(r"slipstream_[a-z_]+", metric.full_name)
        assert metric.full_name.endswith("_total") == (metric.type == "counter")
        assert metric.help.endswith(".")
