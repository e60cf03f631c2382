"""FFmpeg 8 as a client, by way of PyAV, in a process of its own.

    python -m tests.pyav_client publish FILE URL COPY   in real time, nothing encoded anew
    python -m tests.pyav_client watch URL FILE          until the end, then write what came

COPY is an FLV file of what was sent. The FILE of `watch` is a `clips.Content` as JSON. PyAV holds
the interpreter's lock while it connects, so it must not share a process with anything that has
to go on.
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


def publish(source: str, url: str, copy: str) -> None:
    """Send a file's packets when they are due; write the same into another file."""
    with av.open(source) as film, _flv(url) as out, _flv(copy) as other:
        targets = [
            (
                target,
                {s.index: target.add_stream_from_template(s, opaque=True) for s in film.streams},
            )
            for target in (out, other)
        ]
        started = time.monotonic()
        for packet in film.demux():
            if packet.dts is None:
                continue
            due = started + float(packet.dts * packet.time_base)
            time.sleep(max(due - time.monotonic(), 0))
            index, times = packet.stream.index, (packet.pts, packet.dts, packet.time_base)
            for target, streams in targets:
                packet.stream = streams[index]
                packet.pts, packet.dts, packet.time_base = times  # muxers put in their own
                target.mux_one(packet)


def watch(url: str, target: str) -> None:
    """Take everything that comes."""
    with av.open(url, timeout=TIMEOUT_S) as stream:
        content = content_of(stream, _until_end(stream, url))
    Path(target).write_text(json.dumps(content))


def _flv(place: str) -> av.container.OutputContainer:
    return av.open(place, "w", format="flv", options={"flvflags": "no_duration_filesize"})


def _until_end(stream: av.container.InputContainer, url: str) -> Iterator[av.Packet]:
    """All packets. FFmpeg misses the end of every HTTP response that announced no length."""
    try:
        yield from stream.demux()
    except av.error.OSError:
        if not url.startswith("http"):
            raise


if __name__ == "__main__":
    {"publish": publish, "watch": watch}[sys.argv[1]](*sys.argv[2:])
