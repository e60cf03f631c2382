"""One server for all interoperability tests of a worker, and the films, encoded once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clips import film_file
from tests.server import RunningServer, running_server

# Viewers are sent away soon after the publisher has gone, so that their programs end.
SETTINGS = """
[streams]
grace_s = 0.5
wait_s = 30

[net]
trusted_proxies = ["127.0.0.1"]
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("server"), settings=SETTINGS) as server:
        yield server


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[[str], Path]:
    """The file of a film, by its name; workers share them."""
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "films"
    folder.mkdir(exist_ok=True)
    return lambda name: film_file(folder, name)
