"""Every program with every film that it can watch: it gets all of it.

All watch a film at the same time. They wait for it to begin; but one film has 10 s from keyframe
to keyframe, and there they join in the middle.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.clips import Content, read_content
from tests.interop.clients import OUR_OWN, TIMEOUT_S, WATCHERS, watch
from tests.interop.comparison import compare
from tests.interop.matrix import HEAVY, WATCHED, Cell
from tests.server import RunningServer, wait_until

pytestmark = pytest.mark.interop

LATE_S = 3.0  # in mid-GOP of the film with 10 s from keyframe to keyframe


class Showing(NamedTuple):
    """A film that everybody has watched who can."""

    sent: Content
    received: dict[str, Future[Content]]  # by the watcher's name


@pytest.fixture(scope="module")
def showings(
    server: RunningServer, film: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Showing]:
    """Every film is shown once, when it is asked for."""
    return cache(lambda name: show(film(name), server, tmp_path_factory.mktemp))


def show(film: Path, server: RunningServer, new_folder: Callable[[str], Path]) -> Showing:
    """Publish a film for all who can watch it."""
    stream = f"live/{film.stem}"
    audience = [watcher for watcher in WATCHERS if Cell(watcher.name, film.stem) in WATCHED]
    received: dict[str, Future[Content]] = {}

    def has_run_for(seconds: float) -> bool:
        report = server.stream(stream)
        return bool(report and report["publisher"] and report["publisher"]["for_s"] >= seconds)

    def is_complete() -> bool:
        report = server.stream(stream)
        failed = sum(future.done() for future in received.values())
        return bool(report) and report["viewers"] + failed >= len(audience)

    def admit() -> None:
        for watcher in audience:
            folder = new_folder("watcher")
            received[watcher.name] = pool.submit(watch, watcher, server, stream, folder)

    with ThreadPoolExecutor(len(audience) + 1) as pool:
        if film.stem != HEAVY:
            admit()
            wait_until(is_complete, "the audience", TIMEOUT_S)
        publisher = new_folder("publisher")
        sent = pool.submit(OUR_OWN.publish, film, server.publish_url(stream), publisher)
        if film.stem == HEAVY:
            wait_until(lambda: has_run_for(LATE_S), "the middle of the film")
            admit()
        return Showing(read_content(sent.result()), received)


@pytest.mark.parametrize("cell", WATCHED, ids="-".join)
def test_what_is_published_is_watched(cell: Cell, showings: Callable[[str], Showing]) -> None:
    showing = showings(cell.film)
    compare(showing.received[cell.client].result(), showing.sent)
