"""Files that keep a stream: readable by others, from time 0 on, honest about what they hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipstream.errors import SlipstreamError
from slipstream.media import FlvParser, FlvTag, build_metadata
from slipstream.tools.flv_file import FlvFile
from tests.clips import has_picture, has_sound, read_tags
from tests.tools.files import film, tracks_of

AAC_CONFIG = bytes.fromhex("af001190")
METADATA = build_metadata({"width": 1.0})


def sound(timestamp: int) -> FlvTag:
    return FlvTag(8, timestamp, b"\xaf\x01\x21\x00")


def kept(path: Path, *tags: FlvTag) -> list[int]:
    """The timestamps of what a file keeps."""
    with FlvFile(path) as file:
        for tag in tags:
            file.write([tag])
    return [tag.timestamp for tag in read_tags(path)]


def test_time_begins_with_the_first_frame(tmp_path: Path) -> None:
    tags = FlvTag(18, 0, METADATA), FlvTag(8, 3_000, AAC_CONFIG), sound(5_000), sound(5_020)
    assert kept(tmp_path / "a.flv", *tags) == [0, 0, 0, 20]


def test_what_comes_late_is_not_before_the_beginning(tmp_path: Path) -> None:
    assert kept(tmp_path / "a.flv", sound(5_000), sound(4_990), sound(5_020)) == [0, 0, 20]


def test_a_timestamp_that_wraps_goes_on(tmp_path: Path) -> None:
    assert kept(tmp_path / "a.flv", sound(2**32 - 10), sound(10)) == [0, 20]


def test_the_header_says_what_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.flv"
    kept(path, sound(0))
    assert has_sound(path)
    assert not has_picture(path)


def test_what_cannot_be_read_is_kept_all_the_same(tmp_path: Path) -> None:
    assert kept(tmp_path / "a.flv", FlvTag(9, 7, b"\xff"), sound(9)) == [0, 0]


def test_a_film_comes_back_as_it_was(tmp_path: Path) -> None:
    source = film(tmp_path / "source.flv")
    parser = FlvParser()
    with FlvFile(tmp_path / "kept.flv") as file:
        file.write(parser.receive_data(source.read_bytes()))
    assert tracks_of(tmp_path / "kept.flv") == tracks_of(source)


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(SlipstreamError, match=r"nowhere/a\.flv: No such file or directory"):
        FlvFile(tmp_path / "nowhere" / "a.flv")


def test_a_full_disk_is_told() -> None:
    with FlvFile(Path("/dev/full")) as file:
        tags = [FlvTag(8, 0, bytes(1_000_000))]
        with pytest.raises(SlipstreamError, match="/dev/full: No space left on device"):
            file.write(tags)
