"""Slipstream, at three points of its pump (`--pump-interval`).

0 sends every message at once, `auto` is the default, 100 holds messages for up to 100 ms. All else
is left as it comes, uvloop included, save that anyone may publish.
"""

from __future__ import annotations

import sys
from functools import partial

from . import Server, Start


def _command(pump_interval: str, start: Start) -> list[str]:
    return [
        *(sys.executable, "-m", "slipstream", "serve"),
        *("--rtmp", f"127.0.0.1:{start.rtmp_port}"),
        *("--http", f"127.0.0.1:{start.http_port}"),
        *("--data-dir", str(start.folder / "data")),
        *("--pump-interval", pump_interval),
        "--allow-anonymous-publish",
    ]


SERVERS = (
    Server("slipstream at once", partial(_command, "0")),
    Server("slipstream auto", partial(_command, "auto")),
    Server("slipstream 100 ms", partial(_command, "100")),
)
