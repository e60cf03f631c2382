"""The metrics page: what Prometheus reads, and how much of it there can be."""

from __future__ import annotations

import re

from prometheus_client.parser import text_string_to_metric_families

from slipstream import __version__
from slipstream.control.metrics import METRICS
from slipstream.formats import RtmpFormat
from tests.control.stage import Stage, Viewer, serving
from tests.hub.stage import Publisher, key


async def series(stage: Stage) -> dict[tuple[str, str], float]:
    """Every value, by the metric's name and the value of its label."""
    page = await (await stage.get("/metrics")).text()
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


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


async def test_the_number_of_series_does_not_grow_with_streams_and_strangers() -> None:
    async with serving() as stage:
        stage.hub.subscribe("live/0", RtmpFormat, Viewer(), now=stage.now)
        before = len(await series(stage))
        for number in range(1, 200):
            viewer = Viewer(address=f"192.0.2.{number}")
            stage.hub.subscribe(f"live/{number}", RtmpFormat, viewer, now=stage.now)
        assert len(await series(stage)) == before


def test_names_are_as_prometheus_wants_them() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert re.fullmatch(r"slipstream_[a-z_]+", metric.full_name)
        assert metric.full_name.endswith("_total") == (metric.type == "counter")
        assert metric.help.endswith(".")
