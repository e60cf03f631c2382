"""What is told of publishers who send what they should not, and to whom."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from structlog.testing import capture_logs

from slipstream.control.alerts.alarm import Alarm, read
from slipstream.control.alerts.settings import AlertSettings
from slipstream.hub import Notice, Rank
from tests.hub.stage import HubStage, Publisher, audio_config, key, sound, video_config


class Newsroom(HubStage):
    """A hub with an alarm, and somebody who listens."""

    def __init__(self, **settings: object) -> None:
        super().__init__()
        self.told: list[Notice] = []
        self.hub.notices.listeners.append(self._listen)
        self.alarm = Alarm(self.hub, lambda _: AlertSettings.model_validate(settings))

    def pass_time(self, seconds: int) -> None:
        for _ in range(seconds):
            self.wait(1)
            self.alarm.look(self.now)

    def _listen(self, notice: Notice) -> None:
        if notice.kind == "alert":
            self.told.append(notice)

    def details(self) -> list[Mapping[str, object]]:
        return [notice.detail for notice in self.told]


def test_silence_is_told_to_listeners_and_log_and_so_is_its_end() -> None:
    room = Newsroom(for_s=1)
    publication = room.publish(Publisher(connection_id="p-1"))
    with capture_logs() as lines:
        room.send(publication, video_config(), key(0))
        room.pass_time(4)
        assert [alert.kind for alert in room.alarm.alerts("live/a")] == ["silence"]
        assert room.alarm.now_raised() == {"silence": 1}
        for moment in range(3):
            room.send(publication, key(4000 + moment * 1000))
            room.pass_time(1)
    assert not list(room.alarm.alerts("live/a"))
    assert room.alarm.raised == {"silence": 1}
    raised, cleared = room.told
    assert (raised.stream, raised.id, raised.address) == ("live/a", "p-1", "192.0.2.1")
    assert raised.detail == {"alert": "silence", "state": "raised", "value": 4.0, "threshold": 3.0}
    assert (cleared.detail["state"], cleared.detail["for_s"]) == ("cleared", 2.0)
    said = [line for line in lines if line["event"].startswith("alert.")]
    assert [(line["event"], line["log_level"]) for line in said] == [
        ("alert.raised", "warning"),
        ("alert.cleared", "info"),
    ]
    assert all((line["id"], line["stream"]) == ("p-1", "live/a") for line in said)


def test_an_alert_ends_with_its_publisher() -> None:
    room = Newsroom()
    publication = room.publish()
    room.send(publication, video_config(), key(0))
    room.pass_time(5)
    publication.close(room.now)
    room.pass_time(1)
    assert [detail["state"] for detail in room.details()] == ["raised", "cleared"]
    assert room.alarm.now_raised() == {}


def test_a_slate_is_not_judged() -> None:
    room = Newsroom()
    room.send(room.publish(rank=Rank.SLATE), video_config(), key(0))
    room.pass_time(8)
    assert room.told == []


@pytest.mark.parametrize("streams", [0, 1, 3, 10, 11, 205])
def test_every_stream_has_its_turn(streams: int) -> None:
    room = Newsroom()
    for number in range(streams):
        room.send(room.publish(name=f"live/{number}"), video_config(), key(0))

    class Loop:
        """Runs nothing by itself."""

        @staticmethod
        def time() -> float:
            return room.now

        @staticmethod
        def call_later(*_: object) -> None:
            return None

    room.now += 4
    for _ in range(10 + streams):
        room.alarm._take_turn(Loop())  # type: ignore[arg-type]
    assert len(room.told) == streams
    assert len({notice.stream for notice in room.told}) == streams


def test_what_is_read_is_what_the_hub_has() -> None:
    room = Newsroom()
    publication = room.publish()
    frames = [frame for at in range(0, 2000, 500) for frame in (key(at), sound(at + 20))]
    room.send(publication, video_config(), audio_config(), *frames)
    room.wait(1)
    room.send(publication, sound(9_520), sound(3_000))
    reading = read(room.stream, publication, room.now + 0.5)
    assert (reading.video_ms, reading.audio_ms) == (1500, 9553)
    assert reading.keyframe_s == 8.053
    assert reading.silent_s == 0.5
    assert reading.repairs == 1
