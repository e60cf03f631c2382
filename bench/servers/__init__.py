"""The servers to compare. Another one is one more small file in this folder.

A module here has `SERVERS`: a tuple of `Server`, one for each way of running it that the tables
should have a row for. It is found by being here.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..load.client import Client, Player, Target


@dataclass(frozen=True, slots=True)
class Start:
    """What a server is told: where it may write, and the ports of 127.0.0.1 to listen on."""

    folder: Path
    rtmp_port: int
    http_port: int


@dataclass(frozen=True, slots=True)
class Server:
    """One way of running one server.

    Args:
        name: in tables and on the command line.
        command: writes what configuration is needed into the folder and returns the command,
            which stays in the foreground.
        app: the RTMP application that takes any stream from anyone.
        player: what its viewers are, `Client` for RTMP or `HttpFlvClient`.
        speaks_rtmp: whether it listens for RTMP; if not, for HTTP.
    """

    name: str
    command: Callable[[Start], list[str]]
    app: str = "live"
    player: Callable[[Target], Player] = Client
    speaks_rtmp: bool = True


def all_servers() -> dict[str, Server]:
    """Every server in this folder, by name, files in alphabetical order."""
    modules = [
        importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
    ]
    return {server.name: server for module in modules for server in module.SERVERS}


def choose_servers(names: str) -> list[Server]:
    """The servers in a comma-separated list; a name's beginning chooses all that have it."""
    servers = all_servers()
    chosen: dict[str, Server] = {}
    for wanted in names.split(","):
        found = {name: server for name, server in servers.items() if name.startswith(wanted)}
        if not found:
            raise SystemExit(f"no server is called {wanted!r}; there are: {', '.join(servers)}")
        chosen |= found
    return list(chosen.values())
