"""MPEG-TS as HTTP viewers get it: each frame is one entry of whole packets.

Where a newcomer may start, the entry begins with the tables, so that there is no greeting, and
those who pass by find the same bytes in their place. Counters of packets run on through the log;
whoever had pictures left out sees a gap in them, which demuxers take for loss.

Times are the stream's, half a second and more after the clock, and run over at 33 bits.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from slipstream.errors import MediaError
from slipstream.formats.format import Format, Greeting
from slipstream.formats.segments import (
    USUAL_SHAPE,
    Segmenter,
    SegmentGreeting,
    Shape,
    TrackInfo,
)
from slipstream.log import Log
from slipstream.log.segment import Buffer
from slipstream.media import (
    COMMAND,
    NULL_PID,
    PAT_PID,
    PMT_PID,
    TICKS_PER_MS,
    Codec,
    Elementary,
    Frame,
    Kind,
    Packetizer,
    Role,
    build_pat,
    build_pes,
    build_pmt,
    coded_data,
    config_data,
    config_role,
    describe,
    needs_sample,
    newest_version,
    open_elementary,
)

OFFSET_MS = 1_000  # of all times, so that pictures may be shown a little before time 0
CLOCK_MS = 500  # by how much the clock is behind the time of decoding
TABLES_MS = 500  # from tables to tables, at most, while there are frames
PCR_MS = 70  # a sound after so long brings the clock: 100 ms is the limit (§2.7.2)
MAX_SHIFT_MS = CLOCK_MS  # pictures that are to be shown before they are decoded
TS_TRACK = "ts"  # what all tracks together are called in playlists
GONE_MS = 5_000  # without a frame: the track leaves the programme

_AUDIO, _VIDEO, _DATA = Kind.AUDIO, Kind.VIDEO, Kind.DATA


@dataclass(slots=True)
class _Track:
    """The default track of one kind."""

    codec: Codec
    config: bytes = b""
    stream: Elementary | None = None  # None: cannot be carried, or not yet
    seen_ms: int = 0  # the newest frame
    listed: bool = True  # in the programme, if it can be carried


class TsFormat(Format):
    """The default tracks, as far as MPEG-TS can carry them."""

    name = "ts"

    def __init__(
        self, log: Log, shape: Shape = USUAL_SHAPE, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(log, shape)
        self._segmenter = Segmenter(log, shape, clock)
        self._segment_greeting: Greeting = ()
        self._packets = Packetizer()
        self._pat = build_pat()
        self._pmt = b""
        self._programme: tuple[object, ...] | None = None  # what the PMT says
        self._pcr_pid = NULL_PID
        self._version = -1
        self._tracks: dict[Kind, _Track] = {}
        self._greeting: Greeting | None = None  # the last one that was read
        self._tables_ms = 0
        self._pcr_ms = -PCR_MS
        self._sync_ms = 0
        self._synced_era = -1
        self._dts_ms = 0  # of the newest picture, as it was written
        self._shift_ms = 0  # by which pictures are decoded earlier than the publisher says
        self._starts = False  # with the next frame
        self._head = 0  # of the log, when something was added here last

    def append(self, frames: Sequence[Frame], syncs: Sequence[tuple[int, Greeting]]) -> None:
        """See `Format`."""
        if self.log.head != self._head:
            self._go_on()
        super().append(frames, syncs)
        self._head = self.log.head

    def begin(self, frames: Sequence[Frame], index: int, greeting: Greeting) -> Greeting | None:
        """See `Format`. Know of all tracks that there are before the tables are written."""
        frame = frames[index]
        self._starts = self._may_start(frame)
        if not self._starts:
            return None
        self._sync_ms, self._synced_era = frame.dts_ms, self.log.era
        self._take_stock(frame.dts_ms, greeting, frames[index:])
        if self._segmenter.is_due(frame.dts_ms):
            newest_ms = frames[-1].dts_ms
            start = self._segmenter.begin(frame.dts_ms, newest_ms, _presented(greeting))
            self._segment_greeting = SegmentGreeting.of(greeting, start)
        return self._segment_greeting

    def wrap(self, parts: list[Buffer], frame: Frame, time_ms: int) -> int:
        """See `Format`. The packets of a frame; of one that cannot be carried, maybe the tables."""
        sync, self._starts = self._starts, False
        if frame.config or frame.kind is _DATA:
            self._learn(frame, time_ms)
            return 0
        if frame.kind is _VIDEO and frame.body[0] >> 4 & 7 == COMMAND:
            return 0
        entry = self._entry(frame, sync=sync)
        parts.append(entry)
        return len(entry)

    def greet(
        self,
        greeting: Greeting,  # noqa: ARG002
        at_ms: int,  # noqa: ARG002
        *,
        again: bool = False,  # noqa: ARG002
    ) -> list[bytes]:
        """Nothing: the entry that a newcomer begins with has it all."""
        return []

    @classmethod
    def left_out(cls, greeting: Greeting) -> list[Codec]:
        """See `Format`."""
        return [
            track.codec
            for track in map(_configured, _codec_configs(greeting))
            if track.stream is None and not needs_sample(track.codec)
        ]

    def _may_start(self, frame: Frame) -> bool:
        """Of sounds not each is a place to start: tables would be half of the bytes."""
        return (
            frame.kind is _VIDEO
            or self._synced_era != self.log.era
            or frame.dts_ms - self._sync_ms >= TABLES_MS
        )

    def _go_on(self) -> None:
        """Another process has written to the log: its counts and its programme are not ours."""
        self._packets = Packetizer(goes_on=True)
        self._programme = None
        newest = self.log.sync_point()
        begins = self.log.tail if newest is None else newest.position
        for segment in self.log.segments:
            start = max(segment.start, begins)
            if start < segment.end:
                data = os.pread(segment.fd, segment.end - start, start - segment.origin)
                version = newest_version(data)
                self._version = self._version if version is None else version

    def _take_stock(self, now_ms: int, greeting: Greeting, rest: Sequence[Frame]) -> None:
        """Learn of all tracks that there are."""
        lacking = any(track.stream is None for track in self._tracks.values())
        if lacking or greeting is not self._greeting:
            self._greeting = greeting
            for config in _codec_configs(greeting):
                self._learn(config, now_ms)
        for track in self._tracks.values():
            track.listed = track.listed and now_ms - track.seen_ms < GONE_MS
        if _AUDIO not in self._tracks:
            for other in rest:  # sound without a configuration
                if other.kind is _AUDIO and not other.config and not other.track:
                    self._track(other)
                    break

    def _learn(self, config: Frame, now_ms: int) -> None:
        """Have a configuration be in force, if it is one of a codec, be it hours old."""
        kind = config.kind
        if kind is _DATA or config_role(config).order is not Role.CODEC:
            return
        track, old = _configured(config), self._tracks.get(kind)
        if old is None or (old.codec, old.config) != (track.codec, track.config):
            track.seen_ms = now_ms
            self._tracks[kind] = track

    def _track(self, frame: Frame) -> _Track:
        """The track that a frame belongs to, opened if that is possible."""
        track = self._tracks.get(frame.kind)
        if track is None or track.codec is not frame.codec:
            track = self._tracks[frame.kind] = _Track(frame.codec)
        if track.stream is None:
            _open(track, bytes(coded_data(frame)[:16]))
        track.seen_ms, track.listed = frame.dts_ms, True
        return track

    def _entry(self, frame: Frame, *, sync: bool) -> bytes:
        """The packets of a frame; of one that cannot be carried, the tables, if they are due."""
        track = self._track(frame)
        stream, payload = track.stream, b""
        if stream is not None:
            try:
                payload = stream.payload(coded_data(frame), keyframe=frame.keyframe)
            except MediaError:
                payload = b""
        if not (payload or sync):
            return b""
        tables = self._tables(frame.dts_ms, due=sync)
        if stream is None or not payload:
            return tables
        pid = stream.info.pid
        dts_ms, pts_ms = self._times(frame)
        ticks = dts_ms * TICKS_PER_MS, pts_ms * TICKS_PER_MS
        data = build_pes(stream.info.stream_id, payload, *ticks)
        clock, before = self._clock(dts_ms, due=frame.kind is _VIDEO or sync), b""
        if clock is not None and pid != self._pcr_pid:
            before, clock = self._packets.clock(self._pcr_pid, clock), None
        random_access = frame.keyframe or sync
        return tables + before + self._packets.pes(pid, data, clock, random_access=random_access)

    def _times(self, frame: Frame) -> tuple[int, int]:
        """When to decode and when to show, in ms.

        Some encoders say when a picture comes instead of when it is to be decoded, so that others
        are to be shown before that: then all pictures are decoded earlier.
        """
        at_ms = frame.dts_ms + OFFSET_MS
        if frame.kind is not _VIDEO:
            return at_ms, at_ms
        if frame.cts_ms < -self._shift_ms:
            self._shift_ms = min(-frame.cts_ms, MAX_SHIFT_MS)
        self._dts_ms = dts_ms = max(self._dts_ms, at_ms - self._shift_ms)
        return dts_ms, max(at_ms + frame.cts_ms, dts_ms)

    def _clock(self, dts_ms: int, *, due: bool) -> int | None:
        """The clock that goes with a frame, in ticks; None if none is due. It never goes back."""
        if dts_ms <= self._pcr_ms or not (due or dts_ms - self._pcr_ms >= PCR_MS):
            return None
        self._pcr_ms = dts_ms
        return (dts_ms - CLOCK_MS) * TICKS_PER_MS

    def _tables(self, now_ms: int, *, due: bool) -> bytes:
        """PAT and PMT, if they are due or have changed."""
        tracks = self._tracks.get(_VIDEO), self._tracks.get(_AUDIO)
        infos = tuple(
            [track.stream.info for track in tracks if track and track.stream and track.listed]
        )
        if infos != self._programme:
            self._programme = infos
            self._version += 1
            self._pcr_pid = infos[0].pid if infos else NULL_PID
            self._pmt = build_pmt(self._version, self._pcr_pid, infos)
        elif not due and now_ms - self._tables_ms < TABLES_MS:
            return b""
        self._tables_ms = now_ms
        table = self._packets.table
        return table(PAT_PID, self._pat) + table(PMT_PID, self._pmt)


def _codec_configs(greeting: Greeting) -> Iterator[Frame]:
    """The configurations of the default tracks' codecs."""
    for frame in greeting:
        if frame.kind is not _DATA and not frame.track and config_role(frame).order is Role.CODEC:
            yield frame


def _presented(greeting: Greeting) -> tuple[TrackInfo, ...]:
    """What playlists say of it: all tracks are one."""
    infos = []
    for config in sorted(_codec_configs(greeting), key=lambda frame: frame.kind, reverse=True):
        with suppress(MediaError):
            infos.append(describe(config))
    codecs = ",".join(info.codec_string for info in infos if info.codec_string)
    sizes = [(info.width, info.height) for info in infos if info.width and info.height]
    width, height = sizes[0] if sizes else (0, 0)
    return (TrackInfo(TS_TRACK, 0, codecs, 1000, width or 0, height or 0),)


def _configured(config: Frame) -> _Track:
    track = _Track(config.codec, config_data(config))
    _open(track, b"")
    return track


def _open(track: _Track, sample: bytes) -> None:
    try:
        track.stream = open_elementary(track.codec, track.config, sample)
    except MediaError:
        track.stream = None  # a later frame, or configuration, may do
