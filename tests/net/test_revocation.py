"""Those whose credential is good for nothing any more are ended, a few at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from slipstream.access import NO_GRANT, AccessSettings, Action, Grant
from slipstream.net.revocation import PER_TURN, Revocations
from tests.access.stage import NOW, gate

EXPIRED, GOOD = Grant("token", expires=NOW - 1), Grant("token", expires=NOW + 1)


@dataclass(eq=False)
class Holder:
    connection_id: str = "rtmp-1"
    told: list[str] = field(default_factory=list)

    def revoke(self, reason: str) -> None:
        self.told.append(reason)


async def test_all_who_are_due_are_ended_but_few_in_one_turn_of_the_loop() -> None:
    settings = AccessSettings(end_when_expired="publishers")
    revocations = Revocations(gate(settings), asyncio.get_running_loop())
    due = [Holder() for _ in range(PER_TURN * 3)]
    others = [Holder() for _ in range(3)]
    for holder in due:
        revocations.hold(holder, "live/cam", Action.PUBLISH, EXPIRED)
    revocations.hold(others[0], "live/cam", Action.PUBLISH, GOOD)
    revocations.hold(others[1], "live/cam", Action.PLAY, EXPIRED)
    revocations.hold(others[2], "live/cam", Action.PUBLISH, NO_GRANT)
    gone = due.pop()
    revocations.look()
    assert sum(len(holder.told) for holder in due) == PER_TURN
    revocations.release(gone)
    revocations.look()  # while some are due yet
    for _ in range(5):
        await asyncio.sleep(0)
    assert all(holder.told == ["the token has expired"] for holder in due)
    assert not any(holder.told for holder in (gone, *others))
    assert len(revocations) == 2
