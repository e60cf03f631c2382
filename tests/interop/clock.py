"""A live picture that shows when it was made, for people's clocks to be compared with it.

    python -m tests.interop.clock URL      publishes until it is ended

Each picture has 32 fields in its top line, white for 1 and black for 0: milliseconds since 1970,
modulo 2**32, the highest bit first.
"""

from __future__ import annotations

import sys
import time
from fractions import Fraction
from itertools import count

import av

RATE = 25  # pictures per second
WIDTH, HEIGHT = 512, 288
FIELD = WIDTH // 32  # dots
BLACK, WHITE = 16, 235
SOUND_RATE, SOUND_FRAME = 48_000, 1_024

READ = f"""() => {{
    const video = document.querySelector("video");
    const canvas = new OffscreenCanvas({WIDTH}, {FIELD});
    const context = canvas.getContext("2d", {{willReadFrequently: true}});
    context.drawImage(video, 0, 0, {WIDTH}, {HEIGHT});
    const {{data}} = context.getImageData(0, {FIELD // 2}, {WIDTH}, 1);
    let shown = 0;
    for (let bit = 0; bit < 32; bit++) {{
        shown = shown * 2 + (data[4 * (bit * {FIELD} + {FIELD // 2})] > 127 ? 1 : 0);
    }}
    return (Date.now() % 2 ** 32) - shown;
}}"""
"""In a browser: how many milliseconds ago the picture was made that is seen now."""


def picture(now_ms: int) -> av.VideoFrame:
    """Draw one."""
    bits = format(now_ms % (1 << 32), "032b")
    line = b"".join(bytes([WHITE if bit == "1" else BLACK]) * FIELD for bit in bits)
    frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    luma, *chroma = frame.planes
    padding = bytes(luma.line_size - WIDTH)
    grey = bytes([now_ms // 40 % 200 + 20]) * WIDTH
    luma.update((line + padding) * FIELD + (grey + padding) * (HEIGHT - FIELD))
    for plane in chroma:
        plane.update(bytes([128]) * plane.buffer_size)
    return frame


def publish(url: str) -> None:
    """Publish it, with silence, in real time."""
    with av.open(url, "w", format="flv") as out:
        video = out.add_stream("libx264", rate=RATE)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.options = {"preset": "ultrafast", "tune": "zerolatency", "g": str(2 * RATE)}
        audio = out.add_stream("aac", rate=SOUND_RATE, layout="mono")
        started, sounds = time.monotonic(), 0
        for number in count():
            due = number / RATE
            time.sleep(max(started + due - time.monotonic(), 0))
            frame = picture(time.time_ns() // 1_000_000)
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            out.mux(video.encode(frame))
            while sounds * SOUND_FRAME <= due * SOUND_RATE:
                silence = av.AudioFrame("fltp", "mono", SOUND_FRAME)
                silence.planes[0].update(bytes(silence.planes[0].buffer_size))
                silence.pts, silence.rate = sounds * SOUND_FRAME, SOUND_RATE
                silence.time_base = Fraction(1, SOUND_RATE)
                out.mux(audio.encode(silence))
                sounds += 1


if __name__ == "__main__":
    publish(sys.argv[1])
