"""Players of playlists that were sent away: they have no connection that could be closed.

Who is sent away would be a viewer again with its next request, so it is refused for a minute. It
is known as it is as a viewer, by its address and `User-Agent`; memory is bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import NamedTuple

BARRED_S = 60.0
MAX_BARRED = 4096  # about 0.3 KB each; beyond it the one that was sent away first is let in again


class Watching(NamedTuple):
    """Who watches what, by whatever playlists."""

    stream: str
    address: str
    agent: str
    """What its `User-Agent` comes down to."""

    @classmethod
    def of(cls, stream: str, address: str, agent: str) -> Watching:
        """Whoever calls itself so, which may be thousands of letters, or none that are text."""
        name = blake2b(agent.encode(errors="surrogatepass"), digest_size=8)
        return cls(stream, address, name.hexdigest())


class Barred:
    """`add()` whoever is sent away, ask `holds()` before somebody is let in."""

    def __init__(self) -> None:
        self._until: OrderedDict[Watching, float] = OrderedDict()
        self._collected: list[Watching] | None = None

    def add(self, watching: Watching, now: float) -> None:
        """Refuse somebody from now on."""
        self._until[watching] = now + BARRED_S
        self._until.move_to_end(watching)
        if len(self._until) > MAX_BARRED:
            self._until.popitem(last=False)
        if self._collected is not None:
            self._collected.append(watching)

    def holds(self, watching: Watching, now: float) -> bool:
        """Whether somebody is refused."""
        until = self._until.get(watching)
        if until is not None and now >= until:
            del self._until[watching]
        return until is not None and now < until

    @contextmanager
    def collected(self) -> Iterator[list[Watching]]:
        """Have whoever is added meanwhile in a list, so that others can be told."""
        collected: list[Watching] = []
        self._collected = collected
        try:
            yield collected
        finally:
            self._collected = None
