"""What a Slipstream of several workers tells of them, through its API.

How connections are spread, and how much the workers told each other, is seen from inside
only. Nothing of the costs is taken from here.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Sequence
from typing import Any, NamedTuple

from .running import RunningServer
from .servers.slipstream import DATA_FOLDER

TIMEOUT_S = 10
READY_TIMEOUT_S = 20
LOOK_EVERY_S = 0.1


class WorkerFigures(NamedTuple):
    """One worker."""

    viewers: int
    publishers: int
    cpu_s: float  # so far


class Inside(NamedTuple):
    """The server at one moment."""

    time_s: float
    workers: Sequence[WorkerFigures]  # by number
    feed_bytes: int  # that workers told each other of their logs so far


def look(running: RunningServer) -> Inside:
    """Ask once."""
    return _figures(_ask(running))


def wait_for_workers(running: RunningServer) -> None:
    """Return when all workers accept connections.

    Raises:
        TimeoutError: they do not within 20 s.
    """
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        answer = _ask(running)
        ready = [worker["ready"] for worker in answer["workers"]]
        if all(ready) and len(ready) == answer["workers_expected"]:
            return
        time.sleep(LOOK_EVERY_S)
    raise TimeoutError(f"not all workers were ready within {READY_TIMEOUT_S} s: {answer}")


def _ask(running: RunningServer) -> dict[str, Any]:
    token = (running.folder / DATA_FOLDER / "api.token").read_text().strip()
    target = running.target
    request = urllib.request.Request(
        f"http://{target.host}:{target.http_port}/api/v1/server",
        headers={"Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


def _figures(answer: dict[str, Any]) -> Inside:
    workers = sorted(answer["workers"], key=lambda worker: worker["number"])
    figures = [WorkerFigures(w["viewers"], w["publishers"], w["cpu_s"]) for w in workers]
    return Inside(time.monotonic(), figures, answer["feed_bytes"])
