"""The DASH manifest over a window (ISO 23009-1): one text for all players.

The presentation's time is the clock: zero is 1970, so that a period begins where the clock stood
when its first frame came, and every process says the same of it. A period ends where HLS has a
discontinuity.

Segments are listed with their true times (SegmentTimeline). The one that is under way is listed
as well, as long as the one before; it can be fetched as soon as its first part is there, and
arrives part by part (§5.3.9.5.3, `availabilityTimeComplete="false"`). One that has not begun is
not: it could belong to the next period.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from itertools import groupby, pairwise
from xml.sax.saxutils import quoteattr

from slipstream.formats.names import init_name, segment_name
from slipstream.formats.segments import TrackInfo
from slipstream.formats.window import MediaSegment, Window

NAMESPACE = "urn:mpeg:dash:schema:mpd:2011"
PROFILES = "urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019"
CHANNELS = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"
ROLE = "urn:mpeg:dash:role:2011"
CLOCK = "urn:mpeg:dash:utc:http-iso:2014"
EPOCH = "1970-01-01T00:00:00Z"
UPDATE_MS = 1_000  # dash.js asks no more often
LATENCY_MS = 2_000  # of players that know how to be near: what they wait for an update, and parts
CATCH_UP = 0.04  # of the speed, slower or faster
DELAY_TARGETS = 3  # target durations that others stay behind
FINEST_RATE = 1001  # 30000/1001


def time_name(name: str) -> str:
    """Where the server's clock is."""
    return f"{name}@time"


