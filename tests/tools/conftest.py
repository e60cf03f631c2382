"""One server for all tests of the tools, and a stream on it for those who watch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server import RunningServer, running_server
from tests.tools.command import Command
from tests.tools.files import film

SETTINGS = """
[streams]
grace_s = 0.2
wait_s = 0.5
"""
STREAM = "live/film"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("server"), settings=SETTINGS) as server:
        yield server


@pytest.fixture(scope="session")
def on_air(
    server: RunningServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """The server, with a film of 2 s on `live/film`, over and over."""
    folder = tmp_path_factory.mktemp("film")
    source = str(film(folder / "film.mp4", seconds=2))
    with Command("publish", source, server.publish_url(STREAM), "--loop", folder=folder) as publish:
        publish.wait_for("Publishing")
        yield server
        assert publish.process.poll() is None, publish.text()
