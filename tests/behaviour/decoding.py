"""A player that decodes: FFmpeg 8 by way of PyAV, in a process of its own.

    with DecodingPlayer(url) as player:
        player.wait_for(lambda shown: len(shown.pictures) > 10)

PyAV holds the interpreter's lock while it connects, so it must not share a process with
anything that has to go on. As a program, `python -m tests.behaviour.decoding URL` writes one
line of JSON for each decoded frame.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Thread
from typing import NamedTuple, Self

import av

from tests.server import wait_until
from tests.transcode.stage import frames_of, loudness, luma_of

TIMEOUT_S = 30


class Picture(NamedTuple):
    """One, decoded."""

    at: float  # when it was, on the monotonic clock
    ms: int
    codec: str
    width: int
    height: int
    corner: int  # mean brightness of the upper left


class Sound(NamedTuple):
    """A frame of it, decoded."""

    at: float
    ms: int
    codec: str
    sample_rate: int
    channels: int
    loudest: float


@dataclass
class Shown:
    """What a player has shown so far."""

    pictures: list[Picture] = field(default_factory=list)
    sounds: list[Sound] = field(default_factory=list)


class DecodingPlayer:
    """Plays from the beginning of the `with` block to its end."""

    def __init__(self, url: str) -> None:
        self.shown = Shown()
        self._url = url

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, self._url], stdout=subprocess.PIPE, text=True
        )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def wait_for(self, condition: Callable[[Shown], object], what: str) -> None:
        """Wait until what has been shown is as the condition wants it."""
        wait_until(lambda: self._is_playing() and condition(self.shown), what)

    def _is_playing(self) -> bool:
        assert self._process.poll() is None, "the player has ended"
        return True

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            kind, *values = json.loads(line)
            if kind == "picture":
                self.shown.pictures.append(Picture(*values))
            else:
                self.shown.sounds.append(Sound(*values))


def play(url: str) -> None:
    """Decode until the stream ends; tell of every frame."""
    # FFmpeg waits for pictures for longer than the tests do, where there is sound alone.
    with av.open(url, timeout=TIMEOUT_S, options={"analyzeduration": "500000"}) as stream:
        for frame in frames_of(stream):
            assert frame.pts is not None
            assert frame.time_base is not None
            ms = round(1000 * frame.pts * frame.time_base)
            if isinstance(frame, av.VideoFrame):
                luma = luma_of(frame)
                corner = b"".join(luma[y * frame.width : y * frame.width + 16] for y in range(16))
                codec = stream.streams.video[0].codec_context.codec.canonical_name
                mean = sum(corner) // len(corner)
                tell("picture", ms, codec, frame.width, frame.height, mean)
            elif isinstance(frame, av.AudioFrame):
                codec = stream.streams.audio[0].codec_context.codec.canonical_name
                rate, channels = frame.sample_rate, frame.layout.nb_channels
                tell("sound", ms, codec, rate, channels, loudness(frame))


def tell(kind: str, *values: object) -> None:
    sys.stdout.write(json.dumps([kind, time.monotonic(), *values]) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    play(sys.argv[1])
