"""Segments of MPEG-TS: found in the log of the format, and listed in a playlist."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import av
import pytest

from slipstream.formats import Shape, TsFormat, TsWindow, hls
from slipstream.hub.notes import Notes
from slipstream.log import Log
from slipstream.media import PACKET_SIZE, PAT_PID, Frame, Kind
from tests.formats.cmaf_stage import NOW_S, film, of_kind

SHAPE = Shape(segment_ms=2_000, window_ms=60_000)


class Broadcast:
    """A stream in MPEG-TS and the window on it, told of every append."""

    def __init__(self, log: Log | None = None) -> None:
        self.form = TsFormat(Log() if log is None else log, SHAPE, lambda: NOW_S)
        self.window = TsWindow(self.form.log, SHAPE)
        self._notes = Notes()

    def publish(self, frames: Sequence[Frame]) -> None:
        """Bring a publication from its beginning to its end."""
        self.form.log.mark()
        self._notes.begin(audio_only=all(frame.kind is not Kind.VIDEO for frame in frames))
        for frame in frames:
            self.form.append(*self._notes.take([frame]))
            self.window.update()
        self.form.log.finish()
        self.window.update()

    def bytes_of(self, number: int) -> bytes:
        """A segment."""
        segment = self.window.find(number)
        assert segment is not None
        (parts,) = segment.parts.values()
        return b"".join(map(self.window.read, parts))

    @property
    def numbers(self) -> list[int]:
        """Of all segments."""
        return [segment.number for segment in self.window.segments]


@pytest.fixture
def broadcast(folder: Path) -> Broadcast:
    """Nine seconds, with a keyframe every two."""
    broadcast = Broadcast()
    broadcast.publish(film(folder, "long"))
    return broadcast


def test_segments_in_order_are_the_log(broadcast: Broadcast) -> None:
    whole = b"".join(map(broadcast.bytes_of, broadcast.numbers))
    assert len(whole) == broadcast.form.log.head - broadcast.window.segments[0].position
    assert len(broadcast.numbers) == 5
    assert all(after == before + 1 for before, after in pairwise(broadcast.numbers))


def test_every_segment_can_be_played_alone(broadcast: Broadcast) -> None:
    for number in broadcast.numbers:
        data = broadcast.bytes_of(number)
        assert int.from_bytes(data[1:3]) & 0x1FFF == PAT_PID
        assert len(data) % PACKET_SIZE == 0
        with av.open(io.BytesIO(data), format="mpegts") as segment:
            pictures = list(segment.decode(segment.streams.video[0]))
        assert pictures[0].key_frame
        assert len(pictures) > 20


def test_lengths_are_from_keyframe_to_keyframe(broadcast: Broadcast, folder: Path) -> None:
    keys = [f.dts_ms for f in of_kind(film(folder, "long"), Kind.VIDEO) if f.keyframe]
    playlist = hls.ts_playlist(broadcast.window, "x")
    lengths = [float(text) for text in re.findall(r"#EXTINF:([0-9.]+),", playlist)]
    assert lengths[:-1] == [(after - before) / 1000 for before, after in pairwise(keys)]
    assert max(lengths) <= float(re.findall(r"TARGETDURATION:(\d+)", playlist)[0]) + 0.5


def test_the_playlist_names_what_is_whole_and_says_where_it_broke(
    broadcast: Broadcast, folder: Path
) -> None:
    before = broadcast.numbers
    broadcast.publish(film(folder, "long"))
    playlist = hls.ts_playlist(broadcast.window, "x", "?key=1")
    assert broadcast.numbers[: len(before)] == before
    named = re.findall(r"^x@ts\.([0-9]+)\.ts\?key=1$", playlist, re.M)
    assert [int(number) for number in named] == broadcast.numbers
    assert playlist.count("#EXT-X-DISCONTINUITY\n") == 1
    _, rest = playlist.split("#EXT-X-DISCONTINUITY\n")
    assert f"x@ts.{before[-1] + 1}.ts" in rest
    assert f"x@ts.{before[-1]}.ts" not in rest


def test_a_segment_may_lie_in_several_memory_files(folder: Path) -> None:
    broadcast = Broadcast()
    frames = film(folder, "long")
    for turn in range(8):
        broadcast.publish([f._replace(dts_ms=f.dts_ms + turn * 10_000) for f in frames])
    borders = [file.start for file in broadcast.form.log.segments[1:]]
    assert borders
    assert not set(borders) <= {segment.position for segment in broadcast.window.segments}
    whole = b"".join(map(broadcast.bytes_of, broadcast.numbers))
    assert len(whole) == broadcast.form.log.head - broadcast.window.segments[0].position


def test_sound_alone_is_cut_as_well(folder: Path) -> None:
    broadcast = Broadcast()
    broadcast.publish([f for f in film(folder, "long") if f.kind is not Kind.VIDEO])
    assert len(broadcast.numbers) >= 4
    for number in broadcast.numbers:
        with av.open(io.BytesIO(broadcast.bytes_of(number)), format="mpegts") as segment:
            assert sum(1 for _ in segment.decode(segment.streams.audio[0])) > 10
