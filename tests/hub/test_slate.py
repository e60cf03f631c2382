"""A slate: the publisher of lowest rank, in whose place any encoder goes on air at once."""

from __future__ import annotations

import pytest

from slipstream.hub import BusyError, EndReason, Publication, PublisherState, Rank
from slipstream.media import Frame
from tests.hub.stage import HubStage, Publisher, Watcher, audio_config, inter, key, video_config

POLICIES = ("takeover", "reject", "standby", "merge")


class Show:
    """A stream that somebody watches and whose encoder has gone."""

    def __init__(self, policy: str = "takeover", **settings: object) -> None:
        self.stage = HubStage(on_second_publisher=policy, **settings)
        self.came: list[Frame] = self.stage.record()
        self.viewer = Watcher()
        self.stage.watch(self.viewer)
        self.encoder = self.stage.publish()
        self.stage.send(self.encoder, video_config(), audio_config(), key(0), inter(40))

    def slate(self, peer: Publisher | None = None) -> Publication:
        slate = self.stage.publish(peer, credential="slate", rank=Rank.SLATE)
        self.stage.send(slate, video_config(0, b"SLATE"), key(0, b"SLATE"))
        return slate


@pytest.mark.parametrize("policy", POLICIES)
def test_any_encoder_goes_on_air_in_its_place_at_its_first_keyframe(policy: str) -> None:
    show = Show(policy)
    stage = show.stage
    show.encoder.close(stage.now)
    peer = Publisher()
    slate = show.slate(peer)
    assert stage.stream.on_slate
    assert stage.stream.is_live
    encoder = stage.publish(credential="somebody else")
    stage.send(encoder, video_config(), inter(0, b"HALF"))
    stage.send(slate, inter(40, b"SLATE"))
    assert stage.stream.on_air is slate
    assert encoder.state is PublisherState.COMING
    stage.send(encoder, key(40, b"LIVE"))
    stage.send(slate, inter(80, b"SLATE"))
    assert peer.ended is EndReason.RELIEVED
    assert not stage.stream.on_slate
    assert show.came[-1].body.endswith(b"LIVE")
    assert not [frame for frame in show.came if b"HALF" in frame.body]
    assert stage.hub.totals.takeovers == stage.hub.totals.switches == 0


def test_it_is_refused_while_an_encoder_is_on_air_or_another_slate_is_there() -> None:
    show = Show()
    with pytest.raises(BusyError):
        show.slate()
    show.encoder.close(show.stage.now)
    show.slate()
    with pytest.raises(BusyError):
        show.slate()


def test_it_may_begin_while_an_encoder_waits_for_its_first_keyframe() -> None:
    show = Show()
    show.encoder.close(show.stage.now)
    encoder = show.stage.publish()
    show.stage.send(encoder, video_config(), inter(0))
    show.slate()
    assert show.stage.stream.on_slate
    show.stage.send(encoder, key(40))
    assert not show.stage.stream.on_slate


def test_one_that_has_not_begun_when_an_encoder_does_never_begins() -> None:
    show = Show()
    show.encoder.close(show.stage.now)
    peer = Publisher()
    slate = show.stage.publish(peer, credential="slate", rank=Rank.SLATE)
    show.stage.send(show.stage.publish(), video_config(), key(0))
    assert peer.ended is EndReason.RELIEVED
    show.stage.send(slate, key(0, b"SLATE"))
    assert not [frame for frame in show.came if b"SLATE" in frame.body]


def test_viewers_stay_while_it_runs_and_no_longer_than_the_grace_after_it() -> None:
    show = Show(grace_s=5)
    show.encoder.close(show.stage.now)
    slate = show.slate()
    for _ in range(60):
        show.stage.wait(1)
        show.stage.send(slate, inter(int(show.stage.now * 1000)))
    assert show.viewer.ended is None
    slate.close(show.stage.now)
    show.stage.wait(4)
    assert show.viewer.ended is None
    show.stage.wait(2)
    assert show.viewer.ended is EndReason.UNPUBLISHED


def test_a_slate_that_falls_silent_is_ended_as_others_are() -> None:
    show = Show(idle_s=3)
    show.encoder.close(show.stage.now)
    peer = Publisher()
    show.slate(peer)
    show.stage.wait(4)
    assert peer.ended is EndReason.SILENT


def test_it_is_known_how_long_viewers_have_missed_their_encoder() -> None:
    show = Show()
    stage, stream = show.stage, show.stage.stream
    assert stream.off_air_s(stage.now) is None
    show.encoder.close(stage.now)
    stage.now += 2
    assert stream.off_air_s(stage.now) == 2
    slate = show.slate()
    stage.now += 3
    assert stream.off_air_s(stage.now) == 5, "a slate is no encoder"
    encoder = stage.publish()
    assert stream.off_air_s(stage.now) == 5, "it has not sent a picture"
    stage.send(encoder, video_config(), key(0))
    assert stream.off_air_s(stage.now) is None
    assert slate.ended


def test_nobody_misses_an_encoder_that_has_never_been_there_or_that_nobody_watched() -> None:
    stage = HubStage()
    viewer = stage.watch(Watcher())
    stage.wait(2)
    assert stage.stream.off_air_s(stage.now) is None
    encoder = stage.publish()
    stage.send(encoder, video_config(), key(0))
    viewer.close()
    encoder.close(stage.now)
    assert stage.stream.off_air_s(stage.now) is None


def test_the_configurations_of_the_encoder_that_went_are_still_known() -> None:
    show = Show()
    stream = show.stage.stream
    before = stream.last_configs
    assert [frame.kind.name for frame in before] == ["AUDIO", "VIDEO"]
    show.encoder.close(show.stage.now)
    slate = show.slate()
    assert stream.last_configs == before
    assert stream.greeting != before
    slate.close(show.stage.now)
    assert stream.last_configs == before
    show.stage.send(show.stage.publish(), video_config(0, b"NEW"), key(0))
    assert [frame.body[-3:] for frame in stream.last_configs] == [b"NEW"]


def test_a_standby_relieves_the_slate_that_came_before_it() -> None:
    show = Show("standby")
    stage = show.stage
    standby = stage.publish()
    stage.send(standby, video_config(), key(0))
    show.encoder.close(stage.now)
    show.slate()
    assert stage.stream.on_slate
    stage.send(standby, key(2_000, b"LIVE"))
    assert show.came[-1].body.endswith(b"LIVE")
    assert stage.hub.totals.switches == 1


def test_its_times_go_on_from_the_encoder_and_the_encoder_goes_on_from_it() -> None:
    show = Show()
    show.encoder.close(show.stage.now)
    slate = show.slate()
    for time_ms in range(40, 4_000, 40):
        show.stage.send(slate, inter(time_ms))
    show.stage.send(show.stage.publish(), video_config(90_000), key(90_000), inter(90_040))
    times = [frame.dts_ms for frame in show.came]
    assert times == sorted(times)
    assert times[-1] < 5_000


def test_the_home_may_be_given_up_to_an_encoder_elsewhere_while_only_a_slate_runs() -> None:
    show = Show()
    show.encoder.close(show.stage.now)
    peer = Publisher()
    show.slate(peer)
    _, refusal = show.stage.hub.hand_over("live/a", "anybody", show.stage.now)
    assert refusal == ""
    assert peer.ended is not None
