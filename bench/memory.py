"""Memory: what does one more playing viewer cost the server?

PSS of the whole process tree with one viewer playing, and again with all of them. The kernel's
socket buffers are not in it. Memory files (memfd) are shown beside it, because PSS counts them
only where they are mapped.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from .crowd import unequal_viewers
from .report import Promise, Report, Row, column
from .servers import Server
from .settings import Settings

BITRATE_BPS = 1_000_000
USUAL_VIEWERS = 1000
USUAL_S = 10  # of playing before memory is read
WARM_UP_S = 3
KB, MB = 1 << 10, 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryRow(Row):
    """One server."""

    pss_per_viewer_kb: float = column("KB/viewer", 1, compared=True)
    one_pss_mb: float = column("MB with one")
    full_pss_mb: float = column("MB with all")
    memory_files_mb: float = column("memory files MB")
    unequal_viewers: int = column("unequal viewers", 0, sum)


PROMISES = (Promise("slipstream auto", "pss_per_viewer_kb", 8),)


def run(settings: Settings) -> Report:
    """Measure with `--viewers`, usually 1000."""
    viewers = settings.viewers or settings.scaled(USUAL_VIEWERS)
    rows = settings.alternate([viewers], _measure, servers="nginx-rtmp,slipstream auto", rounds=1)
    return Report("Memory", rows, settings.judged(PROMISES))


def _measure(server: Server, viewers: int, settings: Settings) -> MemoryRow:
    with settings.start(server) as (running, crowd):
        crowd.publish(1, BITRATE_BPS)
        crowd.join(viewers=1, watching=1)  # with whom the server makes what is made once
        time.sleep(WARM_UP_S)
        one_bytes = running.pss_bytes()
        crowd.join(viewers - 1, watching=1)
        time.sleep(WARM_UP_S)
        quiet_bytes = crowd.quiet_bytes()
        time.sleep(settings.measured_s(USUAL_S))
        full_bytes, file_bytes = running.pss_bytes(), running.memory_file_bytes()
        unequal = unequal_viewers(quiet_bytes, crowd.quiet_bytes())
    return MemoryRow(
        case=f"{viewers} viewers of 1 Mbit/s",
        server=server.name,
        pss_per_viewer_kb=(full_bytes - one_bytes) / (viewers - 1) / KB,
        one_pss_mb=one_bytes / MB,
        full_pss_mb=full_bytes / MB,
        memory_files_mb=file_bytes / MB,
        unequal_viewers=unequal,
    )
