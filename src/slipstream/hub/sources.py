"""Where streams may be had that nobody publishes: an interface that others fulfil."""

from __future__ import annotations

from typing import Protocol


class SourceFinder(Protocol):
    """Whoever can have a stream published when somebody waits for it."""

    def find(self, name: str) -> None:
        """Somebody waits for a stream that no encoder publishes.

        Called in the same step, so all that is done is done later.
        """


class NoSources:
    """There are none."""

    def find(self, name: str) -> None:
        """Whoever waits, waits for an encoder."""
