"""Which client is tested with which film; the reason where it is not.

The page `docs/reference/interop.md` shows this as a table, and a test keeps it the same.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.interop.clients import PUBLISHERS, WATCHERS

COLUMNS = {
    "h264-aac": "H.264, AAC",
    "b-frames": "H.264 with B-frames, AAC",
    "h264-mp3": "H.264, MP3",
    "video-only": "H.264 alone",
    "audio-only": "AAC alone",
    "heavy": "H.264 at 4 Mbit/s with a keyframe every 10 s, AAC",
    "h265-aac": "H.265 (`hvc1`), AAC",
    "h265-id12": "H.265 (codec id 12), AAC",
    "av1-opus": "AV1, Opus",
    "vp9-flac": "VP9, FLAC",
}
HEAVY = "heavy"
ENHANCED = ("h265-aac", "av1-opus", "vp9-flac")

FFMPEG_5 = "Enhanced RTMP came with FFmpeg 6.1"
FFMPEG_ID12 = "FFmpeg does not know codec id 12"
FLVMUX = "flvmux of GStreamer 1.22 writes H.264, AAC and MP3 only"
NGINX = "nginx-rtmp 1.2 does not know Enhanced RTMP and waits for a keyframe that it knows"
NGINX_ID12 = (
    "nginx-rtmp 1.2 keeps no configuration of it for those that come later, as its push does"
)
NGINX_HEAVY = "nginx-rtmp passes no picture on before the next keyframe, 10 s later"


class Cell(NamedTuple):
    """A client and a film."""

    client: str
    film: str


def _row(client: str, reason: str, *films: str) -> dict[Cell, str]:
    return {Cell(client, film): reason for film in films}


NOT_PUBLISHED = {
    **_row("PyAV (FFmpeg 8)", FFMPEG_ID12, "h265-id12"),
    **_row("ffmpeg 5.1", FFMPEG_5, *ENHANCED),
    **_row("ffmpeg 5.1", FFMPEG_ID12, "h265-id12"),
    **_row("GStreamer rtmp2sink", FLVMUX, *ENHANCED, "h265-id12"),
    **_row("nginx-rtmp push", NGINX, *ENHANCED),
    **_row("nginx-rtmp push", NGINX_HEAVY, HEAVY),
    **_row("nginx-rtmp push", NGINX_ID12, "h265-id12"),
}
NOT_WATCHED: dict[Cell, str] = {
    **_row("PyAV (FFmpeg 8)", FFMPEG_ID12, "h265-id12"),
    **_row("PyAV (FFmpeg 8), HTTP-FLV", FFMPEG_ID12, "h265-id12"),
    **{
        cell: reason
        for client in ("ffmpeg 5.1", "ffprobe 5.1", "ffmpeg 5.1, HTTP-FLV")
        for cell, reason in (
            *_row(client, FFMPEG_5, *ENHANCED).items(),
            *_row(client, FFMPEG_ID12, "h265-id12").items(),
        )
    },
    **_row("nginx-rtmp pull", NGINX, *ENHANCED),
}


def cells(clients: list[str], empty: dict[Cell, str]) -> list[Cell]:
    """All that are tested."""
    everything = [Cell(client, film) for client in clients for film in COLUMNS]
    return [cell for cell in everything if cell not in empty]


PUBLISHED = cells([publisher.name for publisher in PUBLISHERS], NOT_PUBLISHED)
WATCHED = cells([watcher.name for watcher in WATCHERS], NOT_WATCHED)
