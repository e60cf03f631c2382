"""Files on their way into FLV: what is copied, what is encoded, and when each packet is due."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import av
import pytest

from slipstream.media import FlvParser, parse_tag
from slipstream.tools.remux import feed_file
from slipstream.transcode.pipe import OPTIONS
from tests.tools.files import HEIGHT, RATE, WIDTH, Track, film, tracks_of


class EnoughError(Exception):
    """Raised by `Limited`, as a pipe raises when its reader goes."""


class Limited(io.BytesIO):
    """Takes so many bytes and no more."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if self.tell() > self._limit:
            raise EnoughError
        return super().write(data)


def published(source: Path, target: Path) -> tuple[dict[str, Track], list[str]]:
    """What is in the FLV that is made of a file, and what is told of it."""
    told: list[str] = []
    with av.open(str(target), "w", "flv", OPTIONS) as output:
        feed_file(str(source), output, told.append, loop=False)
    return tracks_of(target), [line for line in told if not line.startswith("length")]


@pytest.mark.parametrize(
    ("name", "video", "audio", "told"),
    [
        (
            "a.mp4",
            "libx264",
            "aac",
            ["H.264 64x48 at 25 fps, copied", "AAC 48000 Hz stereo, copied"],
        ),
        (
            "a.mkv",
            "libx265",
            "ac3",
            ["H.265 64x48 at 25 fps, copied", "AC-3 48000 Hz stereo, copied"],
        ),
        (
            "a.webm",
            "libvpx-vp9",
            "libopus",
            ["VP9 64x48 at 25 fps, copied", "Opus 48000 Hz stereo, copied"],
        ),
        (
            "b.mkv",
            "libx264",
            "libmp3lame",
            ["H.264 64x48 at 25 fps, copied", "MP3 48000 Hz stereo, copied"],
        ),
        (
            "c.mkv",
            "libx264",
            "flac",
            ["H.264 64x48 at 25 fps, copied", "FLAC 48000 Hz stereo, copied"],
        ),
    ],
)
def test_what_rtmp_can_carry_is_copied_packet_by_packet(
    tmp_path: Path, name: str, video: str, audio: str, told: list[str]
) -> None:
    source = film(tmp_path / name, video, audio)
    tracks, lines = published(source, tmp_path / "out.flv")
    assert lines == [f"video: {told[0]}", f"audio: {told[1]}"]
    for kind, track in tracks_of(source).items():
        assert tracks[kind].codec == track.codec
        assert tracks[kind].digests == track.digests
        assert len(track.digests) >= 10


@pytest.mark.parametrize(
    ("name", "video", "audio"),
    [
        ("a.avi", "mpeg4", "pcm_s16le"),
        ("a.mkv", "mpeg2video", "pcm_s16le"),
        ("b.mkv", "libvpx", "mp2"),
    ],
)
def test_the_rest_is_encoded(tmp_path: Path, name: str, video: str, audio: str) -> None:
    source = film(tmp_path / name, video, audio)
    tracks, lines = published(source, tmp_path / "out.flv")
    assert (tracks["video"].codec, tracks["audio"].codec) == ("h264", "aac")
    assert tracks["video"].size == (WIDTH, HEIGHT)
    assert len(tracks["video"].digests) == RATE
    assert len(tracks["audio"].digests) in range(45, 50)
    assert [line.rpartition(", ")[2] for line in lines] == ["encoded to H.264", "encoded to AAC"]


def test_of_two_tracks_one_may_be_copied_and_one_encoded(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mkv", "libx264", "mp2")
    tracks, _ = published(source, tmp_path / "out.flv")
    assert tracks["video"].digests == tracks_of(source)["video"].digests
    assert tracks["audio"].codec == "aac"


@pytest.mark.parametrize(
    ("name", "video", "audio"),
    [("a.mp4", "libx264", None), ("a.wav", None, "pcm_s16le"), ("a.m4a", None, "aac")],
)
def test_a_file_may_lack_sound_or_picture(
    tmp_path: Path, name: str, video: str | None, audio: str | None
) -> None:
    tracks, _ = published(film(tmp_path / name, video, audio), tmp_path / "out.flv")
    assert set(tracks) == {"video" if video else "audio"}


def test_times_that_a_container_leaves_out_are_found(tmp_path: Path) -> None:
    # Matroska says only when to show a picture, and these come out of order.
    source = film(tmp_path / "a.mkv", "libx265", None)
    with av.open(str(source)) as file:
        assert next(file.demux()).dts is None
    tracks, _ = published(source, tmp_path / "out.flv")
    assert tracks["video"].dts_ms == [40 * number for number in range(RATE)]


def test_pictures_without_any_times_are_encoded_at_their_rate(tmp_path: Path) -> None:
    tracks, lines = published(film(tmp_path / "a.h264", audio=None), tmp_path / "out.flv")
    assert lines == ["video: H.264 64x48 at 25 fps, encoded to H.264"]
    assert tracks["video"].dts_ms == [40 * number for number in range(RATE)]


@pytest.mark.parametrize(
    ("name", "video", "audio", "limit"),
    [
        ("a.mp4", "libx264", "aac", 250_000),
        ("a.avi", "mpeg4", "pcm_s16le", 80_000),
        ("a.h264", "libx264", None, 20_000),
    ],
)
def test_in_a_loop_time_goes_on(
    tmp_path: Path, name: str, video: str, audio: str | None, limit: int
) -> None:
    source = film(tmp_path / name, video, audio)
    taken = Limited(limit)
    with pytest.raises(EnoughError):
        feed_file(str(source), av.open(taken, "w", "flv", OPTIONS), lambda _: None, loop=True)
    frames = [parse_tag(*tag) for tag in FlvParser().receive_data(taken.getvalue())]
    for kind in (8, 9) if audio else (9,):
        times = [frame.dts_ms for frame in frames if frame.kind == kind and not frame.config]
        steps = [later - earlier for earlier, later in pairwise(times)]
        assert times[-1] > 2_500
        assert min(steps) > 0
        assert max(steps) < 200


def test_a_file_without_picture_and_sound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_text("1\n00:00:00,000 --> 00:00:01,000\nHello\n")
    with pytest.raises(ValueError, match="neither picture nor sound"):
        published(path, tmp_path / "out.flv")


def test_damaged_packets_do_not_end_it(tmp_path: Path) -> None:
    data = bytearray(film(tmp_path / "a.avi", "mpeg4", "pcm_s16le").read_bytes())
    for place in range(8_000, len(data) - 10_000, 3_000):
        data[place : place + 40] = bytes(40)
    (tmp_path / "a.avi").write_bytes(data)
    tracks, _ = published(tmp_path / "a.avi", tmp_path / "out.flv")
    assert len(tracks["video"].digests) > RATE // 2
