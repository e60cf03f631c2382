"""`slipstream probe`: watch a stream for a few seconds and tell what is in it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from time import monotonic

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from slipstream.media import CodecInfo
from slipstream.net.rtmp_client import EndedError
from slipstream.tools.meter import TrackKey, TrackMeter
from slipstream.tools.screen import LiveFigures, open_console, run_until_stopped
from slipstream.tools.viewing import Viewing
from slipstream.tools.watch import watching
from slipstream.tools.wording import codec_words, rate_words, shape_words, url_words

USUAL_S = 5.0
MAX_VALUES, MAX_DEPTH = 4096, 16  # of metadata that is shown, as of what is read
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


def run(
    url: str, *, seconds: float = USUAL_S, as_json: bool = False, insecure: bool = False
) -> None:
    """Watch, then print a table, or JSON.

    Raises:
        SlipstreamError: the stream cannot be watched.
    """
    run_until_stopped(_probe(url, seconds, as_json=as_json, insecure=insecure))


async def _probe(url: str, seconds: float, *, as_json: bool, insecure: bool) -> None:
    viewing = await _watch(url, seconds, insecure=insecure)
    reports = [
        _report(key, viewing.infos[key], viewing.meter.tracks[key]) for key in viewing.meter.order
    ]
    if as_json:
        sys.stdout.write(_as_json(url, viewing, reports))
    else:
        console = open_console()
        console.print(_as_table(url, viewing, reports), "")
        _print_notes(console, viewing)


async def _watch(url: str, seconds: float, *, insecure: bool) -> Viewing:
    viewing = Viewing()
    async with watching(url, insecure=insecure) as batches:
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


def _report(key: TrackKey, info: CodecInfo, track: TrackMeter) -> TrackReport:
    kind, number = key
    distances = track.keyframe_distances_ms()
    frame_ms = track.mean_frame_ms()
    span_s = (track.media_ms + frame_ms) / 1000
    return TrackReport(
        kind.name.lower(),
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
        "metadata": _as_tree(viewing.metadata, [MAX_VALUES]),
    }
    return json.dumps(whole, indent=2, default=str) + "\n"


def _as_tree(value: object, left: list[int], depth: int = MAX_DEPTH) -> object:
    """A copy of metadata that ends: values of AMF can refer to themselves, JSON's cannot.

    Args:
        value: of the metadata.
        left: how many more values may be copied, in a list of one.
        depth: how many more may lie in one another.
    """
    left[0] -= 1
    if isinstance(value, Mapping | list | tuple) and (left[0] < 0 or depth == 0):
        return "..."
    if isinstance(value, Mapping):
        return {str(key): _as_tree(inner, left, depth - 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_as_tree(inner, left, depth - 1) for inner in value]
    return value


def _as_table(url: str, viewing: Viewing, reports: list[TrackReport]) -> Table:
    """Return a table with a column for each track: it fits where one row for each would not."""
    title = f"{url_words(url)}, {viewing.meter.media_ms / 1000:.1f} s of it"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 1))
    table.add_column("", style="dim", no_wrap=True)
    for report in reports:
        table.add_column(f"{report.kind} {report.track or ''}".rstrip())
    for name, words in _ROWS.items():
        cells = [words(report) for report in reports]
        if any(cells):
            table.add_row(name, *cells)
    return table


def _keyframe_words(report: TrackReport) -> str:
    if report.keyframe_every_ms is None:
        return ""
    least, most = (f"{ms / 1000:.3g}" for ms in report.keyframe_every_ms)
    return f"every {least} s" if least == most else f"every {least} to {most} s"


def _gap_words(report: TrackReport) -> str:
    return f"{report.gaps}, {report.lost_ms / 1000:.1f} s in all" if report.gaps else "none"


_ROWS: dict[str, Callable[[TrackReport], str]] = {
    "codec": lambda report: codec_words(report.info),
    "string": lambda report: report.info.codec_string or "",
    "shape": lambda report: shape_words(report.info),
    "bitrate": lambda report: rate_words(report.bits_per_s),
    "frames": lambda report: f"{report.frames_per_s:.4g} fps",
    "keyframes": _keyframe_words,
    "gaps": _gap_words,
    "jitter": lambda report: f"{report.jitter_ms:.1f} ms",
}


def _print_notes(console: Console, viewing: Viewing) -> None:
    """Say what does not fit into the table, if there is anything."""
    for name in SHOWN_METADATA:
        value = viewing.metadata.get(name)
        if isinstance(value, str) and value:
            shown = "".join(letter for letter in value if letter.isprintable())
            console.print(Text(f" {name}: {shown}", style="dim"))
    if viewing.unreadable:
        console.print(f" {viewing.unreadable} messages that no one can read", style="yellow")
