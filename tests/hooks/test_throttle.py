from slipstream.hooks.throttle import EVERY_S, Throttle
from slipstream.hub import Notice, NoticeKind

FULL = Notice(NoticeKind.LIMIT, stream="live/a", detail={"limit": "viewers"})


def test_a_limit_is_told_now_and_then_for_each_stream() -> None:
    throttle = Throttle()
    assert throttle.lets_through(FULL, 0)
    assert not throttle.lets_through(FULL, EVERY_S - 1)
    assert throttle.lets_through(Notice(NoticeKind.LIMIT, stream="live/b"), EVERY_S - 1)
    assert throttle.lets_through(FULL, EVERY_S)


def test_what_somebody_does_is_always_told() -> None:
    throttle = Throttle()
    notice = Notice(NoticeKind.PLAY, stream="live/a")
    assert throttle.lets_through(notice, 0)
    assert throttle.lets_through(notice, 0)
