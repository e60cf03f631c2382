"""Start: how long does a viewer look at nothing, from `play` to a whole keyframe?

Viewers come one after the other, at moments spread over the two seconds between keyframes, since a
server without a cache of pictures makes them wait for the next one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from .load.stream import CYCLE_MS
from .report import SERIES, Promise, Report, Row, column, percentile
from .servers import Server
from .settings import Settings

BITRATE_BPS = 1_000_000
USUAL_VIEWERS = 60
WARM_UP_S = 3
EVERY_S = 0.117  # between two viewers; no divisor of the time between keyframes


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRow(Row):
    """One server; the times are from `play` to the first keyframe."""

    median_ms: float = column("median ms")
    p90_ms: float = column("p90 ms")
    max_ms: float = column("max ms")
    never: int = column("never", 0, sum)
    all_ms: list[float] = field(metadata=SERIES)


PROMISES = (
    Promise("slipstream auto", "median_ms", 50),
    Promise("slipstream auto", "never", 0),
)


def run(settings: Settings) -> Report:
    """Measure with `--viewers`, usually 60."""
    viewers = settings.viewers or (20 if settings.quick else USUAL_VIEWERS)
    rows = settings.alternate([viewers], _measure, servers="nginx-rtmp,slipstream auto", rounds=1)
    return Report("Start", rows, settings.judged(PROMISES))


def _measure(server: Server, viewers: int, settings: Settings) -> StartRow:
    with settings.start(server) as (_, crowd):
        crowd.publish(1, BITRATE_BPS)
        time.sleep(WARM_UP_S)
        for _ in range(viewers):
            crowd.join(viewers=1, watching=1)
            time.sleep(EVERY_S)
        time.sleep(1.5 * CYCLE_MS / 1000)
        times_ms = sorted(crowd.watched().first_keyframe_ms)
    return StartRow(
        case=f"{viewers} viewers, one at a time",
        server=server.name,
        median_ms=percentile(times_ms, 0.5),
        p90_ms=percentile(times_ms, 0.9),
        max_ms=percentile(times_ms, 1),
        never=viewers - len(times_ms),
        all_ms=[round(time_ms, 2) for time_ms in times_ms],
    )
