"""One stream in every format: what does each cost the worker that takes the stream in?

One viewer of each format makes the server make it. The cost of a format is what the server spends
beyond what it spends with a viewer over RTMP alone, that one viewer included. Seconds are the
scheduler's own, in ns: ticks of 10 ms would be a tenth of what is measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from .load.client import Player, Target
from .load.discarding import Discarding
from .load.fetching import Fetching
from .load.http_flv import HttpFlvClient
from .load.worker import Worker
from .load.ws_flv import WsFlvClient
from .report import Reference, Report, Row, column
from .servers import Server, choose_servers
from .settings import Settings

RTMP, EVERY = "RTMP", "every format"
SLIPSTREAM = "slipstream auto"
BITRATE_MBPS = 2.5
PICTURES_PER_S = 30
USUAL_S = 15
USUAL_ROUNDS = 3
WARM_UP_S = 5
PLAYERS: dict[str, Callable[[Target], Player]] = {
    "HTTP-FLV": HttpFlvClient,
    "WebSocket-FLV": WsFlvClient,
    "HTTP-TS": partial(HttpFlvClient, extension="ts"),
    "HTTP-MP4": partial(HttpFlvClient, extension="mp4"),
}
PLAYLISTS = {"HLS": "@v0.m3u8", "HLS-TS": "@ts.m3u8"}
FORMATS = (*PLAYERS, *PLAYLISTS)


class Case(NamedTuple):
    """A load."""

    bitrate_mbps: float

    def __str__(self) -> str:
        return f"one stream of {self.bitrate_mbps:g} Mbit/s, a viewer of each"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatsRow(Row):
    """One choice of formats."""

    core_percent: float = column("core %", 2, compared=True)
    us_per_picture: float = column("CPU µs/picture")
    load_core_percent: float = column("load core %", 1, max)


def run(settings: Settings) -> Report:
    """Measure; `--bitrate` replaces the usual load."""
    (slipstream,) = choose_servers(SLIPSTREAM)
    choices = [RTMP, *(f"{RTMP} + {name}" for name in FORMATS), EVERY]
    servers = [Server(name, slipstream.command, slipstream.app) for name in choices]
    case = Case(settings.bitrate_mbps or BITRATE_MBPS)
    rows = settings.alternate([case], _measure, servers=servers, rounds=USUAL_ROUNDS)
    return Report("Formats of one stream", rows, reference=Reference(RTMP, lambda _: RTMP))


def _measure(server: Server, case: Case, settings: Settings) -> FormatsRow:
    wanted = FORMATS if server.name == EVERY else server.name.split(" + ")[1:]
    with settings.start(server) as (running, crowd):
        crowd.publish(1, round(case.bitrate_mbps * 1e6))
        crowd.join(viewers=1, watching=1)
        with _viewers(wanted, running.target, {settings.cores.load}):
            time.sleep(WARM_UP_S)
            began_s, server_s, load_s = time.monotonic(), running.running_s(), crowd.cpu_s()
            time.sleep(settings.measured_s(USUAL_S))
            seconds = time.monotonic() - began_s
            server_s, load_s = running.running_s() - server_s, crowd.cpu_s() - load_s
    return FormatsRow(
        case=str(case),
        server=server.name,
        core_percent=100 * server_s / seconds,
        us_per_picture=1e6 * server_s / seconds / PICTURES_PER_S,
        load_core_percent=100 * load_s / seconds,
    )


@contextmanager
def _viewers(formats: Collection[str], target: Target, cores: Collection[int]) -> Iterator[None]:
    """One of each."""
    with ExitStack() as stack:

        def start(job: Any, *arguments: Any) -> Worker:
            worker = Worker(job, cores, target, *arguments)
            stack.callback(worker.close)
            return worker

        for name in formats:
            if name in PLAYERS:
                start(Discarding, PLAYERS[name], 0).ask("join", "stream", 1)
            else:
                start(Fetching).ask("join", f"/{target.app}/stream{PLAYLISTS[name]}", 1)
        yield
