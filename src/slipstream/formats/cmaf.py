"""Fragmented MP4 in parts: what HLS, DASH and endless MP4 are made of.

An entry is one fragment of one track, a *part*, cut where no part gets longer than the shape
allows. A media segment begins where a newcomer may start, once the one before is long enough;
all tracks end there together. The entries of a segment, track by track, are that track's segment
byte for byte; all entries in their order are an MP4 file without an end.

Pictures count in the stream's time. Sounds count their own samples, and are put right when that
has left the stream's time by more than a frame.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from slipstream.errors import MediaError
from slipstream.formats.format import KIND_FLAGS, UNUSUAL, Flag, Format, Greeting
from slipstream.formats.mp4_tracks import PendingTrack, TrackKey
from slipstream.formats.segments import USUAL_SHAPE, Segmenter, SegmentGreeting, Shape, TrackInfo
from slipstream.log import SYNC, Batch, Log
from slipstream.log.segment import Buffer
from slipstream.media import (
    COMMAND,
    Codec,
    Frame,
    Kind,
    Role,
    build_fragment,
    build_init,
    config_role,
    sound_languages,
    split_tracks,
)

GONE_MS = 5_000  # without a frame: the track is not in the next segment

_AUDIO, _VIDEO, _DATA = Kind.AUDIO, Kind.VIDEO, Kind.DATA


class CmafFormat(Format):
    """All tracks, as far as MP4 can carry them."""

    name = "cmaf"

    def __init__(
        self, log: Log, shape: Shape = USUAL_SHAPE, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(log, shape)
        self._segmenter = Segmenter(log, shape, clock)
        self._tracks: dict[TrackKey, PendingTrack] = {}
        self._listed: tuple[PendingTrack, ...] = ()  # those of the segment
        self._main: TrackKey | None = None  # whose frames begin segments
        self._start_ms: int | None = None  # where the segment begins; None: none has begun
        self._is_open = False  # there are parts of it already
        self._newest_ms = 0
        self._greeting: Greeting = ()
        self._languages: dict[int, str] = {}  # of sound, by the track's number
        self._sequence = 0

    def append(self, frames: Sequence[Frame], syncs: Sequence[tuple[int, Greeting]]) -> None:
        """See `Format`."""
        batch = Batch()
        greetings = dict(syncs)
        if frames:
            self._newest_ms = frames[-1].dts_ms
        for index, frame in enumerate(frames):
            if index in greetings or self._stands_in(frame):
                self._begin(batch, frame, greetings.get(index, self._greeting))
            several = not frame.config and frame.body[0] in UNUSUAL[frame.kind]
            for single in split_tracks(frame) if several else (frame,):
                self._take(batch, single)
        self._append(batch)

    def flush(self) -> None:
        """See `Format`: the segment ends."""
        batch = Batch()
        self._end_segment(batch)
        self._start_ms = self._main = None
        self._is_open = False
        self._greeting = ()
        self._tracks.clear()
        self._append(batch)

    def greet(
        self,
        greeting: Greeting,
        at_ms: int,  # noqa: ARG002
        *,
        again: bool = False,  # noqa: ARG002
    ) -> list[bytes]:
        """The initialisation segment of all tracks."""
        return [greeting.segment.init] if isinstance(greeting, SegmentGreeting) else []

    def frame_rate(self) -> None:
        """See `Format`: an entry holds several pictures."""

    @classmethod
    def left_out(cls, greeting: Greeting) -> list[Codec]:
        """See `Format`."""
        configs = _codec_configs(greeting)
        return [config.codec for config in configs if PendingTrack.of(config).is_unfit]

    def _append(self, batch: Batch) -> None:
        """Have the log take it; of what it does not take, nobody hears, nor of its segments."""
        try:
            self.log.append(batch)
        except OSError:
            self._segmenter.start_anew()
            self._start_ms = None
            self._is_open = False
            for track in self._tracks.values():
                track.take()
            raise

    def _begin(self, batch: Batch, frame: Frame, greeting: Greeting) -> None:
        """Begin a segment with this frame, if it is time."""
        if greeting is not self._greeting:
            self._greeting = greeting
            for config in _codec_configs(greeting):
                self._learn(batch, config, frame.dts_ms)
            self._languages = _languages(greeting)
        track = self._tracks.get((frame.kind, frame.track))
        if track is not None:
            track.seen_ms = frame.dts_ms  # be it back after a while
        if frame.kind is _AUDIO and any(
            track.kind is _VIDEO for track in self._present(frame.dts_ms)
        ):
            return  # of the pictures of another track, whose keyframes do
        if self._is_open:
            if not self._is_due(frame.dts_ms):
                return
            self._end_segment(batch, frame.dts_ms)
        elif self._start_ms is not None and any(track.samples for track in self._tracks.values()):
            return
        self._start_ms = frame.dts_ms
        self._is_open = False
        self._main = frame.kind, frame.track

    def _stands_in(self, frame: Frame) -> bool:
        """Whether segments begin with this track's keyframes, since those of the default do not
        come any more.
        """
        if not (frame.keyframe and frame.track and self._greeting):
            return False
        main = self._tracks.get(self._main) if self._main else None
        return (
            main is None
            or main.key == (frame.kind, frame.track)
            or frame.dts_ms - main.seen_ms > self.shape.segment_ms
        )

    def _is_due(self, now_ms: int) -> bool:
        """Whether a segment begins here: it is time, or there is a track that waits for it."""
        assert self._start_ms is not None
        if self._segmenter.is_due(now_ms):
            return True
        waits = any(track not in self._listed for track in self._present(now_ms))
        return waits and now_ms - self._start_ms >= self.shape.part_ms

    def _present(self, at_ms: int) -> list[PendingTrack]:
        """The tracks that a segment has which begins then."""
        return [
            track
            for track in self._tracks.values()
            if track.fit and at_ms - track.seen_ms < GONE_MS
        ]

    def _take(self, batch: Batch, frame: Frame) -> None:
        """Add one frame of one track."""
        kind = frame.kind
        if kind is _DATA or (kind is _VIDEO and frame.body[0] >> 4 & 7 == COMMAND):
            return
        if frame.config:
            if config_role(frame).order is Role.CODEC:
                self._learn(batch, frame, frame.dts_ms)
            return
        if self._start_ms is None:
            return
        track = self._tracks.get((kind, frame.track))
        if track is None or track.codec is not frame.codec:
            track = self._replace(batch, PendingTrack(kind, frame.track, frame.codec), frame.dts_ms)
        with suppress(MediaError):  # a frame that cannot be read is nobody's
            if track.is_full_before(frame):
                self._write(batch, track)
            track.add(frame)

    def _learn(self, batch: Batch, config: Frame, now_ms: int) -> None:
        """Have a configuration be in force."""
        old = self._tracks.get((config.kind, config.track))
        new = PendingTrack.of(config)
        if old is None or (old.codec, old.config) != (new.codec, new.config):
            self._replace(batch, new, now_ms)

    def _replace(self, batch: Batch, track: PendingTrack, now_ms: int) -> PendingTrack:
        """Have a track be another one; it is heard of again when a segment begins."""
        old = self._tracks.get(track.key)
        if old is not None:
            self._write(batch, old)
        track.limit_ms = self.shape.part_ms
        track.seen_ms = now_ms
        self._tracks[track.key] = track
        return track

    def _end_segment(self, batch: Batch, at_ms: int | None = None) -> None:
        """Write all that is before that time, the main track's last part last."""
        if self._start_ms is None:
            return
        tracks = sorted(self._tracks.values(), key=lambda track: track.key == self._main)
        for track in tracks:
            self._write(batch, track, at_ms)
        if batch.flags:
            batch.flags[-1] |= Flag.END

    def _write(self, batch: Batch, track: PendingTrack, until_ms: int | None = None) -> None:
        """Write a part; of a track that the segment does not list, nothing."""
        run = track.take(until_ms)
        if run is None or track.fit is None:
            return
        begins = not self._is_open
        if track not in (self._present(self._start_ms or 0) if begins else self._listed):
            return
        self._sequence += 1
        try:
            parts = build_fragment(self._sequence & 0xFFFFFFFF, [run])
        except MediaError:  # times that are nonsense
            return
        if begins:
            self._list_tracks(batch)
        flags = KIND_FLAGS[track.kind] | (Flag.KEYFRAME if run.samples[0].sync else 0)
        if begins:
            assert self._segmenter.current is not None
            flags |= SYNC
            batch.greetings.append(SegmentGreeting.of(self._greeting, self._segmenter.current))
            self._is_open = True
        _note(batch, parts, track.taken_ms, flags)

    def _list_tracks(self, batch: Batch) -> None:
        """Say which tracks the segment has; who reads on finds it out there."""
        assert self._start_ms is not None
        before = self._segmenter.newest
        self._listed = tuple(sorted(self._present(self._start_ms), key=lambda track: track.id))
        infos = tuple([self._described(track) for track in self._listed])
        init = build_init({track.id: track.fit for track in self._listed if track.fit})
        self._segmenter.begin(self._start_ms, self._newest_ms, infos, init)
        if before is not None and before.init != init:
            _note(batch, [init], self._start_ms, Flag.CONFIG)

    def _described(self, track: PendingTrack) -> TrackInfo:
        language = self._languages.get(track.key[1]) if track.kind is _AUDIO else None
        return replace(track.info, language=language) if language else track.info


def _note(batch: Batch, parts: Sequence[Buffer], time_ms: int, flags: int) -> None:
    batch.parts += parts
    batch.sizes.append(sum(map(len, parts)))
    batch.times.append(time_ms)
    batch.flags.append(flags)


def _languages(greeting: Greeting) -> dict[int, str]:
    metadata = next((frame for frame in greeting if frame.kind is _DATA), None)
    return sound_languages(metadata) if metadata is not None else {}


def _codec_configs(greeting: Greeting) -> Iterator[Frame]:
    """The configurations of all tracks' codecs."""
    for frame in greeting:
        if frame.kind is not _DATA and config_role(frame).order is Role.CODEC:
            yield frame
