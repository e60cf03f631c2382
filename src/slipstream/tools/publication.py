"""A source on its way to a server: each frame when it is due, and what becomes of them.

Frames are due by their own clock. Where the network is slower than the stream they leave
late; beyond two seconds pictures are left out up to the next keyframe, as encoders do, so that
viewers stay near the present.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar

from slipstream.errors import MediaError
from slipstream.media import FlvTag, Frame, Kind, parse_tag
from slipstream.media.metadata import SET_DATA_FRAME
from slipstream.net.rtmp_client import EndedError, RtmpClient
from slipstream.tools.meter import StreamMeter
from slipstream.tools.screen import figures_table
from slipstream.tools.source import Source
from slipstream.tools.wording import rate_words, size_words, time_words

MAX_LATE_S = 2.0
MAX_WAIT_S = 10.0  # a longer hole in the source is not waited for
LAST_WORDS_S = 1.0  # for the server to say why, when it has hung up
BAR_WIDTH = 60


class Schedule:
    """When frames are due, by their own clock and from the first one on."""

    def __init__(self) -> None:
        self._origin_s: float | None = None

    def wait_s(self, dts_ms: int, now: float) -> float:
        """Return how long to wait with a frame; less than nothing if it is late."""
        if self._origin_s is None or self._origin_s + dts_ms / 1000 - now > MAX_WAIT_S:
            self._origin_s = now - dts_ms / 1000
        return self._origin_s + dts_ms / 1000 - now


class Publication:
    """Sends what a source gives to a server that waits for it: `run()`, once.

    Attributes:
        dropped: frames left out because the network was too slow.
    """

    def __init__(self, source: Source, client: RtmpClient) -> None:
        self.dropped = 0
        self._source = source
        self._client = client
        self._meter = StreamMeter()
        self._schedule = Schedule()
        self._skipping = False
        self._began_s = monotonic()

    async def run(self, tags: Sequence[FlvTag]) -> None:
        """Send these tags and all that come after them.

        Raises:
            SlipstreamError: the source cannot be read on, or the server has gone.
        """
        self._began_s = monotonic()
        sending = asyncio.create_task(self._send_all(tags))
        listening = asyncio.create_task(self._client.receive())
        try:
            await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and isinstance(sending.exception(), EndedError):
                await asyncio.wait({listening}, timeout=LAST_WORDS_S)
            await (listening if listening.done() else sending)
        finally:
            for task in (sending, listening):
                task.cancel()
            await asyncio.gather(sending, listening, return_exceptions=True)

    def render(self) -> RenderableType:
        """Return how it fares now."""
        now = monotonic()
        figures = self._meter.figures(now)
        media_s = self._meter.media_ms / 1000
        table = figures_table(
            (
                ("time", time_words(media_s)),
                ("bitrate", rate_words(figures.bits_per_s)),
                ("frames", f"{figures.frames_per_s:.1f} fps"),
                ("speed", f"{media_s / max(now - self._began_s, 0.001):.2f}x"),
                ("dropped", str(self.dropped)),
            )
        )
        if self._source.length_s is None:
            return table
        bar = ProgressBar(self._source.length_s, media_s, width=BAR_WIDTH)
        return Group(table, Padding(bar, (0, 1)))

    def summary(self) -> str:
        """Return what there is to say at the end."""
        dropped = f"{self.dropped} frames dropped" if self.dropped else "nothing dropped"
        meter = self._meter
        return (
            f"Published {time_words(meter.media_ms / 1000)}: {size_words(meter.bytes)}, "
            f"{rate_words(meter.mean_bits_per_s)}, {dropped}."
        )

    async def _send_all(self, tags: Sequence[FlvTag]) -> None:
        while tags:
            for tag in tags:
                await self._send(tag)
            tags = await self._source.read()

    async def _send(self, tag: FlvTag) -> None:
        try:
            frame = parse_tag(*tag)
        except MediaError:
            return  # FFmpeg ends FLAC with an empty frame, which players cannot read either
        body = tag.body
        if frame.config or frame.kind is Kind.DATA:
            if frame.kind is Kind.DATA and frame.config:
                body = SET_DATA_FRAME + body  # so that the server keeps it for newcomers
        elif not await self._let_go(frame):
            self.dropped += 1
            return
        await self._client.send_media(tag.type_id, tag.timestamp & 0xFFFFFFFF, body)
        self._meter.count(frame, monotonic())

    async def _let_go(self, frame: Frame) -> bool:
        """Wait until a frame is due; whether it may go then."""
        wait_s = self._schedule.wait_s(frame.dts_ms, monotonic())
        if wait_s > 0 and not self._source.is_live:
            await asyncio.sleep(wait_s)
        late = wait_s < -MAX_LATE_S
        if frame.kind is Kind.VIDEO:
            self._skipping = late or (self._skipping and not frame.keyframe)
            return not self._skipping
        return not late
