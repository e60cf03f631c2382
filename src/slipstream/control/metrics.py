"""The metrics that Prometheus collects, read from the parts' own counters when it asks.

A table says what each is called, what it means and where it is read. There are no labels with
names of streams or addresses, so the number of series is bounded whatever happens: single
streams are the API's matter. All series together take 0.7 ms to render, so that is done in the
loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from slipstream import __version__
from slipstream.control.figures import Figures
from slipstream.control.parts import Parts

PREFIX = "slipstream_"
CONTENT_TYPE = CONTENT_TYPE_LATEST

Family = CounterMetricFamily | GaugeMetricFamily
Reading = float | Mapping[str, float]


class Metric(NamedTuple):
    """One family of metrics."""

    name: str
    """Without the prefix, and without the `_total` that Prometheus puts behind counters."""
    type: Literal["gauge", "counter"]
    help: str
    read: Callable[[Parts, Figures], Reading]
    label: str = ""
    """What the keys of the reading are; empty if it is one number."""

    @property
    def full_name(self) -> str:
        """As Prometheus shows it."""
        return f"{PREFIX}{self.name}{'_total' if self.type == 'counter' else ''}"


METRICS = (
    Metric("info", "gauge", "Always 1.", lambda _, __: {__version__: 1}, "version"),
    Metric("ready", "gauge", "1 while new connections are welcome.", lambda parts, _: parts.ready),
    Metric("streams", "gauge", "Streams.", lambda _, figures: figures.streams, "state"),
    Metric("publishers", "gauge", "Publishers.", lambda _, figures: figures.publishers, "protocol"),
    Metric(
        "viewers",
        "gauge",
        "Viewers, with those who wait for a publisher.",
        lambda _, figures: figures.viewers,
        "protocol",
    ),
    Metric(
        "viewers_waiting",
        "gauge",
        "Viewers who wait for a publisher.",
        lambda _, figures: figures.waiting_viewers,
    ),
    Metric(
        "received_bits_per_second",
        "gauge",
        "What all publishers send, over about the last second.",
        lambda _, figures: figures.received_bits_per_second,
    ),
    Metric(
        "log_bytes",
        "gauge",
        "Memory that the logs of all streams take.",
        lambda _, figures: figures.log_bytes,
    ),
    Metric(
        "connections_open",
        "gauge",
        "Connections that carry media, or will.",
        lambda parts, _: parts.admissions.open,
    ),
    Metric(
        "connections_pending",
        "gauge",
        "Those of them that have not said what they want.",
        lambda parts, _: parts.admissions.pending,
    ),
    Metric(
        "connections_max",
        "gauge",
        "How many may be open before the next ones wait unaccepted.",
        lambda parts, _: parts.admissions.max_open,
    ),
    Metric(
        "publications",
        "counter",
        "Publishers who came.",
        lambda parts, _: parts.hub.totals.publications,
    ),
    Metric(
        "takeovers",
        "counter",
        "Those of them who took a stream over from another one.",
        lambda parts, _: parts.hub.totals.takeovers,
    ),
    Metric(
        "subscriptions",
        "counter",
        "Viewers who came.",
        lambda parts, _: parts.hub.totals.subscriptions,
    ),
    Metric(
        "pump_rounds",
        "counter",
        "Rounds of sending.",
        lambda parts, _: parts.pump.rounds,
    ),
    Metric(
        "pump_busy_seconds",
        "counter",
        "Time spent in rounds of sending.",
        lambda parts, _: parts.pump.busy_s,
    ),
    Metric(
        "pump_interval_seconds",
        "gauge",
        "From the start of one round to the start of the next; 0 is at once.",
        lambda parts, _: parts.pump.pace.interval_s,
    ),
    Metric(
        "intake_interval_seconds",
        "gauge",
        "From one reading of all publishers to the next; 0 is at once.",
        lambda parts, _: parts.intake.interval_s,
    ),
    Metric(
        "wrong_keys",
        "counter",
        "Wrong publishing keys that were shown.",
        lambda parts, _: parts.gate.failures.total,
    ),
    Metric("log_lines", "counter", "Lines of the log.", lambda parts, _: parts.logs.lines, "level"),
    Metric(
        "log_lines_left_out",
        "counter",
        "Lines left out because there were too many of their kind.",
        lambda parts, _: parts.logs.limit.left_out,
    ),
    Metric(
        "log_lines_lost",
        "counter",
        "Lines that standard error did not take.",
        lambda parts, _: parts.logs.lost,
    ),
)


class Metrics(Collector):
    """Call `render()` for the page that Prometheus reads."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def collect(self) -> Iterable[Family]:
        """Read everything once."""
        figures = Figures.of(self._parts.hub)
        for metric in METRICS:
            yield _family(metric, metric.read(self._parts, figures))

    def render(self) -> bytes:
        """The page, in the type `CONTENT_TYPE`."""
        return generate_latest(self._registry)


def _family(metric: Metric, reading: Reading) -> Family:
    labels = [metric.label] if metric.label else []
    name = PREFIX + metric.name
    family: Family
    if metric.type == "counter":
        family = CounterMetricFamily(name, metric.help, labels=labels)
    else:
        family = GaugeMetricFamily(name, metric.help, labels=labels)
    values = reading.items() if isinstance(reading, Mapping) else [("", reading)]
    for value, number in values:
        family.add_metric([value] if metric.label else [], number)
    return family
