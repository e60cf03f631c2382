"""HLS playlists over a window (RFC 8216, and its second edition for low latency).

Segments and parts are named after their numbers, so that a name means the same bytes wherever
and whenever it is asked for. `docs/reference/hls.md` lists the rules that are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from slipstream.formats.names import init_name, part_name, segment_name, ts_segment_name
from slipstream.formats.segments import TrackInfo
from slipstream.formats.window import MediaSegment, Part, Window

VERSION = 9  # for EXT-X-SKIP
TS_VERSION = 3  # for lengths that are not whole seconds
HOLD_BACK = 3  # part targets that players stay behind the end (§4.4.3.8)
SKIP_UNTIL = 6  # target durations from the end that are always told (§4.4.3.8)
PARTS_UNTIL = 3  # target durations from the end whose parts are told (§6.2.2)
AUDIO_GROUP = "audio"
INDEPENDENT = "#EXT-X-INDEPENDENT-SEGMENTS"


def playlist_name(name: str, track: str) -> str:
    """What the playlist of a track is called."""
    return f"{name}@{track}.m3u8"


def multivariant_playlist(
    window: Window, name: str, suffix: str = "", *, audio_only: bool = False
) -> str:
    """The playlist of playlists.

    Args:
        window: on the stream.
        name: the last part of the stream's, which all names begin with.
        suffix: for all names: the query of the one who asks, or nothing.
        audio_only: as if there were no pictures.
    """
    tracks = window.start.tracks if window.start is not None else ()
    videos = [track for track in tracks if track.is_video and not audio_only]
    audios = [track for track in tracks if not track.is_video]
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}"]
    if all(map(window.is_independent, videos)):
        lines.append(INDEPENDENT)
    groups = _groups(audios) if videos else {}
    for group, members in groups.items():
        lines += _renditions(group, members, name, suffix)
    for group, members in groups.items() or [("", [])]:
        for track in videos or audios:
            lines.append(_variant(window, track, group, members))
            lines.append(playlist_name(name, track.name) + suffix)
    return "\n".join([*lines, ""])


def _groups(audios: list[TrackInfo]) -> dict[str, list[TrackInfo]]:
    """The tracks of each codec, so that a player that lacks one of them can do with others."""
    codecs = list(dict.fromkeys(track.codec for track in audios))
    return {
        f"{AUDIO_GROUP}{number or ''}": [track for track in audios if track.codec == codec]
        for number, codec in enumerate(codecs)
    }


def _renditions(group: str, members: list[TrackInfo], name: str, suffix: str) -> Iterator[str]:
    """Sounds to choose from. Players choose by themselves only what they can tell apart."""
    languages: set[str] = set()
    for track in members:
        attributes = [
            "TYPE=AUDIO",
            f'GROUP-ID="{group}"',
            f'NAME="{track.name}"',
            *([f'LANGUAGE="{track.language}"'] if track.language else []),
            f"DEFAULT={_yes(track is members[0])}",
            f"AUTOSELECT={_yes(track is members[0] or track.language not in languages)}",
            f'CHANNELS="{track.channels}"',
            f'URI="{playlist_name(name, track.name)}{suffix}"',
        ]
        languages |= {track.language, ""}
        yield f"#EXT-X-MEDIA:{','.join(attributes)}"


def _variant(window: Window, track: TrackInfo, group: str, sounds: list[TrackInfo]) -> str:
    """One quality, with the largest of the sounds that may go with it (§4.4.6.2)."""
    peak, average = window.bandwidth(track)
    beside = list(map(window.bandwidth, sounds))
    codecs = dict.fromkeys([track.codec, *(sound.codec for sound in sounds)])
    attributes = [
        f"BANDWIDTH={peak + max((rate for rate, _ in beside), default=0)}",
        f"AVERAGE-BANDWIDTH={average + max((rate for _, rate in beside), default=0)}",
        f'CODECS="{",".join(codecs)}"',
    ]
    if track.is_video and track.width:
        attributes.append(f"RESOLUTION={track.width}x{track.height}")
    if track.frame_rate:
        attributes.append(f"FRAME-RATE={track.frame_rate:.3f}")
    if group:
        attributes.append(f'AUDIO="{group}"')
    return f"#EXT-X-STREAM-INF:{','.join(attributes)}"


def _yes(claim: bool) -> str:
    return "YES" if claim else "NO"


def media_playlist(
    window: Window, track: TrackInfo, name: str, suffix: str = "", *, skip: bool = False
) -> str:
    """The playlist of one track.

    Args:
        window: on the stream.
        track: of the newest segment.
        name: as in `multivariant_playlist`.
        suffix: the same.
        skip: leave out what the player has already (§6.2.5.1).
    """
    shown, began = window.shown(), _beginning(window, track)
    segments = [segment for segment in shown if segment.number >= began] or shown[-1:]
    target_s, part_target_s = window.target_s, window.part_target_s(track)
    hold_back_s = HOLD_BACK * window.longest_part_target_s()  # all have the same (§6.2.4)
    first = segments[0].start if segments else None
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        *([INDEPENDENT] if window.is_independent(track) else []),
        f"#EXT-X-TARGETDURATION:{target_s}",
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,"
        f"PART-HOLD-BACK={hold_back_s:.3f},CAN-SKIP-UNTIL={SKIP_UNTIL * target_s}",
        f"#EXT-X-PART-INF:PART-TARGET={part_target_s:.3f}",
        f"#EXT-X-MEDIA-SEQUENCE:{first.number if first else 0}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{first.discontinuities if first else 0}",
    ]
    ages = _ages(segments, track)
    skipped = sum(age > SKIP_UNTIL * target_s for age in ages) if skip else 0
    if skipped:
        lines.append(f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}")
    before = segments[skipped - 1] if skipped else None
    for segment, age in zip(segments[skipped:], ages[skipped:], strict=True):
        with_parts = age <= PARTS_UNTIL * target_s
        lines += _segment(segment, before, track, name, suffix, with_parts=with_parts)
        before = segment
    if segments:
        lines += _what_comes(segments, track, name, suffix)
    return "\n".join([*lines, ""])


def _beginning(window: Window, track: TrackInfo) -> int:
    """Number of the oldest segment that has something of a track."""
    return next((one.number for one in window.segments if one.parts_of(track)), 1 << 64)


def ts_playlist(window: Window, name: str, suffix: str = "") -> str:
    """The playlist of whole segments of MPEG-TS, for players that know nothing else.

    Arguments are those of `multivariant_playlist`.
    """
    segments = [segment for segment in window.shown() if segment.is_whole]
    first = segments[0].start if segments else None
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{TS_VERSION}",
        f"#EXT-X-TARGETDURATION:{window.target_s}",
        f"#EXT-X-MEDIA-SEQUENCE:{first.number if first else 0}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{first.discontinuities if first else 0}",
        INDEPENDENT,
    ]
    before = None
    for segment in segments:
        (track,) = segment.start.tracks
        (part,) = segment.parts_of(track)
        if before is not None and before.start.discontinuities != segment.start.discontinuities:
            lines.append("#EXT-X-DISCONTINUITY")
        lines += [
            f"#EXT-X-PROGRAM-DATE-TIME:{_date_time(segment, track, part)}",
            f"#EXTINF:{segment.duration_s(track):.5f},",
            ts_segment_name(name, segment.number) + suffix,
        ]
        before = segment
    return "\n".join([*lines, ""])


def _ages(segments: list[MediaSegment], track: TrackInfo) -> list[float]:
    """How far before the playlist's end each segment ends, in s."""
    ages, age = [], 0.0
    for segment in reversed(segments):
        ages.append(age)
        age += segment.told_s(track)
    return ages[::-1]


