"""The metrics of single applications and streams: bounded, whatever names people make up.

So many streams have series of their own as `[server] metrics_streams` says, those that have been
published longest: who is among them stays there. All streams count in their application, and
of these there are as many as `hub.totals` tells apart. What is counted carries the slot of the
worker that counts it: sums that fall when a worker dies would be taken for a new start.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from slipstream.control.metrics.exposition import Family, Labels
from slipstream.control.reports.merge import Answer

PREFIX = "slipstream_"
LAG_QUANTILES = (0.5, 0.95, 0.99)
SCORE_QUANTILES = (0.01, 0.05, 0.5)

Sample = tuple[Mapping[str, str], float]
"""The values of the labels beside the name of the application or stream, and the number."""


class Detail(NamedTuple):
    """One family of metrics of all applications, or of some streams."""

    name: str
    """Without the prefix, and without the `_total` of counters."""
    type: Literal["gauge", "counter"]
    help: str
    read: Callable[[Sequence[Answer]], Iterable[Sample]]
    """From what all workers say of one of them."""
    labels: tuple[str, ...]

    @property
    def full_name(self) -> str:
        """As Prometheus shows it."""
        return f"{PREFIX}{self.name}{'_total' if self.type == 'counter' else ''}"

    def family(self, answers: Mapping[str, Sequence[Answer]]) -> Family:
        """All samples.

        Args:
            answers: of all workers, by the name of the application or stream.
        """
        return Family(self.full_name, self.type, self.help, self._samples(answers))

    def _samples(self, answers: Mapping[str, Sequence[Answer]]) -> Iterator[tuple[Labels, float]]:
        for name, rows in answers.items():
            for labels, value in self.read(rows):
                yield {self.labels[0]: name, **labels}, value


def by_name(rows: Iterable[tuple[str, Answer]]) -> dict[str, list[Answer]]:
    """What all workers say, by what it is about."""
    answers = defaultdict(list)
    for name, row in rows:
        answers[name].append(row)
    return dict(sorted(answers.items()))


def _sum(field: str) -> Callable[[Sequence[Answer]], Iterable[Sample]]:
    return lambda rows: [({}, sum(row[field] for row in rows))]


def _table(field: str, label: str) -> Callable[[Sequence[Answer]], Iterable[Sample]]:
    """A number for each value of a label."""

    def read(rows: Sequence[Answer]) -> Iterator[Sample]:
        total: Counter[str] = Counter()
        for row in rows:
            total.update(row[field])
        for value, number in total.items():
            yield {label: value}, number

    return read


def _counted(read: Callable[[Answer], float]) -> Callable[[Sequence[Answer]], Iterable[Sample]]:
    """A number of each worker that has counted anything."""

    def read_all(rows: Sequence[Answer]) -> Iterator[Sample]:
        by_slot: Counter[str] = Counter()
        for row in rows:
            by_slot[str(row["slot"])] += read(row)  # type: ignore[assignment]
        for slot, number in by_slot.items():
            if number:
                yield {"slot": slot}, number

    return read_all


def _had(name: str, unit: float = 1) -> Callable[[Sequence[Answer]], Iterable[Sample]]:
    """What viewers have had."""
    return _counted(lambda row: row["had"][name] * unit)


def _at_home(field: str, unit: float = 1) -> Callable[[Sequence[Answer]], Iterable[Sample]]:
    """What the worker says that has the publishers."""
    return lambda rows: [({}, row[field] * unit) for row in rows if row["is_home"]][:1]


def _alerts(rows: Sequence[Answer]) -> Iterator[Sample]:
    for row in rows:
        for kind in row["alerts"]:
            yield {"alert": kind}, 1


def _quantiles(
    field: str, which: Sequence[float], unit: float = 1
) -> Callable[[Sequence[Answer]], Iterable[Sample]]:
    """Over all viewers of whom it is known."""

    def read(rows: Sequence[Answer]) -> Iterator[Sample]:
        values = sorted(value for row in rows for value in row[field])
        for share in which if values else ():
            yield {"quantile": f"{share:g}"}, quantile(values, share) * unit

    return read


def quantile(values: Sequence[float], share: float) -> float:
    """The least of the sorted values that is not below this share of them."""
    return values[min(max(-int(-share * len(values) // 1) - 1, 0), len(values) - 1)]


APPS = (
    Detail(
        "app_streams",
        "gauge",
        "Streams that are published.",
        _table("streams", "state"),
        ("app", "state"),
    ),
    Detail("app_publishers", "gauge", "Publishers.", _sum("publishers"), ("app",)),
    Detail(
        "app_viewers",
        "gauge",
        "Viewers, with those who wait for a publisher.",
        _table("viewers", "protocol"),
        ("app", "protocol"),
    ),
    Detail(
        "app_received_bits_per_second",
        "gauge",
        "What publishers send, over about the last second.",
        _sum("received_bps"),
        ("app",),
    ),
    Detail(
        "app_received_bytes",
        "counter",
        "What publishers have sent.",
        _counted(lambda row: row["received_bytes"]),
        ("app", "slot"),
    ),
    Detail(
        "app_sent_bytes",
        "counter",
        "What viewers have been sent.",
        _had("bytes_sent"),
        ("app", "slot"),
    ),
    Detail(
        "app_jumps",
        "counter",
        "Times that a viewer was too slow and went on at a newer keyframe.",
        _had("jumps"),
        ("app", "slot"),
    ),
    Detail(
        "app_skipped_seconds",
        "counter",
        "What viewers missed by that.",
        _had("skipped_ms", 0.001),
        ("app", "slot"),
    ),
    Detail(
        "app_dropped_frames",
        "counter",
        "Pictures left out for viewers who were slow.",
        _had("dropped_frames"),
        ("app", "slot"),
    ),
)
STREAMS = (
    Detail(
        "stream_bits_per_second",
        "gauge",
        "What the publisher on air sends, over about the last second.",
        _at_home("bitrate_bps"),
        ("stream",),
    ),
    Detail(
        "stream_frame_rate",
        "gauge",
        "Pictures per second, likewise.",
        _at_home("frame_rate"),
        ("stream",),
    ),
    Detail(
        "stream_keyframe_interval_seconds",
        "gauge",
        "Between the two newest keyframes.",
        _at_home("gop_ms", 0.001),
        ("stream",),
    ),
    Detail(
        "stream_silent_seconds", "gauge", "Since the last media.", _at_home("silent_s"), ("stream",)
    ),
    Detail(
        "stream_viewers",
        "gauge",
        "Viewers, with those who wait for a publisher.",
        _table("viewers", "protocol"),
        ("stream", "protocol"),
    ),
    Detail(
        "stream_received_bytes",
        "counter",
        "What its publishers have sent.",
        _counted(lambda row: row["received_bytes"]),
        ("stream", "slot"),
    ),
    Detail(
        "stream_repairs",
        "counter",
        "Timestamps that had to be repaired.",
        _counted(lambda row: row["repairs"]),
        ("stream", "slot"),
    ),
    Detail(
        "stream_sent_bytes",
        "counter",
        "What viewers have been sent.",
        _had("bytes_sent"),
        ("stream", "slot"),
    ),
    Detail(
        "stream_jumps",
        "counter",
        "Times that a viewer was too slow and went on at a newer keyframe.",
        _had("jumps"),
        ("stream", "slot"),
    ),
    Detail(
        "stream_skipped_seconds",
        "counter",
        "What viewers missed by that.",
        _had("skipped_ms", 0.001),
        ("stream", "slot"),
    ),
    Detail(
        "stream_dropped_frames",
        "counter",
        "Pictures left out for viewers who were slow.",
        _had("dropped_frames"),
        ("stream", "slot"),
    ),
    Detail(
        "stream_alert",
        "gauge",
        "1 while an alert is raised; nothing while it is not.",
        _alerts,
        ("stream", "alert"),
    ),
    Detail(
        "stream_viewer_lag_seconds",
        "gauge",
        "What viewers have not received: of half of them, of 95 % and of 99 % it is no more.",
        _quantiles("lags_ms", LAG_QUANTILES, 0.001),
        ("stream", "quantile"),
    ),
    Detail(
        "stream_viewer_startup_seconds",
        "gauge",
        "From the request to the first byte of media, likewise.",
        _quantiles("startups_ms", LAG_QUANTILES, 0.001),
        ("stream", "quantile"),
    ),
    Detail(
        "stream_viewer_score",
        "gauge",
        "The score of viewers, 0 to 100: of 1 %, of 5 % and of half of them it is no more.",
        _quantiles("scores", SCORE_QUANTILES),
        ("stream", "quantile"),
    ),
)
