"""What a viewer learns of a stream from its tags alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipstream.media import Codec, FlvTag, Kind
from slipstream.tools.viewing import Viewing
from tests.clips import film_file, read_tags

AUDIO, VIDEO = (Kind.AUDIO, 0), (Kind.VIDEO, 0)


def seen(tags: list[FlvTag]) -> Viewing:
    viewing = Viewing()
    for tag in tags:
        viewing.count([tag], tag.timestamp / 1000)
    return viewing


@pytest.mark.parametrize(
    ("name", "video", "audio"),
    [
        ("h264-aac", Codec.H264, Codec.AAC),
        ("h265-aac", Codec.H265, Codec.AAC),
        ("av1-opus", Codec.AV1, Codec.OPUS),
        ("vp9-flac", Codec.VP9, Codec.FLAC),
        ("h264-mp3", Codec.H264, Codec.MP3),
    ],
)
def test_the_tracks_are_described(
    tmp_path_factory: pytest.TempPathFactory, name: str, video: Codec, audio: Codec
) -> None:
    viewing = seen(read_tags(film_file(tmp_path_factory.getbasetemp(), name)))
    picture, sound = viewing.infos[VIDEO], viewing.infos[AUDIO]
    assert (picture.codec, sound.codec) == (video, audio)
    assert (picture.width, picture.height) == (128, 96)
    assert sound.sample_rate in (44_100, 48_000)
    assert sound.channels == 2
    assert picture.codec_string
    assert sound.codec_string


def test_keyframes_rates_and_metadata_are_seen(tmp_path: Path) -> None:
    viewing = seen(read_tags(film_file(tmp_path, "h264-aac")))
    track = viewing.meter.tracks[VIDEO]
    assert list(track.keyframes_ms)[:3] == [0, 480, 960]
    assert track.mean_frame_ms() == pytest.approx(40)
    assert viewing.metadata["width"] == 128


def test_what_cannot_be_read_is_counted() -> None:
    viewing = seen([FlvTag(9, 0, b""), FlvTag(8, 0, b""), FlvTag(18, 0, b"\x05")])
    assert viewing.unreadable == 3
    assert not viewing.meter.tracks
