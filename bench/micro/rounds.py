"""What a round of the pump costs for each viewer that keeps up, and how many system calls it makes.

    python bench/micro/rounds.py [VIEWERS [DELAY_MS]]

With a delay all viewers are held so far behind. A real pump, real cursors and links over
loopback; the receivers throw everything away on another core. A round sends what has come since
the last one: a sound, a picture, or several of both. Prints microseconds of CPU and sends for
each viewer and round; the median of several repetitions.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from slipstream.log import SYNC, Batch, Log, SyncPoint
from slipstream.net.cursor import Cursor
from slipstream.net.link import Link
from slipstream.net.pace import Pace
from slipstream.net.pump import Pump

VIEWERS = 500
SIZES = ((600,), (4_000,), (600, 16_000), (600, 4_000, 600, 4_000))  # messages of a round
REPETITIONS = 7
ROUNDS = 20  # of each size
STEP_MS = 20  # of the stream, from one round to the next
PAUSE_S = 0.01  # for the receivers to empty their sockets


class _Viewer:
    """A cursor's and a link's owner that has nothing to say."""

    def greet(self, _: SyncPoint) -> bytes:
        return b""

    def fail(self, reason: str) -> None:
        raise AssertionError(reason)

    def received(self, data: bytes) -> None: ...

    def lost(self, reason: str) -> None:
        raise AssertionError(reason)


class _Rounds:
    """One log and its viewers."""

    def __init__(self, connections: list[socket.socket], delay_ms: int) -> None:
        loop = asyncio.get_running_loop()
        self.log = Log(keep_ms=1_000)
        self.pump = Pump(loop, Pace(0))
        self._time_ms = 0
        for _ in range(delay_ms // STEP_MS + 1):
            self.append((1_000,))
        for connection in connections:
            viewer = _Viewer()
            link = Link(connection, "127.0.0.1", viewer, loop)
            sync = self.log.sync_points[-1 - delay_ms // STEP_MS]
            cursor = Cursor(
                link,
                self.log,
                sync,
                viewer,
                ceiling_ms=3_000,
                stall_s=15,
                now=loop.time(),
                delay_ms=delay_ms,
            )
            self.pump.add(cursor)

    def append(self, sizes: tuple[int, ...]) -> None:
        """Let the log grow by these messages."""
        self._time_ms += STEP_MS
        flags = bytearray((SYNC, *bytes(len(sizes) - 1)))
        times = [self._time_ms] * len(sizes)
        self.log.append(Batch([bytes(sum(sizes))], list(sizes), times, flags, [None]))

    async def cost_s(self, sizes: tuple[int, ...]) -> float:
        """Let the log grow, and send that, time after time: seconds of CPU for the sending."""
        cost_s = 0.0
        for _ in range(ROUNDS):
            self.append(sizes)
            before = time.thread_time()
            done = self.pump.rounds + 1
            self.pump.wake(self.log)
            while self.pump.rounds < done:
                await asyncio.sleep(0)
            cost_s += time.thread_time() - before
            time.sleep(PAUSE_S)
        return cost_s


async def measure(connections: list[socket.socket], delay_ms: int) -> None:
    """Measure and print."""
    rounds = _Rounds(connections, delay_ms)
    print("messages of a round        µs   sends   for each viewer and round")
    for sizes in SIZES:
        each = ROUNDS * len(connections)
        with _counted() as counts:
            await rounds.cost_s(sizes)
        costs = [await rounds.cost_s(sizes) / each * 1e6 for _ in range(REPETITIONS)]
        sends = sum(counts.values()) / each
        print(f"{' + '.join(map(str, sizes)):<24} {median(costs):6.2f} {sends:6.2f}")
    rounds.pump.stop()


@contextmanager
def _counted() -> Iterator[dict[str, int]]:
    """Count the calls that send."""
    counts = {"sendfile": 0, "write": 0}
    before = os.sendfile, os.write

    def sendfile(target: int, source: int, offset: int, count: int) -> int:
        counts["sendfile"] += 1
        return before[0](target, source, offset, count)

    def write(target: int, data: bytes) -> int:
        counts["write"] += 1
        return before[1](target, data)

    os.sendfile, os.write = sendfile, write  # type: ignore[assignment]
    try:
        yield counts
    finally:
        os.sendfile, os.write = before


def _receive(address: tuple[str, int], count: int) -> None:
    poll = select.epoll()
    sockets = {}
    for _ in range(count):
        sock = socket.create_connection(address)
        sock.setblocking(False)
        sockets[sock.fileno()] = sock
        poll.register(sock, select.EPOLLIN)
    nowhere = bytearray(1 << 20)
    while sockets:
        for fd, _ in poll.poll():
            if not sockets[fd].recv_into(nowhere, len(nowhere), socket.MSG_TRUNC):
                sockets.pop(fd).close()


def main() -> None:
    """Make the connections, then measure."""
    viewers = int(sys.argv[1]) if len(sys.argv) > 1 else VIEWERS
    delay_ms = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    cores = sorted(os.sched_getaffinity(0))
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        if os.fork() == 0:
            os.sched_setaffinity(0, {cores[-1]})
            _receive(listener.getsockname(), viewers)
            os._exit(0)
        os.sched_setaffinity(0, {cores[0]})
        asyncio.run(measure([listener.accept()[0] for _ in range(viewers)], delay_ms))


if __name__ == "__main__":
    main()
