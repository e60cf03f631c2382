"""Some tracks of a stream by name: all of these are shown, whatever they came in, and no others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slipstream.formats import (
    CmafFormat,
    FlvFormat,
    RtmpFormat,
    RtmpMultitrackFormat,
    Selection,
    TsFormat,
    WsFlvFormat,
    selected,
    split_selection,
)
from slipstream.formats.format import UNUSUAL, Format
from slipstream.hub.notes import Notes
from slipstream.log import Log
from slipstream.media import Frame, Kind, build_metadata, parse_metadata, parse_tag, split_tracks
from slipstream.media.enhanced_tag import Multitrack
from slipstream.rtmp import OUT_CHUNK_SIZE, PUBLISHER, ChunkDecoder
from tests.formats.ts_reader import read_ts
from tests.hub.stage import audio_config, inter, key, sound, video_config
from tests.mp4_reader import Fragment, read_fragments, read_init
from tests.multitrack import coded, configs, film, laid_out

FILMS = ("tracks", "tracks-unaligned", "tracks-codecs")
BOTH = Selection(1, 1)
READABLE = (0x17, 0x27, 0x37, 0xAF, 0x2F)  # first bytes of bodies that any player reads


class Stage:
    """A stream in one format, as the hub fills it."""

    def __init__(self, form: type[Format]) -> None:
        self.form = form(Log())
        self._notes = Notes()
        self.begin()

    def begin(self, *, audio_only: bool = False) -> None:
        """Another publication begins."""
        self.form.flush()
        self.form.log.mark()
        self._notes.begin(audio_only=audio_only)

    def send(self, *frames: Frame, at_once: int = 5) -> None:
        """As a publisher's reads bring them, configurations one track a frame."""
        singles = [s for f in frames for s in (split_tracks(f) if f.config else [f])]
        for start in range(0, len(singles), at_once):
            self.form.append(*self._notes.take(singles[start : start + at_once]))

    def frames(self, since: int = 0) -> list[Frame]:
        """What RTMP viewers get from a position on."""
        return read(self.content(since))

    def content(self, since: int = 0) -> bytes:
        """All bytes of the log."""
        data = b"".join(os.pread(s.fd, s.size, 0) for s in self.form.log.segments)
        return data[since:]

    @property
    def starts(self) -> list[tuple[int, list[Frame]]]:
        """The time of each place to start, and what newcomers are greeted with there."""
        syncs = self.form.log.sync_points
        return [(sync.time_ms, read(b"".join(self.greeting(sync.greeting)))) for sync in syncs]

    def greeting(self, greeting: object) -> list[bytes]:
        """What a newcomer gets first."""
        assert isinstance(greeting, tuple)
        return self.form.greet(greeting, 0)


def read(data: bytes) -> list[Frame]:
    decoder = ChunkDecoder(limits=PUBLISHER)
    decoder.chunk_size = OUT_CHUNK_SIZE
    messages = decoder.receive_data(data)
    assert decoder.error is None
    return [parse_tag(m.type_id, m.timestamp, m.payload) for m in messages]


def rtmp(name: str) -> Stage:
    _, selection = split_selection(f"x@{name}")
    assert selection is not None
    return Stage(selected(RtmpFormat, selection))


def on_track(number: int, frame: Frame) -> Frame:
    """A frame of the tests as that of another track."""
    (moved,) = laid_out([frame._replace(track=number)], Multitrack.ONE_TRACK)
    return moved


# Frames


@pytest.mark.parametrize("layout", Multitrack)
@pytest.mark.parametrize("name", FILMS)
@pytest.mark.parametrize("tracks", ["v0a0", "v1a0", "v1a1", "v2a2", "v1", "a0", "a1", "v0"])
def test_what_is_chosen_equals_what_was_published(
    folder: Path, name: str, layout: Multitrack, tracks: str
) -> None:
    frames = film(folder, name)
    _, selection = split_selection(f"x@{tracks}")
    assert selection is not None
    stage = rtmp(tracks)
    stage.send(*laid_out(frames, layout))
    got = stage.frames()
    for kind, number in ((Kind.VIDEO, selection.video), (Kind.AUDIO, selection.audio)):
        if number is None:
            assert not [frame for frame in got if frame.kind is kind]
            continue
        first = 0 if kind is selection.leading else _first_key(frames, selection.video)
        assert coded(got, kind) == coded(frames[first:], kind, number)
        assert configs(got, kind) == configs(frames, kind, number)
    assert all(frame.body[0] not in UNUSUAL[frame.kind] or frame.config for frame in got)
    assert {frame.track for frame in got} <= {0}


def _first_key(frames: list[Frame], track: int | None) -> int:
    """Before it nothing is shown, if there are such pictures at all."""
    keys = [index for index, frame in enumerate(frames) if frame.keyframe and frame.track == track]
    return keys[0] if keys else len(frames)


