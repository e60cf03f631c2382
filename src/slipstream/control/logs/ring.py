"""The newest of what comes one after the other, numbered; what is older is forgotten."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Ring(Generic[Item]):
    """`append()` what comes, read `after()` a number.

    Args:
        size: how many are kept.
    """

    def __init__(self, size: int) -> None:
        self.head = 0  # the number of the newest one; the first one's is 1
        self._items: deque[Item] = deque(maxlen=size)

    @property
    def oldest(self) -> int:
        """The number of the oldest that is kept; one more than `head` if none is."""
        return self.head - len(self._items) + 1

    def append(self, item: Item) -> None:
        """Keep the newest."""
        self._items.append(item)
        self.head += 1

    def after(self, number: int) -> Iterator[tuple[int, Item]]:
        """Those after a number that are still kept, with theirs; the oldest first."""
        first = max(number + 1, self.oldest)
        for index in range(first - self.oldest, len(self._items)):
            yield self.oldest + index, self._items[index]
