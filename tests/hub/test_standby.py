"""Several publishers of one stream: who stands by, who takes over, when, and who comes back."""

from __future__ import annotations

import pytest

from slipstream.hub import BusyError, EndReason, PublisherState
from slipstream.hub.lineup import MAX_WAITING
from slipstream.media import Kind
from tests.hub.show import PICTURE_S, Show
from tests.hub.stage import HubStage, audio_config, key, sound, video_config


def test_a_second_encoder_is_kept_warm_and_nothing_of_it_is_put_out() -> None:
    show = Show()
    first, second = show.encoder(b"1"), show.encoder(b"2")
    show.play(5)
    assert first.state is PublisherState.ON_AIR
    assert second.state is PublisherState.STANDBY
    assert {frame.body[-1:] for frame in show.pictures()} == {b"1"}
    assert second.peer.ended is None


def test_somebody_with_another_right_may_not_even_stand_by() -> None:
    show = Show()
    show.encoder(b"1")
    show.play(1)
    with pytest.raises(BusyError):
        show.stage.publish(credential="other")


def test_when_the_first_one_ends_the_standby_takes_over_at_its_next_keyframe() -> None:
    show = Show()
    first, second = show.encoder(b"1"), show.encoder(b"2", phase=10, base_ms=77_000)
    show.play(3)
    first.publication.close(show.stage.now)
    assert second.state is PublisherState.COMING
    before = len(show.pictures())
    show.play(1)
    after = show.pictures()[before:]
    assert second.state is PublisherState.ON_AIR
    assert second.peer.places == [PublisherState.ON_AIR]
    assert after[0].keyframe
    assert {frame.body[-1:] for frame in after} == {b"2"}
    assert show.stage.hub.totals.switches == 1


def test_times_go_on_and_configurations_that_differ_come_before_the_picture() -> None:
    show = Show()
    first, second = show.encoder(b"1"), show.encoder(b"2", phase=7, base_ms=77_000)
    show.play(3)
    first.publication.close(show.stage.now)
    show.play(2)
    times = [frame.dts_ms for frame in show.came]
    assert times == sorted(times)
    assert times[-1] < 6_000
    changed = next(i for i, f in enumerate(show.came) if f.config and f.body.endswith(b"2"))
    first_picture = next(i for i, f in enumerate(show.came) if f.keyframe and f.body.endswith(b"2"))
    assert changed < first_picture
    assert second.on


def test_a_standby_takes_over_from_one_that_has_been_silent_for_a_second() -> None:
    show = Show()
    first, second = show.encoder(b"1"), show.encoder(b"2", phase=10)
    show.play(3)
    first.on = False
    show.play(0.92)
    assert show.on_screen() == b"1"
    show.play(0.04 + 1)
    assert show.on_screen() == b"2"
    assert first.state is PublisherState.STANDBY
    assert first.peer.ended is None
    assert second.state is PublisherState.ON_AIR


def test_how_long_the_silence_may_be_is_a_setting() -> None:
    show = Show(standby_after_s=3)
    first, _ = show.encoder(b"1"), show.encoder(b"2")
    show.play(3)
    first.on = False
    show.play(2.9)
    assert show.on_screen() == b"1"
    show.play(1.2)
    assert show.on_screen() == b"2"


def test_a_short_silence_changes_nothing() -> None:
    show = Show()
    first, _ = show.encoder(b"1"), show.encoder(b"2", phase=10)
    show.play(3)
    first.on = False
    show.play(0.8)
    first.on = True
    show.play(3)
    assert show.on_screen() == b"1"
    assert show.stage.hub.totals.switches == 0


def test_when_nobody_was_read_for_a_while_nobody_has_been_silent() -> None:
    show = Show()
    first, second = show.encoder(b"1"), show.encoder(b"2")
    show.play(3)
    show.stage.now += 5  # the server stood still
    second.send()
    first.send()
    show.play(2)
    assert show.on_screen() == b"1"
    assert first.state is PublisherState.ON_AIR


def test_one_that_stays_silent_is_ended_as_ever() -> None:
    show = Show(idle_s=10)
    first, second = show.encoder(b"1"), show.encoder(b"2")
    show.play(3)
    first.on = False
    show.play(9)
    assert first.peer.ended is None
    show.play(3)
    assert first.peer.ended is EndReason.SILENT
    second.on = False
    show.play(12)
    assert second.peer.ended is EndReason.SILENT


def test_of_several_standbys_the_oldest_that_is_ready_takes_over() -> None:
    show = Show()
    first = show.encoder(b"1")
    second = show.encoder(b"2", phase=24)
    show.encoder(b"3", phase=5)
    fourth = show.encoder(b"4", phase=8)
    show.play(3)
    second.on = False  # silent, so not ready
    show.play(1.2)
    first.publication.close(show.stage.now)
    show.play(1)
    assert show.on_screen() == b"3"
    assert [e.state for e in (second, fourth)] == [PublisherState.STANDBY] * 2


