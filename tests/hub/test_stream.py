"""A stream: who is on air, who watches, and what happens when one of them goes."""

from __future__ import annotations

import os

import pytest

from slipstream.formats import FlvFormat, RtmpFormat
from slipstream.hub import BusyError, EndReason, FullError
from slipstream.log import Log
from tests.hub.stage import (
    HubStage,
    Publisher,
    Watcher,
    audio_config,
    inter,
    key,
    sound,
    video_config,
)


def content(log: Log) -> bytes:
    return b"".join(os.pread(segment.fd, segment.size, 0) for segment in log.segments)


def test_a_viewer_starts_at_the_newest_keyframe_with_the_configurations() -> None:
    stage = HubStage()
    publication = stage.publish()
    stage.send(publication, video_config(), audio_config(), key(0, b"ONE"), sound(10))
    stage.send(publication, inter(40), key(80, b"TWO"), inter(120))
    watcher = Watcher()
    stage.watch(watcher)
    assert watcher.sync is not None
    assert watcher.sync.time_ms == 80
    assert [frame.kind.name for frame in watcher.sync.greeting] == ["AUDIO", "VIDEO"]
    rest = content(watcher.log)[watcher.sync.position :]
    assert b"TWO" in rest
    assert b"ONE" not in rest


def test_where_a_viewer_would_start_is_known_without_one() -> None:
    stage = HubStage()
    publication = stage.publish()
    stream = stage.hub.streams["live/a"]
    assert stream.newest_start() == ()
    stage.send(publication, video_config(), key(0, b"ONE"), inter(40), key(80, b"TWO"), inter(120))
    stage.send(publication, video_config(160, b"\1"))  # for the next one
    start = stream.newest_start()
    assert [frame.body for frame in start] == [video_config().body, key(80, b"TWO").body]
    publication.end(EndReason.KICKED, stage.now)
    assert stream.newest_start() == ()


def test_a_format_nobody_watches_is_never_written() -> None:
    stage = HubStage()
    publication = stage.publish()
    stage.send(publication, video_config(), key(0), inter(40))
    assert list(stage.hub.streams["live/a"].forms()) == []
    assert stage.woken == []


def test_a_format_that_nobody_watches_any_more_is_let_go() -> None:
    stage = HubStage()
    publication = stage.publish()
    stage.send(publication, video_config(), key(0))
    subscription = stage.watch(Watcher(), FlvFormat)
    subscription.close()
    for second in range(40):
        stage.send(publication, inter(second * 1000))
        stage.wait(1)
    assert list(stage.hub.streams["live/a"].forms()) == []


def test_all_formats_in_use_get_every_frame() -> None:
    stage = HubStage()
    publication = stage.publish()
    stage.send(publication, video_config(), key(0, b"ONE"))
    rtmp, flv = Watcher(), Watcher()
    stage.watch(rtmp)
    stage.watch(flv, FlvFormat)
    stage.send(publication, inter(40, b"TWO"))
    for watcher in (rtmp, flv):
        assert b"ONE" in content(watcher.log)
        assert b"TWO" in content(watcher.log)
    assert set(map(id, stage.woken)) == {id(rtmp.log), id(flv.log)}


def test_a_viewer_that_comes_first_waits_and_then_starts() -> None:
    stage = HubStage()
    watcher = Watcher()
    stage.watch(watcher)
    stage.wait(5)
    publication = stage.publish()
    stage.send(publication, video_config(), inter(0), sound(0))
    assert watcher.sync is None
    stage.send(publication, key(40))
    assert watcher.sync is not None
    assert watcher.ended is None


def test_those_who_waited_miss_nothing_of_what_comes_at_once() -> None:
    stage = HubStage()
    waited, late = Watcher(), Watcher()
    stage.watch(waited)
    publication = stage.publish()
    stage.send(publication, video_config(), key(0, b"ONE"), inter(40), key(80, b"TWO"))
    stage.watch(late)
    assert waited.sync is not None
    assert waited.sync.time_ms == 0
    assert late.sync is not None
    assert late.sync.time_ms == 80


def test_a_viewer_of_nothing_is_told_after_the_waiting_time() -> None:
    stage = HubStage(wait_s=10)
    watcher = Watcher()
    stage.watch(watcher)
    stage.wait(9)
    assert watcher.ended is None
    stage.wait(2)
    assert watcher.ended is EndReason.NOT_FOUND
    assert stage.hub.streams == {}


def test_nothing_of_a_half_picture_group_is_ever_shown() -> None:
    stage = HubStage()
    publication = stage.publish()
    watcher = Watcher()
    stage.watch(watcher)
    stage.send(publication, video_config(), inter(0, b"HALF"), sound(10, b"HALF"))
    stage.send(publication, inter(40, b"HALF"), key(80, b"WHOLE"), inter(120))
    assert b"HALF" not in content(watcher.log)
    assert b"WHOLE" in content(watcher.log)


