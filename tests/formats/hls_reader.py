"""Playlists read back by the letter of RFC 8216 (second edition), without any code of the server's.

`read_playlist()` says what a media playlist holds and fails at whatever it does not know;
`with_update()` is what a player makes of a playlist delta update.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple


class ToldPart(NamedTuple):
    """EXT-X-PART."""

    duration: float
    uri: str
    independent: bool


@dataclass
class ToldSegment:
    """All that is said of a segment, or of one that is under way."""

    number: int
    discontinuities: int
    map: str
    changed: bool = False  # there is a tag that says so
    date: datetime | None = None
    parts: list[ToldPart] = field(default_factory=list)
    duration: float = 0.0
    uri: str = ""
    gap: bool = False

    @property
    def length(self) -> float:
        """How far it brings the end of the playlist."""
        return self.duration if self.uri else sum(part.duration for part in self.parts)


@dataclass
class Playlist:
    """A media playlist."""

    version: int = 0
    independent: bool = False  # decoding can start at each segment
    target: int = 0
    part_target: float = 0.0
    control: dict[str, str] = field(default_factory=dict)
    first: int = 0  # media sequence number
    discontinuities: int = 0
    skipped: int = 0
    segments: list[ToldSegment] = field(default_factory=list)  # whole ones
    under_way: ToldSegment | None = None  # if anything is said of it
    hint: str = ""
    reports: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def all(self) -> list[ToldSegment]:
        """The one under way, too."""
        return [*self.segments, *([self.under_way] if self.under_way else [])]

    @property
    def duration(self) -> float:
        """Of all that is told."""
        return sum(segment.length for segment in self.all)


def attributes(text: str) -> dict[str, str]:
    """An attribute list (§4.2); quoted values without their quotes."""
    pairs = re.findall(r'([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s]+)(?:,|$)', text)
    assert ",".join(f"{name}={value}" for name, value in pairs) == text
    assert len({name for name, _ in pairs}) == len(pairs)
    return {name: value.strip('"') for name, value in pairs}


def read_playlist(text: str) -> Playlist:
    """Read a media playlist, or a delta update of one."""
    lines = text.split("\n")
    assert lines[0] == "#EXTM3U"
    assert lines[-1] == ""
    assert "\r" not in text
    reader = _Reader()
    for line in lines[1:-1]:
        reader.take(line)
    return reader.end()


def with_update(before: Playlist, update: Playlist) -> Playlist:
    """What a player knows that knew `before` and has got a delta update (§6.2.5.1)."""
    known = {segment.number: segment for segment in before.segments}
    skipped = range(update.first, update.first + update.skipped)
    old = [known[number] for number in skipped]
    added = old[-1].discontinuities - update.discontinuities if old else 0
    for segment in update.all:
        segment.discontinuities += added
        if old and not segment.map:
            segment.map = old[-1].map
    update.segments[:0] = old
    update.skipped = 0
    return update


class _Reader:
    def __init__(self) -> None:
        self.playlist = Playlist()
        self._pending: ToldSegment | None = None
        self._map = ""
        self._changes = 0
        self._duration: float | None = None

    def take(self, line: str) -> None:
        """Read one line."""
        if not line.startswith("#"):
            self._finish(line)
            return
        tag, _, value = line.partition(":")
        if tag == "#EXTINF":
            assert value.endswith(",")
            self._duration = float(value[:-1])
            return
        assert tag.startswith("#EXT-X-"), line
        getattr(self, "on_" + tag.removeprefix("#EXT-X-").replace("-", "_").lower())(value)

    def end(self) -> Playlist:
        """Nothing follows."""
        assert self._duration is None
        self.playlist.under_way = self._pending
        return self.playlist

    def _segment(self) -> ToldSegment:
        assert not self.playlist.hint
        if self._pending is None:
            told = self.playlist
            number = told.first + told.skipped + len(told.segments)
            discontinuities = told.discontinuities + self._changes
            self._pending = ToldSegment(number, discontinuities, self._map)
        return self._pending

    def _finish(self, uri: str) -> None:
        segment = self._segment()
        assert self._duration is not None
        segment.uri, segment.duration = uri, self._duration
        self.playlist.segments.append(segment)
        self._pending = self._duration = None

    def on_version(self, value: str) -> None:
        self.playlist.version = int(value)

    def on_independent_segments(self, value: str) -> None:
        assert not value
        self.playlist.independent = True

    def on_targetduration(self, value: str) -> None:
        self.playlist.target = int(value)

    def on_server_control(self, value: str) -> None:
        self.playlist.control = attributes(value)

    def on_part_inf(self, value: str) -> None:
        self.playlist.part_target = float(attributes(value)["PART-TARGET"])

    def on_media_sequence(self, value: str) -> None:
        assert not self.playlist.segments
        self.playlist.first = int(value)

    def on_discontinuity_sequence(self, value: str) -> None:
        assert not self.playlist.segments
        self.playlist.discontinuities = int(value)

    def on_skip(self, value: str) -> None:
        assert not self.playlist.segments
        self.playlist.skipped = int(attributes(value)["SKIPPED-SEGMENTS"])

    def on_discontinuity(self, value: str) -> None:
        assert not value
        self._changes += 1
        segment = self._segment()
        assert not segment.parts
        segment.changed = True
        segment.discontinuities = self.playlist.discontinuities + self._changes

    def on_map(self, value: str) -> None:
        segment = self._segment()
        assert not segment.parts
        self._map = segment.map = attributes(value)["URI"]

    def on_program_date_time(self, value: str) -> None:
        segment = self._segment()
        assert segment.date is None
        segment.date = datetime.fromisoformat(value)

    def on_part(self, value: str) -> None:
        told = attributes(value)
        independent = told.get("INDEPENDENT") == "YES"
        self._segment().parts.append(ToldPart(float(told["DURATION"]), told["URI"], independent))

    def on_gap(self, value: str) -> None:
        assert not value
        self._segment().gap = True

    def on_preload_hint(self, value: str) -> None:
        told = attributes(value)
        assert told["TYPE"] == "PART"
        self.playlist.hint = told["URI"]

    def on_rendition_report(self, value: str) -> None:
        told = attributes(value)
        self.playlist.reports[told["URI"]] = int(told["LAST-MSN"]), int(told["LAST-PART"])
