"""The slate of one stream, by a clock that stands still until it is told."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from fractions import Fraction
from itertools import count, pairwise
from typing import Any

import pytest
from structlog.testing import capture_logs

from slipstream.formats import Format
from slipstream.hub import Alone, Claim, EndReason, Hub, StreamSettings
from slipstream.media import FlvTag, Frame, Kind
from slipstream.transcode.order import Order
from slipstream.transcode.reel import Reel
from slipstream.transcode.slate import AHEAD_S, STEP_S, Slate
from tests.hub.stage import (
    Publisher,
    Recording,
    Watcher,
    audio_config,
    inter,
    key,
    sound,
    video_config,
)
from tests.transcode.stage import SMALL_SHAPE

ORDER = Order("card", "soon", SMALL_SHAPE)
GRACE_S = 10


class Clock:
    """The part of an event loop that a slate uses."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._numbers = count()
        self._timers: list[tuple[float, int, Callable[[], None], list[bool]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        cancelled: list[bool] = []
        heapq.heappush(self._timers, (when, next(self._numbers), callback, cancelled))
        return Timer(cancelled)

    def run_until(self, when: float) -> None:
        while self._timers and self._timers[0][0] <= when:
            at, _, callback, cancelled = heapq.heappop(self._timers)
            self.now = max(at, self.now)
            if not cancelled:
                callback()
        self.now = when


class Timer:
    def __init__(self, cancelled: list[bool]) -> None:
        self._cancelled = cancelled

    def cancel(self) -> None:
        self._cancelled.append(True)


class Directory(Alone):
    """One that answers when, and what, the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.claims: list[tuple[str, str, Callable[[Claim], None]]] = []
        self.released: list[str] = []

    def claim(self, name: str, credential: str, then: Callable[[Claim], None]) -> None:
        self.claims.append((name, credential, then))

    def release(self, name: str, head_ms: int) -> None:
        self.released.append(name)


def reel(seconds: int = 2) -> Reel:
    made = Reel(Fraction(25))
    pictures = [
        (inter if number % 50 else key)(0, b"%d" % number) for number in range(25 * seconds)
    ]
    sounds = [sound(0, b"%d" % number) for number in range(44 * seconds)]
    frames = [video_config(extra=b"\0"), audio_config(), *pictures, *sounds]
    made.add([FlvTag(frame.kind, 0, frame.body) for frame in frames])
    return made


class Stage:
    """A stream that is watched, whose encoder has just gone, and its slate."""

    def __init__(
        self, *, made: Reel | None = None, directory: Directory | None = None, delay_s: float = 2
    ) -> None:
        self.clock = Clock()
        self.loop: Any = self.clock
        self.hub = Hub(
            lambda name: StreamSettings(grace_s=GRACE_S), lambda log, picture: None, directory
        )
        self.watcher = Watcher()
        self.subscription = self.hub.subscribe("live/a", Recording, self.watcher, now=1000)
        form: Format = self.subscription.form
        assert isinstance(form, Recording)
        self.frames = form.frames
        self.publish_for_a_second()
        self.ended: list[EndReason | None] = []
        if made is None:
            made = reel()
            made.finish()
        self.slate = Slate(
            "slate-1",
            self.hub,
            self.loop,
            "live/a",
            ORDER,
            made,
            self.clock.now + delay_s,
            lambda _, reason: self.ended.append(reason),
        )

    def publish(self, start_ms: int = 0) -> None:
        """An encoder goes on air, and stays."""
        self.encoder = self.hub.publish("live/a", Publisher(), credential="k", now=self.clock.now)
        frames = [video_config(start_ms), audio_config(start_ms), key(start_ms, b"live")]
        frames += [inter(start_ms + 40 * n, b"live") for n in range(1, 25)]
        self.encoder.receive(frames, self.clock.now)

    def publish_for_a_second(self) -> None:
        self.publish()
        self.encoder.close(self.clock.now)

    def run(self, seconds: float) -> list[Frame]:
        """Let time pass; return what was put out meanwhile."""
        before = len(self.frames)
        self.clock.run_until(self.clock.now + seconds)
        return self.frames[before:]

    @property
    def on_slate(self) -> bool:
        return self.hub.streams["live/a"].on_slate


def is_slate(frame: Frame) -> bool:
    return b"live" not in frame.body


def test_it_begins_when_it_is_due_and_goes_on() -> None:
    stage = Stage(delay_s=2)
    assert not stage.run(1.99)
    first = stage.run(0.02)
    assert [frame.config for frame in first[:3]] == [True, True, False]
    assert first[2].keyframe
    for _ in range(5):
        frames = stage.run(2)
        assert sum(frame.kind is Kind.VIDEO for frame in frames) == 50
    assert stage.on_slate


def test_its_time_goes_on_where_the_encoder_was() -> None:
    stage = Stage()
    last_ms = stage.frames[-1].dts_ms
    frames = stage.run(12)
    assert frames[0].dts_ms - last_ms < 100
    for kind, longest_ms in ((Kind.VIDEO, 40), (Kind.AUDIO, 24)):
        times = [f.dts_ms for f in frames if f.kind is kind and not f.config]
        assert {b - a for a, b in pairwise(times)} <= {longest_ms, longest_ms - 1}


def test_frames_are_never_late_and_hardly_early() -> None:
    stage = Stage(delay_s=0)
    began = stage.clock.now
    first = next(frame for frame in stage.run(0) if frame.keyframe)
    for _ in range(100):
        stage.run(0.05)
        newest_ms = max(frame.dts_ms for frame in stage.frames)
        early_s = (newest_ms - first.dts_ms) / 1000 - (stage.clock.now - began)
        assert AHEAD_S - STEP_S - 0.024 <= early_s <= AHEAD_S + 0.001


def test_it_makes_way_for_an_encoder_at_its_first_keyframe() -> None:
    stage = Stage()
    stage.run(3)
    coming = stage.hub.publish("live/a", Publisher(), credential="k", now=stage.clock.now)
    coming.receive([video_config(), audio_config(), inter(0, b"live")], stage.clock.now)
    assert all(map(is_slate, stage.run(1)))
    coming.receive([key(40, b"live")], stage.clock.now)
    assert stage.ended == [EndReason.RELIEVED]
    assert stage.frames[-1].body.endswith(b"live")
    assert stage.frames[-1].keyframe
    assert not stage.run(1)
    assert stage.hub.streams["live/a"].on_air is coming


def test_it_waits_for_its_reel() -> None:
    growing = Reel(Fraction(25))
    stage = Stage(made=growing)
    assert not stage.run(5)
    source = reel()
    for frame in [*source.configs, *source.pictures, *source.sounds]:
        growing.add([FlvTag(frame.kind, 0, frame.body)])
    assert stage.run(0.1)


def test_when_its_reel_fails_it_ends() -> None:
    failing = Reel(Fraction(25))
    stage = Stage(made=failing)
    failing.failed = True
    assert not stage.run(3)
    assert stage.ended == [None]
    assert stage.hub.streams["live/a"].on_air is None


def test_when_its_reel_fails_on_air_it_ends_as_well() -> None:
    growing = reel()
    stage = Stage(made=growing)
    assert stage.run(3)
    growing.failed = True
    stage.run(1)
    assert stage.ended == [None]
    assert stage.hub.streams["live/a"].on_air is None


def test_before_it_is_on_air_it_ends_when_the_encoder_is_back() -> None:
    stage = Stage()
    stage.publish()
    stage.slate.tick(stage.clock.now)
    assert stage.ended == [None]
    assert not any(map(is_slate, stage.run(5)[3:]))


def test_before_it_is_on_air_it_ends_when_all_viewers_have_left() -> None:
    stage = Stage()
    stage.subscription.close()
    stage.slate.tick(stage.clock.now)
    assert stage.ended == [None]


def test_it_ends_some_time_after_the_last_viewer() -> None:
    stage = Stage()
    stage.run(3)
    stage.subscription.close()
    for _ in range(GRACE_S):
        stage.slate.tick(stage.clock.now)
        stage.run(1)
    assert not stage.ended
    stage.hub.subscribe("live/a", Recording, Watcher(), now=stage.clock.now).close()
    stage.slate.tick(stage.clock.now)
    assert stage.ended == [None]
    assert stage.hub.streams["live/a"].on_air is None


def test_a_viewer_who_comes_in_time_keeps_it() -> None:
    stage = Stage()
    stage.run(3)
    stage.subscription.close()
    stage.slate.tick(stage.clock.now)
    stage.run(GRACE_S - 1)
    watcher = Watcher()
    stage.hub.subscribe("live/a", Recording, watcher, now=stage.clock.now)
    assert watcher.sync is not None  # and is served at once
    stage.slate.tick(stage.clock.now)
    stage.run(GRACE_S)
    stage.slate.tick(stage.clock.now)
    assert not stage.ended


def test_those_who_follow_in_other_processes_are_viewers() -> None:
    class Tap:
        def close(self) -> None:
            """Never: the stream goes on."""

    stage = Stage()
    stage.run(3)
    stage.hub.tap("live/a", Recording, Tap())
    stage.subscription.close()
    for _ in range(3 * GRACE_S):
        stage.run(1)
        stage.slate.tick(stage.clock.now)
    assert not stage.ended


def test_what_was_missed_while_the_process_stood_still_is_not_caught_up() -> None:
    stage = Stage()
    stage.run(3)
    stage.clock.now += 30
    frames = stage.run(0.05)
    assert len(frames) < 10
    times = [frame.dts_ms for frame in stage.frames if frame.kind is Kind.VIDEO]
    assert max(b - a for a, b in pairwise(times)) <= 73


def test_the_home_is_asked_for_before_anything_is_published() -> None:
    directory = Directory()
    stage = Stage(directory=directory)
    assert not stage.run(3)
    ((name, credential, then),) = directory.claims
    assert (name, credential) == ("live/a", "slate")
    then(Claim(floor_ms=50_000))
    assert stage.on_slate
    assert stage.run(0.1)[0].dts_ms >= 50_000


def test_a_stream_whose_home_is_elsewhere_is_left_to_it() -> None:
    directory = Directory()
    stage = Stage(directory=directory)
    stage.run(3)
    directory.claims[0][2](Claim(home=2))
    assert not stage.run(0.5)
    assert not directory.released[1:]  # but what the encoder gave back
    stage.run(1)
    assert len(directory.claims) == 2  # should that one be gone, it is asked again


def test_a_stream_that_cannot_be_had_now_is_asked_for_again() -> None:
    directory = Directory()
    stage = Stage(directory=directory)
    stage.run(3)
    directory.claims[0][2](Claim(refusal="it moves"))
    stage.run(1.1)
    directory.claims[1][2](Claim())
    assert stage.on_slate


def test_what_is_granted_too_late_is_given_back() -> None:
    directory = Directory()
    stage = Stage(directory=directory)
    stage.run(3)
    stage.slate.close("no more")
    released = len(directory.released)
    directory.claims[0][2](Claim())
    assert len(directory.released) == released + 1
    assert stage.hub.streams["live/a"].on_air is None


def test_what_is_granted_while_an_encoder_is_on_air_is_left_to_it() -> None:
    directory = Directory()
    stage = Stage(directory=directory)
    stage.run(3)
    stage.publish()
    directory.claims[0][2](Claim())
    assert not stage.on_slate
    assert stage.ended == [None]


@pytest.mark.parametrize("reason", [EndReason.KICKED, EndReason.SHUTDOWN])
def test_who_ends_it_is_told_to_its_owner(reason: EndReason) -> None:
    stage = Stage()
    stage.run(3)
    publication = stage.hub.streams["live/a"].on_air
    assert publication is not None
    with capture_logs() as lines:
        publication.end(reason, stage.clock.now)
    assert stage.ended == [reason]
    assert not stage.run(1)
    (line,) = lines
    assert (line["event"], line["reason"], line["stream"]) == ("slate.end", reason, "live/a")


def test_it_ends_once() -> None:
    stage = Stage()
    stage.run(3)
    stage.slate.close("x")
    stage.slate.close("y")
    stage.slate.end(EndReason.KICKED)
    assert stage.ended == [None]
