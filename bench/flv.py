"""HTTP-FLV and WebSocket-FLV beside RTMP: the same fan-out from the same server, over each.

What does it cost to watch by HTTP what could be watched by RTMP? The rounds are those of `fanout`.
No other server here speaks HTTP-FLV, so each row is compared with RTMP at the same point of the
pump, in the same run.
"""

from __future__ import annotations

from functools import partial

from .fanout import Case, choose_cases, measure
from .report import Promise, Reference, Report
from .settings import Settings

RTMP = "slipstream"  # the beginnings of the servers' names
OVER_HTTP = ("HTTP-FLV", "WebSocket-FLV")
PUMPS = ("at once", "auto", "100 ms")
SERVERS = ",".join(f"{over} {pump}" for pump in PUMPS for over in (RTMP, *OVER_HTTP))
OTHERS = {f"{over} {pump}": f"{RTMP} {pump}" for pump in PUMPS for over in OVER_HTTP}
SAME_OVER_RTMP = Reference("RTMP", lambda server: OTHERS.get(server, server))
USUAL_CASES = (Case(500, 1),)
USUAL_S = 5
USUAL_ROUNDS = 3
PROMISES = [
    Promise(f"{over} {pump}", column, limit)
    for column, limit in (
        ("latency_max_ms", 1000),
        ("missing", 0),
        ("doubled", 0),
        ("unequal_viewers", 0),
    )
    for over in OVER_HTTP
    for pump in PUMPS
] + [
    Promise(f"{over} {pump}", "cpu_s_per_gb", 1.2, of_reference=True)
    for over in OVER_HTTP
    for pump in PUMPS
]


def run(settings: Settings) -> Report:
    """Measure; `--viewers` and `--bitrate` replace the usual load."""
    rows = settings.alternate(
        choose_cases(settings, USUAL_CASES),
        partial(measure, usual_s=USUAL_S),
        servers=SERVERS,
        rounds=USUAL_ROUNDS,
    )
    return Report("FLV over HTTP beside RTMP", rows, settings.judged(PROMISES), SAME_OVER_RTMP)
