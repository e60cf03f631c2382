"""One encoder that sends the same over several links at once: what to put out of all that comes.

Theory of operation. A link (one connection) brings the encoder's frames in the encoder's
order, without a gap, from where it began to where it is cut; TCP sees to that. So if a link
has ever brought a frame that has been put out, it is *in step*: whatever it brings after the
newest frame put out is what comes next, and all before that are copies. Whichever link is
ahead is put out, and when it is cut, the next one goes on from the very same place, however
late it is: first it brings copies, then what was missing.

Frames are recognised track by track, since encoders do not interleave tracks alike on all
connections: by content (a hash of the body) and time.

A link that joins is not in step yet, and need not even come from the same encoder. It has to
give evidence: a frame with the time and the content of one that was put out; or, since
encoders often begin each connection at time 0, several frames whose content occurs only once,
all of them the same time apart. Until then its newest frames are held back, for it may be ahead.
Whoever gives no evidence within `MATCH_WITHIN_S` is another encoder.

Pure: time is an argument; nothing is known of connections.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from slipstream.hub.link import CLOCK, WINDOW_S, Link, Place, Step, Track, TrackKey, apart, can_tell
from slipstream.hub.totals import Totals
from slipstream.media import ConfigRole, Frame, Kind, config_role

MATCH_WITHIN_S = 10.0  # from joining to the evidence
PATIENCE_S = 1.0  # from some evidence to enough of it
LATE_MS = 60_000  # a frame further behind than that has jumped, and is not late
DOUBT_S = 5.0  # a link that has brought nothing but what is too late for so long is in doubt


class Merge:
    """`begin()` with the link that goes on air first, `join()` the others; `receive()` from all.

    Args:
        totals: counted up.
    """

    def __init__(self, totals: Totals) -> None:
        self._totals = totals
        self._links: dict[Link, None] = {}
        self._tracks: dict[TrackKey, Track] = {}  # what has been put out
        self._configs: dict[ConfigRole, bytes] = {}  # in force
        self._leader: Link | None = None  # who brought the newest frame
        self._began_ms: int | None = None  # time of the first frame put out
        self._newest_at = -inf  # when the newest one was

    def join(self, now: float) -> Link:
        """A link of what may be the same encoder."""
        link = Link(now)
        self._links[link] = None
        return link

    def begin(self, link: Link, now: float) -> None:
        """Put out what this link brings from now on, as the beginning of something new."""
        self.forget()
        for other in self._links:
            other.join(now)
        link.let_go()
        link.step = Step.IN_STEP
        self._leader = link

    def leave(self, link: Link) -> None:
        """A link has ended."""
        self._links.pop(link, None)
        if link is self._leader:
            self._leader = None
            if any(other.in_step for other in self._links):
                self._totals.filled_holes += 1

    def forget(self) -> None:
        """Forget what was put out: something else has been since."""
        self._tracks.clear()
        self._configs.clear()
        self._leader = None
        self._began_ms = None
        self._newest_at = -inf

    def receive(self, link: Link, frames: Sequence[Frame], now: float) -> list[Frame]:
        """Take what a link has brought; return what is to be put out, in order."""
        fresh: list[Frame] = []
        if link.in_step:
            for frame in frames:
                if link.in_step:
                    self._place(link, frame, now, fresh)
        elif link.step is Step.JOINING:
            self._look_for_evidence(link, frames, now, fresh)
        return fresh

    def may_fit(self, link: Link, now: float) -> bool:
        """Whether a link that is not in step is likely to be soon: wait with a new beginning."""
        if link.step is not Step.JOINING:
            return False
        if now - link.evidence.changed_at < PATIENCE_S:
            return True
        before = [other for other in self._links if other.joined_at <= self._newest_at]
        if link in before and self._is_behind(link):
            return now - self._newest_at < WINDOW_S
        # Is it ahead, and another one just late?
        laggards = [other for other in before if other.step is Step.JOINING and other is not link]
        return bool(laggards) and now - self._newest_at < PATIENCE_S

    def _is_behind(self, link: Link) -> bool:
        """Whether by its times a link brings what has been put out, though it was not seen."""
        for frame in reversed(link.held):
            track = self._tracks.get((frame.kind, frame.track))
            if can_tell(frame) and track is not None and track.newest_ms is not None:
                return 0 < apart(track.newest_ms, frame.dts_ms) <= WINDOW_S * 1000
        return False

    # Links in step

    def _place(self, link: Link, frame: Frame, now: float, fresh: list[Frame]) -> None:
        """Put a frame out, unless it has been."""
        key = frame.kind, frame.track
        track = self._tracks.get(key)
        if track is None:
            track = self._tracks[key] = Track()
        place = link.place(key)
        number = track.find(place, frame)
        if number is not None:
            if place.located and number > max(place.next, track.first):
                self._totals.filled_holes += 1  # another one had what this one left out
            place.next, place.located = number + 1, place.located or not frame.config
            self._totals.merged_frames += 1
            link.late_since = None
        elif not self._is_out_of_place(link, track, place, frame, now):
            link.late_since = None
            self._put_out(link, track, place, frame, now, fresh)

    def _put_out(
        self, link: Link, track: Track, place: Place, frame: Frame, now: float, fresh: list[Frame]
    ) -> None:
        dts_ms = (frame.dts_ms + place.offset_ms) % CLOCK
        track.add(frame, dts_ms, now)
        place.next, place.located = track.end, True
        self._leader, self._newest_at = link, now
        if frame.config:
            self._configs[config_role(frame)] = frame.body
        elif self._began_ms is None:
            self._began_ms = dts_ms
        fresh.append(frame if dts_ms == frame.dts_ms else frame._replace(dts_ms=dts_ms))
        for other in self._links:
            if other.held:
                self._compare_held(other, frame, track, now, fresh)

    def _is_out_of_place(
        self, link: Link, track: Track, place: Place, frame: Frame, now: float
    ) -> bool:
        """Whether a frame that has not been put out must not be any more."""
        if place.located and place.next >= track.end:
            return False
        if frame.config:
            return self._configs.get(config_role(frame)) == frame.body
        dts_ms = frame.dts_ms + place.offset_ms
        if track.newest_ms is not None:
            late = 0 <= apart(track.newest_ms, dts_ms) <= LATE_MS
        else:  # from before the first picture that was put out?
            late = self._began_ms is not None and 0 < apart(self._began_ms, dts_ms) <= LATE_MS
        if not late:
            return False
        if link.late_since is None:
            link.late_since = now
        if now - link.late_since < DOUBT_S:
            return True
        if any(other.in_step for other in self._links if other is not link):
            link.join(now)
            return True
        return False  # there is nobody else to believe

    # Links that join

    def _look_for_evidence(
        self, link: Link, frames: Sequence[Frame], now: float, fresh: list[Frame]
    ) -> None:
        if now - link.joined_at > MATCH_WITHIN_S:
            link.step = Step.STRANGER
            link.let_go()
            return
        for frame in frames:
            if link.in_step:
                self._place(link, frame, now, fresh)
                continue
            link.hold(frame)
            key = frame.kind, frame.track
            track = self._tracks.get(key)
            if track is not None and can_tell(frame):
                content = hash(frame.body)
                offsets_ms = [
                    apart(entry.dts_ms, frame.dts_ms)
                    for entry in track.entries
                    if entry.content == content and entry.at >= now - WINDOW_S
                ]
                link.evidence.add(key, frame, offsets_ms, now)
            if link.evidence.is_enough and self._may_fall_in(link, now):
                self._fall_in(link, now, fresh)

    def _compare_held(
        self, link: Link, new: Frame, track: Track, now: float, fresh: list[Frame]
    ) -> None:
        """Look for the frame that was just put out among those that a link has held back."""
        if not can_tell(new):
            return
        entry, key = track.entries[-1], (new.kind, new.track)
        offsets_ms = [
            apart(entry.dts_ms, frame.dts_ms)
            for frame in link.held
            if hash(frame.body) == entry.content and (frame.kind, frame.track) == key
        ]
        link.evidence.add(key, new, offsets_ms, now)
        if link.evidence.is_enough and self._may_fall_in(link, now):
            self._fall_in(link, now, fresh)

    def _may_fall_in(self, link: Link, now: float) -> bool:
        """Whether it is known in all tracks where a link is, or there is nobody to wait for."""
        keys = [
            key
            for key, track in self._tracks.items()
            if key[0] is not Kind.DATA
            and track.newest_ms is not None
            and track.entries[-1].at >= now - PATIENCE_S
        ]
        return (
            link.evidence.covers(keys)
            or now - link.evidence.changed_at >= PATIENCE_S
            or not any(other.in_step for other in self._links)
        )

    def _fall_in(self, link: Link, now: float, fresh: list[Frame]) -> None:
        """A link is in step: what was held back of it is put out as far as it is new."""
        link.step = Step.IN_STEP
        for frame in link.let_go():
            self._place(link, frame, now, fresh)