def test_a_standby_that_dies_before_its_keyframe_leaves_it_to_the_next_one() -> None:
    show = Show()
    first, second, third = show.encoder(b"1"), show.encoder(b"2", phase=20), show.encoder(b"3")
    show.play(3.1)
    first.publication.close(show.stage.now)
    assert second.state is PublisherState.COMING
    second.publication.close(show.stage.now)
    assert third.state is PublisherState.COMING
    show.play(1)
    assert show.on_screen() == b"3"


def test_when_all_are_gone_the_first_one_back_is_on_air_at_its_keyframe() -> None:
    show = Show()
    first, second = show.encoder(b"1"), show.encoder(b"2")
    show.play(3)
    for encoder in (first, second):
        encoder.publication.close(show.stage.now)
    show.play(1)
    show.encoder(b"3", phase=3)
    show.play(1)
    assert show.on_screen() == b"3"
    assert show.stage.stream.coming is None


def test_viewers_stay_all_the_while() -> None:
    show = Show(grace_s=1)
    first, second = show.encoder(b"1"), show.encoder(b"2", phase=10)
    show.play(3)
    first.publication.close(show.stage.now)
    second.on = False
    show.play(5)  # far longer than the grace: somebody is still there, if silent
    assert len(show.stage.stream.subscriptions) == 1
    second.on = True
    show.play(2)
    assert show.on_screen() == b"2"


def test_a_standby_with_sound_alone_takes_over_too() -> None:
    stage = HubStage(on_second_publisher="standby")
    came = stage.record()
    first, second = stage.publish(), stage.publish()
    for publication in (first, second):
        stage.send(publication, audio_config())
    for number in range(100):
        stage.now += 0.05
        stage.send(first, sound(number * 50, b"1"))
        stage.send(second, sound(number * 50, b"2"))
    first.close(stage.now)
    stage.send(second, sound(5_050, b"2"))
    assert came[-1].body.endswith(b"2")
    assert {frame.body[-1:] for frame in came[:-2]} <= {b"1", b"\x10"}


def test_the_newest_configuration_of_a_standby_counts_however_often_it_has_changed() -> None:
    show = Show()
    first, second = show.encoder(b"1"), show.encoder(b"2")
    show.play(2)
    for number in range(200):
        show.stage.send(second.publication, video_config(0, b"%d" % number))
    first.publication.close(show.stage.now)
    show.play(2)
    configs = [f.body for f in show.came if f.config and f.kind is Kind.VIDEO]
    assert configs[-1].endswith(b"199")
    assert len(configs) == 2


def test_no_more_stand_by_than_allowed() -> None:
    stage = HubStage(on_second_publisher="standby")
    stage.send(stage.publish(), video_config(), key(0))
    for _ in range(MAX_WAITING):
        stage.publish()
    with pytest.raises(BusyError, match=f"{MAX_WAITING} stand by"):
        stage.publish()


def test_a_second_one_is_refused_whoever_it_is_where_that_is_wanted() -> None:
    stage = HubStage(on_second_publisher="reject")
    first = stage.publish()
    for credential in ("k", "other"):
        with pytest.raises(BusyError, match="a second publisher is refused"):
            stage.publish(credential=credential)
    stage.send(first, video_config(), key(0))
    with pytest.raises(BusyError, match="a second publisher is refused"):
        stage.publish()
    first.close(stage.now)
    stage.publish(credential="other")


def test_each_one_has_figures_of_its_own() -> None:
    show = Show()
    first, second = show.encoder(b"1"), show.encoder(b"2")
    for _ in range(100):
        show.play(PICTURE_S)
        first.publication.bytes_received += 4_000
        second.publication.bytes_received += 2_000
    assert first.publication.frame_rate == pytest.approx(25, rel=0.1)
    assert second.publication.frame_rate == pytest.approx(25, rel=0.1)
    assert first.publication.bitrate == pytest.approx(800_000, rel=0.1)
    assert second.publication.bitrate == pytest.approx(400_000, rel=0.1)
    first.on = False
    show.play(4)
    assert second.publication.frame_rate == pytest.approx(25, rel=0.1)
    assert first.publication.frame_rate == 0


def test_the_one_that_stood_by_first_has_precedence_over_an_earlier_keyframe() -> None:
    for silent in (False, True):
        show = Show()
        first = show.encoder(b"1")
        second = show.encoder(b"2", phase=20)
        third = show.encoder(b"3", phase=8)
        show.play(3)  # of the pictures of a second, number 0 is next
        if silent:
            first.on = False
            show.play(1)
        else:
            first.publication.close(show.stage.now)
        show.play(0.6)
        assert show.on_screen() == b"1", "the third one has had its keyframe"
        show.play(0.4)
        assert show.on_screen() == b"2"
        assert second.state is PublisherState.ON_AIR
        assert third.state is PublisherState.STANDBY


def test_the_memory_for_configurations_is_bounded() -> None:
    show = Show()
    first, second = show.encoder(b"1"), show.encoder(b"2")
    show.play(2)
    show.stage.send(second.publication, audio_config()._replace(body=bytes(50 << 10)))
    show.stage.send(second.publication, video_config(0, bytes(50 << 10) + b"2"))
    first.publication.close(show.stage.now)
    show.play(2)
    sizes = [len(f.body) for f in show.came if f.config]
    assert sorted(sizes)[-1] == 50 << 10
    assert sizes.count(50 << 10) == 1
