"""Whose stream is it, among the processes of one server.

All publishers of a stream are in one process, its *home*; its viewers are everywhere. The
hub asks through `Directory`; who runs more than one process gives it one that knows the
others, and `Alone` is for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from slipstream.formats import Format

if TYPE_CHECKING:
    from slipstream.hub.stream import Stream


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer to a process that wants to be a stream's home."""

    home: int | None = None
    """The process that is the stream's home; None: the one that asked."""
    floor_ms: int = 0
    """Where the stream's time must go on: later than all that anybody has seen of it."""
    refusal: str = ""
    """Why the stream cannot be published now at all; empty if it can."""
    wanted: Sequence[type[Format]] = ()
    """In which viewers elsewhere wait for it."""


OURS = Claim()


class Directory(Protocol):
    """The other processes, as the hub sees them."""

    def claim(self, name: str, credential: str, then: Callable[[Claim], None]) -> None:
        """Ask to be the home of a stream; `then` is called at once or soon.

        Args:
            name: of the stream, `app/name`.
            credential: of the publisher; a home that is going away gives the stream up to it.
            then: told the answer.
        """

    def release(self, name: str, head_ms: int) -> None:
        """No publisher of the stream is left here; its time stands at `head_ms`."""

    def forget(self, name: str) -> None:
        """Nothing is left here of a stream, not even viewers."""

    def is_elsewhere(self, name: str) -> bool:
        """Whether another process is the home of the stream."""

    def follow(self, stream: Stream, form: Format, *, new: bool) -> None:
        """Put what the stream's home, if it is elsewhere, writes in this format into its log.

        Args:
            stream: which.
            form: one of its formats.
            new: the format has just been made; else viewers of it may wait for the publication.
        """

    def unfollow(self, form: Format) -> None:
        """Do so no more, once all that has been announced is in the log."""

    def limit_viewers(self, name: str, max_viewers: int) -> None:
        """A stream whose home this is may have so many viewers; 0: any number."""

    def max_viewers(self, name: str) -> int:
        """How many viewers a stream may have that is published elsewhere; 0: any number."""

    def take_seat(
        self, name: str, player: str, limit: int, then: Callable[[bool], None]
    ) -> bool | None:
        """Count a viewer of a stream that may have `limit` of them.

        A `player` that has a seat in another process takes no further one; empty: a viewer
        that is nowhere else.

        True or False: there is a seat or none. None: `then` will be told.
        """

    def leave_seat(self, name: str, player: str) -> None:
        """A viewer who had a seat has gone."""


class Alone:
    """The directory of the only process."""

    def __init__(self) -> None:
        self._seats: dict[str, int] = {}

    def claim(self, name: str, credential: str, then: Callable[[Claim], None]) -> None:  # noqa: ARG002
        """It is ours."""
        then(Claim())

    def release(self, name: str, head_ms: int) -> None:
        """Nobody else wants to know."""

    def forget(self, name: str) -> None:
        """Nobody else wants to know."""

    def is_elsewhere(self, name: str) -> bool:  # noqa: ARG002
        """There is no elsewhere."""
        return False

    def follow(self, stream: Stream, form: Format, *, new: bool) -> None:
        """There is nobody to follow."""

    def unfollow(self, form: Format) -> None:
        """There is nobody to follow."""

    def limit_viewers(self, name: str, max_viewers: int) -> None:
        """Nobody else wants to know."""

    def max_viewers(self, name: str) -> int:  # noqa: ARG002
        """There is no elsewhere."""
        return 0

    def take_seat(
        self,
        name: str,
        player: str,  # noqa: ARG002
        limit: int,
        then: Callable[[bool], None],  # noqa: ARG002
    ) -> bool | None:
        """Count here."""
        taken = self._seats.get(name, 0)
        if taken >= limit:
            return False
        self._seats[name] = taken + 1
        return True

    def leave_seat(self, name: str, player: str) -> None:  # noqa: ARG002
        """Count here."""
        left = self._seats[name] - 1
        if left:
            self._seats[name] = left
        else:
            del self._seats[name]
