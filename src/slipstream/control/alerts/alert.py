"""Whether what a publisher sends is as it should be, and since when it is not.

A `Judge` of one stream is given a `Reading` about once a second and says which alerts are raised
and cleared by it. What is wrong must stay so for a while, and right again likewise, so that what
swings about its threshold is told once. Pure: time is an argument, and nobody is told from here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from slipstream.control.alerts.settings import AlertSettings

REPAIRS_S = 60.0  # over which repairs are counted
REPAIRS_GRAIN_S = 10.0
STARTING_S = 2.0  # rates are not known before


class AlertKind(StrEnum):
    """What can be wrong; the value is what operators read."""

    BITRATE_LOW = "bitrate_low"
    BITRATE_HIGH = "bitrate_high"
    FRAME_RATE_LOW = "frame_rate_low"
    KEYFRAME_INTERVAL = "keyframe_interval"
    SILENCE = "silence"
    AUDIO_MISSING = "audio_missing"
    AV_DRIFT = "av_drift"
    REPAIRS = "repairs"


class Reading(NamedTuple):
    """What is known of a stream at one moment. Times are those of the stream."""

    publisher: str
    """Who is on air."""
    kbps: float
    frame_rate: float | None
    """None: there are no pictures, and none are due."""
    keyframe_s: float | None
    """Between the two newest keyframes, or since the newest one, if that is longer."""
    silent_s: float
    video_ms: int | None
    """Of the newest picture; None: there has been none."""
    audio_ms: int | None
    repairs: int
    """Timestamps repaired so far."""


class Change(NamedTuple):
    """An alert is raised or cleared."""

    kind: AlertKind
    raised: bool
    value: float
    threshold: float
    for_s: float
    """How long it was raised."""


@dataclass(slots=True)
class Alert:
    """One that is raised, or about to be."""

    kind: AlertKind
    threshold: float
    value: float = 0.0
    """As it was when it was last beyond the threshold, or within it again."""
    since: float | None = None
    """When it was raised; None: it is not."""
    turning_since: float | None = None
    """Since when things are otherwise than it says."""

    def look(self, wrong: bool, now: float, patience_s: float) -> bool:
        """Take note of how things are. True: it is raised or cleared by that."""
        if wrong is (self.since is not None):
            self.turning_since = None
            return False
        if self.turning_since is None:
            self.turning_since = now
        return now - self.turning_since >= patience_s


class Judge:
    """Of one stream: `look()` once a second while an encoder is on air, `end()` when none is."""

    __slots__ = ("_alerts", "_audio_ms", "_began_at", "_publisher", "_repairs")

    def __init__(self) -> None:
        self._alerts: dict[AlertKind, Alert] = {}
        self._publisher = ""
        self._began_at = 0.0
        self._audio_ms: int | None = None  # at the last look
        # Repairs so far, every ten seconds; a look is at most so late that the oldest counts.
        self._repairs: deque[tuple[float, int]] = deque(maxlen=round(REPAIRS_S / REPAIRS_GRAIN_S))

    def raised(self) -> Iterator[Alert]:
        """Those that are raised, the first one first."""
        return (alert for alert in self._alerts.values() if alert.since is not None)

    def look(self, reading: Reading, settings: AlertSettings, now: float) -> list[Change]:
        """Judge what is known now."""
        if reading.publisher != self._publisher:
            self._publisher, self._began_at = reading.publisher, now
            self._audio_ms = None
            self._repairs.clear()
        changes, alerts = [], self._alerts
        for rule in RULES:
            threshold: float = getattr(settings, rule.threshold)
            if not threshold and not alerts:
                continue
            value = rule.value(self, reading, now)
            wrong = bool(threshold) and value is not None and rule.is_wrong(value, threshold)
            if not wrong and not alerts:
                continue  # as almost always
            patience_s = 0.0 if rule.at_once and wrong else settings.for_s
            change = self._note(rule.kind, value, threshold, wrong, now, patience_s)
            if change is not None:
                changes.append(change)
        self._audio_ms = reading.audio_ms
        return changes

    def end(self, now: float) -> list[Change]:
        """There is nobody to be judged any more: clear what is raised."""
        self._publisher = ""
        changes = [
            Change(alert.kind, False, alert.value, alert.threshold, now - alert.since)
            for alert in self._alerts.values()
            if alert.since is not None
        ]
        self._alerts.clear()
        return changes

    def _note(
        self,
        kind: AlertKind,
        value: float | None,
        threshold: float,
        wrong: bool,
        now: float,
        patience_s: float,
    ) -> Change | None:
        alert = self._alerts.get(kind)
        if alert is None:
            if not wrong:
                return None
            alert = self._alerts[kind] = Alert(kind, threshold)
        if value is not None:
            alert.value = value
        if threshold:
            alert.threshold = threshold
        change = None
        if alert.look(wrong, now, patience_s):
            for_s = 0.0 if alert.since is None else now - alert.since
            change = Change(kind, wrong, alert.value, alert.threshold, for_s)
            alert.since, alert.turning_since = (now if wrong else None), None
        if alert.since is None and not wrong:
            del self._alerts[kind]
        return change

    # What the rules look at

    def _kbps(self, reading: Reading, now: float) -> float | None:
        return reading.kbps if now - self._began_at >= STARTING_S else None

    def _frame_rate(self, reading: Reading, now: float) -> float | None:
        return reading.frame_rate if now - self._began_at >= STARTING_S else None

    def _keyframe_s(self, reading: Reading, _: float) -> float | None:
        return reading.keyframe_s

    def _silent_s(self, reading: Reading, _: float) -> float:
        return reading.silent_s

    def _audio_gap_s(self, reading: Reading, now: float) -> float | None:
        if reading.video_ms is None:
            return None
        if reading.audio_ms is None:
            return now - self._began_at
        return max(reading.video_ms - reading.audio_ms, 0) / 1000

    def _drift_ms(self, reading: Reading, _: float) -> float | None:
        """While both come; a sound that has stopped is missing, and does not drift."""
        if reading.video_ms is None or reading.audio_ms in (None, self._audio_ms):
            return None
        assert reading.audio_ms is not None
        return abs(reading.video_ms - reading.audio_ms)

    def _repaired(self, reading: Reading, now: float) -> float:
        marks = self._repairs
        if not marks or now - marks[-1][0] >= REPAIRS_GRAIN_S:
            marks.append((now, reading.repairs))
        return reading.repairs - marks[0][1]


class Rule(NamedTuple):
    """What is looked at, and when it is wrong."""

    kind: AlertKind
    value: Callable[[Judge, Reading, float], float | None]
    """None: it is not known, or there is none; that is not wrong."""
    threshold: str
    """The setting's name."""
    below: bool = False
    """It is wrong below the threshold, not above it."""
    at_once: bool = False
    """The threshold is a time itself."""

    def is_wrong(self, value: float, threshold: float) -> bool:
        """Whether it is on the wrong side."""
        return value < threshold if self.below else value > threshold


RULES = (
    Rule(AlertKind.BITRATE_LOW, Judge._kbps, "min_kbps", below=True),
    Rule(AlertKind.BITRATE_HIGH, Judge._kbps, "max_kbps"),
    Rule(AlertKind.FRAME_RATE_LOW, Judge._frame_rate, "min_frame_rate", below=True),
    Rule(AlertKind.KEYFRAME_INTERVAL, Judge._keyframe_s, "max_keyframe_s", at_once=True),
    Rule(AlertKind.SILENCE, Judge._silent_s, "max_silence_s", at_once=True),
    Rule(AlertKind.AUDIO_MISSING, Judge._audio_gap_s, "max_audio_gap_s", at_once=True),
    Rule(AlertKind.AV_DRIFT, Judge._drift_ms, "max_drift_ms"),
    Rule(AlertKind.REPAIRS, Judge._repaired, "max_repairs", at_once=True),
)
