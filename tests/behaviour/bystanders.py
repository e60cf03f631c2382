"""Those who use a server while others attack it, and what they must not notice.

    with bystanders(server) as others:          # once per file: they go on all the while
        with others.undisturbed():
            ...                                 # the attack

At the end of the inner block a normal client has published and played, the bystanders' stream
has had no gap, and memory, descriptors and processor time are what they were.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.behaviour.pictures import GOP_MS, gop
from tests.behaviour.visits import assert_serves, on_air
from tests.server import RunningServer, wait_until

# Short, so that nobody has to wait for deadlines.
SHORT_DEADLINES = """
[net]
handshake_s = 1
connect_s = 1
request_s = 1

[streams]
grace_s = 0
wait_s = 3
"""
EVERY_S = 0.1
MAX_GROWTH = 64 << 20  # bytes
MAX_GAP_S = 2.0  # a blocked server shows, a busy machine does not
MAX_CPU_S = 3.0  # for one attack and those who use the server meanwhile
MAX_LEFT = 8  # descriptors of streams that end at the next tick, and of sockets that linger


class Bystanders:
    """Made by `bystanders()`."""

    def __init__(self, server: RunningServer) -> None:
        self.worst_gap_s = 0.0
        self.failure: BaseException | None = None
        self.stopped = threading.Event()
        self._server = server

    def run(self) -> None:
        """Publish and watch until told to stop; in a thread of its own."""
        try:
            with on_air(self._server, "live/bystanders") as station:
                start_ms = GOP_MS
                while not self.stopped.wait(EVERY_S):
                    began = time.monotonic()
                    station.send(*gop(start_ms))
                    self.worst_gap_s = max(self.worst_gap_s, time.monotonic() - began)
                    start_ms += GOP_MS
        except BaseException as failure:  # told in the test's own thread
            self.failure = failure

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Attack in this block."""
        server = self._server
        memory, descriptors, cpu_s = server.memory_bytes(), server.descriptors(), server.cpu_s()
        self.worst_gap_s = 0.0
        yield
        assert_serves(server, "live/passer-by")
        assert self.failure is None, self.failure
        assert self.worst_gap_s < MAX_GAP_S
        assert server.cpu_s() - cpu_s < MAX_CPU_S
        wait_until(
            lambda: server.descriptors() <= descriptors + MAX_LEFT, "the return of descriptors"
        )
        assert server.memory_bytes() - memory < MAX_GROWTH


@contextmanager
def bystanders(server: RunningServer) -> Iterator[Bystanders]:
    """Have them use the server until the end of the block."""
    assert_serves(server, "live/first")  # what is made only once is made now
    others = Bystanders(server)
    thread = threading.Thread(target=others.run)
    thread.start()
    try:
        yield others
    finally:
        others.stopped.set()
        thread.join()
