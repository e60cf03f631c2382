"""The seats of one stream, as the supervisor gives them: who sits in which worker.

A player whose connections lie in several workers asks in each of them. It is known by a name
that is the same everywhere, and takes one seat until it has left them all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

NAMELESS = ""  # a viewer of one connection: each has a seat of its own


class Seats:
    """Those of all workers."""

    def __init__(self) -> None:
        self._by_worker: defaultdict[int, Counter[str]] = defaultdict(Counter)  # by player
        self._players: Counter[str] = Counter()  # in how many workers each sits

    def __bool__(self) -> bool:
        """Whether anybody sits."""
        return bool(self._players)

    def total(self) -> int:
        """How many are taken."""
        nameless = self._players[NAMELESS]
        return len(self._players) - (NAMELESS in self._players) + nameless

    def take(self, worker: int, player: str, limit: int) -> bool:
        """Seat somebody if there is room, or if it sits already. False: there is none."""
        sits = player != NAMELESS and player in self._players
        room = sits or self.total() < limit
        if room:
            self._put(worker, player, 1)
        return room

    def leave(self, worker: int, player: str) -> None:
        """Somebody has left a worker."""
        if self._by_worker[worker][player] > 0:
            self._put(worker, player, -1)

    def replace(self, worker: int, players: Mapping[str, int]) -> None:
        """A worker tells who sits there: so many of each."""
        self.clear(worker)
        for player, seats in players.items():
            self._put(worker, player, seats)

    def clear(self, worker: int) -> None:
        """A worker is no more."""
        for player, seats in list(self._by_worker[worker].items()):
            self._put(worker, player, -seats)
        del self._by_worker[worker]

    def _put(self, worker: int, player: str, seats: int) -> None:
        for counts in (self._by_worker[worker], self._players):
            counts[player] += seats
            if not counts[player]:
                del counts[player]
