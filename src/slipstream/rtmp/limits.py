"""How much one client may ask of a server, before it is authorised and after.

Authorised is who may publish or play something. Until then a connection has cost its maker
nothing, and is worth little to us.
"""

from __future__ import annotations

from dataclasses import dataclass

from slipstream.errors import CommandError
from slipstream.rtmp.chunk_decoder import PUBLISHER, UNAUTHORISED, ChunkLimits


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """One set serves all connections.

    Args:
        first_commands: in all, until one to publish or play is accepted.
        commands_per_second: from then on.
        streams: message streams that exist at the same time.
        plays: of these, how many may play or ask to.
        first_unread: bytes of answers that wait to be sent, until authorised.
        unread: the same from then on.
        metadata: bytes kept per message stream of metadata that comes before its time.
        first_chunks: what may be received until a publication is accepted.
        chunks: the same from then on.
    """

    first_commands: int = 64
    commands_per_second: int = 20
    streams: int = 8
    plays: int = 4
    first_unread: int = 64 << 10
    unread: int = 256 << 10
    metadata: int = 16 << 10
    first_chunks: ChunkLimits = UNAUTHORISED
    chunks: ChunkLimits = PUBLISHER


class CommandBudget:
    """Counts one client's commands; each must `spend()` before it is read."""

    __slots__ = ("_left", "_limits", "_refilled_at", "authorised")

    def __init__(self, limits: ServerLimits) -> None:
        self.authorised = False
        self._limits = limits
        self._left: float = limits.first_commands
        self._refilled_at = 0.0

    def authorise(self) -> None:
        """Count by the second from now on."""
        if not self.authorised:
            self.authorised = True
            self._left = self._limits.commands_per_second

    def spend(self, now: float) -> None:
        """Take one command's worth.

        Raises:
            CommandError: the client has sent too many.
        """
        if self.authorised:
            rate = self._limits.commands_per_second
            self._left = min(rate, self._left + (now - self._refilled_at) * rate)
        self._refilled_at = now
        if self._left < 1:
            raise CommandError(self._complaint())
        self._left -= 1

    def _complaint(self) -> str:
        if self.authorised:
            return f"more than {self._limits.commands_per_second} commands in a second"
        return f"more than {self._limits.first_commands} commands before publishing or playing"
