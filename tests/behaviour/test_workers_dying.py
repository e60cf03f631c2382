"""A worker dies, or the supervisor does: only the connections of that process notice."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from slipstream.media import Frame
from tests.behaviour.backends import backend
from tests.behaviour.conftest import OpenServer
from tests.behaviour.pictures import CONFIGS, GOP_MS, bodies, gop
from tests.relays.operator import add
from tests.relays.target import Target
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer, wait_until

VIEWERS = 12  # so that either worker has some
COUNTED = """
[relays]
allowed_hosts = ["127.0.0.1"]
[alerts]
for_s = 0
max_silence_s = 1
"""
TOTALS = (
    'hook_events_total{result="sent"}',
    'relay_bytes_total{kind="push"}',
    'alerts_raised_total{alert="silence"}',
)
LONG_GRACE = "[streams]\ngrace_s = 60\nwait_s = 60\nidle_s = 60\n"


@pytest.fixture
def crew(open_server: OpenServer) -> RunningServer:
    return open_server("--workers", "2", settings=LONG_GRACE)


class Show:
    """A publisher, and viewers of it in either worker.

    Attributes:
        home: the number of the worker that has the publisher.
        viewers: by the number of their worker.
    """

    def __init__(self, server: RunningServer, stream: str, stack: ExitStack) -> None:
        self._server, self._stream, self._stack = server, stream, stack
        self._clock_ms = 0
        self.viewers: dict[int, list[RtmpClient]] = {}
        for _ in range(VIEWERS):
            player = stack.enter_context(RtmpClient.playing(server.play_url(stream)))
            self.viewers.setdefault(self._newest_in(), []).append(player)
        assert len(self.viewers) == 2
        self.publish()

    def publish(self) -> None:
        """Begin to publish, or again; viewers get a first GOP."""
        self._publisher = self._stack.enter_context(
            RtmpClient.publishing(self._server.publish_url(self._stream))
        )
        self._send([*CONFIGS, *gop(self._clock_ms)])
        self.home = self._server.stream(self._stream)["worker"]

    def go_on(self) -> None:
        """Send another GOP; all viewers get it."""
        self._clock_ms += GOP_MS
        self._send(gop(self._clock_ms))

    def lose(self, worker: int) -> None:
        """See that the viewers of a worker are cut off."""
        for player in self.viewers.pop(worker):
            player.drain()

    @property
    def neighbour(self) -> int:
        """The number of the worker that has viewers only."""
        (number,) = set(self.viewers) - {self.home}
        return number

    def _send(self, frames: list[Frame]) -> None:
        self._publisher.send(*frames)
        for players in self.viewers.values():
            for player in players:
                assert bodies(player.take(len(frames))) == bodies(frames)

    def _newest_in(self) -> int:
        """The worker that a new viewer has come to, as its line in the log says."""
        known = sum(map(len, self.viewers.values()))
        wait_until(lambda: len(self._starts()) > known, "the viewer's line in the log")
        return int(self._starts()[-1])

    def _starts(self) -> list[str]:
        return re.findall(rf"play\.start worker=(\d+) .*stream={self._stream} ", self._server.log())


@contextmanager
def show(server: RunningServer, stream: str) -> Iterator[Show]:
    with ExitStack() as stack:
        yield Show(server, stream, stack)


def slot_of(server: RunningServer, number: int) -> str:
    match = re.search(rf"worker\.start number={number} slot=(\d+)", server.log())
    assert match is not None
    return match[1]


def wait_for_successor(server: RunningServer, number: int) -> int:
    """Wait until another worker has the dead one's place and answers; its number."""
    slot = slot_of(server, number)
    line = rf"worker\.died number={number} [^\0]*worker\.start number=(\d+) slot={slot} "
    wait_until(lambda: re.search(line, server.log()), "a new worker's start")
    match = re.search(line, server.log())
    assert match is not None
    successor = int(match[1])
    assert successor > number
    wait_until(lambda: successor in server.worker_pids(), "the new worker's answer")
    return successor


def kill(server: RunningServer, number: int) -> None:
    os.kill(server.worker_pids()[number], signal.SIGKILL)


def test_viewers_elsewhere_do_not_notice_that_a_worker_dies(
    crew: RunningServer, stream: str
) -> None:
    with show(crew, stream) as running:
        dead = running.neighbour
        kill(crew, dead)
        running.lose(dead)
        running.go_on()
        successor = wait_for_successor(crew, dead)
        running.go_on()
        assert set(crew.worker_pids()) == {running.home, successor}
        assert "code=SIGKILL" in crew.log()