def test_the_film_has_what_these_tests_need(folder: Path) -> None:
    frames = film(folder, "tracks")
    for kind in (Kind.VIDEO, Kind.AUDIO):
        first, second = coded(frames, kind, 0), coded(frames, kind, 1)
        assert len(first) > 60
        assert len(second) > 60
        assert not {one.data for one in first[5:]} & {one.data for one in second[5:]}
    keys = [[f.dts_ms for f in film(folder, name) if f.keyframe and f.track] for name in FILMS[:2]]
    assert keys[0] != keys[1]


@pytest.mark.parametrize("layout", Multitrack)
def test_h264_aac_and_mp3_are_as_flash_had_them(folder: Path, layout: Multitrack) -> None:
    """Players that know nothing of Enhanced RTMP can play any quality of them."""
    for name, tracks in (("tracks", "v1a1"), ("tracks-codecs", "a2")):
        stage = rtmp(tracks)
        stage.send(*laid_out(film(folder, name), layout))
        bodies = [frame.body for frame in stage.frames() if not frame.config]
        assert len(bodies) > 60
        assert {body[0] for body in bodies} <= set(READABLE)


@pytest.mark.parametrize(
    "form", [RtmpFormat, RtmpMultitrackFormat, FlvFormat, WsFlvFormat, TsFormat, CmafFormat]
)
def test_a_track_alone_is_what_a_stream_of_it_would_be(folder: Path, form: type[Format]) -> None:
    """Byte for byte, in every format."""
    frames = [f for f in film(folder, "tracks") if f.kind is not Kind.DATA]
    chosen = Stage(selected(form, BOTH))
    chosen.send(*frames)
    shown = rtmp("v1a1")
    shown.send(*frames)
    alone = Stage(form)
    alone.send(*shown.frames())
    for stage in (chosen, alone):
        stage.form.flush()
    assert [time_ms for time_ms, *_ in places(chosen)] == [time_ms for time_ms, *_ in places(alone)]
    if form is CmafFormat:  # its clock numbers the segments, and these are not in the bytes
        assert fragments(chosen) == fragments(alone)
    else:
        assert chosen.content() == alone.content()
        assert places(chosen) == places(alone)
    assert len(chosen.content()) > 50_000


def places(stage: Stage) -> list[tuple[int, int, list[bytes]]]:
    return [
        (sync.time_ms, sync.position, stage.greeting(sync.greeting))
        for sync in stage.form.log.sync_points
    ]


def fragments(stage: Stage) -> list[Fragment]:
    return read_fragments(stage.content())


def test_mpeg_ts_holds_one_programme_of_what_is_chosen(folder: Path) -> None:
    stage = Stage(selected(TsFormat, Selection(1, 0)))
    stage.send(*film(folder, "tracks"))
    content = read_ts(stage.content())
    (programme,) = {programme.streams for programme in content.programmes}
    assert [stream.stream_type for stream in programme] == [0x1B, 0x0F]


def test_mp4_holds_what_is_chosen_as_its_first_tracks(folder: Path) -> None:
    stage = Stage(selected(CmafFormat, Selection(1, None)))
    stage.send(*film(folder, "tracks"))
    stage.form.flush()
    (init,) = stage.greeting(stage.form.log.sync_points[0].greeting)
    (track,) = read_init(init)
    assert (track.width, track.height) == (64, 48)
    samples = [s for one in fragments(stage) for run in one.runs for s in run.samples]
    assert len(samples) == len(coded(film(folder, "tracks"), Kind.VIDEO, 1))


def test_what_a_format_cannot_carry_is_said_of_what_is_chosen(folder: Path) -> None:
    frames = film(folder, "tracks-codecs")
    for tracks, left_out in (("v0a0", []), ("v1a0", ["av01"]), ("v2a2", [])):
        _, selection = split_selection(f"x@{tracks}")
        assert selection is not None
        stage = Stage(selected(TsFormat, selection))
        stage.send(*frames)
        greeting = stage.form.log.sync_points[0].greeting
        assert isinstance(greeting, tuple)
        assert stage.form.left_out(greeting) == left_out


# Places to start


def test_newcomers_start_at_the_keyframes_of_the_chosen_track(folder: Path) -> None:
    frames = film(folder, "tracks-unaligned")
    stage = rtmp("v1")
    stage.send(*frames)
    wanted = [one.dts_ms for one in coded(frames, Kind.VIDEO, 1) if one.keyframe]
    assert [time_ms for time_ms, _ in stage.starts] == wanted
    (config,) = configs(frames, Kind.VIDEO, 1)
    assert all(configs(greeting, Kind.VIDEO) == [config] for _, greeting in stage.starts)


