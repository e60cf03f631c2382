"""Encoders and viewers in a process of their own, and whoever asks it what they saw.

with Crowd(rtmp, http, key) as crowd:
    crowd.encode(["a", "b"])
    crowd.watch("a", rtmp=10, flv=10)
    crowd.visits()
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from typing import Any, cast

import uvloop

from bench.load.worker import Commands

from .child import Child
from .connection import Place
from .encoder import Encoder, EncoderState
from .viewer import Viewer, Visit

TICK_NS = 10_000_000


class Loop:
    """A worker's job whose commands start coroutines: derive from it, and use `begin()`."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self._loop = uvloop.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._bug: BaseException | None = None

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let a coroutine run. If it fails, that is raised by the next `look()`."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    def look(self) -> int:
        """How many coroutines run; raises what one has failed with."""
        if self._bug is not None:
            raise RuntimeError(f"the load failed: {self._bug!r}") from self._bug
        return len(self._tasks)

    def run(self) -> None:
        """Serve commands."""
        asyncio.set_event_loop(self._loop)
        self._loop.add_reader(self._commands.fileno(), self._commands.answer, self)
        self._loop.run_forever()

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._bug = self._bug or task.exception()


class Attending(Loop):
    """Commands: those of `Crowd`.

    Args:
        rtmp: where RTMP is spoken.
        http: where HTTP is spoken.
        key: that publishing needs.
    """

    def __init__(self, commands: Commands, rtmp: Place, http: Place, key: str) -> None:
        super().__init__(commands)
        self._rtmp = rtmp
        self._http = http
        self._key = key
        self._encoders: dict[str, Encoder] = {}
        self._viewers: list[Viewer] = []
        self._count = 0
        self._late_ns = 0
        self._ticking = self.begin(self._tick())

    def encode(self, names: Sequence[str]) -> None:
        """Publish each of `names`."""
        for name in names:
            encoder = self._encoders[name] = Encoder(self._rtmp, name, self._key)
            self.begin(encoder.run())

    def watch(self, stream: str, rtmp: int, flv: int) -> None:
        """Add viewers of a stream over RTMP and over HTTP-FLV."""
        for http in [None] * rtmp + [self._http] * flv:
            self._count += 1
            viewer = Viewer(self._count, self._rtmp, http, stream)
            self._viewers.append(viewer)
            self.begin(viewer.run())

    def cut(self, name: str) -> None:
        """Have an encoder lose its connection, and come back."""
        self._encoders[name].cut()

    def retire(self) -> None:
        """All encoders stop."""
        for encoder in self._encoders.values():
            encoder.leave()

    def dismiss(self) -> None:
        """All viewers go."""
        for viewer in self._viewers:
            viewer.leave()

    def encoders(self) -> list[EncoderState]:
        """What is known of each encoder."""
        self.look()
        return [encoder.state() for encoder in self._encoders.values()]

    def visits(self) -> list[Visit]:
        """What viewers saw."""
        self.look()
        return [visit for viewer in self._viewers for visit in viewer.visits()]

    def late_ms(self) -> float:
        """How late this process's own loop was at most: what is seen later is not the server's."""
        return self._late_ns / 1e6

    def forget(self) -> None:
        """Begin a new account."""
        self._late_ns = 0
        for encoder in self._encoders.values():
            encoder.forget()
        for viewer in self._viewers:
            viewer.forget()

    async def _tick(self) -> None:
        while True:
            due_ns = time.monotonic_ns() + TICK_NS
            await asyncio.sleep(TICK_NS / 1e9)
            self._late_ns = max(self._late_ns, time.monotonic_ns() - due_ns)


class Crowd(Child):
    """A context manager around one such process. Args: as of `Attending`."""

    def __init__(self, rtmp: Place, http: Place, key: str) -> None:
        super().__init__(Attending, None, rtmp, http, key)

    def encode(self, *names: str) -> None:
        """Publish each of `names`, each by an encoder that comes back when it is cut off."""
        self._worker.ask("encode", names)

    def watch(self, stream: str, *, rtmp: int = 0, flv: int = 0) -> None:
        """Add viewers of a stream, who come back when they are cut off."""
        self._worker.ask("watch", stream, rtmp, flv)

    def cut(self, name: str) -> None:
        """Have an encoder lose its connection, and come back."""
        self._worker.ask("cut", name)

    def retire(self) -> None:
        """All encoders stop."""
        self._worker.ask("retire")

    def dismiss(self) -> None:
        """All viewers go."""
        self._worker.ask("dismiss")

    def encoders(self) -> list[EncoderState]:
        """What is known of each encoder."""
        return cast(list[EncoderState], self._worker.ask("encoders"))

    def visits(self) -> list[Visit]:
        """What viewers saw, each connection for itself."""
        return cast(list[Visit], self._worker.ask("visits"))

    def late_ms(self) -> float:
        """How late the crowd's own loop was at most: what it sees later is not the server's."""
        return cast(float, self._worker.ask("late_ms"))

    def forget(self) -> None:
        """Begin a new account: only visits that go on, without gaps, faults and lateness so far."""
        self._worker.ask("forget")