def test_viewers_stay_when_their_publisher_s_worker_dies_and_go_on_when_it_is_back(
    crew: RunningServer, stream: str
) -> None:
    with show(crew, stream) as running:
        dead = running.home
        kill(crew, dead)
        running.lose(dead)
        running.publish()
        running.go_on()
        assert running.home != dead
        wait_for_successor(crew, dead)
        running.go_on()


def test_a_worker_whose_loop_is_blocked_is_found_and_replaced(
    crew: RunningServer, stream: str
) -> None:
    with show(crew, stream) as running:
        blocked = running.neighbour
        os.kill(crew.worker_pids()[blocked], signal.SIGSTOP)
        running.viewers.pop(blocked)
        running.go_on()
        crew.wait_for_log(rf"worker\.blocked number={blocked} ")
        wait_for_successor(crew, blocked)
        running.go_on()


def test_a_worker_that_keeps_dying_is_replaced_less_and_less_often(crew: RunningServer) -> None:
    number, stayed = sorted(crew.worker_pids())
    for _ in range(5):
        kill(crew, number)
        number = wait_for_successor(crew, number)
    times = re.findall(r"(\d\d)\.(\d{6})Z \w+ +worker\.(?:died|start)", crew.log())[2:]
    seconds = [int(whole) + int(part) / 1e6 for whole, part in times]
    waits = [(start - died) % 60 for died, start in zip(seconds[::2], seconds[1::2], strict=True)]
    assert waits[2] >= 0.1
    assert waits[3] >= 0.2
    assert waits[4] >= 0.5
    assert set(crew.worker_pids()) == {stayed, number}


def test_nobody_notices_that_the_supervisor_dies(crew: RunningServer, stream: str) -> None:
    with show(crew, stream) as running:
        workers, first = crew.worker_pids(), crew.supervisor_pid()
        crew.kill_supervisor()
        running.go_on()
        crew.wait_for_log(r"supervisor\.adopted workers=2 missing=0")
        wait_until(lambda: crew.supervisor_pid() != first, "a new supervisor's file")
        assert crew.worker_pids() == workers
        running.go_on()
        kill(crew, dead := running.neighbour)  # and it does what the first one did
        running.lose(dead)
        wait_for_successor(crew, dead)
        running.go_on()


def test_streams_are_claimed_of_the_new_supervisor(crew: RunningServer, stream: str) -> None:
    crew.kill_supervisor()
    with show(crew, stream) as running:  # the publisher's worker asks until somebody answers
        running.go_on()
        assert len(crew.worker_pids()) == 2


def test_a_supervisor_that_dies_again_and_again_is_replaced(
    crew: RunningServer, stream: str
) -> None:
    workers = crew.worker_pids()
    with show(crew, stream) as running:
        for _ in range(3):
            before = crew.supervisor_pid()
            crew.kill_supervisor()
            wait_until(lambda before=before: crew.supervisor_pid() != before, "a new supervisor")
            running.go_on()
    wait_until(lambda: crew.worker_pids() == workers, "that all know the last one")


def test_supervisor_and_a_worker_die_together(crew: RunningServer, stream: str) -> None:
    with show(crew, stream) as running:
        dead = running.neighbour
        pid = crew.worker_pids()[dead]
        crew.kill_supervisor()
        os.kill(pid, signal.SIGKILL)
        running.lose(dead)
        running.go_on()
        wait_until(lambda: len(crew.worker_pids()) == 2, "a worker in its place")
        assert running.home in crew.worker_pids()
        running.go_on()


def test_what_hooks_relays_and_alerts_have_counted_outlives_their_worker(
    open_server: OpenServer, stream: str
) -> None:
    with backend() as application, Target() as target:
        told = f'[hooks]\nurl = "{application.url}/events"\n'
        server = open_server("--workers", "2", settings=f"{told}{COUNTED}")
        with RtmpClient.publishing(server.publish_url(stream)) as publisher:
            add(server, "push", stream, target.url("out/x"))
            publisher.send(*CONFIGS, *gop(0))
            target.wait_for(len(CONFIGS))
            wait_until(lambda: all(totals(server)), "counts of everything")
            before = totals(server)
            kill(server, server.stream(stream)["worker"])
            low = [totals(server)]
            wait_until(
                lambda: low.append(totals(server)) or len(server.worker_pids()) == 2,
                "another worker",
            )
            low.append(totals(server))
    for after in low:
        assert all(now >= then for now, then in zip(after, before, strict=True)), (before, after)


def totals(server: RunningServer) -> list[float]:
    """What the server has counted in all its workers."""
    page = server.metrics()
    found = [re.search(rf"^slipstream_{name} (\S+)$", page, re.MULTILINE) for name in TOTALS]
    return [0.0 if match is None else float(match[1]) for match in found]
