"""FFmpeg 8 as a client, by way of PyAV; a process of its own, since PyAV holds the interpreter's
lock while it connects.

    python tests/pyav_client.py publish FILE URL    in real time, nothing encoded anew
    python tests/pyav_client.py watch URL FILE      until the end; what came, packet by packet

The file that `watch` writes is a list of `clips.Packet` as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import av
from tests.clips import packet_of


def publish(source: str, url: str) -> None:
    """Send a file's packets when they are due."""
    with (
        av.open(source) as film,
        av.open(url, "w", format="flv", options={"flvflags": "no_duration_filesize"}) as out,
    ):
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
    packets = []
    with av.open(url, timeout=30) as stream:
        try:
            packets += (packet_of(packet) for packet in stream.demux() if packet.size)
        except av.error.OSError:
            if not url.startswith("http"):
                raise
            # FFmpeg misses the end of every HTTP response that announced no length.
    Path(target).write_text(json.dumps(packets))


if __name__ == "__main__":
    {"publish": publish, "watch": watch}[sys.argv[1]](*sys.argv[2:])
