"""What a worker's death did to encoders and viewers, judged by whose connection was where.

Who was connected to the dead worker comes back. Viewers of the others stay; they wait if their
publisher was cut off, no longer than until its next keyframe, and notice nothing if it was not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .encoder import EncoderState
from .stream import GROUP_MS
from .viewer import Visit

MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Death:
    """One death, and who was where before it.

    Args:
        at_ns: when, on CLOCK_MONOTONIC.
        process: that died.
        whereabouts: the process that had each connection, by the client's port.
        homes: the port of each stream's encoder.
    """

    at_ns: int
    process: int
    whereabouts: Mapping[int, int]
    homes: Mapping[str, int]

    def struck(self, port: int) -> bool:
        """Whether a connection was the dead worker's."""
        return self.whereabouts.get(port) == self.process


@dataclass(slots=True)
class Aftermath:
    """What one death, or many, came to; `add()` each, then read. Times are ms."""

    cut_publishers: int = 0
    cut_viewers: int = 0
    disconnected: int = 0  # though their worker lived
    back_ms: list[float] = field(default_factory=list)  # of viewers that were cut off
    gaps_ms: list[float] = field(default_factory=list)  # of those who stayed, publisher cut off
    over_ms: list[float] = field(default_factory=list)  # beyond its return and one picture group
    calm_gaps_ms: list[float] = field(default_factory=list)  # of whom nothing was touched
    faults: list[str] = field(default_factory=list)

    def add(self, death: Death, encoders: Sequence[EncoderState], visits: Sequence[Visit]) -> None:
        """Judge what encoders and viewers tell since shortly before a death."""
        returns: dict[str, int] = {}  # when the publishers that were cut off were let in again
        for encoder in encoders:
            self.faults += [f"encoder of {encoder.name}: {why}" for why in encoder.refusals]
            if death.struck(death.homes[encoder.name]):
                self.cut_publishers += 1
                returns[encoder.name] = encoder.sessions[-1].live_ns
            elif len(encoder.sessions) > 1:
                self.faults.append(f"encoder of {encoder.name} was cut off by a living worker")
        for visit in visits:
            self.faults += [f"{_name(visit)}: {fault}" for fault in visit.faults]
            if visit.refusal:
                self.faults.append(f"{_name(visit)} was refused: {visit.refusal}")
            self._add_visit(death, returns, visit)

    def _add_visit(self, death: Death, returns: Mapping[str, int], visit: Visit) -> None:
        if visit.asked_ns > death.at_ns:
            self.back_ms.append((visit.began_ns - death.at_ns) / MS)
        elif death.struck(visit.port):
            self.cut_viewers += 1
        elif visit.closed_ns and not visit.left:
            self.disconnected += 1
            after_ms = (visit.closed_ns - death.at_ns) / MS
            self.faults.append(f"{_name(visit)} was cut off by a living worker, {after_ms:.0f} ms")
        elif visit.stream in returns:
            self._add_wait(death, returns[visit.stream], visit)
        else:
            self.calm_gaps_ms += [(gap.to_ns - gap.from_ns) / MS for gap in visit.gaps]

    def _add_wait(self, death: Death, live_ns: int, visit: Visit) -> None:
        """A viewer stayed whose publisher was cut off: one gap is right, the rest is not."""
        due_ns = live_ns + GROUP_MS * MS
        for gap in visit.gaps:
            gap_ms = (gap.to_ns - gap.from_ns) / MS
            if gap.to_ns > death.at_ns and gap.from_ns < live_ns:
                self.gaps_ms.append(gap_ms)
                self.over_ms.append((gap.to_ns - due_ns) / MS)
            else:
                self.calm_gaps_ms.append(gap_ms)


def _name(visit: Visit) -> str:
    return f"viewer {visit.viewer} of {visit.stream} over {visit.protocol}"


def worst(values: Sequence[float], default: float = 0.0) -> float:
    """The largest of some figures."""
    return max(values, default=default)


def unserved(
    encoders: Sequence[EncoderState], visits: Sequence[Visit], now_ns: int, fresh_ms: float
) -> Iterator[str]:
    """Who is not on air, or gets nothing, by name.

    Args:
        encoders: and
        visits: those that go on.
        now_ns: on CLOCK_MONOTONIC.
        fresh_ms: a viewer whose newest message is younger is being served.
    """
    yield from (encoder.name for encoder in encoders if not encoder.port)
    served = {
        visit.viewer: not visit.closed_ns and now_ns - visit.last_ns < fresh_ms * MS
        for visit in visits
    }
    yield from (f"viewer {viewer}" for viewer, is_served in served.items() if not is_served)
