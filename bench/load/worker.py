"""A worker: an object in a process of its own, on the load's core, whose methods are commands.

    worker = Worker(Parsing, {core}, target)   # Parsing(commands, target).run() in a new process
    worker.ask("join", "stream", 1)            # calls .join("stream", 1) there, returns its result

The object's `run()` is its loop; whenever `commands` can be read it calls `commands.answer(self)`.
An exception in a command comes back to who asked; one in the loop ends the worker and is
raised by the next question.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Collection
from multiprocessing.connection import Connection
from typing import Any, Protocol

from ..machine import cpu_s

TIMEOUT_S = 120  # for one command; joining a thousand viewers takes seconds


class Job(Protocol):
    """What runs in a worker."""

    def run(self) -> None: ...


class JobType(Protocol):
    """How it is made; the arguments are those given to `Worker`."""

    def __call__(self, commands: Commands, *arguments: Any) -> Job: ...


class Commands:
    """The worker's end of the pipe."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def fileno(self) -> int:
        return self._pipe.fileno()

    def answer(self, job: Job) -> None:
        """Take one command and call that method of `job`. The end of the pipe ends the process."""
        try:
            name, arguments = self._pipe.recv()
        except EOFError:
            raise SystemExit from None
        try:
            result = getattr(job, name)(*arguments)
        except Exception as error:
            result = error
        self._pipe.send(result)

    def report(self, error: Exception) -> None:
        """Leave the error that ends this worker for the next question."""
        self._pipe.send(error)


class Worker:
    """The asking end. Args: the job's class, its cores (None: any), the job's own arguments."""

    def __init__(self, job_type: JobType, cores: Collection[int] | None, *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other_end = context.Pipe()
        self._process = context.Process(
            target=_work, args=(job_type, cores, other_end, arguments), daemon=True
        )
        self._process.start()
        other_end.close()

    def ask(self, command: str, *arguments: Any) -> Any:
        """Call a method of the job; raises what it raised."""
        with contextlib.suppress(BrokenPipeError):  # it has ended; its last words are read below
            self._pipe.send((command, arguments))
        if not self._pipe.poll(TIMEOUT_S):
            raise TimeoutError(f"{command} was not answered within {TIMEOUT_S} s")
        answer = self._pipe.recv()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def cpu_s(self) -> float:
        return cpu_s(self._process.pid or 0)

    def close(self) -> None:
        self._pipe.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _work(
    job_type: JobType,
    cores: Collection[int] | None,
    pipe: Connection,
    arguments: tuple[Any, ...],
) -> None:
    if cores is not None:
        os.sched_setaffinity(0, cores)
    commands = Commands(pipe)
    try:
        job_type(commands, *arguments).run()
    except KeyboardInterrupt:
        return
    except Exception as error:
        commands.report(error)
