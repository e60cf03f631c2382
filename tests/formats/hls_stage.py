"""The life of a stream in which much happens, as a player sees it who reloads all the time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from slipstream.formats import CmafFormat, Window, hls
from slipstream.log import Log
from slipstream.media import Frame, Kind, parse_tag
from tests.formats.cmaf_stage import CONFIGS, NOW_S, Publisher, stream
from tests.formats.hls_reader import Playlist, read_playlist
from tests.hub.stage import video_config

AT_ONCE = 7  # frames from one look to the next
OTHER_SOUND = bytes.fromhex("af001190")  # 48 kHz


@dataclass
class Look:
    """All that is told at one moment, by track, and which names can be fetched."""

    tracks: dict[str, Playlist]
    updates: dict[str, str]
    texts: dict[str, str]
    multivariant: str
    names: frozenset[str]
    publication: int
    reach: frozenset[str]  # tracks of the newest segment


def names_of(window: Window) -> Iterator[str]:
    for segment in window.segments:
        for track in segment.start.tracks:
            for index in range(len(segment.parts_of(track))):
                yield hls.part_name("a", track.name, segment.number, index)
            if segment.is_whole and segment.parts_of(track):
                yield hls.segment_name("a", track.name, segment.number)
            yield hls.init_name("a", track)


def look_at(window: Window, publication: int) -> Look:
    found = [(name, window.track(name)) for name in ("v0", "a0")]
    tracks = {name: track for name, track in found if track is not None}
    texts = {name: hls.media_playlist(window, track, "a") for name, track in tracks.items()}
    assert window.start is not None
    return Look(
        {name: read_playlist(text) for name, text in texts.items()},
        {name: hls.media_playlist(window, t, "a", skip=True) for name, t in tracks.items()},
        texts,
        hls.multivariant_playlist(window, "a"),
        frozenset(names_of(window)),
        publication,
        frozenset(track.name for track in window.start.tracks),
    )


def publications() -> list[list[Frame]]:
    """A stream's life: other pictures, other sound, a hiccup, none of either for a while."""
    first = [
        *CONFIGS,
        *stream(20_000),
        video_config(20_000, b"\0"),
        *stream(27_000, from_ms=20_000, gop_ms=1_000),
        parse_tag(8, 27_000, OTHER_SOUND),
        *stream(33_000, from_ms=27_000, rate=48_000),
        *stream(36_000, from_ms=33_000, gop_ms=3_000, rate=48_000),
    ]
    second = [
        *CONFIGS,
        *stream(42_000, from_ms=37_000),
        *stream(60_000, from_ms=44_000),
        *stream(72_000, from_ms=60_000, sounds=False),
        *stream(80_000, from_ms=72_000),
    ]
    third = [
        *CONFIGS,
        *stream(90_000, from_ms=80_500),
        *(f for f in stream(104_000, from_ms=90_000) if f.kind is Kind.AUDIO),
        *stream(130_000, from_ms=104_000),
    ]
    return [first, second, third]


@cache
def life() -> list[Look]:
    clock = [NOW_S]
    form = CmafFormat(Log(keep_ms=0), clock=lambda: clock[0])
    publisher = Publisher(form, at_once=AT_ONCE)
    window = Window(form.log, form.shape)
    looks = []
    for number, frames in enumerate(publications()):
        publisher.publish([], ends=False)
        for start in range(0, len(frames), AT_ONCE):
            clock[0] = NOW_S + frames[start].dts_ms / 1000
            publisher.send(frames[start : start + AT_ONCE])
            if window.update() and any(segment.is_whole for segment in window.segments):
                looks.append(look_at(window, number))
        form.flush()
        form.log.finish()
        window.update()
        looks.append(look_at(window, number))
    return looks


def told() -> Iterator[Playlist]:
    """All playlists of all tracks."""
    for look in life():
        yield from look.tracks.values()


def reloads() -> Iterator[tuple[Playlist, Playlist]]:
    """Each playlist, and the one that a player gets next."""
    for before, after in pairwise(life()):
        for name in before.tracks.keys() & after.tracks.keys():
            yield before.tracks[name], after.tracks[name]