def clock_text(now_s: float) -> str:
    """The time as the clock's address tells it, in ms.

    Args:
        now_s: seconds since 1970.
    """
    at = datetime.fromtimestamp(now_s, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def manifest(window: Window, name: str, suffix: str = "") -> str:
    """The manifest.

    Args:
        window: on the stream, with a segment in it.
        name: the last part of the stream's, which all names begin with.
        suffix: for all names: the query of the one who asks, or nothing.
    """
    segments = window.shown()
    latency_ms = max(LATENCY_MS, 4 * window.shape.part_ms)
    latency = {"target": latency_ms, "min": latency_ms // 2, "max": 3 * latency_ms}
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<MPD{_attributes(_head(window, segments, latency_ms))}>",
        '<ServiceDescription id="0">',
        f"<Latency{_attributes({key: str(value) for key, value in latency.items()})}/>",
        f'<PlaybackRate min="{1 - CATCH_UP}" max="{1 + CATCH_UP}"/>',
        "</ServiceDescription>",
    ]
    for _, period in groupby(segments, _period_id):
        lines += _Writer(window, name, suffix, list(period)).period()
    clock = {"schemeIdUri": CLOCK, "value": time_name(name) + suffix}
    return "\n".join([*lines, f"<UTCTiming{_attributes(clock)}/>", "</MPD>", ""])


def _head(window: Window, segments: list[MediaSegment], latency_ms: int) -> dict[str, str]:
    """What holds for the whole presentation."""
    oldest, newest = segments[0].start, segments[-1].start
    target_ms = window.target_s * 1000
    end_ms = newest.wall_ms + round(segments[-1].length_s * 1000)
    delay_ms = min(DELAY_TARGETS * target_ms, end_ms - oldest.wall_ms)
    return {
        "xmlns": NAMESPACE,
        "profiles": PROFILES,
        "type": "dynamic",
        "availabilityStartTime": EPOCH,
        "publishTime": clock_text(end_ms / 1000),
        "minimumUpdatePeriod": _duration(UPDATE_MS),
        "timeShiftBufferDepth": _duration(window.shape.shown_ms(newest.target_ms)),
        "suggestedPresentationDelay": _duration(delay_ms),
        "maxSegmentDuration": _duration(target_ms),
        "minBufferTime": _duration(latency_ms),
    }


class _Writer:
    """Writes what stands in a period.

    Args:
        window: on the stream.
        name: as in `manifest`.
        suffix: the same.
        segments: of the period.
    """

    def __init__(
        self, window: Window, name: str, suffix: str, segments: list[MediaSegment]
    ) -> None:
        self._window = window
        self._name = name
        self._suffix = suffix
        self._segments = segments
        self._start = segments[0].start
        self._goes_on = segments[-1] is window.segments[-1]

    def period(self) -> Iterator[str]:
        """All of it."""
        start = self._start
        begins_ms = start.wall_ms - start.start_ms + start.since_ms
        yield f'<Period id="{begins_ms}" start="{_duration(begins_ms)}">'
        for _, tracks in groupby(sorted(start.tracks, key=_set_of), _set_of):
            yield from self._adaptation_set(list(tracks))
        yield "</Period>"

    def _adaptation_set(self, tracks: list[TrackInfo]) -> Iterator[str]:
        first = tracks[0]
        kind = "video" if first.is_video else "audio"
        head = {
            "id": str(first.id),
            "contentType": kind,
            "mimeType": f"{kind}/mp4",
            "segmentAlignment": "true",
        }
        if all(map(self._window.is_independent, tracks)):
            head["startWithSAP"] = "1"
        if first.language:
            head["lang"] = first.language
        yield f"<AdaptationSet{_attributes(head)}>"
        default = next(track for track in self._start.tracks if track.is_video == first.is_video)
        role = "main" if first is default else "alternate"
        yield f'<Role schemeIdUri="{ROLE}" value="{role}"/>'
        for track in tracks:
            yield f"<Representation{_attributes(_described(self._window, track))}>"
            if track.channels:
                layout = {"schemeIdUri": CHANNELS, "value": str(track.channels)}
                yield f"<AudioChannelConfiguration{_attributes(layout)}/>"
            yield from self._template(track)
            yield "</Representation>"
        yield "</AdaptationSet>"

    def _template(self, track: TrackInfo) -> Iterator[str]:
        """Where the segments of a track are, and when."""
        start, scale = self._start, track.timescale
        times = [_begin(segment, track) for segment in self._segments]
        lengths = [after - before for before, after in pairwise(times)]
        lengths.append(self._newest_length(track, lengths))
        head = {
            "timescale": str(scale),
            "presentationTimeOffset": str(start.since_ms * scale // 1000),
            "startNumber": str(start.number),
            "initialization": init_name(self._name, track) + self._suffix,
            "media": segment_name(self._name, "$RepresentationID$", "$Number$") + self._suffix,
        }
        if self._goes_on:
            early_s = max(lengths[-1] / scale - self._window.part_target_s(track), 0)
            head["availabilityTimeOffset"] = f"{early_s:.3f}"
            head["availabilityTimeComplete"] = "false"
        yield f"<SegmentTemplate{_attributes(head)}><SegmentTimeline>"
        time = times[0]
        for length, same in groupby(lengths):
            count = len(list(same))
            yield f'<S t="{time}" d="{length}" r="{count - 1}"/>'
            time += length * count
        yield "</SegmentTimeline></SegmentTemplate>"

    def _newest_length(self, track: TrackInfo, before: list[int]) -> int:
        """How long the newest segment is; of one under way, how long it may become."""
        newest, scale = self._segments[-1], track.timescale
        so_far = sum(part.duration for part in newest.parts_of(track))
        if newest.is_whole:
            return so_far or round(newest.length_s * scale)
        part = round(self._window.part_target_s(track) * scale)
        usual = before[-1] if before else self._window.shape.segment_ms * scale // 1000
        return max(usual, so_far + part)


def _begin(segment: MediaSegment, track: TrackInfo) -> int:
    """Where a segment of a track begins, in units of its timescale."""
    parts = segment.parts_of(track)
    return parts[0].decode_time if parts else segment.start.start_ms * track.timescale // 1000


def _period_id(segment: MediaSegment) -> int:
    return segment.start.discontinuities


def _set_of(track: TrackInfo) -> tuple[bool, str]:
    """Players change between the qualities of a picture, if the codec is the same."""
    return not track.is_video, track.codec.partition(".")[0] if track.is_video else track.name


def _described(window: Window, track: TrackInfo) -> dict[str, str]:
    """What players choose a track by."""
    described = {
        "id": track.name,
        "codecs": track.codec,
        "bandwidth": str(window.bandwidth(track)[0]),
    }
    if track.width:
        described |= {"width": str(track.width), "height": str(track.height)}
    if track.frame_rate:
        rate = Fraction(track.frame_rate).limit_denominator(FINEST_RATE)
        described["frameRate"] = f"{rate.numerator}/{rate.denominator}"
    if track.sample_rate:
        described["audioSamplingRate"] = str(track.sample_rate)
    return described


def _attributes(attributes: dict[str, str]) -> str:
    """Codecs and queries come from others, so everything is escaped."""
    return "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())


def _duration(ms: int) -> str:
    return f"PT{ms / 1000:.3f}S"
