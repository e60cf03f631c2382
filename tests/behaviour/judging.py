"""Whether what a viewer got can be played, judged frame by frame against what was published."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from slipstream.media import Frame, Kind


@dataclass
class Judgement:
    """What is missing of the frames between the first and the last that came."""

    missing: list[Frame] = field(default_factory=list)
    jumps: int = 0


def judge(came: Iterable[bytes], sent: Sequence[Frame], greeting: Sequence[Frame]) -> Judgement:
    """Compare bodies in the order in which they came with all frames that were published.

    Between two frames that came, pictures may be missing; anything else only in a jump, which is
    to be seen by the `greeting` that comes again before a keyframe. Fails if a picture came
    without one that it refers to, or if anything came twice or out of order.
    """
    judgement = Judgement()
    place = {frame.body: index for index, frame in enumerate(sent)}
    greets = [frame.body for frame in greeting]
    waiting: list[bytes] = []  # what has come of a greeting
    expected: int | None = None
    whole = False  # whether all that the next picture may refer to has come
    for body in came:
        if body in greets:
            waiting.append(body)
            continue
        index = place[body]
        frame = sent[index]
        lost = [] if expected is None else sent[expected:index]
        assert expected is None or index >= expected, "came twice, or too late"
        if expected is not None and waiting:
            assert waiting == greets
            assert frame.kind == Kind.VIDEO
            assert frame.keyframe
            judgement.jumps += 1
        elif lost:
            assert all(f.kind == Kind.VIDEO and not f.keyframe and not f.config for f in lost)
            judgement.missing += lost
            whole = whole and all(f.disposable for f in lost)
        if frame.kind == Kind.VIDEO:
            whole = whole or frame.keyframe
            assert whole, f"the picture of {frame.dts_ms} ms refers to one that did not come"
        waiting, expected = [], index + 1
    return judgement
