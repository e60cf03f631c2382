"""Snapshots, asked for as browsers do, and films whose keyframes they can be compared with."""

from __future__ import annotations

import http.client
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple, Self

import av

from slipstream.media import Frame, Kind, parse_tag
from slipstream.transcode.snapshot_children import CHILD
from tests.clips import read_tags
from tests.rtmp_client import RtmpClient
from tests.server import PATIENCE_S, RunningServer

SAME = 6.0  # of 255: the mean difference that JPEG makes, 2 to 4 with noise
OTHER = 15.0  # what is between two pictures of noise at least


class Answer(NamedTuple):
    """To one request."""

    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def picture(self) -> av.VideoFrame:
        """The JPEG, decoded."""
        assert self.status == 200, self.body
        assert self.headers["content-type"] == "image/jpeg"
        with av.open(io.BytesIO(self.body), format="jpeg_pipe") as file:
            (picture,) = file.decode(video=0)
        return picture

    @property
    def size(self) -> tuple[int, int]:
        """Of the picture."""
        return self.picture.width, self.picture.height


class Browser:
    """One connection that is kept."""

    def __init__(self, server: RunningServer) -> None:
        self._connection = http.client.HTTPConnection(
            server.host, server.http_port, timeout=PATIENCE_S
        )

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Ask, wait for the answer."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path, headers=fields)
        response = self._connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def ask(server: RunningServer, path: str, method: str = "GET", **headers: str) -> Answer:
    """Ask over a connection of its own."""
    with Browser(server) as browser:
        return browser.ask(path, method, **headers)


@dataclass
class Reel:
    """A film's frames without its sound, cut before each keyframe."""

    configs: list[Frame]
    groups: list[list[Frame]]
    keyframes: list[av.VideoFrame]


def reel(path: Path, pictures: Path | None = None) -> Reel:
    """Read a film.

    Args:
        path: of the file.
        pictures: of the same film in a form that FFmpeg reads, if it does not read this one.
    """
    frames = [parse_tag(*tag) for tag in read_tags(path) if tag.type_id != Kind.AUDIO]
    first = next(index for index, frame in enumerate(frames) if frame.keyframe)
    groups: list[list[Frame]] = []
    for frame in frames[first:]:
        if frame.keyframe:
            groups.append([])
        if frame.kind is Kind.VIDEO:
            groups[-1].append(frame)
    return Reel(frames[:first], groups, list(_keyframes(pictures or path)))


@cache
def _keyframes(path: Path) -> tuple[av.VideoFrame, ...]:
    with av.open(str(path)) as film:
        return tuple(frame for frame in film.decode(video=0) if frame.key_frame)


class Station:
    """Publishes, and sees that all has arrived."""

    def __init__(self, publisher: RtmpClient, witness: RtmpClient) -> None:
        self.publisher = publisher
        self.witness = witness

    def send(self, *frames: Frame) -> None:
        """Send frames; return when the server has them."""
        self.publisher.send(*frames)
        self.witness.take(len(frames))


@contextmanager
def station(server: RunningServer, stream: str) -> Iterator[Station]:
    """Publish until the end of the block; nothing is sent yet."""
    with (
        RtmpClient.playing(server.play_url(stream)) as witness,
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
    ):
        yield Station(publisher, witness)


def difference(one: av.VideoFrame, other: av.VideoFrame) -> float:
    """The mean difference of two pictures of the same size, of 255."""
    first, second = (bytes(_rgb(picture)) for picture in (one, other))
    assert len(first) == len(second)
    return sum(abs(a - b) for a, b in zip(first, second, strict=True)) / len(first)


def _rgb(picture: av.VideoFrame) -> bytes:
    plane = picture.reformat(format="rgb24").planes[0]
    data, width = bytes(plane), 3 * picture.width
    starts = range(0, picture.height * plane.line_size, plane.line_size)
    return b"".join(data[start : start + width] for start in starts)


def decoders(server: RunningServer) -> list[int]:
    """The child processes of a server that make snapshots."""
    parents, found = set(server.pids()), []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            words = (status.parent / "cmdline").read_bytes().split(b"\0")
            if parent in parents and CHILD.encode() in words:
                found.append(int(status.parent.name))
    return found


def is_alive(pid: int) -> bool:
    """Whether a process runs."""
    with suppress(OSError):
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    return False


def kill(pid: int) -> None:
    """Kill a process that may be gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, 9)
