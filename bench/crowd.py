"""The whole load on one server: publishers, a crowd that discards, a few viewers that look.

    with Crowd(target, {core}) as crowd:
        crowd.publish(1, bitrate_bps, chunk_size)
        crowd.join(viewers=500, watching=5)

The watching viewers are spread evenly among the others, because a server serves its viewers in
some order, often that of their coming.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from types import TracebackType
from typing import cast

from .load.client import Client, Player, Target
from .load.discarding import Discarding
from .load.publishing import Publishing
from .load.stream import SMALLEST_MESSAGE
from .load.watching import Watched, Watching
from .load.worker import Worker

Received = dict[str, list[int]]  # of each stream the bytes of each viewer, in the order of coming
STREAM = "stream"
DRAIN_S = 0.8  # after the publisher has paused: more than any server here holds a message


class Crowd:
    """A context manager.

    Args:
        target: the server.
        cores: for every process of the load.
        player: what viewers are, `Client` or `HttpFlvClient`; publishers speak RTMP always.
        read_every_ms: how often the discarding viewers read; 0 is at once. Reading late is
            acknowledging late, as on a long way, and lets Nagle's algorithm gather more.
    """

    def __init__(
        self,
        target: Target,
        cores: Collection[int],
        player: Callable[[Target], Player] = Client,
        read_every_ms: int = 0,
    ) -> None:
        self._publishing = Worker(Publishing, cores, target)
        self._discarding = Worker(Discarding, cores, target, player, read_every_ms)
        self._watching = Worker(Watching, cores, target, player)
        self._workers = (self._publishing, self._discarding, self._watching)

    def __enter__(self) -> Crowd:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            worker.close()

    def publish(self, publishers: int, bitrate_bps: int, chunk_size: int = 4096) -> None:
        """Begin to publish the streams `stream_name(0)`, which is `STREAM`, and so on."""
        names = [stream_name(index) for index in range(publishers)]
        self._publishing.ask("publish", names, bitrate_bps, chunk_size)

    def join(self, viewers: int, watching: int, stream: str = STREAM) -> None:
        """Let `viewers` watch a stream, of which `watching` look at everything."""
        discarding = viewers - watching
        for index in range(watching):
            self._watching.ask("join", stream, 1)
            share = discarding * (index + 1) // watching - discarding * index // watching
            if share:
                self._discarding.ask("join", stream, share)

    def leave(self) -> None:
        """The watching viewers go."""
        self._watching.ask("leave")

    def cpu_s(self) -> float:
        return sum(worker.cpu_s() for worker in self._workers)

    def sent_messages(self) -> int:
        """How many messages all publishers have sent."""
        return cast(int, self._publishing.ask("sent_messages"))

    def publisher_lateness_ms(self) -> float:
        """The most that a message was sent after it was due, since the last question."""
        return cast(float, self._publishing.ask("lateness_ms"))

    def forget_delays(self) -> None:
        self._watching.ask("forget_delays")

    def watched(self) -> Watched:
        """What the watching viewers saw; delays since they were last forgotten."""
        return cast(Watched, self._watching.ask("watched"))

    def received_bytes(self) -> Received:
        """Bytes that each viewer got since it joined."""
        watching = cast(Received, self._watching.ask("received_bytes"))
        discarding = cast(Received, self._discarding.ask("received_bytes"))
        return {name: watching[name] + discarding.get(name, []) for name in watching}

    def quiet_bytes(self) -> Received:
        """The same at a moment when everything sent has arrived: the publishers pause for it."""
        self._publishing.ask("pause")
        time.sleep(DRAIN_S)
        received = self.received_bytes()
        self._publishing.ask("resume")
        return received


def stream_name(index: int) -> str:
    """What the stream of that publisher is called."""
    return f"{STREAM}{index}" if index else STREAM


def unequal_viewers(before: Received, after: Received) -> int:
    """How many viewers got another number of bytes than most of their stream's did.

    Between two quiet moments a message too few or too many shows, whoever it befell: the smallest
    has 340 bytes. Less than that may be a ping.
    """
    return sum(_count_unequal(before[name], after[name]) for name in before)


def _count_unequal(before: list[int], after: list[int]) -> int:
    gained = sorted(late - early for early, late in zip(before, after, strict=True))
    usual = gained[len(gained) // 2]
    return sum(abs(count - usual) >= SMALLEST_MESSAGE for count in gained)
