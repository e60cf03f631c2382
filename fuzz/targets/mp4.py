"""Tracks of MP4 out of any configuration, and fragments of any frames: all must be read back.

An input is a codec, a configuration behind its length, and frames: a byte that says whether
decoding can start and when to show, a length, and the data.
"""

from __future__ import annotations

from fuzz.script import Script
from slipstream.errors import MediaError
from slipstream.media import (
    MP4_CARRIED,
    Kind,
    Run,
    Sample,
    build_fragment,
    build_init,
    open_mp4_track,
)
from tests.mp4_reader import read_fragments, read_init

ALLOWED = (MediaError,)
MAX_BYTES = 1024

CODECS = tuple(sorted(MP4_CARRIED))
PICTURE = 3_600  # how long one lasts, in units of the timescale
MAX_SAMPLES = 8 * 65_536  # in a frame of sound


def run(data: bytes) -> None:
    """Open the track with the first frame, and put all frames into one fragment."""
    script = Script(data)
    codec = CODECS[script.number(1) % len(CODECS)]
    config = script.take(script.number(2))
    frames: list[tuple[int, bytes]] = []
    while not script.at_end:
        frames.append((script.number(1), script.take(script.number(1))))
    try:
        track = open_mp4_track(codec, config, frames[0][1] if frames else b"")
    except ALLOWED:
        return
    init = build_init({1: track})
    (found,) = read_init(init)
    assert (found.timescale, found.width, found.height) == (
        track.timescale,
        track.width,
        track.height,
    )
    samples = []
    for head, frame in frames:
        try:
            duration = track.samples_per_frame(memoryview(frame)) or PICTURE
        except ALLOWED:
            continue
        assert track.kind is Kind.VIDEO or 0 < duration <= MAX_SAMPLES
        offset = PICTURE * ((head >> 1) - 64)
        samples.append(Sample(track.payload(memoryview(frame)), duration, offset, bool(head & 1)))
    if samples:
        fragment = b"".join(build_fragment(1, [Run(1, len(data), samples)]))
        (read,) = read_fragments(init + fragment)
        assert read.runs == [Run(1, len(data), samples)]