def test_of_sound_alone_newcomers_start_anywhere(folder: Path) -> None:
    frames = film(folder, "tracks")
    stage = rtmp("a1")
    stage.send(*frames)
    assert [time_ms for time_ms, _ in stage.starts] == [
        one.dts_ms for one in coded(frames, Kind.AUDIO, 1)
    ]
    greetings = [configs(greeting, Kind.AUDIO) for _, greeting in stage.starts]
    assert greetings == [configs(frames, Kind.AUDIO, 1)] * len(greetings)


def test_nobody_starts_before_the_configuration_has_come() -> None:
    stage = rtmp("v1")
    stage.send(video_config(), key(0), on_track(1, key(1)), on_track(1, inter(40)))
    assert stage.starts == []
    assert stage.frames() == []
    stage.send(on_track(1, video_config(50)), on_track(1, inter(60)), on_track(1, key(80)))
    ((time_ms, greeting),) = stage.starts
    assert time_ms == 80
    assert configs(greeting, Kind.VIDEO) == configs([video_config()], Kind.VIDEO)
    assert [frame.dts_ms for frame in stage.frames()] == [50, 80]


def test_a_changed_configuration_goes_to_those_who_watch_and_to_newcomers() -> None:
    stage = rtmp("v1a0")
    other = on_track(1, video_config(90, b"x"))
    for frame in (
        *(video_config(), audio_config(), on_track(1, video_config())),
        *(key(0), on_track(1, key(0)), sound(10), other, on_track(1, key(100)), key(120)),
    ):
        stage.send(frame)
    (first_ms, first), (second_ms, second) = stage.starts
    assert (first_ms, second_ms) == (0, 100)
    assert (
        configs(first, Kind.VIDEO) != configs(second, Kind.VIDEO) == configs([other], Kind.VIDEO, 1)
    )
    assert configs(stage.frames(), Kind.VIDEO)[-1] == configs([other], Kind.VIDEO, 1)[0]
    assert configs(second, Kind.AUDIO) == configs([audio_config()], Kind.AUDIO)


def test_another_publication_begins_with_a_keyframe_and_its_own_configurations() -> None:
    stage = rtmp("v1a0")
    stage.send(video_config(), audio_config(), on_track(1, video_config(0, b"old")), key(0))
    stage.send(on_track(1, key(0)), sound(5))
    stage.begin()
    before = len(stage.frames())
    stage.send(video_config(100), audio_config(100), key(100))
    stage.send(on_track(1, inter(110)), sound(111))  # a picture of which nobody knows the first
    assert [frame.config for frame in stage.frames()[before:]] == [True]
    stage.send(on_track(1, key(120)))
    assert len(stage.starts) == 1  # the old configuration is not in force any more
    stage.send(on_track(1, video_config(130, b"new")), on_track(1, key(140)), sound(141))
    time_ms, greeting = stage.starts[-1]
    assert time_ms == 140
    assert configs(greeting, Kind.VIDEO)[0].endswith(b"new")
    assert [frame.dts_ms for frame in stage.frames()[before:]] == [100, 130, 140, 141]


def test_when_the_picture_stays_away_newcomers_start_with_the_sound() -> None:
    stage = rtmp("v1a0")
    stage.send(video_config(), audio_config(), on_track(1, video_config()), key(0))
    stage.send(on_track(1, key(0)), *map(sound, range(20, 5_200, 20)), at_once=1)
    assert [time_ms for time_ms, _ in stage.starts] == [0, *range(5_020, 5_200, 20)]


def test_other_tracks_leave_no_trace() -> None:
    stage = rtmp("v3a3")
    stage.send(video_config(), audio_config(), on_track(1, video_config()))
    stage.send(key(0), sound(1), on_track(1, key(2)), inter(40), sound(41))
    assert stage.form.log.head == 0
    assert stage.form.is_missing


@pytest.mark.parametrize(("tracks", "missing"), [("v1a5", False), ("a0", False), ("v5a0", True)])
def test_a_track_is_missing_of_which_nothing_has_come(tracks: str, missing: bool) -> None:
    stage = rtmp(tracks)
    stage.send(video_config(), audio_config(), on_track(1, video_config()), key(0))
    stage.send(on_track(1, key(0)), sound(5))
    assert stage.form.is_missing is missing
    stage.begin()
    assert stage.form.is_missing


def test_metadata_speaks_of_what_is_chosen_and_other_data_pass() -> None:
    stage = rtmp("v1")
    values = parse_tag(18, 0, build_metadata({"width": 128.0, "stereo": True, "encoder": "x"}))
    words = parse_tag(18, 5, bytes.fromhex("02000a 6f6e5465787444617461 05"))
    stage.send(values, video_config(), on_track(1, video_config()), key(0), on_track(1, key(0)))
    stage.send(words)
    first, *_, last = stage.frames()
    assert parse_metadata(first.body) == {"encoder": "x"}
    assert last.body == words.body
