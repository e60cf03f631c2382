"""The test source: our own picture and sound, encoded as they are made.

Runs in a child process (see `feed`). Each picture is drawn and encoded at the time at which
it is due, so the clock in it tells when it was made. H.264 without delay, a keyframe every
two seconds, and AAC, as a well-set encoder sends it.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable
from datetime import datetime
from fractions import Fraction
from math import pi, sin

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from slipstream.tools.picture import FLASH_S, TestPicture
from slipstream.transcode.canvas import Canvas

WIDTH, HEIGHT, FRAME_RATE = 1280, 720, 30
VIDEO_BITS_PER_S, AUDIO_BITS_PER_S = 1_500_000, 96_000
KEYFRAME_S = 2
SAMPLE_RATE = 48_000
SAMPLES = 1024  # in each frame of AAC
SOUND_AHEAD_S = 0.1  # FFmpeg's muxer holds pictures back until it has later sound

TONE_HZ, TONE_LEVEL = 440, 0.03  # quiet: it is there to be heard, not listened to
BEEP_HZ, BEEP_LEVEL = 1000, 0.2

X264 = {
    "preset": "superfast",
    "tune": "zerolatency",
    "profile": "high",
    "g": str(KEYFRAME_S * FRAME_RATE),
    "sc_threshold": "0",
    "threads": "1",  # more threads would only cost: one takes a quarter of the time there is
}


def feed_test(output: OutputContainer, tell: Callable[[str], None]) -> None:
    """Write picture and sound to `output`, as time goes by, until it can take no more."""
    pictures = _Pictures(output)
    sounds = _Sounds(output)
    tell(f"video: H.264 {WIDTH}x{HEIGHT} at {FRAME_RATE} fps, made here")
    tell(f"audio: AAC {SAMPLE_RATE} Hz stereo, made here")
    began = time.monotonic()
    number = 0
    while True:
        seconds = number / FRAME_RATE
        time.sleep(max(began + seconds - time.monotonic(), 0))
        pictures.send(number, seconds)
        number += 1
        sounds.send_until(number / FRAME_RATE + SOUND_AHEAD_S)


class _Pictures:
    def __init__(self, output: OutputContainer) -> None:
        self._output = output
        stream = output.add_stream("libx264", rate=FRAME_RATE, options=X264)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = VIDEO_BITS_PER_S
        stream.codec_context.time_base = Fraction(1, FRAME_RATE)
        self._stream = stream
        planes = av.VideoFrame(WIDTH, HEIGHT, "yuv420p").planes
        self._canvas = Canvas(WIDTH, HEIGHT, (planes[0].line_size, planes[1].line_size))
        self._picture = TestPicture(self._canvas)

    def send(self, number: int, seconds: float) -> None:
        self._picture.draw(number, seconds, datetime.now().astimezone())
        # A new frame each time, as the encoder may still hold the one before.
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        canvas = self._canvas
        for plane, data in zip(frame.planes, (canvas.luma, canvas.blue, canvas.red), strict=True):
            plane.update(bytes(data))
        frame.pts = number
        self._output.mux(self._stream.encode(frame))


class _Sounds:
    def __init__(self, output: OutputContainer) -> None:
        self._output = output
        stream = output.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
        assert isinstance(stream, AudioStream)
        stream.bit_rate = AUDIO_BITS_PER_S
        self._stream = stream
        second = one_second()
        self._samples = (second + second[:SAMPLES]).tobytes()
        self._sent = 0

    def send_until(self, seconds: float) -> None:
        """Send the frames of sound up to then."""
        width = array("f").itemsize
        while self._sent + SAMPLES <= seconds * SAMPLE_RATE:
            start = self._sent % SAMPLE_RATE * width
            part = self._samples[start : start + SAMPLES * width]
            frame = av.AudioFrame(format="fltp", layout="stereo", samples=SAMPLES)
            for plane in frame.planes:
                plane.update(part)
            frame.sample_rate = SAMPLE_RATE
            frame.pts = self._sent
            frame.time_base = Fraction(1, SAMPLE_RATE)
            self._output.mux(self._stream.encode(frame))
            self._sent += SAMPLES


def one_second() -> array[float]:
    """Return the samples of a second, which begins with a beep; it joins to itself."""
    return array(
        "f",
        (
            TONE_LEVEL * sin(2 * pi * TONE_HZ * n / SAMPLE_RATE)
            + (n < FLASH_S * SAMPLE_RATE) * BEEP_LEVEL * sin(2 * pi * BEEP_HZ * n / SAMPLE_RATE)
            for n in range(SAMPLE_RATE)
        ),
    )
