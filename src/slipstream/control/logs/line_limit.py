"""How many lines of one kind the log takes in a second, and a note of how many were left out.

The first lines of a flood say all that the rest would; a disk full of them helps nobody. The
kinds are the names of our own events, so they are few; strangers cannot make new ones.
"""

from __future__ import annotations

from collections.abc import Iterator

WINDOW_S = 1.0


class LineLimit:
    """For each line call `take_notes()`, then `admits()`, with the same time.

    Args:
        per_second: lines of one kind.
    """

    def __init__(self, per_second: int) -> None:
        self.left_out = 0
        self._per_second = per_second
        self._windows: dict[str, tuple[float, int]] = {}  # when it began, lines since

    def take_notes(self, now: float) -> Iterator[tuple[str, int]]:
        """The kinds whose second is over and how many lines of each were left out, once."""
        for kind, (began, lines) in list(self._windows.items()):
            if now - began >= WINDOW_S:
                del self._windows[kind]
                if lines > self._per_second:
                    yield kind, lines - self._per_second

    def admits(self, kind: str, now: float) -> bool:
        """Whether a line of this kind is written."""
        began, lines = self._windows.get(kind, (now, 0))
        self._windows[kind] = (began, lines + 1)
        if lines < self._per_second:
            return True
        self.left_out += 1
        return False
