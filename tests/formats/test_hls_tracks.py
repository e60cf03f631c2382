"""HLS, and DASH, of several qualities and sounds: what is told of each, and that it is true."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path

import av
import m3u8
import pytest

from slipstream.formats import CmafFormat, Shape, Window, dash, hls, unpack_start
from slipstream.media import Frame, Kind, build_metadata, parse_tag
from tests.formats.cmaf_stage import Publisher, made
from tests.formats.hls_reader import Playlist, read_playlist
from tests.mp4_reader import read_fragments
from tests.multitrack import coded, film

SHAPE = Shape(segment_ms=500, part_ms=100)


def later(frames: Sequence[Frame], by_ms: int) -> list[Frame]:
    return [frame._replace(dts_ms=frame.dts_ms + by_ms) for frame in frames]


def looked_at(form: CmafFormat) -> Window:
    window = Window(form.log, form.shape)
    window.update()
    return window


def shown(frames: Sequence[Frame]) -> Window:
    form = made(shape=SHAPE)
    Publisher(form).publish(frames)
    return looked_at(form)


def multivariant(window: Window) -> m3u8.M3U8:
    return m3u8.loads(hls.multivariant_playlist(window, "a"))


def playlist_of(window: Window, name: str) -> Playlist:
    track = window.track(name)
    assert track is not None
    return read_playlist(hls.media_playlist(window, track, "a"))


def segments_of(window: Window, name: str) -> list[tuple[bytes, list[bytes]]]:
    """The description of a track and its parts, of each segment that has some."""
    found = []
    for segment in window.segments:
        track = next((track for track in segment.start.tracks if track.name == name), None)
        if track is not None and segment.parts_of(track):
            found.append((track.init, [window.read(part) for part in segment.parts_of(track)]))
    return found


def test_qualities_are_variants_and_sounds_a_group(folder: Path) -> None:
    playlist = multivariant(shown(film(folder, "tracks")))
    assert [
        (variant.uri, variant.stream_info.resolution, variant.stream_info.audio)
        for variant in playlist.playlists
    ] == [("a@v0.m3u8", (128, 96), "audio"), ("a@v1.m3u8", (64, 48), "audio")]
    assert [(one.type, one.group_id, one.name, one.uri) for one in playlist.media] == [
        ("AUDIO", "audio", "a0", "a@a0.m3u8"),
        ("AUDIO", "audio", "a1", "a@a1.m3u8"),
    ]
    assert [one.default for one in playlist.media] == ["YES", "NO"]
    assert [one.channels for one in playlist.media] == ["2", "2"]


def test_the_bandwidth_is_that_of_the_quality_and_the_largest_of_its_sounds(folder: Path) -> None:
    window = shown(film(folder, "tracks"))
    sounds = [rates_of(window, name) for name in ("a0", "a1")]
    for variant, name in zip(multivariant(window).playlists, ("v0", "v1"), strict=True):
        peaks, average = rates_of(window, name)
        info = variant.stream_info
        assert info.bandwidth == pytest.approx(
            max(peaks) + max(max(s) for s, _ in sounds), rel=1e-3
        )
        wanted = average + max(average for _, average in sounds)
        assert info.average_bandwidth == pytest.approx(wanted, rel=1e-3)
    assert max(rates_of(window, "v0")[0]) > max(rates_of(window, "v1")[0])


def rates_of(window: Window, name: str) -> tuple[list[float], float]:
    """Bits per second of each segment as it would be fetched, and of all."""
    sizes, lengths = [], []
    track = window.track(name)
    assert track is not None
    for _, parts in segments_of(window, name):
        runs = [run for part in parts for one in read_fragments(part) for run in one.runs]
        sizes.append(8 * sum(map(len, parts)))
        lengths.append(sum(run.duration for run in runs) / track.timescale)
    rates = [size / length for size, length in zip(sizes, lengths, strict=True)]
    return rates, sum(sizes) / sum(lengths)


def test_sounds_of_each_codec_are_a_group_that_goes_with_every_quality(folder: Path) -> None:
    """A player that lacks a codec passes over all that name it."""
    playlist = multivariant(shown(film(folder, "tracks-codecs")))
    groups = {one.uri: one.group_id for one in playlist.media}
    assert len(set(groups.values())) == 3
    variants = [(v.uri, v.stream_info.audio, v.stream_info.codecs) for v in playlist.playlists]
    assert [uri for uri, *_ in variants] == [f"a@v{n}.m3u8" for n in (0, 1, 2)] * 3
    for (_, group, codecs), picture in zip(variants, ("avc1", "av01", "hvc1") * 3, strict=True):
        (sound,) = [uri for uri, own in groups.items() if own == group]
        kinds = {"a@a0.m3u8": "mp4a.40.2", "a@a1.m3u8": "opus", "a@a2.m3u8": "mp3"}
        first, second = codecs.split(",")
        assert first.startswith(picture)
        assert second.lower() in (kinds[sound], "mp4a.6b", "mp4a.69")
    assert [one.default for one in playlist.media] == ["YES"] * 3


def test_each_quality_decodes_with_its_own_description(folder: Path) -> None:
    window = shown(film(folder, "tracks-codecs"))
    for name, codec, size in (
        ("v0", "h264", (128, 96)),
        ("v1", "av1", (64, 64)),
        ("v2", "hevc", (128, 96)),
    ):
        init, parts = segments_of(window, name)[0]
        with av.open(io.BytesIO(init + b"".join(parts)), format="mp4") as source:
            pictures = list(source.decode(video=0))
            assert source.streams.video[0].codec_context.codec.canonical_name == codec
        assert {(picture.width, picture.height) for picture in pictures} == {size}
        assert len(pictures) >= 12


# Languages


LANGUAGES = {
    "width": 128.0,
    "audioTrackIdInfoMap": {"0": {"language": "en"}, "1": {"language": "zh-Hans"}},
}


def test_languages_are_told_if_metadata_says_any(folder: Path) -> None:
    metadata = parse_tag(18, 0, build_metadata(LANGUAGES))
    window = shown([metadata, *(f for f in film(folder, "tracks") if f.kind is not Kind.DATA)])
    told = [(one.name, one.language, one.autoselect) for one in multivariant(window).media]
    assert told == [("a0", "en", "YES"), ("a1", "zh-Hans", "YES")]
    start = window.start
    assert start is not None
    assert unpack_start(start.pack()) == start


def test_dash_tells_the_same(folder: Path) -> None:
    metadata = parse_tag(18, 0, build_metadata(LANGUAGES))
    window = shown([metadata, *(f for f in film(folder, "tracks") if f.kind is not Kind.DATA)])
    sets = re.findall("<AdaptationSet (.*)>", dash.manifest(window, "a"))
    assert [re.findall(' lang="(.*?)"', one) for one in sets] == [[], ["en"], ["zh-Hans"]]
    assert all('startWithSAP="1"' in one for one in sets)
    other = dash.manifest(shown(film(folder, "tracks-unaligned")), "a")
    assert ["SAP" in one for one in re.findall("<AdaptationSet .*>", other)] == [False, True]


def test_what_players_cannot_tell_apart_they_are_not_to_choose_by_themselves(folder: Path) -> None:
    media = multivariant(shown(film(folder, "tracks"))).media
    assert [(one.language, one.autoselect) for one in media] == [(None, "YES"), (None, "NO")]


@pytest.mark.parametrize("language", ['en"', "x" * 9, "", "en,URI", 7.0, None, {}])
def test_a_language_that_is_none_is_not_told(folder: Path, language: object) -> None:
    values = {"audioTrackIdInfoMap": {"1": {"language": language}, "x": {"language": "en"}}}
    metadata = parse_tag(18, 0, build_metadata(values))  # type: ignore[arg-type]
    window = shown([metadata, *(f for f in film(folder, "tracks") if f.kind is not Kind.DATA)])
    assert [one.language for one in multivariant(window).media] == [None, None]


# Where decoding can start


def test_aligned_qualities_are_independent_everywhere(folder: Path) -> None:
    window = shown(film(folder, "tracks"))
    assert multivariant(window).is_independent_segments
    for name in ("v0", "v1", "a0", "a1"):
        assert playlist_of(window, name).independent


def test_of_other_qualities_only_what_is_independent_says_so(folder: Path) -> None:
    frames = film(folder, "tracks-unaligned")
    window = shown(frames)
    assert not multivariant(window).is_independent_segments
    assert playlist_of(window, "v0").independent
    assert not playlist_of(window, "v1").independent
    for name, number in (("v0", 0), ("v1", 1)):
        keys = {one.dts_ms for one in coded(frames, Kind.VIDEO, number) if one.keyframe}
        told = [part for segment in playlist_of(window, name).all for part in segment.parts]
        starts = [
            fragment.runs[0]
            for _, parts in segments_of(window, name)
            for part in parts
            for fragment in read_fragments(part)
        ]
        assert [part.independent for part in told] == [run.samples[0].sync for run in starts]
        first_ms = [round(run.decode_time / 90) for run in starts]
        assert [part.independent for part in told] == [ms in keys for ms in first_ms]
        assert sum(part.independent for part in told) >= 2


# Tracks that come and go


def without(frames: Sequence[Frame], kind: Kind, track: int) -> list[Frame]:
    return [f for f in frames if (f.kind, f.track) != (kind, track)]


def life(folder: Path, kind: Kind, track: int) -> tuple[Window, list[Frame]]:
    """A track is there, then it is not for a while, then it is there again."""
    media = [f for f in film(folder, "tracks") if f.kind is not Kind.DATA]
    configs = [f for f in media if f.config]
    rest = [f for f in media if not f.config]
    rounds = [later(rest, 2_500 * number) for number in range(6)]
    frames = [*configs, *rounds[0]]
    for number in (1, 2, 3, 4):
        frames += without(rounds[number], kind, track)
    frames += rounds[5]
    form = made(shape=Shape(500, 100, 60_000))
    form.log.keep_ms = 60_000
    Publisher(form).publish(frames)
    return looked_at(form), frames


@pytest.mark.parametrize(
    ("kind", "track"), [(Kind.VIDEO, 0), (Kind.VIDEO, 1), (Kind.AUDIO, 0), (Kind.AUDIO, 1)]
)
def test_when_a_track_goes_and_comes_the_others_go_on(folder: Path, kind: Kind, track: int) -> None:
    window, frames = life(folder, kind, track)
    gone = f"{'v' if kind is Kind.VIDEO else 'a'}{track}"
    counts = [segment.start.discontinuities for segment in window.segments]
    assert counts[-1] - counts[0] == 2
    for name in {"v0", "v1", "a0", "a1"} - {gone}:
        of = Kind.VIDEO if name[0] == "v" else Kind.AUDIO
        samples = [
            s.data
            for _, parts in segments_of(window, name)
            for part in parts
            for one in read_fragments(part)
            for s in one.runs[0].samples
        ]
        whole = coded(frames, of, int(name[1]))
        assert len(samples) >= len(whole) - 3  # what came before the first keyframe
        assert samples == [one.data for one in whole][-len(samples) :]
        if of is Kind.VIDEO:
            assert playlist_of(window, name).independent
    listed = [gone in [track.name for track in s.start.tracks] for s in window.segments]
    assert listed[0]
    assert listed[-1]
    assert not all(listed)
    lengths = [segment.length_s for segment in window.segments]
    assert max(lengths) < 2.5