def test_sound_alone_goes_on_air_once_no_picture_is_to_be_expected() -> None:
    stage = HubStage()
    publication = stage.publish()
    watcher = Watcher()
    stage.watch(watcher)
    stage.send(publication, audio_config(), *(sound(t) for t in range(0, 990, 23)))
    assert watcher.sync is None
    stage.send(publication, *(sound(t) for t in range(1000, 1200, 23)))
    assert watcher.sync is not None
    later = Watcher()
    stage.watch(later)
    assert later.sync is not None
    assert later.sync.position > 0


def test_a_picture_that_comes_after_all_is_where_newcomers_start_from_then_on() -> None:
    stage = HubStage()
    publication = stage.publish()
    stage.send(publication, audio_config(), *(sound(t) for t in range(0, 1200, 23)))
    stage.send(publication, video_config(1200), key(1200, b"PICTURE"), sound(1223), inter(1240))
    watcher = Watcher()
    stage.watch(watcher)
    assert watcher.sync is not None
    assert b"PICTURE" in content(watcher.log)[watcher.sync.position :]


def test_when_the_picture_stops_newcomers_start_with_the_sound() -> None:
    stage = HubStage()
    publication = stage.publish()
    stage.send(publication, video_config(), audio_config(), key(0), sound(0))
    for t in range(23, 8000, 23):
        stage.send(publication, sound(t))
    watcher = Watcher()
    stage.watch(watcher)
    assert watcher.sync is not None
    assert watcher.sync.time_ms > 7000


def test_viewers_stay_when_the_publisher_goes_and_continue_when_it_returns() -> None:
    stage = HubStage(grace_s=15)
    first = stage.publish()
    stage.send(first, video_config(), key(0), inter(1000, b"LAST"))
    watcher = Watcher()
    stage.watch(watcher)
    first.close(stage.now)
    stage.wait(12)
    second = stage.publish()
    stage.send(second, video_config(500_000), inter(500_000, b"HALF"), key(500_040, b"BACK"))
    stage.send(second, inter(500_080))
    assert watcher.ended is None
    log = watcher.log
    data = content(log)
    assert data.index(b"LAST") < data.index(b"BACK")
    assert b"HALF" not in data
    assert data.count(video_config().body[5:]) == 1, "again, after the one in the greeting"
    times = [t for segment in log.segments for t in segment.times]
    assert times == sorted(times)
    assert log.head_ms < 20_000


def test_viewers_are_told_when_the_publisher_does_not_come_back() -> None:
    stage = HubStage(grace_s=15)
    publication = stage.publish()
    stage.send(publication, video_config(), key(0))
    watcher = Watcher()
    stage.watch(watcher)
    publication.close(stage.now)
    stage.wait(14)
    assert watcher.ended is None
    stage.wait(2)
    assert watcher.ended is EndReason.UNPUBLISHED
    assert stage.hub.streams == {}


def test_a_viewer_that_comes_during_the_grace_waits_for_the_new_picture() -> None:
    stage = HubStage()
    first = stage.publish()
    stage.send(first, video_config(), key(0, b"OLD"))
    stage.watch(Watcher())
    first.close(stage.now)
    watcher = Watcher()
    stage.watch(watcher)
    assert watcher.sync is None
    stage.send(stage.publish(), video_config(), key(0, b"NEW"))
    assert watcher.sync is not None
    assert b"OLD" not in content(watcher.log)[watcher.sync.position :]


def test_the_same_right_takes_over_at_its_first_keyframe() -> None:
    stage = HubStage()
    old, new = Publisher(), Publisher()
    first = stage.publish(old)
    stage.send(first, video_config(), key(0))
    watcher = Watcher()
    stage.watch(watcher)
    second = stage.publish(new)
    stage.send(second, video_config(), inter(0, b"NEWHALF"))
    stage.send(first, inter(40, b"OLDLAST"))
    assert old.ended is None
    stage.send(second, key(40, b"NEWKEY"))
    assert old.ended is EndReason.TAKEN_OVER
    stage.send(first, inter(80, b"TOOLATE"))
    data = content(watcher.log)
    assert data.index(b"OLDLAST") < data.index(b"NEWKEY")
    assert b"TOOLATE" not in data
    assert b"NEWHALF" not in data
    assert watcher.ended is None


def test_somebody_else_is_refused_and_changes_nothing() -> None:
    stage = HubStage()
    old = Publisher()
    publication = stage.publish(old)
    stage.send(publication, video_config(), key(0))
    with pytest.raises(BusyError, match="live/a"):
        stage.publish(credential="other")
    assert old.ended is None
    assert stage.hub.streams["live/a"].on_air is publication


