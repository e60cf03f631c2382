"""The supervisor: starts workers, watches over them, and passes on what they tell each other.

One thread and no event loop library, since it forks: a plain loop over a selector. It carries
no media, so it has time; everything it knows of streams is the register's. Workers serve on
without it, and one of them starts another when it dies (`workers.inheritance`).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from functools import partial
from time import monotonic
from typing import NoReturn

import structlog

from slipstream.app import WorkerStart
from slipstream.control.configuration.reload import LoadConfig
from slipstream.control.logs.logs import Logs
from slipstream.control.service_manager import READY, STOPPING, notify
from slipstream.net.link import describe
from slipstream.supervisor import signals
from slipstream.supervisor.plan import Plan
from slipstream.supervisor.reloading import Reloading
from slipstream.supervisor.replacement import Replacement
from slipstream.supervisor.signals import Signals
from slipstream.supervisor.slot import Slot
from slipstream.supervisor.switchboard import Switchboard
from slipstream.supervisor.team import Team
from slipstream.supervisor.worker_process import WorkerProcess, exists, is_child, reap_others
from slipstream.workers.channel import Channel
from slipstream.workers.inheritance import Inheritance
from slipstream.workers.messages import (
    Census,
    Drain,
    Hello,
    Message,
    Pulse,
    Ready,
    Reload,
    Reloaded,
    Stop,
)
from slipstream.workers.packets import Packet
from slipstream.workers.register import Register

log = structlog.get_logger()

TICK_S = 0.1
LOGS_TICK_S = 1.0
SETTLE_S = 3.0  # how long workers that were there before are waited for
LATE_S = 1.0  # if our own loop was late by so much, no worker is to blame for its silence
KILL_AFTER_S = 4.5  # beyond `stop_s`: what a worker has for its last words
HURRY_S = 2.0  # what it has when it is told a second time

NEVER = float("inf")
NOBODY: Mapping[str, list[int]] = {}

Work = Callable[[WorkerStart], None]


class Supervisor:
    """Call `run()` once.

    Args:
        plan: of the generation that it starts.
        logs: started.
        work: what a worker does; returns when it is done.
        on_ready: called when all workers accept connections for the first time.
        load: reads the configuration again.
        next_number: of the first worker that it starts.
        awaited: the workers that are there already, as in `Census`.
    """

    def __init__(
        self,
        plan: Plan,
        logs: Logs,
        work: Work,
        on_ready: Callable[[], None],
        load: LoadConfig,
        *,
        next_number: int = 1,
        awaited: Mapping[str, list[int]] = NOBODY,
    ) -> None:
        self._plan = plan
        self._logs = logs
        self._work = work
        self._on_ready = on_ready
        self._next_number = next_number
        self._awaited = dict(awaited)
        self._team = Team(plan.size, plan.generation)
        self._register = Register(self._send)
        self._signals = Signals()
        self._board = Switchboard(plan.rendezvous, self._on_packet, self._on_hung_up)
        self._by_channel: dict[Channel, WorkerProcess] = {}
        self._reloading = Reloading(plan.live, load, self._tell_all)
        plan.live.follow(lambda config: logs.change(config.log))
        self._replacement = Replacement(self._board, self._leave, self._tell_all)
        self._settled = False
        self._complete = False
        self._stopping = False
        now = monotonic()
        self._settle_at = now + SETTLE_S
        self._tick_at = self._logs_tick_at = now
        self._kill_at = NEVER

    def run(self) -> None:
        """Supervise until a signal says stop and all workers have ended."""
        self._board.watch(self._signals, self._on_signals)
        self._board.open()
        while not (self._stopping and self._settled) or self._team.workers:
            self._board.wait(self._tick_at - monotonic())
            now = monotonic()
            if now >= self._tick_at:
                self._tick(now)

    # Time

    def _tick(self, now: float) -> None:
        late_s = now - self._tick_at
        self._tick_at = now + TICK_S
        if now >= self._logs_tick_at:
            self._logs_tick_at = now + LOGS_TICK_S
            self._logs.tick()
            self._reap_strangers()
        if late_s > LATE_S:
            for worker in self._team.workers.values():
                worker.deadline += late_s
        self._guarded(self._register.tick, now)
        self._settle(now)
        if self._stopping:
            self._end_stubborn(now)
        elif not self._replacement.finishes(now):
            self._end_blocked(now)
            for slot in self._team.empty_slots(now):
                self._start(slot, now)

    def _settle(self, now: float) -> None:
        """Begin, once all workers that were there have come."""
        if self._settled:
            return
        for number, (_, pid, _) in list(self._awaited.items()):
            if not exists(pid):
                del self._awaited[number]
        if self._awaited and now < self._settle_at:
            return
        self._settled = True
        for number, (slot, pid, generation) in self._awaited.items():
            if is_child(pid):
                self._watch(WorkerProcess(int(number), slot, generation, pid, now))
        self._team.form([slot for slot, _, _ in self._awaited.values()])
        self._guarded(self._register.settle, now)
        if self._team.workers:
            found, missing = len(self._team.workers), len(self._awaited)
            log.info("supervisor.adopted", workers=found, missing=missing)
        self._look_around()

    def _end_blocked(self, now: float) -> None:
        for worker in self._team.workers.values():
            if now > worker.deadline:
                worker.deadline = NEVER
                log.warning("worker.blocked", number=worker.number, pid=worker.pid)
                worker.send_signal(signal.SIGKILL)

    def _reap_strangers(self) -> None:
        """Children that are not ours: orphans in a container, workers that died unheard."""
        known = {worker.pid for worker in self._team.workers.values()}
        if self._replacement.is_off:  # nor a trial
            for pid in reap_others(known):
                self._awaited = {
                    number: those for number, those in self._awaited.items() if those[1] != pid
                }

    # Workers

    def _start(self, slot: Slot, now: float) -> None:
        number, self._next_number = self._next_number, self._next_number + 1
        sys.stdout.flush()
        sys.stderr.flush()
        try:
            pid = os.fork()
        except OSError as error:
            log.warning("worker.not_started", number=number, reason=describe(error))
            slot.vacated(0.0, now)
            return
        if not pid:
            self._become_worker(number, slot.index)
        slot.worker = number
        self._watch(WorkerProcess(number, slot.index, self._plan.generation, pid, now))
        log.info("worker.start", number=number, slot=slot.index, pid=pid)
        self._tell_census()

    def _become_worker(self, number: int, slot: int) -> NoReturn:
        """In the child: forget that we were a supervisor, work, and end."""
        code = 1
        try:
            census = self._team.census()
            self._logs.stop()
            self._signals.forget()
            self._board.close()
            for other in self._team.workers.values():
                other.close()
            self._work(self._plan.start(number, slot, census))
            code = 0
        except BaseException:  # whatever it was: never go on as a second supervisor
            self._logs.start()
            log.exception("worker.bug", number=number)
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _watch(self, worker: WorkerProcess) -> None:
        self._team.workers[worker.number] = worker
        self._board.watch(worker, partial(self._on_death, worker))

    def _on_death(self, worker: WorkerProcess) -> None:
        now = monotonic()
        number, channel = worker.number, worker.channel
        if channel is not None:
            self._board.drain(channel)  # what it said before counts
            self._forget(channel)
        self._guarded(self._register.left, number, now)
        slot = self._team.slot_of(worker)
        lived_s = now - worker.started_at
        as_told = self._stopping or worker.draining
        tell = log.info if as_told else log.warning
        tell(
            "worker.end" if as_told else "worker.died",
            number=number,
            pid=worker.pid,
            code=worker.reap(),
            lived_s=round(lived_s, 1),
        )
        if slot is not None:
            slot.vacated(lived_s, now)
        del self._team.workers[number]
        self._board.unwatch(worker)
        worker.close()
        self._tell_census()

    # What workers say

    def _on_packet(self, channel: Channel, pid: int, packet: Packet) -> None:
        now = monotonic()
        worker, message = self._by_channel.get(channel), packet.message
        if worker is not None:
            worker.lives(now)
        match message:
            case Hello():
                self._greet(channel, pid, message, now)
            case Ready() if worker is not None:
                worker.ready = True
                worker.lives(now)
                self._look_around()
            case Pulse():
                pass
            case Reload() if worker is not None:
                self._guarded(self._reload, worker, message.ticket)
            case _ if worker is not None:
                self._guarded(self._register.handle, worker.number, packet, now)
        if packet.fd >= 0:
            os.close(packet.fd)

    def _greet(self, channel: Channel, pid: int, hello: Hello, now: float) -> None:
        worker = self._team.workers.get(hello.number) or self._adopt(pid, hello, now)
        if worker is None or worker.pid != pid:
            self._board.hang_up(channel)
            return
        if worker.channel is not None:
            self._forget(worker.channel)
        worker.channel = channel
        worker.ready = hello.ready
        worker.lives(now)
        self._by_channel[channel] = worker
        self._guarded(self._register.joined, worker.number, hello, now)
        if self._stopping:
            self._tell(worker, Stop())
        elif worker.draining:
            self._drain(worker)
        if worker.generation == self._plan.generation:
            self._tell(worker, self._reloading.news())  # it may have begun with what was before
        self._tell_census()
        self._look_around()

    def _adopt(self, pid: int, hello: Hello, now: float) -> WorkerProcess | None:
        """Take in a worker that was there before us; None: it has died since."""
        try:
            worker = WorkerProcess(hello.number, hello.slot, hello.generation, pid, now)
        except OSError:
            return None
        self._awaited.pop(str(hello.number), None)
        self._next_number = max(self._next_number, hello.number + 1)
        self._watch(worker)
        return worker

    def _look_around(self) -> None:
        """When all slots are filled, whoever is not in one is to go."""
        if self._stopping or not self._team.is_complete:
            return
        if not self._complete:
            self._complete = True
            self._on_ready()
            notify(READY)
        for worker in self._team.outgoing():
            if not worker.draining:
                self._drain(worker)

    def _drain(self, worker: WorkerProcess) -> None:
        worker.draining = True
        self._guarded(self._register.draining, worker.number)
        self._tell(worker, Drain())

    def _on_hung_up(self, channel: Channel) -> None:
        """A worker says no more. If it has not died it comes again, or the watchdog finds it."""
        if self._replacement.is_finishing:
            self._board.mute(channel)
        else:
            self._forget(channel)

    def _forget(self, channel: Channel) -> None:
        worker = self._by_channel.pop(channel, None)
        if worker is not None and worker.channel is channel:
            worker.channel = None
        self._board.hang_up(channel)

    # What workers are told

    def _send(self, number: int, message: Message, body: bytes, fd: int) -> None:
        worker = self._team.workers.get(number)
        if worker is not None and worker.channel is not None:
            self._board.send(worker.channel, message, body, fd)

    def _tell(self, worker: WorkerProcess, message: Message) -> None:
        self._guarded(self._send, worker.number, message, b"", -1)

    def _tell_all(self, message: Message) -> None:
        for worker in self._team.workers.values():
            self._tell(worker, message)

    def _reload(self, asker: WorkerProcess, ticket: int) -> None:
        self._tell(asker, Reloaded(ticket, self._reloading.reload().to_json()))

    def _tell_census(self) -> None:
        self._tell_all(Census(self._team.census()))

    def _guarded(self, act: Callable[..., object], *arguments: object) -> None:
        """A bug of ours costs one message; workers must not lose their supervisor for it."""
        try:
            act(*arguments)
        except Exception:
            log.exception("supervisor.bug")

    # Signals

    def _on_signals(self) -> None:
        for number in self._signals.take():
            if number in signals.STOP:
                self._stop(monotonic())
            elif number == signals.REPLACE and not self._stopping:
                self._replacement.begin()
            elif number == signals.RELOAD:
                self._guarded(self._reloading.reload)

    def _stop(self, now: float) -> None:
        if self._stopping:
            log.info("server.hurrying")
            self._kill_at = min(self._kill_at, now + HURRY_S)
            self._tell_all(Stop())
            return
        self._stopping = True
        log.info("server.stopping")
        notify(STOPPING)
        self._plan.close_listeners()
        self._kill_at = now + self._plan.config.server.stop_s + KILL_AFTER_S
        self._replacement.cancel()
        for worker in self._team.workers.values():
            if worker.channel is None:
                worker.send_signal(signal.SIGTERM)
            else:
                self._tell(worker, Stop())

    def _end_stubborn(self, now: float) -> None:
        if now >= self._kill_at:
            self._kill_at = NEVER
            for worker in self._team.workers.values():
                log.warning("worker.killed", number=worker.number, pid=worker.pid)
                worker.send_signal(signal.SIGKILL)

    def _leave(self) -> Inheritance:
        generation = self._plan.generation + 1
        return self._plan.leave(generation, self._next_number, self._team.census())
