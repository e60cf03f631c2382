"""`slipstream probe`: watch a stream for a few seconds and tell what is in it."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict, dataclass
from itertools import pairwise
from time import monotonic

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from slipstream.media import CodecInfo
from slipstream.net.rtmp_client import EndedError
from slipstream.tools.meter import TrackMeter
from slipstream.tools.screen import LiveFigures, open_console, run_until_stopped
from slipstream.tools.viewing import Viewing
from slipstream.tools.watch import watching
from slipstream.tools.wording import codec_words, count_words, rate_words, shape_words, url_words

USUAL_S = 5.0
SHOWN_METADATA = ("encoder", "server", "title")


@dataclass(frozen=True, slots=True)
class TrackReport:
    """What was found out about one track."""

    kind: str
    track: int
    info: CodecInfo
    frames: int
    frames_per_s: float
    bits_per_s: float
    keyframe_every_ms: tuple[int, int] | None  # least and most; None: fewer than two came
    gaps: int
    lost_ms: int
    jitter_ms: float


def run(url: str, *, seconds: float = USUAL_S, as_json: bool = False) -> None:
    """Watch, then print a table, or JSON.

    Raises:
        SlipstreamError: the stream cannot be watched.
    """
    run_until_stopped(_probe(url, seconds, as_json=as_json))


async def _probe(url: str, seconds: float, *, as_json: bool) -> None:
    viewing = await _watch(url, seconds)
    reports = [
        _report(kind.name.lower(), number, viewing.infos[kind, number], track)
        for (kind, number), track in sorted(viewing.meter.tracks.items(), reverse=True)
    ]
    if as_json:
        sys.stdout.write(_as_json(url, viewing, reports))
    else:
        console = open_console()
        console.print(_as_table(url, viewing, reports))
        _print_notes(console, viewing, reports)


async def _watch(url: str, seconds: float) -> Viewing:
    viewing = Viewing()
    async with watching(url) as batches:
        began = monotonic()

        def render() -> RenderableType:
            return Text(f"Watching {monotonic() - began:.0f} of {seconds:g} s", style="dim")

        with LiveFigures(open_console(stderr=True), render):
            try:
                async with asyncio.timeout(seconds):
                    async for tags in batches:
                        viewing.count(tags, monotonic())
            except TimeoutError:
                pass
            except EndedError:
                if not viewing.meter.tracks:
                    raise
    return viewing


def _report(kind: str, number: int, info: CodecInfo, track: TrackMeter) -> TrackReport:
    times = list(track.keyframes_ms)
    distances = [later - earlier for earlier, later in pairwise(times)]
    frame_ms = track.mean_frame_ms()
    span_s = (track.media_ms + frame_ms) / 1000
    return TrackReport(
        kind,
        number,
        info,
        track.frames,
        round(1000 / frame_ms, 2) if frame_ms else 0.0,
        round(track.bytes * 8 / span_s) if span_s else 0.0,
        (min(distances), max(distances)) if distances else None,
        track.gaps,
        track.lost_ms,
        round(track.jitter_ms, 1),
    )


def _as_json(url: str, viewing: Viewing, reports: list[TrackReport]) -> str:
    tracks = []
    for report in reports:
        fields = asdict(report)
        tracks.append({"kind": fields.pop("kind"), **fields.pop("info"), **fields})
    whole = {
        "url": url_words(url),
        "media_ms": viewing.meter.media_ms,
        "unreadable": viewing.unreadable,
        "tracks": tracks,
        "metadata": viewing.metadata,
    }
    return json.dumps(whole, indent=2, default=str, ensure_ascii=False) + "\n"


def _as_table(url: str, viewing: Viewing, reports: list[TrackReport]) -> Table:
    title = f"{url_words(url)}, {viewing.meter.media_ms / 1000:.1f} s of it"
    table = Table(title=title, title_justify="left", box=None, header_style="dim", padding=(0, 1))
    for name in ("track", "codec", "string", "shape"):
        table.add_column(name, no_wrap=True)
    for name in ("bitrate", "frames", "keyframes", "jitter"):
        table.add_column(name, no_wrap=True, justify="right")
    for report in reports:
        table.add_row(
            f"{report.kind} {report.track or ''}".rstrip(),
            codec_words(report.info),
            report.info.codec_string or "",
            shape_words(report.info),
            rate_words(report.bits_per_s),
            f"{report.frames_per_s:.4g} fps",
            _keyframe_words(report),
            f"{report.jitter_ms:.1f} ms",
        )
    return table


def _keyframe_words(report: TrackReport) -> str:
    if report.keyframe_every_ms is None:
        return ""
    least, most = (f"{ms / 1000:.3g}" for ms in report.keyframe_every_ms)
    return f"every {least} s" if least == most else f"every {least} to {most} s"


def _print_notes(console: Console, viewing: Viewing, reports: list[TrackReport]) -> None:
    """Say what does not fit into the table, if there is anything."""
    console.print()
    for name in SHOWN_METADATA:
        value = viewing.metadata.get(name)
        if isinstance(value, str) and value:
            console.print(f" {name}: {value}", style="dim")
    gaps = sum(report.gaps for report in reports)
    lost_s = sum(report.lost_ms for report in reports) / 1000
    if gaps:
        console.print(f" {count_words(gaps, 'gap')}, {lost_s:.1f} s in all", style="yellow")
    if viewing.unreadable:
        console.print(f" {viewing.unreadable} messages that no one can read", style="yellow")
