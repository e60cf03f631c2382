"""The workers there are, and the slots that the newest generation of them fills."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import count

from slipstream.supervisor.slot import Slot
from slipstream.supervisor.worker_process import WorkerProcess


class Team:
    """Add workers that are there already, `form()` the slots, then fill them.

    Args:
        size: how many workers there are to be.
        generation: of those; others serve out their time.
    """

    def __init__(self, size: int, generation: int) -> None:
        self.workers: dict[int, WorkerProcess] = {}
        self.slots: list[Slot] = []
        self._size = size
        self._generation = generation

    @property
    def is_complete(self) -> bool:
        """Whether all slots have a worker that accepts connections."""
        return bool(self.slots) and all(
            slot.worker in self.workers and self.workers[slot.worker].ready for slot in self.slots
        )

    def form(self, taken: Collection[int]) -> None:
        """Make the slots, and put the workers of our generation into them.

        Args:
            taken: slots of workers that are there, but not heard of.
        """
        for worker in self.workers.values():
            if worker.generation == self._generation and len(self.slots) < self._size:
                slot = Slot(worker.slot)
                slot.worker = worker.number
                self.slots.append(slot)
        used = {worker.slot for worker in self.workers.values()} | set(taken)
        free = (index for index in count() if index not in used)
        while len(self.slots) < self._size:
            self.slots.append(Slot(next(free)))

    def empty_slots(self, now: float) -> Iterable[Slot]:
        """Those that are to be filled now."""
        return [slot for slot in self.slots if not slot.worker and now >= slot.due]

    def slot_of(self, worker: WorkerProcess) -> Slot | None:
        """The slot that a worker fills; None: it is of before, or one too many."""
        return next((slot for slot in self.slots if slot.worker == worker.number), None)

    def outgoing(self) -> list[WorkerProcess]:
        """Those that fill no slot."""
        return [worker for worker in self.workers.values() if self.slot_of(worker) is None]

    def census(self) -> dict[str, list[int]]:
        """All workers, as in `Census`."""
        return {
            str(worker.number): [worker.slot, worker.pid, worker.generation]
            for worker in self.workers.values()
        }
