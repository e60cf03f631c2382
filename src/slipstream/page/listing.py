"""What the page tells of streams: nothing of who publishes and who watches, but how many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

WAYS: Mapping[str, str] = {
    "ws-flv": "flv",
    "http-flv": "flv",
    "ll-hls": "m3u8",
    "dash": "mpd",
    "hls": "m3u8",
}
"""The ways to play in a browser, and the extension that each needs."""


def ways(extensions: Sequence[str]) -> list[str]:
    """The ways there are on a server that has these formats."""
    return [way for way, extension in WAYS.items() if extension in extensions]


@dataclass(frozen=True, slots=True)
class ListedTrack:
    """One track; None where the stream does not say."""

    kind: str
    codec: str
    codec_string: str | None
    width: int | None
    height: int | None
    frame_rate: float | None
    sample_rate: int | None
    channels: int | None


@dataclass(frozen=True, slots=True)
class ListedStream:
    """One stream, in `page/streams.json` and `page/stream/{stream}.json`."""

    name: str
    state: str
    """`live`, `slate`, `starting`, or `off`."""
    for_s: float = 0.0
    """How long it has been on air."""
    bitrate_bps: int = 0
    viewers: int = 0
    tracks: Sequence[ListedTrack] = ()

    @property
    def is_on_air(self) -> bool:
        """Whether there is something to see or hear."""
        return self.state in ("live", "slate")


class Streams(Protocol):
    """Who knows the streams of the whole server."""

    async def all(self) -> Sequence[ListedStream]:
        """Return all that there are."""

    async def one(self, name: str) -> ListedStream:
        """Return the stream `app/name`; one that is off if there is none."""
