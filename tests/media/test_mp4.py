"""Fragmented MP4: FFmpeg finds what was put in, and the boxes keep the rules of ISO 14496-12."""

from __future__ import annotations

import io
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.media import Kind, Mp4Track, Run, Sample, build_fragment, build_init
from tests.media.mp4_stage import FILMS, decoded, demuxed, film, opened, written
from tests.mp4_reader import read_boxes, read_fragments, read_init

NAMES = {
    "h264-aac": ("h264", "aac"),
    "b-frames": ("h264", "aac"),
    "h264-mp3": ("h264", "mp3float"),
    "h265-aac": ("hevc", "aac"),
    "h265-id12": ("hevc", "aac"),
    "av1-opus": ("libdav1d", "opus"),
    "vp9-flac": ("vp9", "flac"),
    "h264-ac3": ("h264", "ac3"),
    "h264-eac3": ("h264", "eac3"),
}
OPUS_PRE_SKIP = 312  # samples, as libopus wants it
KINDS = (Kind.VIDEO, Kind.AUDIO)
TRACK = Mp4Track(Kind.VIDEO, 90_000, "xxxx", b"\0\0\0\x08xxxx", 16, 16)
KEY, INTER = Sample(b"key", 3_600, 0, True), Sample(b"inter", 3_600, 0, False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the films of these tests are."""
    return tmp_path_factory.mktemp("films")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FILMS)
def test_every_frame_arrives_unchanged_and_in_time(folder: Path, name: str, kind: Kind) -> None:
    media = opened(film(folder, name), kind)
    (got,) = demuxed(written([media]))
    assert [one.data for one in got] == [bytes(sample.data) for sample in media.samples]
    assert [(one.dts, one.pts) for one in got] == media.times
    assert [one.keyframe for one in got] == [sample.sync for sample in media.samples]


@pytest.mark.parametrize("name", FILMS)
def test_two_tracks_may_share_fragments(folder: Path, name: str) -> None:
    frames = film(folder, name)
    media = [opened(frames, kind) for kind in KINDS]
    for one, got in zip(media, demuxed(written(media, at_once=7)), strict=True):
        assert [g.data for g in got] == [bytes(sample.data) for sample in one.samples]
        assert [(g.dts, g.pts) for g in got] == one.times


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FILMS)
def test_all_is_decoded(folder: Path, name: str, kind: Kind) -> None:
    media = opened(film(folder, name), kind)
    times = decoded(written([media]))
    assert len(times) == len(media.samples)
    shown = sorted(pts for _, pts in media.times)
    if media.track.codec_string == "Opus":
        shown[0] += OPUS_PRE_SKIP  # thrown away
    assert [round(time * media.track.timescale) for time in times] == shown


@pytest.mark.parametrize("name", FILMS)
def test_ffmpeg_reads_the_same_description(folder: Path, name: str) -> None:
    frames = film(folder, name)
    media = [opened(frames, kind) for kind in KINDS]
    with av.open(io.BytesIO(written(media)), format="mp4") as source:
        picture, sound = (stream.codec_context for stream in source.streams)
        assert isinstance(picture, av.VideoCodecContext)
        assert isinstance(sound, av.AudioCodecContext)
        assert (picture.name, sound.name) == NAMES[name]
        assert [stream.time_base.denominator for stream in source.streams] == [
            one.track.timescale for one in media
        ]
        video, audio = (one.track for one in media)
        assert (picture.width, picture.height) == (video.width, video.height) == (128, 96)
        assert (sound.sample_rate, sound.layout.nb_channels) == (audio.sample_rate, audio.channels)


@pytest.mark.parametrize("name", FILMS)
def test_a_player_may_begin_at_any_keyframe_of_hours_ago(folder: Path, name: str) -> None:
    media = opened(film(folder, name), Kind.VIDEO)
    start = 1 << 40
    data = written([media], at_once=12, start=start)
    init = build_init({1: media.track})
    fragments = read_fragments(data)
    position = len(init)
    for fragment in fragments:
        first = fragment.runs[0].samples[0]
        if first.sync:
            piece = init + data[position : position + fragment.size]
            assert min(decoded(piece)) * 90_000 >= start
            assert demuxed(piece)[0][0].dts == fragment.runs[0].decode_time
        position += fragment.size
    assert sum(fragment.runs[0].samples[0].sync for fragment in fragments) > 2


def test_tracks_are_numbered_and_described_as_they_are() -> None:
    sound = Mp4Track(Kind.AUDIO, 44_100, "yyyy", b"\0\0\0\x24yyyy" + bytes(28), sample_rate=44_100)
    picture = Mp4Track(Kind.VIDEO, 90_000, "xxxx", b"\0\0\0\x56xxxx" + bytes(78), 640, 360)
    tracks = read_init(build_init({1: sound, 2: picture}))
    assert [(t.track_id, t.handler, t.timescale, t.entry) for t in tracks] == [
        (1, b"soun", 44_100, b"yyyy"),
        (2, b"vide", 90_000, b"xxxx"),
    ]


def test_one_track_alone_is_cmaf() -> None:
    first, _ = read_boxes(build_init({1: TRACK}))
    assert {first.data[i : i + 4] for i in range(8, len(first.data), 4)} >= {b"cmfc", b"iso6"}
    first, _ = read_boxes(build_init({1: TRACK, 2: TRACK}))
    assert b"cmf" not in first.data


def test_payloads_are_not_copied() -> None:
    data, view = b"some bytes", memoryview(b"others")
    head, *payloads = build_fragment(1, [Run(1, 0, [Sample(data, 1, 0, True)] * 2),
                                         Run(2, 0, [Sample(view, 1, 0, True)])])  # fmt: skip
    assert [id(payload) for payload in payloads] == [id(data), id(data), id(view)]
    assert bytes(head[-8:]) == (8 + 26).to_bytes(4) + b"mdat"


@pytest.mark.parametrize(
    ("samples", "size"),
    [
        ([KEY], 0),
        ([INTER, INTER, INTER], 0),
        ([KEY, INTER._replace(data=b"abc"), INTER._replace(data=b"def")], 4),
        ([INTER, KEY], 4 + 2 * 4),  # the first one's flags, and sizes
        ([KEY, KEY, INTER._replace(data=b"abc")], 3 * 4),  # all flags
        ([KEY, KEY._replace(data=b"longer")], 2 * 4),
        ([KEY, KEY._replace(duration=1)], 2 * 4),
        ([KEY, KEY._replace(offset=-1)], 2 * 4),
        ([KEY, KEY._replace(data=b"x", duration=1, offset=1), INTER], 3 * 4 * 4),
    ],
)
def test_only_what_varies_takes_room(samples: list[Sample], size: int) -> None:
    parts = build_fragment(1, [Run(1, 0, samples)])
    smallest = build_fragment(1, [Run(1, 0, [KEY])])
    assert len(parts[0]) - len(smallest[0]) == size
    (fragment,) = read_fragments(b"".join(parts))
    assert fragment.runs[0].samples == samples


samples = st.builds(
    Sample,
    st.binary(max_size=20),
    st.sampled_from([1024, 1024, 960, 0, (1 << 32) - 1]),
    st.sampled_from([0, 0, 0, 3_600, -(1 << 31), (1 << 31) - 1]),
    st.booleans(),
)
runs = st.lists(
    st.builds(
        Run,
        st.integers(1, (1 << 32) - 1),
        st.integers(0, (1 << 64) - 1),
        st.lists(samples, min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=3,
)


@given(st.lists(st.tuples(st.integers(0, (1 << 32) - 1), runs), min_size=1, max_size=3))
def test_any_fragments_read_back(cases: list[tuple[int, list[Run]]]) -> None:
    data = b"".join(part for case in cases for part in build_fragment(*case))
    found = read_fragments(data)
    assert [one.sequence for one in found] == [sequence for sequence, _ in cases]
    assert [one.runs for one in found] == [made for _, made in cases]


@pytest.mark.parametrize(
    "run",
    [
        Run(1, -1, [KEY]),
        Run(1, 1 << 64, [KEY]),
        Run(1, 0, [KEY._replace(duration=1 << 32)]),
        Run(1, 0, [KEY, KEY._replace(duration=-1)]),
        Run(1, 0, [KEY._replace(offset=1 << 31)]),
        Run(1, 0, [KEY._replace(data=bytes(1 << 26))] * 64),  # 4 GiB in all
    ],
)
def test_what_there_is_no_room_for_is_refused(run: Run) -> None:
    with pytest.raises(MediaError, match="out of range"):
        build_fragment(1, [run])
