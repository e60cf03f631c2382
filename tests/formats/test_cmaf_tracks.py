"""Which tracks segments hold, and what becomes of changes in mid-stream."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from slipstream.formats import CmafFormat, Flag
from slipstream.media import Frame, Kind, parse_tag
from tests.formats.cmaf_stage import (
    AUDIO,
    CONFIGS,
    VIDEO,
    Publisher,
    data_of,
    entries,
    film,
    made,
    of_kind,
    payloads,
    segments,
    stream,
    written,
)
from tests.formats.ts_stage import later
from tests.hub.stage import audio_config, key, sound, video_config
from tests.mp4_reader import read_init

# Which tracks there are


@pytest.mark.parametrize(
    ("name", "video", "audio"),
    [
        ("h264-aac", b"avc1", b"mp4a"),
        ("h265-aac", b"hvc1", b"mp4a"),
        ("h265-id12", b"hvc1", b"mp4a"),
        ("av1-opus", b"av01", b"Opus"),
        ("vp9-flac", b"vp09", b"fLaC"),
        ("h264-mp3", b"avc1", b"mp4a"),
        ("h264-ac3", b"avc1", b"ac-3"),
        ("h264-eac3", b"avc1", b"ec-3"),
        ("video-only", b"avc1", None),
        ("audio-only", None, b"mp4a"),
    ],
)
def test_a_segment_lists_the_tracks_that_are_in_it(
    folder: Path, name: str, video: bytes | None, audio: bytes | None
) -> None:
    form = written(film(folder, name))
    found = segments(form.log)
    tracks = read_init(found[0].start.init)
    expected = [(i, e) for i, e in ((VIDEO, video), (AUDIO, audio)) if e]
    assert [(track.track_id, track.entry) for track in tracks] == expected
    for info, track in zip(found[0].start.tracks, tracks, strict=True):
        assert read_init(info.init) == [track]
        assert (info.id, info.timescale) == (track.track_id, track.timescale)
        assert (info.name, info.is_video) == (("v0", True) if info.id == VIDEO else ("a0", False))
    assert {segment.start.init for segment in found} == {found[0].start.init}
    for segment in found[:-1]:
        assert {part.run.track_id for part in segment.parts} == {t.track_id for t in tracks}


def test_sound_alone_is_cut_at_any_sound(folder: Path) -> None:
    frames = later(film(folder, "audio-only"), 0)
    frames += later([f for f in frames if not f.config], 2_500)
    found = segments(written(frames).log)
    assert [round(segment.start.start_ms / 1000) for segment in found] == [0, 2, 4]
    assert payloads(written(frames), AUDIO) == data_of(frames, Kind.AUDIO)


def test_beside_pictures_that_mp4_cannot_carry_sound_stands_alone() -> None:
    """VP6 keyframes say where segments begin all the same."""
    pictures = [
        parse_tag(9, time_ms, (b"\x14" if time_ms % 1_000 == 0 else b"\x24") + b"\0picture")
        for time_ms in range(0, 6_000, 40)
    ]
    sounds = [sound(time_ms) for time_ms in range(0, 6_000, 23)]
    frames = [audio_config(), *sorted([*pictures, *sounds], key=lambda f: f.dts_ms)]
    form = written(frames)
    found = segments(form.log)
    assert [segment.start.start_ms for segment in found] == [0, 2_000, 4_000]
    assert {part.run.track_id for segment in found for part in segment.parts} == {AUDIO}
    assert payloads(form, AUDIO) == data_of(frames, Kind.AUDIO)
    assert CmafFormat.left_out((audio_config(),)) == []


def test_what_cannot_be_carried_at_all_leaves_the_log_empty_until_something_can() -> None:
    pictures = [parse_tag(9, time_ms, b"\x14\0picture") for time_ms in range(0, 60_000, 40)]
    form = made()
    publisher = Publisher(form)
    publisher.publish(pictures, ends=False)
    assert form.log.head == 0
    publisher.send([*CONFIGS, *stream(62_500, from_ms=60_000)])
    form.flush()
    (first, second) = segments(form.log)
    assert (first.start.start_ms, first.start.target_ms) == (60_000, 2_000)
    assert (second.start.start_ms, second.start.target_ms) == (62_000, 2_000)


def test_tracks_beyond_the_first_are_in_it_too() -> None:
    """Enhanced RTMP v2 Multitrack: one frame with the pictures of two tracks."""
    config = video_config().body[5:]
    frames = []
    for time_ms in range(0, 5_000, 40):
        first = 0x96 if time_ms % 2_000 == 0 else 0xA6
        both = b"".join(
            bytes((number,)) + (9 + 3).to_bytes(3) + bytes(3) + b"\0\0\0\x05\x65" + bytes(4)
            for number in (0, 1)
        )
        frames.append(parse_tag(9, time_ms, bytes((first, 0x11)) + b"avc1" + both))
    configs = [
        parse_tag(9, 0, bytes((0x96, 0x00)) + b"avc1" + bytes((number,)) + config)
        for number in (0, 1)
    ]
    found = segments(written([*configs, *frames]).log)
    assert [info.name for info in found[0].start.tracks] == ["v0", "v1"]
    for track in (1, 3):
        assert [len(segment.of(track)) for segment in found] == [9, 9, 5]
        assert all(segment.of(track)[0].has_key for segment in found)


# What changes in mid-stream


def changed_pictures(folder: Path) -> list[Frame]:
    """H.264, then H.265, from the same publisher."""
    first = film(folder, "long")
    second = [f for f in film(folder, "h265-aac") if f.kind is Kind.VIDEO]
    return [*first, *later(second, 9_000)]


def test_other_pictures_begin_a_segment_with_a_description_of_their_own(folder: Path) -> None:
    frames = changed_pictures(folder)
    form = written(frames)
    found = segments(form.log)
    codecs = [segment.start.tracks[0].codec[:4] for segment in found]
    assert codecs == ["avc1"] * 5 + ["hvc1"] * 2
    steps = [b.start.discontinuities - a.start.discontinuities for a, b in pairwise(found)]
    assert steps == [0, 0, 0, 0, 1, 0]
    assert payloads(form, VIDEO) == data_of(frames, Kind.VIDEO)


def test_an_endless_file_gets_the_new_description_where_it_holds(folder: Path) -> None:
    form = written(changed_pictures(folder))
    found = [entry for entry in entries(form.log) if entry.flags & Flag.CONFIG]
    (entry,) = found
    changed = segments(form.log)[5]
    assert entry.data == changed.start.init
    assert entry.position + len(entry.data) == changed.parts[0].entry.position


def test_a_change_soon_after_a_segment_began_does_not_wait_for_the_next_one() -> None:
    frames = [*CONFIGS, *stream(3_000, gop_ms=1_000)]
    changed = [video_config(3_000, b"\0"), *stream(6_000, gop_ms=1_000, from_ms=3_000)]
    form = written([*frames, *changed])
    found = segments(form.log)
    assert [segment.start.start_ms for segment in found] == [0, 2_000, 3_000, 5_000]
    assert payloads(form, VIDEO) == data_of([*frames, *changed], Kind.VIDEO)


def test_a_configuration_with_every_keyframe_makes_no_storm_of_segments() -> None:
    frames = [audio_config()]
    for time_ms in range(0, 4_000, 40):
        frames += [video_config(time_ms, bytes((time_ms // 40 % 2,))), key(time_ms)]
    found = segments(written(frames).log)
    lengths = [b.start.start_ms - a.start.start_ms for a, b in pairwise(found)]
    assert min(lengths) >= 250


def test_other_sound_begins_with_the_next_segment() -> None:
    other = parse_tag(8, 3_000, bytes.fromhex("af001190"))  # 48 kHz
    frames = [*CONFIGS, *stream(3_000, gop_ms=1_000), other]
    frames += stream(6_000, gop_ms=1_000, from_ms=3_000)
    form = written(frames)
    found = segments(form.log)
    rates = [segment.start.tracks[1].sample_rate for segment in found]
    assert rates == [44_100, 44_100, 48_000, 48_000]
    assert [segment.start.start_ms for segment in found] == [0, 2_000, 3_000, 5_000]
    assert len(payloads(form, AUDIO)) == len(of_kind(frames, Kind.AUDIO))


def test_sound_that_comes_later_is_in_the_next_segment() -> None:
    pictures = stream(5_000, sounds=False)
    sounds = [audio_config(900), *(sound(time_ms) for time_ms in range(900, 5_000, 23))]
    frames = [video_config(), *sorted([*pictures, *sounds], key=lambda f: f.dts_ms)]
    form = written(frames)
    found = segments(form.log)
    assert [len(segment.start.tracks) for segment in found] == [1, 2, 2]
    assert found[1].start.discontinuities == found[0].start.discontinuities + 1
    (first, *_) = found[1].of(AUDIO)
    assert abs(first.run.decode_time / 44.1 - 2_000) <= 24


def test_a_track_that_has_gone_is_listed_no_more_and_again_when_it_is_back() -> None:
    frames = [*CONFIGS]
    frames += stream(4_000)
    frames += stream(14_000, from_ms=4_000, sounds=False)
    frames += stream(18_000, from_ms=14_000)
    found = segments(written(frames).log)
    listed = [len(segment.start.tracks) for segment in found]
    assert listed == [2, 2, 2, 2, 2, 1, 1, 2, 2]
    assert found[-1].of(AUDIO)


def test_when_pictures_cease_segments_of_sound_go_on_and_back_again() -> None:
    frames = [*CONFIGS, *stream(3_000)]
    frames += [f for f in stream(16_000, from_ms=3_000) if f.kind is Kind.AUDIO]
    frames += stream(20_000, from_ms=16_000)
    form = written(frames)
    found = segments(form.log)
    listed = [
        (segment.start.start_ms // 1_000, "".join(t.name[0] for t in segment.start.tracks))
        for segment in found
    ]
    assert listed[:3] == [(0, "va"), (2, "va"), (8, "a")]
    assert listed[-2:] == [(16, "va"), (18, "va")]
    assert {names for _, names in listed[2:-2]} == {"a"}
    assert payloads(form, AUDIO) == data_of(frames, Kind.AUDIO)
    assert payloads(form, VIDEO) == data_of(frames, Kind.VIDEO)
