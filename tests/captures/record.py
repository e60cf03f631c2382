"""Records what real clients say to us: `python -m tests.captures.record` makes all anew.

Every client publishes or watches a film of 2 s through a proxy that keeps the bytes from the
client to the server, as NAME.rtmp beside this file. The films that are published stand there
too, as FLV. The programs are those of the interoperability tests.
"""

from __future__ import annotations

import copy
import socket
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.clips import FILMS, encode_film
from tests.interop.clients import OUR_OWN, PUBLISHERS, WATCHERS, watch
from tests.server import RunningServer, running_server

FOLDER = Path(__file__).parent
STREAM = "live/film"
READ_BYTES = 1 << 16
SMALL = {"seconds": 2, "width": 64, "height": 64, "bit_rate": 100_000}
SETTINGS = "[streams]\ngrace_s = 0.5\nwait_s = 30\n"

PUBLISHED = {
    "publish-ffmpeg-5": ("ffmpeg 5.1", "h264-aac"),
    "publish-ffmpeg-8": ("PyAV (FFmpeg 8)", "h264-aac"),
    "publish-ffmpeg-8-h265": ("PyAV (FFmpeg 8)", "h265-aac"),
    "publish-ffmpeg-8-av1": ("PyAV (FFmpeg 8)", "av1-opus"),
    "publish-gstreamer": ("GStreamer rtmp2sink", "h264-aac"),
    "publish-librtmp": ("GStreamer rtmpsink (librtmp)", "h264-aac"),
    "publish-nginx-rtmp": ("nginx-rtmp push", "h264-aac"),
}
PLAYED = {
    "play-ffmpeg-5": "ffmpeg 5.1",
    "play-ffmpeg-8": "PyAV (FFmpeg 8)",
    "play-rtmpdump": "rtmpdump",
    "play-gstreamer": "GStreamer rtmp2src",
    "play-nginx-rtmp": "nginx-rtmp pull",
}


@contextmanager
def recording(server: RunningServer, name: str) -> Iterator[RunningServer]:
    """The server as it is found behind the proxy; what is said to it is in the file afterwards."""
    behind = copy.copy(server)
    with socket.create_server((server.host, 0)) as listener, ThreadPoolExecutor() as pool:
        behind.rtmp_port = listener.getsockname()[1]
        conversation = pool.submit(_pass_on, listener, (server.host, server.rtmp_port), pool)
        yield behind
        (FOLDER / f"{name}.rtmp").write_bytes(conversation.result())


def _pass_on(listener: socket.socket, target: tuple[str, int], pool: ThreadPoolExecutor) -> bytes:
    """Carry one connection's bytes both ways; return those of the client."""
    client, _ = listener.accept()
    server = socket.create_connection(target)
    with client, server:
        answers = pool.submit(_copy, server, client)
        said = _copy(client, server)
        answers.result()
    return said


def _copy(source: socket.socket, target: socket.socket) -> bytes:
    copied = bytearray()
    try:
        while data := source.recv(READ_BYTES):
            copied += data
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # some clients end so
    return bytes(copied)


def record_all(server: RunningServer, folder: Path) -> None:
    """Make all files."""
    for film in sorted({film for _, film in PUBLISHED.values()}):
        encode_film(replace(FILMS[film], **SMALL), FOLDER / f"{film}.flv")
    for name, (client, film) in PUBLISHED.items():
        publisher = next(publisher for publisher in PUBLISHERS if publisher.name == client)
        with recording(server, name) as behind:
            publisher.publish(
                FOLDER / f"{film}.flv", f"{behind.play_url(STREAM)}?key=secret", folder
            )
    for name, client in PLAYED.items():
        watcher = next(watcher for watcher in WATCHERS if watcher.name == client)
        with recording(server, name) as behind, ThreadPoolExecutor() as pool:
            own_folder = folder / name
            own_folder.mkdir()
            watching = pool.submit(watch, watcher, behind, STREAM, own_folder)
            server.wait_for_viewers(STREAM, 1)
            OUR_OWN.publish(FOLDER / "h264-aac.flv", server.play_url(STREAM), folder)
            watching.result()


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory() as folder,
        running_server(Path(folder), "--allow-anonymous-publish", settings=SETTINGS) as server,
    ):
        record_all(server, Path(folder))
