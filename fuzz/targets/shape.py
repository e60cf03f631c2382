"""The shape of a slate, out of whatever metadata and configurations a publisher has sent.

An input is a list of tags: a type, a length, a body; a body of kind 3 is the values of an
onMetaData.
"""

from __future__ import annotations

from fractions import Fraction

from fuzz.script import Script
from slipstream.errors import MediaError
from slipstream.media import Frame, parse_tag
from slipstream.transcode.shape import (
    MAX_CHANNELS,
    MAX_DOTS,
    MAX_RATE,
    MIN_RATE,
    MIN_SIDE,
    SAMPLE_RATES,
    Shape,
    shape_of,
)

ALLOWED = (MediaError,)  # by parse_tag; shape_of raises nothing
MAX_BYTES = 512

TYPES = (9, 8, 18)
METADATA = b"\x02\x00\x0aonMetaData"


def run(data: bytes) -> None:
    """Collect frames, and see that what they say can be made."""
    script = Script(data)
    frames: list[Frame] = []
    while not script.at_end:
        kind, body = script.number(1) % 4, script.take(script.number(1))
        type_id, body = (18, METADATA + body) if kind == 3 else (TYPES[kind], body)
        try:
            frames.append(parse_tag(type_id, 0, body))
        except ALLOWED:
            continue
    shape = shape_of(frames)
    if shape is None:
        return
    assert Shape.from_json(shape.to_json()) == shape
    if shape.picture:
        width, height, rate = shape.picture.width, shape.picture.height, shape.picture.rate
        assert width % 2 == height % 2 == 0
        assert min(width, height) >= MIN_SIDE
        assert width * height <= MAX_DOTS
        assert Fraction(MIN_RATE) <= rate <= MAX_RATE
    if shape.sound:
        assert SAMPLE_RATES[0] <= shape.sound.sample_rate <= SAMPLE_RATES[1]
        assert 1 <= shape.sound.channels <= MAX_CHANNELS
