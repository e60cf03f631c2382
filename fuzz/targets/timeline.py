"""Times as publishers send them: whatever they are, those that come out are steady.

An input is a list of frames: one byte of kind, track and how the time is written, then the
time, absolute or as a step. The same frames one by one must come out the same.
"""

from __future__ import annotations

from dataclasses import asdict

from fuzz.plain import plain
from fuzz.script import Script
from slipstream.media import Codec, Frame, Kind, Timeline, timeline
from slipstream.media.timeline import CLOCK, MAX_AHEAD_MS

PlainTimeline = plain(timeline).Timeline
ALLOWED = ()
MAX_BYTES = 80

KINDS = ((Kind.VIDEO, False), (Kind.AUDIO, False), (Kind.DATA, False), (Kind.VIDEO, True))


def run(data: bytes) -> None:
    """Make times steady in batches and one by one."""
    script = Script(data)
    whole, single = Timeline(), PlainTimeline()
    last_ms: dict[tuple[Kind, int], int] = {}
    newest_ms = dts_ms = 0
    batch: list[Frame] = []
    while not script.at_end:
        choice = script.number(1)
        dts_ms = _next_time(script, choice >> 4 & 3, dts_ms)
        kind, config = KINDS[choice & 3]
        track = choice >> 2 & 3
        batch.append(Frame(kind, Codec.H264, dts_ms, 0, False, config, False, track, b""))
        if choice & 0x40 or script.at_end:
            steady = whole.steady(batch)
            assert list(steady) == [single.steady([frame])[0] for frame in batch]
            for frame in steady:
                assert frame.dts_ms >= last_ms.get((frame.kind, frame.track), 0)
                last_ms[frame.kind, frame.track] = frame.dts_ms
                assert frame.dts_ms <= newest_ms + MAX_AHEAD_MS
                newest_ms = max(newest_ms, frame.dts_ms)
            batch = []
            if choice & 0x80:
                whole.restart()
                single.restart()
    assert asdict(whole.repairs) == asdict(single.repairs)


def _next_time(script: Script, form: int, before_ms: int) -> int:
    """A publisher's time: 32 bits, as an RTMP message has it."""
    match form:
        case 0:
            return (before_ms + script.signed(1)) % CLOCK
        case 1:
            return (before_ms + script.signed(2)) % CLOCK
        case 2:
            return (before_ms + script.signed(4)) % CLOCK
    return script.number(4)
