"""What passes by, measured: rates, gaps, delay and jitter of each track of a stream.

In: frames and the times at which they came or went. Out: figures, at any time. The clock that
frames carry is compared with the one on the wall; the two start anywhere, so delays are told
from the frame that came earliest, measured so.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from slipstream.media import Frame, Kind, coded_data

WINDOW_S = 2.0  # what "now" means
SETTLE_S = 1.0  # a server begins with what it has kept, all at once: that is no jitter
GAP_FRAMES, GAP_MS = 3, 100  # a step is a gap if it is longer than so many frames and ms more
SMOOTHING = 16  # frames, as RFC 3550 has it for jitter
OTHER_CLOCK_MS = 60_000  # a step as long as this leads to another clock, not to a later time
SHORT = 16  # bytes of a body that may be a header and nothing else
CLOCK = 1 << 32  # ms until a timestamp wraps

TrackKey: TypeAlias = tuple[Kind, int]  # and the track's number


class Figures(NamedTuple):
    """How a stream fares now."""

    bits_per_s: float
    frames_per_s: float  # of the picture; of the sound where there is none
    gaps: int
    lost_ms: int  # how much the gaps took
    delay_ms: float  # behind the frame that came earliest
    jitter_ms: float


class TrackMeter:
    """Give `count()` each frame of one track, in order.

    Attributes:
        frames: so far, without configurations.
        bytes: of their bodies.
        media_ms: time from the first frame to the last.
        gaps: steps in time that are too long, or lead back.
        lost_ms: how much longer than one frame these were.
        jitter_ms: smoothed, as RFC 3550 §6.4.1 has it.
        keyframes_ms: when the keyframes were, from the first frame on.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.bytes = 0
        self.media_ms = 0
        self.gaps = 0
        self.lost_ms = 0
        self.jitter_ms = 0.0
        self.keyframes_ms: deque[int] = deque(maxlen=1000)
        self._last_dts_ms = 0
        self._step_ms = 0.0  # usual time from frame to frame
        self._first_s = 0.0
        self._transit_ms = 0.0
        self._earliest_ms = 0.0
        self._window: deque[tuple[float, int, int]] = deque()  # came at s, time in ms, bytes

    def count(self, frame: Frame, now: float) -> None:
        """Count a frame that comes at `now`, in seconds of a clock that never goes back."""
        if self.frames:
            self._count_step(frame.dts_ms)
        else:
            self._first_s = now
        self._last_dts_ms = frame.dts_ms
        self.frames += 1
        self.bytes += len(frame.body)
        if frame.keyframe:
            self.keyframes_ms.append(self.media_ms)
        self._forget(now)
        self._window.append((now, self.media_ms, len(frame.body)))
        self._count_transit(now)

    def mean_frame_ms(self) -> float:
        """Time from frame to frame, gaps left out."""
        steps = self.frames - 1
        return (self.media_ms - self.lost_ms) / steps if steps > 0 else 0.0

    def keyframe_distances_ms(self) -> list[int]:
        """Time from keyframe to keyframe."""
        times = list(self.keyframes_ms)
        return [later - earlier for earlier, later in pairwise(times)]

    def rates(self, now: float) -> tuple[float, float]:
        """Bits and frames per second, of late.

        What came in a burst is spread over the time that it lasts when it is shown.
        """
        self._forget(now)
        window = self._window
        if len(window) < 2:
            return 0.0, 0.0
        shown_s = (window[-1][1] - window[0][1] + self._step_ms) / 1000
        span_s = max(min(WINDOW_S, now - self._first_s), shown_s)
        return sum(entry[2] for entry in window) * 8 / span_s, len(window) / span_s

    def delay_ms(self) -> float:
        """How much later than the earliest the frames come, the mean of late."""
        settled_s = self._first_s + SETTLE_S
        transits = [now * 1000 - media_ms for now, media_ms, _ in self._window if now > settled_s]
        return sum(transits) / len(transits) - self._earliest_ms if transits else 0.0

    def _count_step(self, dts_ms: int) -> None:
        step_ms = (dts_ms - self._last_dts_ms + CLOCK // 2) % CLOCK - CLOCK // 2
        usual_ms = self._step_ms
        if not 0 <= step_ms < OTHER_CLOCK_MS:
            self.gaps += 1
            step_ms = round(usual_ms)
        elif self.frames == 1:
            self._step_ms = step_ms
        elif step_ms > GAP_FRAMES * usual_ms + GAP_MS:
            self.gaps += 1
            self.lost_ms += round(step_ms - usual_ms)
        else:
            self._step_ms += (step_ms - usual_ms) / SMOOTHING
        self.media_ms += step_ms

    def _count_transit(self, now: float) -> None:
        transit_ms = now * 1000 - self.media_ms
        if self.frames == 1:
            self._earliest_ms = transit_ms
        elif now - self._first_s > SETTLE_S:
            change_ms = abs(transit_ms - self._transit_ms)
            self.jitter_ms += (change_ms - self.jitter_ms) / SMOOTHING
        self._earliest_ms = min(self._earliest_ms, transit_ms)
        self._transit_ms = transit_ms

    def _forget(self, now: float) -> None:
        while self._window and self._window[0][0] < now - WINDOW_S:
            self._window.popleft()


class StreamMeter:
    """Give `count()` each frame of a stream, of all tracks."""

    def __init__(self) -> None:
        self.tracks: dict[TrackKey, TrackMeter] = {}

    @property
    def bytes(self) -> int:
        """Of all tracks."""
        return sum(track.bytes for track in self.tracks.values())

    @property
    def media_ms(self) -> int:
        """How much of the stream has passed."""
        return max((track.media_ms for track in self.tracks.values()), default=0)

    @property
    def mean_bits_per_s(self) -> float:
        """Of all that has passed."""
        return self.bytes * 8000 / self.media_ms if self.media_ms else 0.0

    @property
    def order(self) -> list[TrackKey]:
        """The tracks: pictures before sound, the first of them before the others."""
        return sorted(self.tracks, key=lambda key: (-key[0], key[1]))

    def count(self, frame: Frame, now: float) -> None:
        """Count a frame; configurations, data and the word that a track ends are none."""
        if frame.config or frame.kind is Kind.DATA:
            return
        if len(frame.body) < SHORT and not coded_data(frame):
            return
        key = frame.kind, frame.track
        track = self.tracks.get(key)
        if track is None:
            track = self.tracks[key] = TrackMeter()
        track.count(frame, now)

    def figures(self, now: float) -> Figures:
        """How the stream fares."""
        rates = {key: track.rates(now) for key, track in self.tracks.items()}
        tracks = self.tracks.values()
        lead = next(iter(self.order), None)
        return Figures(
            sum(bits_per_s for bits_per_s, _ in rates.values()),
            rates[lead][1] if lead else 0.0,
            sum(track.gaps for track in tracks),
            sum(track.lost_ms for track in tracks),
            self.tracks[lead].delay_ms() if lead else 0.0,
            self.tracks[lead].jitter_ms if lead else 0.0,
        )
