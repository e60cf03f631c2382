"""The metrics that Prometheus collects, when it asks.

A table says what each is called, what it means and where it is read: here of the server as a whole,
in `detail` of applications and streams. No label holds an address, and workers are told apart by
the place they fill, so the number of series is bounded whatever happens.

A further part of a worker counts in attributes of its own, puts a function that reads them into
`Parts.others`, under the metric's name, and has a row below, read with `other(name)`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from slipstream.control.metrics.detail import APPS, PREFIX, STREAMS
from slipstream.control.metrics.exposition import CONTENT_TYPE, Family, Labels, render
from slipstream.control.reports.merge import Answer
from slipstream.control.reports.server_report import ServerReport, WorkerReport

__all__ = ["CONTENT_TYPE", "METRICS", "Details", "Metric", "render_metrics"]

Reading = float | Mapping[str, float]


class Details(NamedTuple):
    """What all workers say of applications and streams, by their names."""

    apps: Mapping[str, Sequence[Answer]]
    streams: Mapping[str, Sequence[Answer]]


class Metric(NamedTuple):
    """One family of metrics."""

    name: str
    """Without the prefix, and without the `_total` that Prometheus puts behind counters."""
    type: Literal["gauge", "counter"]
    help: str
    read: Callable[[ServerReport], Reading]
    label: str = ""
    """What the keys of the reading are; empty if it is one number."""

    @property
    def full_name(self) -> str:
        """As Prometheus shows it."""
        return f"{PREFIX}{self.name}{'_total' if self.type == 'counter' else ''}"


def _by_slot(read: Callable[[WorkerReport], float]) -> Callable[[ServerReport], Reading]:
    """One number of each worker; of two in one place, the old and the new, the sum."""

    def read_all(report: ServerReport) -> Reading:
        numbers: defaultdict[str, float] = defaultdict(float)
        for worker in report.workers:
            numbers[str(worker.slot)] += read(worker)
        return numbers

    return read_all


def other(name: str) -> Callable[[ServerReport], Reading]:
    """What a further part counts; nothing, if the server has none."""
    return lambda report: report.others.get(name, {})


METRICS = (
    Metric("info", "gauge", "Always 1.", lambda report: {report.version: 1}, "version"),
    Metric("ready", "gauge", "1 while new connections are welcome.", lambda report: report.ready),
    Metric(
        "start_time_seconds",
        "gauge",
        "When the server started, in seconds since 1970.",
        lambda report: report.started_at.timestamp(),
    ),
    Metric("workers", "gauge", "Workers that answer.", lambda report: len(report.workers)),
    Metric(
        "workers_expected",
        "gauge",
        "Workers that there should be.",
        lambda report: report.workers_expected,
    ),
    Metric("streams", "gauge", "Streams.", lambda report: report.streams, "state"),
    Metric("publishers", "gauge", "Publishers.", lambda report: report.publishers, "protocol"),
    Metric(
        "viewers",
        "gauge",
        "Viewers, with those who wait for a publisher.",
        lambda report: report.viewers,
        "protocol",
    ),
    Metric(
        "viewers_waiting",
        "gauge",
        "Viewers who wait for a publisher.",
        lambda report: report.waiting_viewers,
    ),
    Metric(
        "received_bits_per_second",
        "gauge",
        "What all publishers send, over about the last second.",
        lambda report: report.received_bps,
    ),
    Metric(
        "log_bytes",
        "gauge",
        "Memory that the logs of all streams take.",
        lambda report: report.log_bytes,
    ),
    Metric(
        "memory_full",
        "gauge",
        "Workers that let nobody begin to publish, because their memory is full.",
        lambda report: sum(worker.memory_full for worker in report.workers),
    ),
    Metric(
        "connections_open",
        "gauge",
        "Connections that carry media, or will.",
        lambda report: report.connections_open,
    ),
    Metric(
        "connections_pending",
        "gauge",
        "Those of them that have not said what they want.",
        lambda report: report.connections_pending,
    ),
    Metric(
        "connections_max",
        "gauge",
        "How many may be open before the next ones wait unaccepted.",
        lambda report: report.connections_max,
    ),
    Metric("publications", "counter", "Publishers who came.", lambda report: report.publications),
    Metric(
        "takeovers",
        "counter",
        "Those of them who took a stream over from another one.",
        lambda report: report.takeovers,
    ),
    Metric("switches", "counter", "Standbys that went on air.", lambda report: report.switches),
    Metric(
        "merged_frames",
        "counter",
        "Frames of one link that another one had brought before.",
        lambda report: report.merged_frames,
    ),
    Metric(
        "filled_holes",
        "counter",
        "Times that a link ended or left something out, and another one had it.",
        lambda report: report.filled_holes,
    ),
    Metric("subscriptions", "counter", "Viewers who came.", lambda report: report.subscriptions),
    Metric("pump_rounds", "counter", "Rounds of sending.", lambda report: report.pump_rounds),
    Metric(
        "pump_busy_seconds",
        "counter",
        "Time spent in rounds of sending.",
        lambda report: report.pump_busy_s,
    ),
    Metric(
        "pump_interval_seconds",
        "gauge",
        "From one round to the next, start to start, in the slowest worker; 0 is at once.",
        lambda report: report.pump_interval_ms / 1000,
    ),
    Metric(
        "intake_interval_seconds",
        "gauge",
        "From one reading of all publishers to the next, in the slowest worker; 0 is at once.",
        lambda report: report.intake_interval_ms / 1000,
    ),
    Metric(
        "feed_bytes",
        "counter",
        "What workers told each other of the logs they share; the media itself does not pass.",
        lambda report: report.feed_bytes,
    ),
    Metric(
        "wrong_keys",
        "counter",
        "Wrong publishing keys that were shown.",
        lambda report: report.wrong_keys,
    ),
    Metric("log_lines", "counter", "Lines of the log.", lambda report: report.log_lines, "level"),
    Metric(
        "log_lines_left_out",
        "counter",
        "Lines left out because there were too many of their kind.",
        lambda report: report.log_lines_left_out,
    ),
    Metric(
        "log_lines_lost",
        "counter",
        "Lines that standard error did not take.",
        lambda report: report.log_lines_lost,
    ),
    Metric(
        "alerts",
        "gauge",
        "Streams of which an alert is raised.",
        lambda report: report.alerts,
        "alert",
    ),
    Metric(
        "alerts_raised",
        "counter",
        "Alerts that have been raised.",
        lambda report: report.alerts_raised,
        "alert",
    ),
    Metric(
        "worker_cpu_seconds",
        "counter",
        "Processor time of one worker, in user and system mode.",
        _by_slot(lambda worker: worker.cpu_s),
        "slot",
    ),
    Metric(
        "worker_memory_bytes",
        "gauge",
        "What one worker has in memory, with what it has written into logs.",
        _by_slot(lambda worker: worker.memory_bytes),
        "slot",
    ),
    Metric(
        "worker_descriptors",
        "gauge",
        "Files and sockets that one worker has open.",
        _by_slot(lambda worker: worker.descriptors),
        "slot",
    ),
    Metric(
        "worker_connections",
        "gauge",
        "Connections of one worker that carry media, or will.",
        _by_slot(lambda worker: worker.connections),
        "slot",
    ),
    Metric(
        "worker_loop_lag_seconds",
        "gauge",
        "How late the loop of one worker was at most in the last seconds.",
        _by_slot(lambda worker: worker.loop_lag_ms / 1000),
        "slot",
    ),
    Metric(
        "hooks",
        "gauge",
        "Of hooks: events that wait for delivery, commands that run, servers that are left alone "
        "because they failed.",
        other("hooks"),
        "what",
    ),
    Metric(
        "hook_events",
        "counter",
        "Events and questions, by what became of them.",
        other("hook_events"),
        "result",
    ),
    Metric(
        "hook_commands",
        "counter",
        "Commands, by what became of them.",
        other("hook_commands"),
        "result",
    ),
    Metric("relays", "gauge", "Streams that are relayed.", other("relays"), "state"),
    Metric(
        "relay_bytes",
        "counter",
        "Media that relays carried.",
        other("relay_bytes"),
        "kind",
    ),
    Metric(
        "relay_reconnects",
        "counter",
        "How often relays connected again.",
        other("relay_reconnects"),
        "kind",
    ),
    Metric(
        "certificate_expires_timestamp_seconds",
        "gauge",
        "When the first certificate of a worker ends, in seconds since 1970.",
        other("certificate_expires"),
        "slot",
    ),
)


async def render_metrics(report: ServerReport, details: Details) -> bytes:
    """The page that Prometheus reads, in the type `CONTENT_TYPE`."""
    return await render(
        [
            *(_family(metric, metric.read(report)) for metric in METRICS),
            *(detail.family(details.apps) for detail in APPS),
            *(detail.family(details.streams) for detail in STREAMS),
        ]
    )


def _family(metric: Metric, reading: Reading) -> Family:
    samples: list[tuple[Labels, float]]
    if isinstance(reading, Mapping):
        samples = [({metric.label: value}, number) for value, number in reading.items()]
    else:
        samples = [({}, reading)]
    return Family(metric.full_name, metric.type, metric.help, samples)
