"""A server for the tests of a worker, and others with settings of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.bystanders import SHORT_DEADLINES, Bystanders, bystanders
from tests.behaviour.hls_stage import Show, on_show
from tests.hls_client import HlsClient
from tests.server import RunningServer, running_server

# Short, so that nobody has to wait; long enough for a busy machine.
SETTINGS = """
[streams]
grace_s = 3
wait_s = 4
latency_ceiling_ms = 20000  # films are sent at once, and nobody is to leave something out
"""

_numbers = count(1)
OpenServer = Callable[..., RunningServer]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Publishing needs the key; what one test does to it, another one may find."""
    with running_server(tmp_path_factory.mktemp("server"), settings=SETTINGS) as server:
        yield server


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """To be attacked by the tests of one file; its deadlines are short."""
    folder = tmp_path_factory.mktemp("victim")
    with running_server(folder, settings=SHORT_DEADLINES) as server:
        yield server


@pytest.fixture(scope="module")
def others(victim: RunningServer) -> Iterator[Bystanders]:
    """Those who use the victim all the while."""
    with bystanders(victim) as others:
        yield others


@pytest.fixture
def open_server(tmp_path: Path) -> Iterator[OpenServer]:
    """Starts servers that are this test's own: `open_server("--flag", settings="...")`."""
    numbers = count(1)
    with ExitStack() as stack:

        def open_one(*flags: str, settings: str = SETTINGS, **more: Any) -> RunningServer:
            folder = tmp_path / f"server-{next(numbers)}"
            server = running_server(folder, *flags, settings=settings, **more)
            return stack.enter_context(server)

        yield open_one


@pytest.fixture
def stream(request: pytest.FixtureRequest) -> str:
    """A stream that only this test uses."""
    return f"live/{request.function.__name__[5:50]}-{next(_numbers)}"


@pytest.fixture
def show(server: RunningServer, stream: str) -> Iterator[Show]:
    """Publishes the stream of this test: two whole segments, and a quarter of the third."""
    with on_show(server, stream) as show:
        yield show


@pytest.fixture
def player(server: RunningServer, stream: str, show: Show) -> Iterator[HlsClient]:
    """Watches it by HLS, over one connection, so that one worker answers it."""
    with HlsClient(server, stream) as player:
        yield player
