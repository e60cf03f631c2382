"""Reports of streams that are odd, new or half gone."""

from __future__ import annotations

from slipstream.control.reports.stream_report import StreamReport, ViewerReport
from slipstream.media import Codec, parse_tag
from tests.control.stage import Viewer
from tests.hub.stage import AVC_CONFIG, HubStage, Publisher, key, sound, video_config


def report(stage: HubStage) -> StreamReport:
    return StreamReport.of(stage.hub.streams["live/a"], 7, stage.now)


def test_a_stream_that_nobody_publishes_has_no_publisher_and_no_worker() -> None:
    stage = HubStage()
    stage.watch(Viewer())
    told = report(stage)
    assert (told.publisher, told.publishers, told.worker) == (None, [], None)


def test_a_configuration_that_cannot_be_read_is_told_by_its_codec_alone() -> None:
    stage = HubStage()
    publication = stage.publish()
    stage.send(publication, parse_tag(9, 0, AVC_CONFIG[:9]), key(0))
    (track,) = report(stage).tracks
    assert (track.kind, track.codec.codec, track.codec.width) == ("video", Codec.H264, None)


def test_the_next_publisher_is_told_after_the_one_on_air() -> None:
    stage = HubStage()
    first = stage.publish(Publisher(connection_id="p-old"))
    stage.send(first, video_config(), key(0))
    stage.publish(Publisher(connection_id="p-new"))
    stage.now += 3.14
    told = report(stage)
    assert told.publisher is not None
    assert (told.publisher.id, told.publisher.silent_s, told.worker) == ("p-old", 3.1, 7)
    assert [(one.id, one.state) for one in told.publishers] == [
        ("p-old", "on air"),
        ("p-new", "coming"),
    ]


def test_a_stream_of_sound_alone_has_one_track() -> None:
    stage = HubStage()
    publication = stage.publish()
    stage.send(publication, *(sound(time_ms) for time_ms in range(0, 1100, 100)))
    (track,) = report(stage).tracks
    assert (track.kind, track.codec.codec) == ("audio", Codec.AAC)


def test_a_viewer_who_waits_is_told_as_one() -> None:
    stage = HubStage()
    subscription = stage.watch(Viewer())
    stage.now += 2
    told = ViewerReport.of(subscription, 7, stage.now)
    assert told.waiting
    assert told.for_s == 2
    assert report(stage).waiting_viewers == 1
