"""Streams of several tracks: what their viewers wait for, and when a publisher goes on air."""

from __future__ import annotations

import pytest

from slipstream.formats import FlvFormat, Format, RtmpFormat, Selection, TsFormat, selected
from slipstream.hub import EndReason, FullError
from slipstream.hub.audience import MAX_FORMS
from slipstream.media import Frame, Kind
from slipstream.media.enhanced_tag import Multitrack
from tests.hub.stage import HubStage, Watcher, audio_config, inter, key, sound, video_config
from tests.multitrack import laid_out


def second(frame: Frame) -> Frame:
    """The same as a frame of track 1."""
    (moved,) = laid_out([frame._replace(track=1)], Multitrack.ONE_TRACK)
    return moved


def form(video: int | None, audio: int | None = None) -> type[Format]:
    return selected(RtmpFormat, Selection(video, audio))


BEGINNING = [
    video_config(),
    audio_config(),
    second(video_config()),
    key(0),
    second(key(0)),
    sound(1),
]


def test_who_waits_for_a_track_that_does_not_come_is_told_after_the_waiting_time() -> None:
    stage = HubStage(wait_s=10, idle_s=100)
    publication = stage.publish()
    stage.send(publication, *BEGINNING)
    never, half, there = Watcher(), Watcher(), Watcher()
    stage.watch(never, form(7, 0))
    stage.watch(half, form(1, 7))
    stage.watch(there, form(1, 0))
    stage.wait(9)
    assert never.ended is None
    stage.wait(2)
    assert never.ended is EndReason.NO_TRACK
    assert half.ended is there.ended is None
    assert half.sync is not None


def test_who_waits_for_the_next_keyframe_of_a_track_waits_on() -> None:
    stage = HubStage(wait_s=10, idle_s=100)
    publication = stage.publish()
    stage.send(publication, *BEGINNING)
    stage.send(publication, second(inter(40)), key(80), second(inter(80)))
    watcher = Watcher()
    stage.watch(watcher, form(1))  # what is kept for it holds no keyframe
    stage.send(publication, second(video_config(90, b"x")))
    stage.wait(30)
    assert watcher.ended is watcher.sync is None
    stage.send(publication, second(key(120)))
    assert watcher.sync is not None


def test_a_track_has_the_waiting_time_from_the_beginning_of_the_publication() -> None:
    stage = HubStage(wait_s=10, idle_s=100)
    watcher = Watcher()
    stage.watch(watcher, form(1))
    stage.wait(9)
    publication = stage.publish()
    stage.send(publication, video_config(), audio_config(), key(0))
    stage.wait(9)
    assert watcher.ended is None
    stage.send(publication, second(video_config(9_000)), second(key(9_000)))
    assert watcher.sync is not None


def test_viewers_of_a_track_have_all_frames_from_the_first_keyframe_on() -> None:
    stage = HubStage()
    watcher = Watcher()
    stage.watch(watcher, form(1, 0))
    publication = stage.publish()
    stage.send(publication, *BEGINNING)
    assert watcher.sync is not None
    assert watcher.sync.position == 2 * 12 + len(video_config().body) + len(audio_config().body)


def test_viewers_cannot_make_a_server_keep_any_number_of_formats() -> None:
    stage = HubStage(idle_s=100)
    publication = stage.publish()
    stage.send(publication, *BEGINNING)
    forms = [
        selected(kind, Selection(video, audio))
        for kind in (FlvFormat, TsFormat)
        for video in range(4)
        for audio in range(4)
    ]
    assert len(forms) == MAX_FORMS
    watchers = [stage.watch(Watcher(), one) for one in forms]
    with pytest.raises(FullError, match="32 formats"):
        stage.watch(Watcher())
    stage.watch(Watcher(), forms[0])
    for one in watchers:
        one.close()
    stage.wait(40)
    stage.watch(Watcher())


def test_a_publication_begins_with_a_keyframe_of_the_default_track() -> None:
    """What it had sent of that before could not be decoded."""
    stage = HubStage()
    frames = stage.record()
    publication = stage.publish()
    stage.send(publication, video_config(), second(video_config()), inter(0), second(key(10)))
    assert not publication.on_air
    stage.send(publication, inter(40), key(80), second(key(90)))
    assert publication.on_air
    assert [frame.dts_ms for frame in frames if not frame.config] == [80, 90]


def test_without_pictures_in_the_default_track_any_other_will_do() -> None:
    stage = HubStage()
    publication = stage.publish()
    stage.send(publication, second(video_config()), second(key(10)))
    assert publication.on_air
    watcher = Watcher()
    stage.watch(watcher, form(1))
    stage.send(publication, second(key(50)), second(inter(90)))
    assert watcher.sync is None  # the default track may come yet
    stage.send(publication, second(key(6_000)))
    assert watcher.sync is not None
    (config,) = [frame for frame in watcher.sync.greeting if frame.kind is Kind.VIDEO]
    assert config.body == video_config().body


def test_when_the_default_track_stops_newcomers_to_others_start_at_their_keyframes() -> None:
    stage = HubStage(idle_s=100)
    publication = stage.publish()
    stage.send(publication, *BEGINNING)
    for time_ms in range(1_000, 8_000, 1_000):
        stage.send(publication, second(key(time_ms)), second(inter(time_ms + 500)))
    watcher = Watcher()
    stage.watch(watcher, form(1))
    assert watcher.sync is not None
    assert watcher.sync.time_ms == 7_000
