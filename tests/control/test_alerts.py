"""When an alert is raised, when it is cleared, and that it is told once."""

from __future__ import annotations

from typing import Any

import pytest

from slipstream.control.alerts.alert import RULES, AlertKind, Change, Judge, Reading
from slipstream.control.alerts.settings import AlertSettings

GOOD = Reading(
    publisher="p1",
    kbps=4000.0,
    frame_rate=30.0,
    keyframe_s=2.0,
    silent_s=0.1,
    video_ms=50_000,
    audio_ms=50_010,
    repairs=0,
)
EVERYTHING = AlertSettings(
    for_s=3,
    min_kbps=1000,
    max_kbps=8000,
    min_frame_rate=20,
    max_keyframe_s=5,
    max_silence_s=2,
    max_audio_gap_s=4,
    max_drift_ms=500,
    max_repairs=10,
)
NONE = AlertSettings(max_keyframe_s=0, max_silence_s=0, max_drift_ms=0, max_repairs=0)
BAD: dict[AlertKind, dict[str, Any]] = {
    AlertKind.BITRATE_LOW: {"kbps": 999.0},
    AlertKind.BITRATE_HIGH: {"kbps": 8001.0},
    AlertKind.FRAME_RATE_LOW: {"frame_rate": 19.0},
    AlertKind.KEYFRAME_INTERVAL: {"keyframe_s": 5.1},
    AlertKind.SILENCE: {"silent_s": 2.1},
    AlertKind.AUDIO_MISSING: {"audio_ms": 45_000},
    AlertKind.AV_DRIFT: {"audio_ms": 50_501},
    AlertKind.REPAIRS: {"repairs": 11},
}


class Watch:
    """A judge with a clock: a second passes before each look."""

    def __init__(self, settings: AlertSettings = EVERYTHING) -> None:
        self.judge = Judge()
        self.settings = settings
        self.now = 1000.0
        self.look(3)

    def look(self, seconds: int = 1, **otherwise: Any) -> list[Change]:
        """Everything is as it should be but for this, for so long, while times go on."""
        changes = []
        for _ in range(seconds):
            self.now += 1
            moved = round((self.now - 1000) * 1000)
            reading = GOOD._replace(**otherwise)
            if "audio_ms" not in otherwise or otherwise["audio_ms"] == 50_501:
                reading = reading._replace(audio_ms=_later(reading.audio_ms, moved))
                reading = reading._replace(video_ms=_later(reading.video_ms, moved))
            changes += self.judge.look(reading, self.settings, self.now)
        return changes

    def raised(self) -> list[AlertKind]:
        return [alert.kind for alert in self.judge.raised()]


def _later(time_ms: int | None, by_ms: int) -> int | None:
    return None if time_ms is None else time_ms + by_ms


def test_every_kind_has_a_rule_and_a_case() -> None:
    assert {rule.kind for rule in RULES} == set(AlertKind) == set(BAD)


@pytest.mark.parametrize("kind", AlertKind)
def test_each_kind_is_raised_once_and_cleared_once(kind: AlertKind) -> None:
    watch = Watch()
    changes = watch.look(8, **BAD[kind])
    assert [(change.kind, change.raised) for change in changes] == [(kind, True)]
    assert changes[0].value != changes[0].threshold > 0
    assert watch.raised() == [kind]
    changes = watch.look(70)
    assert [(change.kind, change.raised) for change in changes] == [(kind, False)]
    assert watch.raised() == []


@pytest.mark.parametrize("kind", AlertKind)
def test_nothing_is_raised_whose_threshold_is_0(kind: AlertKind) -> None:
    watch = Watch(NONE)
    assert watch.look(8, **BAD[kind]) == []


def test_a_rate_must_be_wrong_for_so_long_and_right_for_so_long() -> None:
    watch = Watch()
    assert watch.look(3, kbps=10.0) == []
    assert watch.look(1) == []  # right for a moment: it begins anew
    assert watch.look(3, kbps=10.0) == []
    (raised,) = watch.look(1, kbps=10.0)
    assert (raised.kind, raised.value, raised.threshold) == (AlertKind.BITRATE_LOW, 10.0, 1000)
    assert watch.look(3) == []
    assert watch.look(1, kbps=10.0) == []
    assert watch.look(3) == []
    (cleared,) = watch.look(1)
    assert not cleared.raised
    assert cleared.value == 4000
    assert cleared.for_s == 8


def test_what_is_a_time_itself_is_raised_at_once() -> None:
    watch = Watch()
    (raised,) = watch.look(1, silent_s=2.5)
    assert (raised.kind, raised.value) == (AlertKind.SILENCE, 2.5)


def test_rates_of_one_who_has_just_come_are_not_judged() -> None:
    watch = Watch(EVERYTHING.model_copy(update={"for_s": 0}))
    assert watch.look(2, publisher="p2", kbps=0.0) == []
    assert [change.kind for change in watch.look(1, publisher="p2", kbps=0.0)] == [
        AlertKind.BITRATE_LOW
    ]


def test_sound_alone_lacks_no_picture() -> None:
    watch = Watch()
    assert watch.look(20, frame_rate=None, keyframe_s=None, video_ms=None) == []


def test_sound_that_never_came_is_missing_after_a_while() -> None:
    watch = Watch()
    assert watch.look(5, publisher="p2", audio_ms=None) == []
    (raised,) = watch.look(1, publisher="p2", audio_ms=None)
    assert (raised.kind, raised.value) == (AlertKind.AUDIO_MISSING, 5.0)


def test_sound_that_has_stopped_is_missing_and_does_not_drift() -> None:
    watch = Watch()
    kinds = [change.kind for change in watch.look(20, audio_ms=44_000)]
    assert kinds == [AlertKind.AUDIO_MISSING]


def test_repairs_count_for_a_minute() -> None:
    watch = Watch()
    assert watch.look(70, repairs=10) == []
    assert watch.look(70, repairs=20) == []
    assert watch.look(10, repairs=30) == []
    assert [change.kind for change in watch.look(1, repairs=31)] == [AlertKind.REPAIRS]


def test_what_is_raised_is_cleared_when_nobody_is_on_air() -> None:
    watch = Watch()
    watch.look(1, silent_s=9.0)
    (cleared,) = watch.judge.end(watch.now + 4)
    assert (cleared.kind, cleared.raised, cleared.for_s) == (AlertKind.SILENCE, False, 4)
    assert watch.judge.end(watch.now + 5) == []


def test_a_threshold_that_is_taken_away_clears_the_alert() -> None:
    watch = Watch()
    watch.look(1, silent_s=9.0)
    watch.settings = AlertSettings(for_s=0, max_silence_s=0)
    (cleared,) = watch.look(1, silent_s=9.0)
    assert not cleared.raised
    assert cleared.threshold == 2
