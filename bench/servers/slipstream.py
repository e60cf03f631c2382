"""Slipstream with one worker, at three points of its pump (`--pump-interval`).

0 sends every message at once, `auto` is the default, 100 holds messages for up to 100 ms. All else
is left as it comes, uvloop included, save that anyone may publish. At each point viewers come over
RTMP, HTTP-FLV or WebSocket-FLV. `of_workers` is for the question what several workers cost.
"""

from __future__ import annotations

import sys
from functools import partial

from ..load.http_flv import HttpFlvClient
from ..load.ws_flv import WsFlvClient
from . import Server, Start

DATA_FOLDER = "data"  # in the folder that is given


def _command(pump_interval: str, workers: int, start: Start) -> list[str]:
    return [
        *(sys.executable, "-m", "slipstream", "serve"),
        *("--rtmp", f"127.0.0.1:{start.rtmp_port}"),
        *("--http", f"127.0.0.1:{start.http_port}"),
        *("--data-dir", str(start.folder / DATA_FOLDER)),
        *("--workers", str(workers)),
        *("--pump-interval", pump_interval),
        "--allow-anonymous-publish",
    ]


def of_workers(count: int) -> Server:
    """With so many workers, all else as it comes."""
    name = f"{count} worker{'s' if count > 1 else ''}"
    return Server(name, partial(_command, "auto", count))


SERVERS = (
    Server("slipstream at once", partial(_command, "0", 1)),
    Server("slipstream auto", partial(_command, "auto", 1)),
    Server("slipstream 100 ms", partial(_command, "100", 1)),
    Server("HTTP-FLV at once", partial(_command, "0", 1), player=HttpFlvClient),
    Server("HTTP-FLV auto", partial(_command, "auto", 1), player=HttpFlvClient),
    Server("HTTP-FLV 100 ms", partial(_command, "100", 1), player=HttpFlvClient),
    Server("WebSocket-FLV at once", partial(_command, "0", 1), player=WsFlvClient),
    Server("WebSocket-FLV auto", partial(_command, "auto", 1), player=WsFlvClient),
    Server("WebSocket-FLV 100 ms", partial(_command, "100", 1), player=WsFlvClient),
)
