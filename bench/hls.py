"""HLS beside a server of files: what does a playlist cost, and what does a segment?

Slipstream serves a stream while it is published. Its playlist and its newest segment are recorded
from one such stream before the first round; nginx and a bare handler of the same HTTP library
serve these as files. Many connections ask for the same address, each again as soon as it has its
answer.
"""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple
from urllib.error import HTTPError

from .load.asking import Answered, Asking
from .load.client import TIMEOUT_S, Target
from .load.worker import Worker
from .report import Promise, Reference, Report, Row, column
from .running import RunningServer
from .servers import Server, choose_servers
from .servers.files import BARE, NGINX, serving
from .settings import Settings

PLAYLIST, SEGMENT = "playlist", "segment"
SLIPSTREAM = "slipstream auto"
CONNECTIONS = 64
BITRATE_MBPS = 1
FULL_S = 24  # until a playlist is as long as it gets: 16 s, and what is asked for at first
USUAL_S = 8
USUAL_ROUNDS = 5
WARM_UP_S = 1
TURN_S = 1  # how often to look for a newer segment
TRACK = "@v0"  # the pictures; sound has a playlist and segments of its own
MB = 1e6


class Case(NamedTuple):
    """What is asked for."""

    what: str
    connections: int
    bitrate_mbps: float

    def __str__(self) -> str:
        length = "2 s of " if self.what == SEGMENT else ""
        return f"{self.what}, {length}{self.bitrate_mbps:g} Mbit/s, {self.connections} connections"


@dataclass(frozen=True, slots=True, kw_only=True)
class HlsRow(Row):
    """One server, asked for one thing."""

    requests_per_cpu_s: float = column("answers/CPU s", 0, compared=True)
    mb_per_cpu_s: float = column("MB/CPU s", 0, compared=True)
    us_per_request: float = column("CPU µs/answer", 1)
    size_bytes: float = column("bytes each", 0)
    server_core_percent: float = column("server core %")
    load_core_percent: float = column("load core %", 1, max)


PROMISES = (
    Promise(SLIPSTREAM, "requests_per_cpu_s", 0.15, PLAYLIST, of=NGINX, at_least=True),
    Promise(SLIPSTREAM, "requests_per_cpu_s", 0.8, PLAYLIST, of=BARE, at_least=True),
    Promise(SLIPSTREAM, "mb_per_cpu_s", 0.6, SEGMENT, of=NGINX, at_least=True),
)


def run(settings: Settings) -> Report:
    """Measure; `--viewers` says over how many connections, `--bitrate` what the stream has."""
    bitrate_mbps = settings.bitrate_mbps or BITRATE_MBPS
    connections = settings.viewers or CONNECTIONS
    (slipstream,) = choose_servers(SLIPSTREAM)
    print("recording what is to be served ...", flush=True)
    with _on_air(slipstream, bitrate_mbps, settings) as running:
        paths = _paths(running.target)
        files = {path: _get(running.target, path) for path in paths.values()}
    rows = settings.alternate(
        [Case(what, connections, bitrate_mbps) for what in (PLAYLIST, SEGMENT)],
        partial(_measure, paths),
        servers=[*serving(files), slipstream],
        rounds=USUAL_ROUNDS,
    )
    reference = Reference(NGINX, lambda _: NGINX)
    return Report("HLS beside files", rows, settings.judged(PROMISES), reference)


@contextmanager
def _on_air(server: Server, bitrate_mbps: float, settings: Settings) -> Iterator[RunningServer]:
    """A server with a stream whose playlist is full."""
    with settings.start(server) as (running, crowd):
        crowd.publish(1, round(bitrate_mbps * 1e6))
        deadline = time.monotonic() + settings.measured_s(FULL_S)
        while time.monotonic() < deadline:
            with suppress(HTTPError):  # not on air yet
                _get(running.target, _playlist_path(running.target))  # so that it is made
            time.sleep(1)
        yield running


def _playlist_path(target: Target) -> str:
    return f"/{target.app}/stream{TRACK}.m3u8"


def _paths(target: Target) -> dict[str, str]:
    """Of the playlist, and of the newest whole segment in it."""
    path = _playlist_path(target)
    segments = re.findall(r"^#EXTINF.*\n(.+)$", _get(target, path).decode(), re.MULTILINE)
    return {PLAYLIST: path, SEGMENT: f"/{target.app}/{segments[-1]}"}


def _get(target: Target, path: str) -> bytes:
    address = f"http://{target.host}:{target.http_port}{path}"
    with urllib.request.urlopen(address, timeout=TIMEOUT_S) as response:
        body: bytes = response.read()
    return body


def _measure(recorded: dict[str, str], server: Server, case: Case, settings: Settings) -> HlsRow:
    if server.name == SLIPSTREAM:
        with _on_air(server, case.bitrate_mbps, settings) as running:
            return _ask(running, lambda: _paths(running.target)[case.what], case, settings)
    with RunningServer(server, {settings.cores.server}) as running:
        return _ask(running, lambda: recorded[case.what], case, settings)


def _ask(running: RunningServer, path: Callable[[], str], case: Case, settings: Settings) -> HlsRow:
    """Let the load ask for what `path()` says, which is another segment from time to time."""
    load = Worker(Asking, {settings.cores.load}, running.target)
    try:
        load.ask("begin", path(), case.connections)
        time.sleep(WARM_UP_S)
        before: Answered = load.ask("answered")
        began_s, server_s, load_s = time.monotonic(), running.cpu_s(), load.cpu_s()
        while (left_s := began_s + settings.measured_s(USUAL_S) - time.monotonic()) > 0:
            time.sleep(min(left_s, TURN_S))
            load.ask("turn_to", path())
        after: Answered = load.ask("answered")
        seconds = time.monotonic() - began_s
        server_s, load_s = running.cpu_s() - server_s, load.cpu_s() - load_s
    finally:
        load.close()
    answers, size = after.answers - before.answers, after.bytes - before.bytes
    return HlsRow(
        case=str(case),
        server=running.server.name,
        requests_per_cpu_s=answers / server_s,
        mb_per_cpu_s=size / MB / server_s,
        us_per_request=1e6 * server_s / answers,
        size_bytes=size / answers,
        server_core_percent=100 * server_s / seconds,
        load_core_percent=100 * load_s / seconds,
    )
