import pytest

from slipstream.hub import FullError, Notice, NoticeKind, Notices
from tests.hub.stage import HubStage, Publisher, Watcher, key


def heard(notices: Notices) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = []
    notices.listeners.append(lambda notice: told.append((str(notice.kind), notice.stream)))
    return told


def test_a_stream_is_up_from_its_first_keyframe_on_and_down_when_its_publisher_goes() -> None:
    stage = HubStage()
    told = heard(stage.hub.notices)
    first = stage.publish(Publisher())
    assert told == []
    stage.send(first, key(0))
    assert told == [("stream_up", stage.stream.name)]
    first.close(stage.now)
    assert told[1:] == [("stream_down", stage.stream.name)]


def test_a_takeover_takes_no_stream_down() -> None:
    stage = HubStage()
    told = heard(stage.hub.notices)
    stage.send(stage.publish(Publisher()), key(0))
    stage.send(stage.publish(Publisher()), key(0))
    assert [kind for kind, _ in told] == ["stream_up"]


def test_a_listener_that_fails_keeps_no_other_from_hearing() -> None:
    notices = Notices()

    def fail(notice: Notice) -> None:
        raise ValueError(notice.kind)

    notices.listeners.append(fail)
    told = heard(notices)
    notices.tell(Notice(NoticeKind.LIMIT, stream="live/x"))
    assert told == [("limit", "live/x")]


def test_whoever_finds_no_seat_is_told_of_as_a_limit() -> None:
    stage = HubStage(max_viewers=1)
    told: list[Notice] = []
    stage.hub.notices.listeners.append(told.append)
    stage.watch(Watcher())
    with pytest.raises(FullError):
        stage.watch(Watcher())
    assert [(notice.kind, notice.detail) for notice in told] == [
        (NoticeKind.LIMIT, {"limit": "viewers"})
    ]
