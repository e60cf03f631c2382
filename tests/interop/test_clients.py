"""Every client with every film that it can carry: what was published is what is watched."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from tests.clips import H265_ID12, Packet, read_packets
from tests.interop.clients import OUR_OWN, PUBLISHERS, PYAV, TIMEOUT_S, WATCHERS, Publisher, Watcher
from tests.interop.matrix import PUBLISHED, WATCHED, Cell
from tests.server import RunningServer

pytestmark = pytest.mark.interop

BY_NAME: dict[str, Publisher] = {publisher.name: publisher for publisher in PUBLISHERS}
WATCHER_BY_NAME: dict[str, Watcher] = {watcher.name: watcher for watcher in WATCHERS}
ROUNDING_MS = 1  # GStreamer counts in ns
LATE_S = 6.0  # after which somebody joins the film with the 10 s from keyframe to keyframe

_numbers = count(1)


@pytest.mark.parametrize("cell", PUBLISHED, ids="-".join)
def test_all_that_is_published_arrives(
    cell: Cell, server: RunningServer, film: Callable[[str], Path], tmp_path: Path
) -> None:
    publisher = BY_NAME[cell.client]
    watcher = WATCHER_BY_NAME["rtmpdump" if cell.film == H265_ID12 else "PyAV (FFmpeg 8)"]
    stream = f"live/published-{next(_numbers)}"
    with watching(watcher, server, stream, tmp_path) as received:
        server.wait_for_viewers(stream, 1, started=False)
        sent = publisher.publish(film(cell.film), server.publish_url(stream), tmp_path)
    compare(received, sent, misses_start=publisher.misses_start)


@pytest.mark.parametrize("cell", WATCHED, ids="-".join)
def test_all_that_is_published_is_watched(
    cell: Cell, server: RunningServer, film: Callable[[str], Path], tmp_path: Path
) -> None:
    watcher = WATCHER_BY_NAME[cell.client]
    publisher = OUR_OWN if cell.film == H265_ID12 else PYAV
    stream = f"live/watched-{next(_numbers)}"
    with watching(watcher, server, stream, tmp_path) as received:
        server.wait_for_viewers(stream, 1, started=False)
        sent = publisher.publish(film(cell.film), server.publish_url(stream), tmp_path)
    compare(received, sent)


@contextmanager
def watching(
    watcher: Watcher, server: RunningServer, stream: str, folder: Path
) -> Iterator[list[Packet]]:
    """Watch during the block and until the stream has ended; the list is filled after that."""
    url = server.flv_url(stream) if watcher.http else server.play_url(stream)
    file = folder / "received.flv"
    received: list[Packet] = []
    with subprocess.Popen(watcher.command(url, file), stdin=subprocess.DEVNULL) as process:
        try:
            yield received
            if watcher.ends:
                assert process.wait(TIMEOUT_S) == 0
            else:
                server.wait_for_viewers(stream, 0)
        finally:
            process.terminate()
    received += watcher.read(file)


def compare(received: Sequence[Packet], film: Path, *, misses_start: bool = False) -> None:
    """All packets from a keyframe on, each once, in order, with their times.

    Sound that belongs before that keyframe may come or not: programs interleave differently.
    """
    sent = read_packets(film)
    assert received, "nothing came"
    begin = _first_keyframe(sent)
    if misses_start:
        digest = _first_keyframe(received).digest
        begin = next(packet for packet in sent if packet.digest == digest)
        assert begin.keyframe
    for kind in {packet.kind for packet in sent}:
        wanted = [packet for packet in sent if packet.kind == kind]
        came = [packet for packet in received if packet.kind == kind]
        missing = wanted[: len(wanted) - len(came)]
        assert [p.digest for p in came] == [p.digest for p in wanted[len(missing) :]], kind
        assert all(_may_be_missing(packet, begin) for packet in missing), kind
        _compare_times(came, wanted[len(missing) :])


def _first_keyframe(packets: Sequence[Packet]) -> Packet:
    """The first picture that one can start with; the first sound where there are no pictures."""
    pictures = [packet for packet in packets if packet.kind == "video" and packet.keyframe]
    return (pictures or packets)[0]


def _may_be_missing(packet: Packet, begin: Packet) -> bool:
    if packet.kind == begin.kind:
        return packet.dts_ms < begin.dts_ms
    return packet.dts_ms <= begin.dts_ms


def _compare_times(came: Sequence[Packet], sent: Sequence[Packet]) -> None:
    """The same but for a shift of all."""
    shift_ms = came[0].dts_ms - sent[0].dts_ms
    for packet, original in zip(came, sent, strict=True):
        assert abs(packet.dts_ms - original.dts_ms - shift_ms) <= ROUNDING_MS
        assert abs(packet.pts_ms - original.pts_ms - shift_ms) <= ROUNDING_MS
