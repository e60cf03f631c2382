"""When a viewer has begun, by what its socket has taken."""

from __future__ import annotations

from slipstream.net.startup import Startup


def test_the_first_byte_and_the_whole_first_picture_are_two_moments() -> None:
    startup = Startup(asked_at=100.0, first_bytes=5000)
    startup.note(0, 100.1)
    assert startup.first_byte_s is None
    startup.note(200, 100.25)
    assert startup.first_byte_s == 0.25
    assert not startup.is_over
    startup.note(4999, 100.5)
    assert startup.keyframe_s is None
    startup.note(6000, 101.0)
    assert startup.is_over
    assert (startup.first_byte_s, startup.keyframe_s) == (0.25, 1.0)
