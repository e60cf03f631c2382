"""A part of the load in a process of its own, as a context manager."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from bench.load.worker import Worker


class Child:
    """What the load's classes that ask such a process build on.

    Args:
        arguments: of `bench.load.worker.Worker`.
    """

    def __init__(self, *arguments: Any) -> None:
        self._worker = Worker(*arguments)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._worker.close()
