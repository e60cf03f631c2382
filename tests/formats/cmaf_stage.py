"""Films cut into fragmented MP4, and what its letter says is in there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from slipstream.errors import MediaError
from slipstream.formats import CmafFormat, Flag, SegmentGreeting, SegmentStart, Shape
from slipstream.formats.segments import USUAL_SHAPE
from slipstream.hub.notes import Notes
from slipstream.log import SYNC, Log
from slipstream.media import Codec, Frame, Kind, Timeline, coded_data, parse_tag
from tests.clips import B_FRAMES, FILMS, X264, Film, encode_film, film_file, read_tags
from tests.hub.stage import audio_config, inter, key, sound, video_config
from tests.mp4_reader import FoundRun, FoundSample, read_fragments

VIDEO, AUDIO = 1, 2  # tracks
NOW_S = 1_800_000_000.0  # on the clock of these tests
OWN_FILMS = {
    "h264-ac3": Film(options=X264, audio="ac3", sample_rate=44_100),
    "h264-eac3": Film(options=X264, audio="eac3"),
    "long": Film(options=B_FRAMES, seconds=9, gop=50, bit_rate=100_000),
    "rare-keys": Film(options=X264, seconds=12, gop=125, bit_rate=100_000),
    "only-keys": Film(options=X264, seconds=5, gop=1, bit_rate=100_000),
    "44100": Film(options=X264, seconds=5, gop=50, sample_rate=44_100, bit_rate=100_000),
}
RATES = (24, 25, 30, 50, 60)
OWN_FILMS |= {
    f"{rate}-fps": Film(options=X264, seconds=7, rate=rate, gop=2 * rate, bit_rate=100_000)
    for rate in RATES
}


def film(folder: Path, name: str) -> list[Frame]:
    """A film's frames, with steady times; as the hub has it, nothing before the first keyframe."""
    path = folder / f"{name}.flv"
    if name in OWN_FILMS and not path.exists():
        encode_film(OWN_FILMS[name], path)
    elif name in FILMS or name not in OWN_FILMS:
        path = film_file(folder, name)
    frames = []
    for tag in read_tags(path):
        try:
            frames.append(parse_tag(*tag))
        except MediaError:
            continue  # FFmpeg's FLV muxer ends FLAC with an empty packet
    steady = list(Timeline().steady(frames))
    first = next((index for index, frame in enumerate(steady) if frame.keyframe), 0)
    return [frame for index, frame in enumerate(steady) if frame.config or index >= first]


class Publisher:
    """A stream's frames as a format gets them, publication by publication.

    Args:
        form: gets them.
        at_once: how many with each call.
    """

    def __init__(self, form: CmafFormat, *, at_once: int = 3) -> None:
        self.form = form
        self._at_once = at_once
        self._notes = Notes()

    def publish(self, frames: Sequence[Frame], *, ends: bool = True) -> None:
        """Bring a publication, as the hub's audience does."""
        self.form.flush()
        self.form.log.mark()
        self._notes.begin(audio_only=all(frame.kind is not Kind.VIDEO for frame in frames))
        self.send(frames)
        if ends:
            self.form.flush()
            self.form.log.finish()

    def send(self, frames: Sequence[Frame]) -> None:
        """Bring more of it."""
        for start in range(0, len(frames), self._at_once):
            self.form.append(*self._notes.take(frames[start : start + self._at_once]))


def made(log: Log | None = None, shape: Shape = USUAL_SHAPE, now_s: float = NOW_S) -> CmafFormat:
    """A format at a clock that stands still."""
    return CmafFormat(Log() if log is None else log, shape, lambda: now_s)


def written(
    frames: Sequence[Frame],
    shape: Shape = USUAL_SHAPE,
    *,
    at_once: int = 3,
    ends: bool = True,
    log: Log | None = None,
) -> CmafFormat:
    """A format that has got one publication."""
    form = made(log, shape)
    Publisher(form, at_once=at_once).publish(frames, ends=ends)
    return form


class Entry(NamedTuple):
    """An entry of a log."""

    position: int
    time_ms: int
    flags: int
    data: bytes


class FoundPart(NamedTuple):
    """An entry that is a part."""

    run: FoundRun
    entry: Entry

    @property
    def has_key(self) -> bool:
        return self.run.samples[0].sync


@dataclass
class FoundSegment:
    """All parts from one sync point to the next."""

    start: SegmentStart
    parts: list[FoundPart] = field(default_factory=list)

    def of(self, track_id: int) -> list[FoundPart]:
        return [part for part in self.parts if part.run.track_id == track_id]


def entries(log: Log) -> Iterator[Entry]:
    """All that a log holds."""
    for segment in log.segments:
        position = segment.start
        for end, time_ms, flags in zip(segment.ends, segment.times, segment.flags, strict=True):
            size = segment.origin + end - position
            data = os.pread(segment.fd, size, position - segment.origin)
            yield Entry(position, time_ms, flags, data)
            position += size


def segments(log: Log) -> list[FoundSegment]:
    """What a log holds, read by the letter."""
    greetings = {sync.position: sync.greeting for sync in log.sync_points}
    found: list[FoundSegment] = []
    for entry in entries(log):
        if entry.flags & SYNC:
            greeting = greetings[entry.position]
            assert isinstance(greeting, SegmentGreeting)
            found.append(FoundSegment(greeting.segment))
        if entry.flags & (Flag.VIDEO | Flag.AUDIO):
            (fragment,) = read_fragments(entry.data)
            (run,) = fragment.runs
            assert bool(entry.flags & Flag.VIDEO) == bool(run.track_id % 2)
            assert bool(entry.flags & Flag.KEYFRAME) == run.samples[0].sync
            found[-1].parts.append(FoundPart(run, entry))
    return found


def runs(log: Log, track_id: int) -> list[FoundRun]:
    """All that there is of one track."""
    return [part.run for segment in segments(log) for part in segment.of(track_id)]


def of_kind(frames: Sequence[Frame], kind: Kind, track: int = 0) -> list[Frame]:
    """The coded frames of one track."""
    return [f for f in frames if f.kind is kind and not f.config and f.track == track]


def payloads(form: CmafFormat, track: int) -> list[bytes]:
    return [sample.data for run in runs(form.log, track) for sample in run.samples]


def data_of(frames: Sequence[Frame], kind: Kind) -> list[bytes]:
    """What was published, less what MP4 does not want of AV1."""
    return [
        bytes(coded_data(f)).removeprefix(b"\x12\0" if f.codec is Codec.AV1 else b"")
        for f in of_kind(frames, kind)
        if coded_data(f)
    ]


def stream(
    until_ms: int,
    *,
    gop_ms: int = 2_000,
    from_ms: int = 0,
    sounds: bool = True,
    rate: int = 44_100,
) -> list[Frame]:
    """Pictures at 25 a second, and sounds of 1024 samples."""
    frames = [
        (key if (time_ms - from_ms) % gop_ms == 0 else inter)(time_ms)
        for time_ms in range(from_ms, until_ms, 40)
    ]
    if sounds:
        times = (from_ms + index * 1_024_000 // rate for index in range(until_ms))
        frames += [sound(time_ms) for time_ms in times if time_ms < until_ms]
    return sorted(frames, key=lambda frame: frame.dts_ms)


CONFIGS = [video_config(), audio_config()]


def starts_of(start: int, samples: Sequence[FoundSample]) -> list[int]:
    """Where each sample is decoded."""
    starts = []
    for sample in samples:
        starts.append(start)
        start += sample.duration
    return starts
