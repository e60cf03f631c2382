"""How far a log may be sent to viewers who want to be behind."""

from __future__ import annotations

from slipstream.log import SYNC, Batch, Log
from slipstream.net.lane import Lane


class Growing:
    """A log of entries of one byte, one every 100 ms, and a lane; time is an argument."""

    def __init__(self, delay_ms: int, *, entries: int = 1) -> None:
        self.log = Log(keep_ms=10_000)
        self.now = 100.0
        for _ in range(entries):
            self.append()
        self.lane = Lane(self.log, delay_ms, self.now)

    def append(self) -> None:
        time_ms = self.log.head * 100
        flags = bytearray((0 if self.log.head % 10 else SYNC,))
        self.log.append(Batch([b"x"], [1], [time_ms], flags, [None] if flags[0] else []))

    def goal_ms(self) -> int:
        """The time of the first entry that is not sent yet."""
        self.lane.sent = self.lane.goal(self.now)
        return self.lane.sent * 100

    def live(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            self.append()


def test_without_a_delay_all_there_is_is_sent() -> None:
    stage = Growing(0, entries=25)
    assert stage.lane.sent == stage.lane.goal(stage.now) == stage.log.head
    assert not stage.lane.waits


def test_what_is_not_old_enough_is_held_back() -> None:
    stage = Growing(1_000, entries=50)
    assert stage.goal_ms() == 4_000
    stage.live(2)
    assert stage.goal_ms() == 6_000
    assert stage.lane.waits


def test_a_log_that_is_shorter_than_the_delay_is_held_back_whole() -> None:
    stage = Growing(3_000, entries=5)
    assert stage.goal_ms() == 0
    stage.live(2.5)
    assert stage.goal_ms() == 0
    stage.live(1)
    assert stage.goal_ms() == 1_000


def test_when_the_publisher_has_gone_the_rest_becomes_due_by_waiting() -> None:
    stage = Growing(1_000, entries=50)
    assert stage.goal_ms() == 4_000
    stage.now += 0.55
    assert stage.goal_ms() == 4_500
    stage.now += 10
    assert stage.goal_ms() == 5_000
    assert not stage.lane.waits


def test_a_publisher_that_stops_for_a_while_and_makes_up_for_it_is_not_noticed() -> None:
    stage = Growing(2_000, entries=50)
    assert stage.goal_ms() == 3_000
    for _ in range(10):
        stage.now += 0.1
        goal_ms = stage.goal_ms()
    assert goal_ms == 4_000
    for _ in range(10):
        stage.append()
    assert stage.goal_ms() == 4_000
    stage.live(1)
    assert stage.goal_ms() == 5_000


def test_after_a_pause_of_the_stream_the_delay_is_what_it_was() -> None:
    stage = Growing(1_000, entries=50)
    stage.now += 60
    assert stage.goal_ms() == 5_000
    stage.live(0.5)
    assert stage.goal_ms() == 5_000
    stage.live(1.5)
    assert stage.goal_ms() == 6_000


def test_what_the_log_has_let_go_of_is_passed_over() -> None:
    stage = Growing(1_000)
    stage.log = Log(keep_ms=0, max_bytes=1 << 20)
    sizes = [200_000] * 10
    stage.lane = Lane(stage.log, 1_000, stage.now)
    for start_ms in range(0, 10_000, 1_000):
        times = [start_ms + number * 100 for number in range(10)]
        flags = bytearray((SYNC, *bytes(9)))
        stage.log.append(Batch([bytes(2_000_000)], sizes, times, flags, [None]))
    assert stage.log.tail > 0
    assert stage.lane.goal(stage.now) == max(stage.log.tail, 90 * 200_000)
