"""The load on a real server of two workers, and what that tells of itself."""

import time
from collections.abc import Iterator

import pytest

from bench import inside
from bench.crowd import Crowd, stream_name
from bench.load.client import Client
from bench.load.http_flv import HttpFlvClient
from bench.load.watching import Watched
from bench.machine import choose_cores
from bench.running import RunningServer
from bench.servers.slipstream import of_workers

STREAMS, VIEWERS, MESSAGES = 4, 5, 100
PATIENCE_S = 60


@pytest.fixture(params=[Client, HttpFlvClient])
def running_and_crowd(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[RunningServer, Crowd]]:
    monkeypatch.setenv("SLIPSTREAM_NET__GATHER_VIEWERS", "0")  # each stream in both workers
    cores = choose_cores().every
    with (
        RunningServer(of_workers(2), cores) as running,
        Crowd(running.target, cores, request.param) as crowd,
    ):
        yield running, crowd


def test_viewers_of_several_streams_in_two_workers_miss_nothing(
    running_and_crowd: tuple[RunningServer, Crowd],
) -> None:
    running, crowd = running_and_crowd
    inside.wait_for_workers(running)
    crowd.publish(STREAMS, 1_000_000)
    for index in range(STREAMS):
        crowd.join(VIEWERS, 3, stream_name(index))
    watched = _wait_for_messages(crowd)
    assert (watched.missing, watched.doubled) == (0, 0)
    received = crowd.received_bytes()
    assert [len(of_stream) for of_stream in received.values()] == [VIEWERS] * STREAMS
    assert all(count > 10_000 for of_stream in received.values() for count in of_stream)
    figures = inside.look(running)
    assert len(figures.workers) == 2
    assert sum(worker.viewers for worker in figures.workers) == STREAMS * VIEWERS
    assert sum(worker.publishers for worker in figures.workers) == STREAMS
    assert all(worker.viewers > 0 for worker in figures.workers)
    assert 0 < figures.feed_bytes < sum(map(sum, received.values())) / 10
    assert sum(running.memory_file_bytes_of_each()) > running.memory_file_bytes()


def _wait_for_messages(crowd: Crowd) -> Watched:
    """Until every stream's watching viewers have seen some seconds of it."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        watched = crowd.watched()
        if watched.received > MESSAGES * STREAMS * 3:
            return watched
        time.sleep(0.1)
    raise TimeoutError(f"after {PATIENCE_S} s: {watched}")
