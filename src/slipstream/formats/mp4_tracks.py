"""One track on its way into fragmented MP4: frames in, runs of samples out."""

from __future__ import annotations

from slipstream.errors import MediaError
from slipstream.formats.segments import TrackInfo
from slipstream.media import (
    Codec,
    Frame,
    Kind,
    Mp4Track,
    Run,
    Sample,
    build_init,
    coded_data,
    config_data,
    describe,
    needs_mp4_sample,
    open_mp4_track,
)

TrackKey = tuple[Kind, int]

SOUND_DRIFT = 1.4  # frames of sound by which its own count may leave the stream's time
USUAL_PICTURE_MS = 40  # of the last one before an end, if there was no other
SLACK_MS = 1  # times are rounded to a millisecond


class PendingTrack:
    """One codec in one configuration.

    Args:
        kind: pictures or sound.
        number: of the track.
        codec: of its frames.
        config: the codec's configuration; empty if there is none.
    """

    def __init__(self, kind: Kind, number: int, codec: Codec, config: bytes = b"") -> None:
        self.key: TrackKey = kind, number
        self.kind = kind
        self.codec = codec
        self.config = config
        self.name = f"{'v' if kind is Kind.VIDEO else 'a'}{number}"
        self.id = 2 * number + (1 if kind is Kind.VIDEO else 2)
        self.fit: Mp4Track | None = None  # as MP4 carries it; None: not, or not yet
        self.is_unfit = False  # for good
        self.seen_ms = 0  # its newest frame
        self.taken_ms = 0  # where the run taken last begins
        self.limit_ms = 0  # of a part
        self.samples: list[Sample] = []  # the last one's length is a guess, if it is a picture
        self._times: list[int] = []  # of each, in ms
        self._ticks: list[int] = []  # of each, in units of the timescale
        self._last = 0  # where the last one begins, in the same
        self._end: int | None = None  # and where it ends
        self._usual = 0  # length of a picture
        self._info: TrackInfo | None = None
        self._frame_rate = 0.0
        if config:
            self._open(b"")

    @classmethod
    def of(cls, config: Frame) -> PendingTrack:
        """A track that a configuration announces."""
        track = cls(config.kind, config.track, config.codec, config_data(config))
        if track.fit is not None and config.kind is Kind.VIDEO:
            track._frame_rate = _frame_rate(config)
        return track

    @property
    def info(self) -> TrackInfo:
        """What playlists say of it."""
        assert self.fit is not None
        if self._info is None:
            self._info = TrackInfo(
                self.name,
                self.id,
                self.fit.codec_string,
                self.fit.timescale,
                self.fit.width,
                self.fit.height,
                self._frame_rate,
                self.fit.sample_rate,
                self.fit.channels,
                build_init({self.id: self.fit}),
            )
        return self._info

    def is_full_before(self, frame: Frame) -> bool:
        """Whether what is there is to be a part before this frame is added.

        Raises:
            MediaError: the frame cannot be read.
        """
        if self.fit is None and not self.is_unfit:
            self._open(bytes(coded_data(frame)))
        if self.fit is None or not self.samples:
            return False
        if self.kind is Kind.VIDEO:
            self._settle(frame.dts_ms)
            next_ticks = self.samples[-1].duration
        else:
            next_ticks = self.fit.samples_per_frame(coded_data(frame))
            if self._place_sound(frame.dts_ms, next_ticks) != self._end:
                return True
        limit = (self.limit_ms + SLACK_MS) * self.fit.timescale // 1000
        return self._last + self.samples[-1].duration - self._ticks[0] + next_ticks > limit

    def add(self, frame: Frame) -> None:
        """Add a frame; ask `is_full_before()` first.

        Raises:
            MediaError: it cannot be read.
        """
        self.seen_ms = frame.dts_ms
        fit = self.fit
        if fit is None:
            return
        data = coded_data(frame)
        payload = fit.payload(data)
        if not len(payload):
            return
        if self.kind is Kind.VIDEO:
            ticks = frame.dts_ms * fit.timescale // 1000
            length = self._usual or USUAL_PICTURE_MS * fit.timescale // 1000
            offset = frame.cts_ms * fit.timescale // 1000
            sample = Sample(payload, length, offset, frame.keyframe)
        else:
            length = fit.samples_per_frame(data)
            ticks = self._place_sound(frame.dts_ms, length)
            sample = Sample(payload, length, 0, True)
        self.samples.append(sample)
        self._times.append(frame.dts_ms)
        self._ticks.append(ticks)
        self._last, self._end = ticks, ticks + length

    def take(self, until_ms: int | None = None) -> Run | None:
        """Return what waits as a run, as far as it is before that time; None: nothing is."""
        count = len(self.samples)
        if until_ms is not None:
            count = next((i for i, at in enumerate(self._times) if at >= until_ms), count)
        if not count:
            return None
        if until_ms is not None and count == len(self.samples) and self.kind is Kind.VIDEO:
            self._settle(until_ms)
        run = Run(self.id, self._ticks[0], self.samples[:count])
        self.taken_ms = self._times[0]
        del self.samples[:count], self._times[:count], self._ticks[:count]
        return run

    def _settle(self, next_ms: int) -> None:
        """The picture after the last one comes at that time."""
        assert self.fit is not None
        length = max(next_ms * self.fit.timescale // 1000 - self._ticks[-1], 1)
        self.samples[-1] = self.samples[-1]._replace(duration=length)
        if length <= self.limit_ms * self.fit.timescale // 1000:
            self._usual = length

    def _place_sound(self, dts_ms: int, length: int) -> int:
        """Where a sound begins: behind the one before, unless that has left the stream's time."""
        assert self.fit is not None
        ticks = dts_ms * self.fit.timescale // 1000
        if self._end is None:
            return ticks
        if abs(ticks - self._end) <= length * SOUND_DRIFT:
            return self._end
        return max(ticks, self._last + 1)  # decoding never goes back

    def _open(self, sample: bytes) -> None:
        try:
            self.fit = open_mp4_track(self.codec, self.config, sample)
        except MediaError:  # a later frame, or configuration, may do
            self.is_unfit = not needs_mp4_sample(self.codec)


def _frame_rate(config: Frame) -> float:
    try:
        return describe(config).frame_rate or 0.0
    except MediaError:
        return 0.0
