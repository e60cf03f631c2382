"""One link of an encoder that sends over several, and how its frames are recognised.

What has been put out of each track is remembered for a while as times and hashes (`Track`).
A link in step has a place in each; one that joins has to give evidence that it brings the
same. How the links work together is `merge`'s to say.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto
from math import inf
from typing import NamedTuple

from slipstream.media import Frame, Kind

WINDOW_S = 20.0  # how late a link may be, and how long ago the last one may have been cut
MAX_ENTRIES = 8192  # of the window, per track; 0.2 KiB each
MAX_HELD_BYTES = 16 << 20  # of bodies, per link that is not in step
TELLING_BYTES = 24  # a shorter body may be silence, or a picture in which nothing moves
ENOUGH = 3  # points of evidence
SURE_MS = 2  # times that were rounded to ms after different offsets were added
NEAR_MS = 50  # tracks of one connection may have begun so much apart (a sound frame, or two)

CLOCK = 1 << 32  # ms until the publishers' clocks wrap

TrackKey = tuple[Kind, int]


class Step(Enum):
    """How a link stands to what has been put out."""

    JOINING = auto()
    IN_STEP = auto()
    STRANGER = auto()  # another encoder


class Entry(NamedTuple):
    """A frame that has been put out."""

    at: float
    """When, in seconds."""
    dts_ms: int
    content: int
    """The hash of its body."""


class Track:
    """What has been put out of one track. Entries are counted from the track's beginning."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self.first = 0  # number of entries[0]
        self.newest_ms: int | None = None  # of the frames that are no configurations

    @property
    def end(self) -> int:
        """The number of the next entry."""
        return self.first + len(self.entries)

    def add(self, frame: Frame, dts_ms: int, now: float) -> None:
        """A frame is put out."""
        entries = self.entries
        while entries and (entries[0].at < now - WINDOW_S or len(entries) >= MAX_ENTRIES):
            entries.popleft()
            self.first += 1
        entries.append(Entry(now, dts_ms, hash(frame.body)))
        if not frame.config:
            self.newest_ms = dts_ms

    def find(self, place: Place, frame: Frame) -> int | None:
        """The number of the entry that a link's frame is a copy of; None if there is none."""
        content, dts_ms = hash(frame.body), frame.dts_ms + place.offset_ms
        for number, entry in self._from(max(place.next, self.first)):
            if entry.content == content and (
                frame.config or abs(apart(entry.dts_ms, dts_ms)) <= SURE_MS
            ):
                return number
        return None

    def _from(self, number: int) -> Iterator[tuple[int, Entry]]:
        for index in range(number - self.first, len(self.entries)):
            yield self.first + index, self.entries[index]


class Place:
    """Where a link is in a track.

    Args:
        offset_ms: the time put out less the link's, as far as it is known.
    """

    __slots__ = ("located", "next", "offset_ms")

    def __init__(self, offset_ms: int) -> None:
        self.next = 0  # number of the entry to expect
        self.offset_ms = offset_ms
        self.located = False  # known from this track itself


class Evidence:
    """What says that a link brings the same as others: matching frames, track by track."""

    def __init__(self) -> None:
        self.offset_ms = 0  # of the track that says most
        self.points = 0
        self.changed_at = -inf
        self.offsets_ms: dict[TrackKey, int] = {}
        self._points: dict[TrackKey, int] = {}

    @property
    def is_enough(self) -> bool:
        """Whether it is the same."""
        return self.points >= ENOUGH

    def covers(self, keys: Iterable[TrackKey]) -> bool:
        """Whether it is known in all these tracks where the link is."""
        known = self.offsets_ms
        return all(key in known and abs(known[key] - self.offset_ms) <= NEAR_MS for key in keys)

    def add(self, key: TrackKey, frame: Frame, offsets_ms: Sequence[int], now: float) -> None:
        """Something that was put out, or several things, and the link have a frame in common.

        Args:
            key: of its track.
            frame: its content tells how much it says.
            offsets_ms: how far apart it is in the two, once for each of its like.
            now: seconds.
        """
        offset_ms, points = self._weigh(frame, offsets_ms)
        if points < 0 or (self.is_enough and abs(offset_ms - self.offset_ms) > NEAR_MS):
            return
        known_ms = self.offsets_ms.get(key)
        if known_ms is None or abs(offset_ms - known_ms) > SURE_MS:
            self.offsets_ms[key], self._points[key] = offset_ms, 0
        self._points[key] += points
        if points:
            self.changed_at = now
        if self._points[key] > self.points:
            self.points, self.offset_ms = self._points[key], self.offsets_ms[key]

    def _weigh(self, frame: Frame, offsets_ms: Sequence[int]) -> tuple[int, int]:
        """Which of the offsets counts, and how many points it is worth; -1: it says nothing."""
        telling = len(frame.body) >= TELLING_BYTES
        if 0 in offsets_ms:
            return 0, ENOUGH if telling else int(frame.kind is Kind.VIDEO)
        if telling and len(offsets_ms) == 1:
            return offsets_ms[0], 1
        for offset_ms in offsets_ms:
            if self.is_enough and abs(offset_ms - self.offset_ms) <= SURE_MS:
                return offset_ms, 0
        return 0, -1


class Link:
    """One connection's part in a `Merge`, which makes it."""

    def __init__(self, now: float) -> None:
        self.step = Step.JOINING
        self.joined_at = now
        self.evidence = Evidence()
        self.places: dict[TrackKey, Place] = {}
        self.held: deque[Frame] = deque()  # the newest frames of a link that is not in step
        self.late_since: float | None = None  # it brings nothing but what is too late
        self._held_bytes = 0

    @property
    def in_step(self) -> bool:
        """Whether it is known where its frames belong."""
        return self.step is Step.IN_STEP

    def join(self, now: float) -> None:
        """Begin to look for evidence (again)."""
        if self.step is not Step.JOINING:
            self.let_go()
        self.step = Step.JOINING
        self.joined_at = now
        self.evidence = Evidence()
        self.places.clear()
        self.late_since = None

    def place(self, key: TrackKey) -> Place:
        """Where it is in a track."""
        place = self.places.get(key)
        if place is None:
            evidence = self.evidence
            offset_ms = evidence.offsets_ms.get(key, evidence.offset_ms)
            place = self.places[key] = Place(offset_ms)
        return place

    def hold(self, frame: Frame) -> None:
        """Keep a frame that cannot be placed yet. The greeting of a connection is none."""
        if frame.config and not self.held:
            return
        self.held.append(frame)
        self._held_bytes += len(frame.body)
        while self._held_bytes > MAX_HELD_BYTES:
            self._held_bytes -= len(self.held.popleft().body)

    def let_go(self) -> list[Frame]:
        """Hold nothing any more; return what was held."""
        held = list(self.held)
        self.held.clear()
        self._held_bytes = 0
        return held


def can_tell(frame: Frame) -> bool:
    """Whether a frame can be evidence: configurations and messages have no time of their own."""
    return not frame.config and frame.kind is not Kind.DATA


def apart(later_ms: int, earlier_ms: int) -> int:
    """The way from one time to another on a clock of 32 bits, in ms."""
    return (later_ms - earlier_ms + CLOCK // 2) % CLOCK - CLOCK // 2
