"""Steady time: whatever times publishers send, those that come out never go back or run away.

One timeline serves one stream for all its life, over all its publishers. Each track has an
offset between the publisher's clock (32 bits of ms, wrapping) and the stream's, which starts
at 0 and never wraps. A frame whose time makes sense in the stream is placed by its track's
offset; one whose time does not gets a new offset, so that it follows what came before.

Configurations and data messages often carry 0 or nonsense: their times are put in order, but
move nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slipstream.media.frame import Frame, Kind

CLOCK = 1 << 32  # ms until a publisher's clock wraps
# HaishinKit keeps 24 bits of time; FFmpeg's, OBS's and SRS's FLV writers keep 31.
SHORT_CLOCKS = (1 << 24, 1 << 31)

KEEP_START_MS = 1_000  # a first time below this is the publisher's own zero: nothing to rebase
MAX_AHEAD_MS = 10_000  # of the newest time; a frame further ahead has jumped, not waited
MAX_BACK_MS = 1_000  # of its own track; a frame further back has jumped, and is not just late
MAX_BEHIND_MS = 12_000  # of the newest time: a wait that is believed, and sound 2 s off picture
MAX_DATA_OFF_MS = 1_000  # a data message further from the newest time has a clock of its own
MAX_STEP_MS = 1_000  # longest believable duration of one frame
FRAME_MS = 33  # duration of a frame where none has been seen

_new = tuple.__new__
_VIDEO, _DATA = Kind.VIDEO, Kind.DATA


@dataclass(slots=True)
class Repairs:
    """How often each kind of odd time was met, for logs and metrics."""

    wraps: int = 0  # of 32 bits, in each track; rightly so, after 49.7 days
    short_wraps: int = 0  # of 24 or 31 bits
    steps_back: int = 0  # of at most MAX_BACK_MS: the frame got its predecessor's time
    jumps_back: int = 0
    jumps_ahead: int = 0
    drifts: int = 0  # a track fell too far behind the others
    rejoins: int = 0  # a track followed another one's jump
    strays: int = 0  # configurations and data messages from another time

    @property
    def made(self) -> int:
        """How many there were of frames whose time was wrong; a clock that runs over is right."""
        jumps = self.jumps_back + self.jumps_ahead
        return self.short_wraps + self.steps_back + jumps + self.drifts + self.rejoins


@dataclass(slots=True)
class _Track:
    offset_ms: int  # the stream's time less the publisher's
    last_ms: int  # newest time given out; never goes back
    previous_ms: int  # the one before that

    def step_ms(self) -> int:
        """How long a frame lasts, as far as one can tell."""
        step_ms = self.last_ms - self.previous_ms
        return step_ms if 0 < step_ms <= MAX_STEP_MS else FRAME_MS


class Timeline:
    """Call `steady()` with each batch of frames, `restart()` when another publisher takes over."""

    def __init__(self) -> None:
        self.repairs = Repairs()
        self._newest_ms = 0  # of all audio and video frames
        self._floor_ms = 0  # where the present publisher began
        self._offset_ms: int | None = None  # the one in force; None until the first frame
        self._began = False
        self._video: dict[int, _Track] = {}
        self._audio: dict[int, _Track] = {}
        self._data_ms = 0  # newest time of a data message

    @property
    def newest_ms(self) -> int:
        """The newest time given out."""
        return max(self._newest_ms, self._data_ms)

    @property
    def newest_video_ms(self) -> int | None:
        """The newest time of a picture of the present publisher; None: there has been none."""
        return max((track.last_ms for track in self._video.values()), default=None)

    @property
    def newest_audio_ms(self) -> int | None:
        """The same of its sound."""
        return max((track.last_ms for track in self._audio.values()), default=None)

    def restart(self, floor_ms: int = 0) -> None:
        """Forget the publisher's clock: the next one continues after the newest time.

        Args:
            floor_ms: a newer time, if others have given it out.
        """
        newest_ms = max(self._newest_ms, self._data_ms, floor_ms)
        self._began = self._began or floor_ms > 0
        self._newest_ms = self._floor_ms = self._data_ms = newest_ms
        self._offset_ms = None
        self._video.clear()
        self._audio.clear()

    def steady(self, frames: Sequence[Frame]) -> Sequence[Frame]:
        """Return the frames with steady times: the same ones where nothing needs changing."""
        steady: list[Frame] | None = None
        video, audio = self._video, self._audio
        for index, frame in enumerate(frames):
            kind, codec, dts_ms, cts_ms, keyframe, config, disposable, number, body = frame
            tracks = video if kind is _VIDEO else audio
            if config or kind is _DATA:
                time_ms = self._place_aside(kind, tracks, number, dts_ms)
            else:
                track = tracks.get(number) or self._begin_track(tracks, number, dts_ms)
                time_ms, newest_ms = dts_ms + track.offset_ms, self._newest_ms
                if newest_ms <= time_ms <= newest_ms + MAX_AHEAD_MS:
                    self._newest_ms = time_ms
                elif not track.last_ms <= time_ms <= newest_ms <= time_ms + MAX_BEHIND_MS:
                    time_ms = self._place(track, dts_ms)
                track.previous_ms, track.last_ms = track.last_ms, time_ms
            if time_ms != dts_ms:
                if steady is None:
                    steady = list(frames[:index])
                fields = (kind, codec, time_ms, cts_ms, keyframe, config, disposable, number, body)
                steady.append(_new(Frame, fields))
            elif steady is not None:
                steady.append(frame)
        return frames if steady is None else steady

    def _begin_track(self, tracks: dict[int, _Track], number: int, dts_ms: int) -> _Track:
        if self._offset_ms is None:
            self._offset_ms = self._first_ms(dts_ms) - dts_ms
            self._began = True
        track = _Track(self._offset_ms, self._floor_ms, self._floor_ms)
        tracks[number] = track
        return track

    def _first_ms(self, dts_ms: int) -> int:
        """The time of a publisher's first frame."""
        if self._began:
            return self._floor_ms + FRAME_MS
        return dts_ms if 0 <= dts_ms < KEEP_START_MS else 0

    def _place(self, track: _Track, dts_ms: int) -> int:
        """Return the time of a frame that does not simply follow its predecessor."""
        time_ms = self._nearest_ms(dts_ms + track.offset_ms)
        if self._fits(track, time_ms):
            if time_ms != dts_ms + track.offset_ms:
                self.repairs.wraps += 1
        elif (joined_ms := self._join(track, dts_ms)) is not None:
            time_ms = joined_ms
        else:
            self._count_jump(track, time_ms)
            # Not before what any track has, so that no other is pulled back when it joins in;
            # and a frame further than its own predecessor, so that nonsense keeps its pace.
            time_ms = max(self._newest_ms, track.last_ms + track.step_ms())
            self._offset_ms = time_ms - dts_ms
        track.offset_ms = time_ms - dts_ms
        if time_ms < track.last_ms:
            self.repairs.steps_back += 1
            time_ms = track.last_ms
        self._newest_ms = max(self._newest_ms, time_ms)
        return time_ms

    def _join(self, track: _Track, dts_ms: int) -> int | None:
        """Try another track's newer offset, then a clock of fewer bits that has wrapped."""
        assert self._offset_ms is not None
        time_ms = self._nearest_ms(dts_ms + self._offset_ms)
        if self._fits(track, time_ms):
            self.repairs.rejoins += 1
            return time_ms
        for clock in SHORT_CLOCKS:
            time_ms = self._nearest_ms(dts_ms + track.offset_ms + clock)
            if self._fits(track, time_ms):
                self.repairs.short_wraps += 1
                self._offset_ms = time_ms - dts_ms
                return time_ms
        return None

    def _fits(self, track: _Track, time_ms: int) -> bool:
        earliest_ms = max(track.last_ms - MAX_BACK_MS, self._newest_ms - MAX_BEHIND_MS)
        return earliest_ms <= time_ms <= self._newest_ms + MAX_AHEAD_MS

    def _count_jump(self, track: _Track, time_ms: int) -> None:
        if time_ms > self._newest_ms + MAX_AHEAD_MS:
            self.repairs.jumps_ahead += 1
        elif time_ms < track.last_ms - MAX_BACK_MS:
            self.repairs.jumps_back += 1
        else:
            self.repairs.drifts += 1

    def _nearest_ms(self, time_ms: int) -> int:
        """Of all times that end in the same 32 bits, the one nearest to the newest."""
        return self._newest_ms + (time_ms - self._newest_ms + CLOCK // 2) % CLOCK - CLOCK // 2

    def _place_aside(self, kind: Kind, tracks: dict[int, _Track], number: int, dts_ms: int) -> int:
        """Return the time of a frame that moves nothing: a configuration or a message."""
        if self._offset_ms is None:
            return self._floor_ms
        if kind is _DATA:
            return self._place_data(dts_ms)
        track = tracks.get(number) or self._begin_track(tracks, number, dts_ms)
        time_ms = self._nearest_ms(dts_ms + track.offset_ms)
        if not track.last_ms <= time_ms <= self._newest_ms:
            self.repairs.strays += 1
            return track.last_ms
        track.last_ms = time_ms
        return time_ms

    def _place_data(self, dts_ms: int) -> int:
        assert self._offset_ms is not None
        time_ms = self._nearest_ms(dts_ms + self._offset_ms)
        if time_ms < self._data_ms or abs(time_ms - self._newest_ms) > MAX_DATA_OFF_MS:
            self.repairs.strays += 1
            time_ms = max(self._data_ms, self._newest_ms)
        self._data_ms = time_ms
        return time_ms
