"""Every program with every film that it can publish: all of it arrives.

All that publish a film do so at the same time, each under a name of its own, while somebody
watches who has been waiting for it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest

from tests.clips import H265_ID12, Content, read_content
from tests.interop.clients import PUBLISHERS, WATCHERS, Publisher, watch
from tests.interop.comparison import compare
from tests.interop.matrix import PUBLISHED, Cell
from tests.server import RunningServer

pytestmark = pytest.mark.interop

WATCHER = {watcher.name: watcher for watcher in WATCHERS}
Exchange = tuple[Content, Content]  # sent, received


@pytest.fixture(scope="module")
def exchanges(
    server: RunningServer, film: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], dict[str, Future[Exchange]]]:
    """What everybody sent of a film, and what came of it; by the publisher's name."""

    @cache
    def publish_all(name: str) -> dict[str, Future[Exchange]]:
        chosen = [p for p in PUBLISHERS if Cell(p.name, name) in PUBLISHED]
        with ThreadPoolExecutor(len(chosen)) as pool:
            return {
                publisher.name: pool.submit(
                    exchange, publisher, film(name), server, tmp_path_factory.mktemp("exchange")
                )
                for publisher in chosen
            }

    return publish_all


def exchange(publisher: Publisher, film: Path, server: RunningServer, folder: Path) -> Exchange:
    """Publish a film, and watch it."""
    watcher = WATCHER["rtmpdump" if film.stem == H265_ID12 else "PyAV (FFmpeg 8)"]
    stream = f"live/{film.stem}-{PUBLISHERS.index(publisher)}"
    with ThreadPoolExecutor() as pool:
        received = pool.submit(watch, watcher, server, stream, folder)
        server.wait_for_viewers(stream, 1)
        sent = publisher.publish(film, server.publish_url(stream), folder)
        return read_content(sent), received.result()


@pytest.mark.parametrize("cell", PUBLISHED, ids="-".join)
def test_what_is_published_arrives(
    cell: Cell, exchanges: Callable[[str], dict[str, Future[Exchange]]]
) -> None:
    sent, received = exchanges(cell.film)[cell.client].result()
    publisher = next(p for p in PUBLISHERS if p.name == cell.client)
    compare(received, sent, misses_start=publisher.misses_start)
