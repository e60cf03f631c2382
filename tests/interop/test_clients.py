"""Every client with every film that it can carry: what was published is what is watched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from tests.clips import H265_ID12, Content, Packet, read_content
from tests.interop.clients import OUR_OWN, PUBLISHERS, WATCHERS, watching
from tests.interop.matrix import HEAVY, PUBLISHED, WATCHED, Cell
from tests.server import RunningServer, wait_until

pytestmark = pytest.mark.interop

PUBLISHER = {publisher.name: publisher for publisher in PUBLISHERS}
WATCHER = {watcher.name: watcher for watcher in WATCHERS}
LATE_S = 6.0  # in mid-GOP of the film with 10 s from keyframe to keyframe
ROUNDING_MS = 1  # GStreamer counts in ns

_numbers = count(1)
FilmFile = Callable[[str], Path]


@pytest.mark.parametrize("cell", PUBLISHED, ids="-".join)
def test_what_is_published_arrives(
    cell: Cell, server: RunningServer, film: FilmFile, tmp_path: Path
) -> None:
    publisher = PUBLISHER[cell.client]
    watcher = WATCHER["rtmpdump" if cell.film == H265_ID12 else "PyAV (FFmpeg 8)"]
    stream = f"live/published-{next(_numbers)}"
    with watching(watcher, server, stream, tmp_path) as received:
        server.wait_for_viewers(stream, 1)
        sent = publisher.publish(film(cell.film), server.publish_url(stream), tmp_path)
    compare(received(), read_content(sent), misses_start=publisher.misses_start)


@pytest.mark.parametrize("cell", [cell for cell in WATCHED if cell.film != HEAVY], ids="-".join)
def test_what_is_published_is_watched(
    cell: Cell, server: RunningServer, film: FilmFile, tmp_path: Path
) -> None:
    stream = f"live/watched-{next(_numbers)}"
    with watching(WATCHER[cell.client], server, stream, tmp_path) as received:
        server.wait_for_viewers(stream, 1)
        sent = OUR_OWN.publish(film(cell.film), server.publish_url(stream), tmp_path)
    compare(received(), read_content(sent))


@pytest.mark.parametrize("cell", [cell for cell in WATCHED if cell.film == HEAVY], ids="-".join)
def test_who_joins_in_mid_gop_gets_all_from_the_keyframe_on(
    cell: Cell, server: RunningServer, film: FilmFile, tmp_path: Path
) -> None:
    stream = f"live/heavy-{next(_numbers)}"
    with ThreadPoolExecutor() as pool:
        url = server.publish_url(stream)
        publishing = pool.submit(OUR_OWN.publish, film(cell.film), url, tmp_path)
        wait_until(lambda: has_run_for(server, stream, LATE_S), "the middle of the film")
        with watching(WATCHER[cell.client], server, stream, tmp_path) as received:
            sent = publishing.result()
    compare(received(), read_content(sent))


def has_run_for(server: RunningServer, stream: str, seconds: float) -> bool:
    """Whether somebody has been publishing for so long."""
    report = server.stream(stream)
    return report is not None and report["publisher"] and report["publisher"]["for_s"] >= seconds


def compare(received: Content, sent: Content, *, misses_start: bool = False) -> None:
    """All packets from a keyframe on, each once, in order, with their times.

    Sound that belongs before that keyframe may come or not: programs interleave differently.
    """
    assert received.packets, "nothing came"
    begin = _first_keyframe(sent.packets)
    if misses_start:
        digest = _first_keyframe(received.packets).digest
        begin = next(packet for packet in sent.packets if packet.digest == digest)
        assert begin.keyframe
    for kind in {packet.kind for packet in sent.packets}:
        wanted = [packet for packet in sent.packets if packet.kind == kind]
        came = [packet for packet in received.packets if packet.kind == kind]
        missing = wanted[: len(wanted) - len(came)]
        assert [p.digest for p in came] == [p.digest for p in wanted[len(missing) :]], kind
        assert all(_may_be_missing(packet, begin) for packet in missing), kind
        _compare_times(came, wanted[len(missing) :])
    assert received.configs == sent.configs


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
