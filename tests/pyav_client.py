"""FFmpeg 8 as a client, by way of PyAV, in a process of its own.

    python -m tests.pyav_client publish FILE URL    in real time, nothing encoded anew
    python -m tests.pyav_client watch URL FILE      until the end, then write what came

The file that `watch` writes is a `clips.Content` as JSON. PyAV holds the interpreter's lock
while it connects, so it must not share a process with anything that has to go on.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av

from tests.clips import content_of

TIMEOUT_S = 30


def publish(source: str, url: str) -> None:
    """Send a file's packets when they are due."""
    options = {"flvflags": "no_duration_filesize"}
    with av.open(source) as film, av.open(url, "w", format="flv", options=options) as out:
        streams = {s.index: out.add_stream_from_template(s, opaque=True) for s in film.streams}
        started = time.monotonic()
        for packet in film.demux():
            if packet.dts is None:
                continue
            due = started + float(packet.dts * packet.time_base)
            time.sleep(max(due - time.monotonic(), 0))
            packet.stream = streams[packet.stream.index]
            out.mux_one(packet)


def watch(url: str, target: str) -> None:
    """Take everything that comes."""
    with av.open(url, timeout=TIMEOUT_S) as stream:
        content = content_of(stream, _until_end(stream, url))
    Path(target).write_text(json.dumps(content))


def _until_end(stream: av.container.InputContainer, url: str) -> Iterator[av.Packet]:
    """All packets. FFmpeg misses the end of every HTTP response that announced no length."""
    try:
        yield from stream.demux()
    except av.error.OSError:
        if not url.startswith("http"):
            raise


if __name__ == "__main__":
    {"publish": publish, "watch": watch}[sys.argv[1]](*sys.argv[2:])
