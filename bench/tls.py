"""RTMPS beside RTMP: the same fan-out with TLS and without, from Slipstream and from nginx.

Nobody decrypts what the crowd gets: it throws the records away, as it does the bytes of others. So
gigabytes are those on the wire, records' heads included (up to 2 % of small ones); and how many
records a viewer's bytes are cut into depends on the moment, so that *unequal viewers* says
nothing here. The watching viewers decrypt, and check each message as ever.
"""

from __future__ import annotations

from functools import partial

from .fanout import Case, choose_cases, measure
from .report import Promise, Reference, Report
from .settings import Settings

NGINX = "TLS proxy and nginx-rtmp"
PUMPS = ("at once", "auto", "100 ms")
PLAIN, ENCRYPTED = ([f"{over} {pump}" for pump in PUMPS] for over in ("slipstream", "RTMPS"))
SERVERS = ",".join(("nginx-rtmp", NGINX, *PLAIN, *ENCRYPTED))
BEHIND_TLS = Reference(NGINX, lambda _: NGINX)
USUAL_CASES = (Case(500, 1), Case(250, 4))
USUAL_S = 8
USUAL_ROUNDS = 3
PROMISES = [
    Promise(name, column, limit)
    for column, limit in (("latency_max_ms", 1000), ("missing", 0), ("doubled", 0))
    for name in ENCRYPTED
]


def run(settings: Settings) -> Report:
    """Measure; `--viewers` and `--bitrate` replace the usual loads."""
    rows = settings.alternate(
        choose_cases(settings, USUAL_CASES),
        partial(measure, usual_s=USUAL_S),
        servers=SERVERS,
        rounds=USUAL_ROUNDS,
    )
    return Report("RTMPS beside RTMP", rows, settings.judged(PROMISES), BEHIND_TLS)
