"""The newest picture group of a stream as frames: what a format begins with."""

from __future__ import annotations

from collections.abc import Sequence

from slipstream.formats import Format, Greeting
from slipstream.media import Frame


class Backlog:
    """Call `add()` with every batch; `fill()` a format that is new.

    Args:
        max_bytes: of bodies; a group that is larger is forgotten until the next one begins.
    """

    def __init__(self, max_bytes: int) -> None:
        self.frames: list[Frame] = []
        self._max_bytes = max_bytes
        self._bytes = 0
        self._syncs: list[tuple[int, Greeting]] = []

    def add(self, frames: Sequence[Frame], syncs: Sequence[tuple[int, Greeting]]) -> None:
        """Keep what has come, from the newest sync point on.

        Args:
            frames: in order.
            syncs: where newcomers may start: index in `frames`, and greeting.
        """
        if syncs:
            index, greeting = syncs[-1]
            frames = frames[index:]
            self.frames = list(frames)
            self._syncs = [(0, greeting)]
            self._bytes = 0
        elif self._syncs:
            self.frames.extend(frames)
        else:
            return
        for frame in frames:
            self._bytes += len(frame.body)
        if self._bytes > self._max_bytes:
            self.clear()

    def fill(self, form: Format) -> None:
        """Write what is kept."""
        if self.frames:
            form.append(self.frames, self._syncs)

    def beginning(self) -> Sequence[Frame]:
        """The first frame that is kept, with its greeting before it; nothing if none is."""
        return (*self._syncs[0][1], self.frames[0]) if self.frames else ()

    def clear(self) -> None:
        """Keep nothing until the next sync point."""
        self.frames.clear()
        self._syncs.clear()
        self._bytes = 0