def _segment(
    segment: MediaSegment,
    before: MediaSegment | None,
    track: TrackInfo,
    name: str,
    suffix: str,
    *,
    with_parts: bool,
) -> Iterator[str]:
    start, parts = segment.start, segment.parts_of(track)
    own = segment.own(track)
    if before is not None and before.start.discontinuities != start.discontinuities:
        yield "#EXT-X-DISCONTINUITY"
    if own in start.tracks and (before is None or own not in before.start.tracks):
        yield f'#EXT-X-MAP:URI="{init_name(name, own)}{suffix}"'
    if parts:
        yield f"#EXT-X-PROGRAM-DATE-TIME:{_date_time(segment, own, parts[0])}"
    number = segment.number
    if with_parts or not segment.is_whole:
        for index, part in enumerate(parts):
            independent = ",INDEPENDENT=YES" if part.independent else ""
            duration = part.duration / own.timescale
            uri = part_name(name, track.name, number, index)
            yield f'#EXT-X-PART:DURATION={duration:.5f},URI="{uri}{suffix}"{independent}'
    if segment.is_whole:
        if not parts:  # the track was away
            yield "#EXT-X-GAP"
        yield f"#EXTINF:{segment.told_s(own):.5f},"
        yield segment_name(name, track.name, number) + suffix


def _date_time(segment: MediaSegment, track: TrackInfo, first: Part) -> str:
    start = segment.start
    wall_ms = start.wall_ms + first.decode_time * 1000 / track.timescale - start.start_ms
    at = datetime.fromtimestamp(wall_ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _what_comes(
    segments: list[MediaSegment], track: TrackInfo, name: str, suffix: str
) -> Iterator[str]:
    """The next part, and how far the other tracks are."""
    newest = segments[-1]
    number, index = newest.number, len(newest.parts_of(track))
    if newest.is_whole:
        number, index = number + 1, 0
    hint = part_name(name, track.name, number, index)
    yield f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{hint}{suffix}"'
    for other in newest.start.tracks:
        newest_of = (one for one in reversed(segments) if one.parts_of(other))
        last = next(newest_of, None) if other.name != track.name else None
        if last is not None:
            yield (
                f'#EXT-X-RENDITION-REPORT:URI="{playlist_name(name, other.name)}{suffix}",'
                f"LAST-MSN={last.number},LAST-PART={len(last.parts_of(other)) - 1}"
            )