def test_of_several_that_want_to_take_over_the_last_one_may() -> None:
    stage = HubStage()
    stage.send(stage.publish(), video_config(), key(0))
    impatient = Publisher()
    stage.publish(impatient)
    last = stage.publish()
    assert impatient.ended is EndReason.TAKEN_OVER
    stage.send(last, key(0))
    assert stage.hub.streams["live/a"].on_air is last


def test_a_silent_publisher_is_found_and_its_name_is_free() -> None:
    stage = HubStage(idle_s=10)
    silent = Publisher()
    publication = stage.publish(silent)
    stage.send(publication, video_config(), key(0))
    stage.wait(9)
    assert silent.ended is None
    stage.wait(1.5)
    assert silent.ended is EndReason.SILENT
    stage.publish(credential="anybody else")


def test_a_publisher_that_never_sends_media_is_found_too() -> None:
    stage = HubStage(idle_s=10)
    silent = Publisher()
    stage.publish(silent)
    stage.wait(11)
    assert silent.ended is EndReason.SILENT
    assert stage.hub.streams == {}


def test_a_configuration_that_changes_reaches_those_who_watch_and_newcomers() -> None:
    stage = HubStage()
    publication = stage.publish()
    stage.send(publication, video_config(), key(0))
    watcher = Watcher()
    stage.watch(watcher)
    stage.send(publication, video_config(40, b"CHANGED"), key(40), video_config(80, b"CHANGED"))
    assert content(watcher.log).count(b"CHANGED") == 1, "a mere repetition is left out"
    newcomer = Watcher()
    stage.watch(newcomer)
    assert newcomer.sync is not None
    assert [frame.body[-7:] for frame in newcomer.sync.greeting] == [b"CHANGED"]


def test_no_more_viewers_than_allowed() -> None:
    stage = HubStage(max_viewers=2)
    first = stage.watch(Watcher())
    stage.watch(Watcher())
    with pytest.raises(FullError, match="2 viewers"):
        stage.watch(Watcher())
    first.close()
    stage.watch(Watcher())


def test_a_picture_group_past_the_bound_is_not_kept_for_newcomers() -> None:
    stage = HubStage(max_bytes=1 << 20)
    publication = stage.publish()
    stage.send(publication, video_config(), key(0))
    for t in range(40, 2000, 40):
        stage.send(publication, inter(t, bytes(50_000)))
    watcher = Watcher()
    stage.watch(watcher)
    assert watcher.sync is None
    stage.send(publication, key(2000))
    assert watcher.sync is not None


def test_whoever_leaves_while_waiting_is_never_started() -> None:
    stage = HubStage()
    watcher = Watcher()
    stage.watch(watcher).close()
    stage.send(stage.publish(), video_config(), key(0))
    assert watcher.sync is None


def test_the_server_stopping_ends_everybody() -> None:
    stage = HubStage()
    publisher, watcher, waiting = Publisher(), Watcher(), Watcher()
    stage.send(stage.publish(publisher), video_config(), key(0))
    stage.watch(watcher)
    stage.watch(waiting, name="live/b")
    stage.hub.end(EndReason.SHUTDOWN, stage.now)
    assert publisher.ended is watcher.ended is waiting.ended is EndReason.SHUTDOWN


def test_figures_come_from_what_was_received() -> None:
    stage = HubStage()
    publication = stage.publish()
    stage.send(publication, video_config(), key(0))
    for second in range(3):
        for i in range(25):
            stage.send(publication, inter(second * 1000 + i * 40))
            publication.bytes_received += 5000
        stage.wait(1)
    assert publication.bitrate == pytest.approx(1_000_000, rel=0.01)
    assert publication.frame_rate == pytest.approx(25, rel=0.05)
    stream = stage.hub.streams["live/a"]
    stage.send(publication, key(3000))
    assert stream.gop_ms == 3000
    assert {form.name for form in stream.forms()} == set()
    stage.watch(Watcher(), RtmpFormat)
    assert {form.name for form in stream.forms()} == {"rtmp"}


def test_viewers_behind_by_their_own_wish_get_the_rest_before_they_are_sent_away() -> None:
    stage = HubStage(grace_s=5)
    publication = stage.publish()
    stage.send(publication, video_config(), key(0), inter(40))
    usual, held, slow = Watcher(), Watcher(has_rest=False), Watcher(has_rest=False)
    stage.watch(usual)
    for watcher in (held, slow):
        stage.hub.subscribe("live/a", RtmpFormat, watcher, now=stage.now, delay_ms=4000)
    publication.close(stage.now)
    stage.wait(6)
    assert usual.ended is EndReason.UNPUBLISHED
    assert (held.ended, slow.ended) == (None, None)
    held.has_rest = True
    stage.wait(1)
    assert held.ended is EndReason.UNPUBLISHED
    stage.wait(3)
    assert slow.ended is EndReason.UNPUBLISHED
