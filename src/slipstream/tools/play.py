"""`slipstream play`: watch a stream without showing it, and keep it in a file if wanted."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from time import monotonic

from rich.console import Console, RenderableType

from slipstream.net.rtmp_client import EndedError
from slipstream.tools.flv_file import FlvFile
from slipstream.tools.screen import LiveFigures, figures_table, open_console, run_until_stopped
from slipstream.tools.viewing import Viewing
from slipstream.tools.watch import Batches, watching
from slipstream.tools.wording import (
    codec_words,
    count_words,
    rate_words,
    shape_words,
    size_words,
    time_words,
    url_words,
)


def run(
    url: str, *, out: Path | None = None, seconds: float | None = None, insecure: bool = False
) -> None:
    """Play until the stream ends, the time is over, or Ctrl-C.

    Raises:
        SlipstreamError: the server or the file cannot be used.
    """
    run_until_stopped(_play(url, out, seconds, open_console(), insecure=insecure))


async def _play(
    url: str, out: Path | None, seconds: float | None, console: Console, *, insecure: bool
) -> None:
    async with watching(url, insecure=insecure) as batches:
        with _kept(out) as file:
            console.print(f"Playing {url_words(url)}")
            player = Player(console)
            try:
                with LiveFigures(console, player.render):
                    async with asyncio.timeout(seconds):
                        await player.follow(batches, file)
            except TimeoutError:
                pass
            except EndedError as error:
                if not player.has_seen_anything:
                    raise
                console.print(f"{error}.")
            finally:
                if player.has_seen_anything:
                    console.print(player.summary())
        if out is not None:
            console.print(f"Kept in {out}.")


class Player:
    """Takes a stream in and knows what to show of it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._viewing = Viewing()
        self._introduced = 0  # tracks

    @property
    def has_seen_anything(self) -> bool:
        """Whether there was a frame."""
        return self._viewing.meter.bytes > 0

    async def follow(self, batches: Batches, file: FlvFile | None) -> None:
        """Take in all that comes.

        Raises:
            EndedError: nothing more comes.
        """
        async for tags in batches:
            self._viewing.count(tags, monotonic())
            if file is not None:
                file.write(tags)
            self._introduce_tracks()

    def render(self) -> RenderableType:
        """Return how the stream fares now."""
        meter = self._viewing.meter
        figures = meter.figures(monotonic())
        return figures_table(
            (
                ("time", time_words(meter.media_ms / 1000)),
                ("bitrate", rate_words(figures.bits_per_s)),
                ("frames", f"{figures.frames_per_s:.1f} fps"),
                ("gaps", _gap_words(figures.gaps, figures.lost_ms)),
                ("delay", f"{figures.delay_ms:+.0f} ms"),
                ("jitter", f"{figures.jitter_ms:.1f} ms"),
            )
        )

    def summary(self) -> str:
        """Return what there is to say at the end."""
        meter = self._viewing.meter
        figures = meter.figures(monotonic())
        parts = [
            f"Played {time_words(meter.media_ms / 1000)}: {size_words(meter.bytes)}",
            rate_words(meter.mean_bits_per_s),
            count_words(figures.gaps, "gap"),
            f"jitter {figures.jitter_ms:.1f} ms",
        ]
        if self._viewing.unreadable:
            parts.append(f"{self._viewing.unreadable} unreadable")
        return ", ".join(parts) + "."

    def _introduce_tracks(self) -> None:
        """Say what is in the stream, once each track has sent something."""
        tracks = list(self._viewing.meter.tracks)
        for key in tracks[self._introduced :]:
            kind, number = key
            info = self._viewing.infos[key]
            words = ", ".join(part for part in (codec_words(info), shape_words(info)) if part)
            name = kind.name.lower() + (f" {number}" if number else "")
            self._console.print(f"  {name}: {words}", style="dim")
        self._introduced = len(tracks)


def _kept(out: Path | None) -> contextlib.AbstractContextManager[FlvFile | None]:
    return contextlib.nullcontext() if out is None else FlvFile(out)


def _gap_words(gaps: int, lost_ms: int) -> str:
    return f"{gaps} ({lost_ms / 1000:.1f} s)" if gaps else "none"
