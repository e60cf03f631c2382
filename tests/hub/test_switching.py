"""A standby that is put on air by the operator."""

from __future__ import annotations

from slipstream.hub import PublisherState
from slipstream.media import Kind
from tests.hub.show import Show


def test_one_that_comes_back_from_its_silence_stands_by_and_hands_back_only_when_told() -> None:
    show = Show()
    first, second = show.encoder(b"1"), show.encoder(b"2", phase=10)
    show.play(3)
    first.on = False
    show.play(3)
    first.on = True
    show.play(3)
    assert first.state is PublisherState.STANDBY
    assert show.on_screen() == b"2"

    assert show.stage.stream.switch(first.peer.connection_id, show.stage.now) is first.publication
    assert first.state is PublisherState.COMING
    assert show.on_screen() == b"2"
    show.play(1.2)
    assert show.on_screen() == b"1"
    assert second.state is PublisherState.STANDBY
    configs = [frame.body[-1:] for frame in show.came if frame.config and frame.kind is Kind.VIDEO]
    assert configs == [b"1", b"2", b"1"]
    times = [frame.dts_ms for frame in show.came]
    assert times == sorted(times)


def test_while_a_standby_is_switched_to_the_present_one_goes_on_until_its_keyframe() -> None:
    show = Show()
    show.encoder(b"1")
    second = show.encoder(b"2", phase=20)
    show.play(3)
    assert show.stage.stream.switch(None, show.stage.now) is second.publication
    marks = len(show.pictures())
    show.play(1)
    after = [frame.body[-1:] for frame in show.pictures()[marks:]]
    assert len(after) == 25 + 1, "none is missing; when they change places both send one"
    assert after == sorted(after)
    assert show.pictures()[marks + after.index(b"2")].keyframe


def test_one_can_only_switch_to_a_standby() -> None:
    show = Show()
    first = show.encoder(b"1")
    show.play(2)
    stream, now = show.stage.stream, show.stage.now
    assert stream.switch(None, now) is None
    assert stream.switch("nobody", now) is None
    assert stream.switch(first.peer.connection_id, now) is None
    takeover = Show("takeover")
    takeover.encoder(b"1")
    takeover.play(2)
    assert takeover.stage.stream.switch(None, takeover.stage.now) is None


def test_publishers_are_listed_who_is_on_air_first() -> None:
    show = Show()
    first, second, third = (show.encoder(mark) for mark in (b"1", b"2", b"3"))
    show.play(2)
    show.stage.stream.switch(third.peer.connection_id, show.stage.now)
    listed = show.stage.stream.publications()
    assert listed == [first.publication, second.publication, third.publication]
    assert [str(p.state) for p in listed] == ["on air", "standby", "coming"]


def test_when_the_one_that_was_called_goes_the_present_one_stays() -> None:
    show = Show()
    first, second, third = (show.encoder(mark, phase=9) for mark in (b"1", b"2", b"3"))
    show.play(2)
    stream = show.stage.stream
    assert stream.switch(second.peer.connection_id, show.stage.now)
    second.publication.close(show.stage.now)
    assert stream.coming is None
    show.play(2)
    assert first.state is PublisherState.ON_AIR
    assert third.state is PublisherState.STANDBY


def test_the_one_that_was_called_is_next_as_well_if_the_present_one_ends_before() -> None:
    show = Show()
    first = show.encoder(b"1")
    second, third = show.encoder(b"2", phase=5), show.encoder(b"3", phase=20)
    show.play(3)
    show.stage.stream.switch(third.peer.connection_id, show.stage.now)
    first.publication.close(show.stage.now)
    show.play(1)
    assert show.on_screen() == b"3"
    assert second.state is PublisherState.STANDBY
