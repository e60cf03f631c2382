"""One server for all tests of the tools, and a stream on it for those who watch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import RunningServer, running_server

SETTINGS = """
[streams]
grace_s = 0.2
wait_s = 0.5
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("server"), settings=SETTINGS) as server:
        yield server


@pytest.fixture
def short_film(tmp_path: Path) -> Path:
    """Pictures and sound for a second and a half, with a keyframe every 0.4 s."""
    from tests.tools.files import film

    return film(tmp_path / "film.mp4", seconds=1.5)
