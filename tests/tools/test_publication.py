"""When frames leave, which are left out, and who is told of the end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import cast

import pytest
from rich.console import Console

from slipstream.errors import SlipstreamError
from slipstream.media import FlvTag, build_metadata
from slipstream.net.rtmp_client import EndedError, RtmpClient
from slipstream.tools.publication import Publication, Schedule
from slipstream.tools.source import Source

METADATA = build_metadata({"width": 1.0})
AVC_CONFIG = bytes.fromhex("1700000000014d401effe1000467 4d401e01000168".replace(" ", ""))


def video(timestamp: int, *, key: bool = False) -> FlvTag:
    head = b"\x17" if key else b"\x27"
    return FlvTag(9, timestamp, head + b"\x01\0\0\0" + b"\0\0\0\x02\x65\x00")


def audio(timestamp: int) -> FlvTag:
    return FlvTag(8, timestamp, b"\xaf\x01\x21\x00")


class Client:
    """Stands in for the connection: takes some ms for each message, then ends or does not."""

    def __init__(self, *, slow_until: int = 0, slow_s: float = 0, ends: str = "") -> None:
        self.sent: list[tuple[int, int, bytes]] = []
        self.sent_at: list[float] = []
        self._slow_until = slow_until
        self._slow_s = slow_s
        self._ends = ends
        self._gone = asyncio.Event()

    async def send_media(self, kind: int, timestamp: int, payload: bytes) -> None:
        self.sent.append((kind, timestamp, payload))
        self.sent_at.append(monotonic())
        if len(self.sent) <= self._slow_until:
            await asyncio.sleep(self._slow_s)
        if self._ends:
            self._gone.set()
            raise EndedError("broken pipe")

    async def receive(self) -> list[object]:
        await self._gone.wait()
        await asyncio.sleep(0.02)  # the last words come after the line is cut
        raise EndedError(self._ends)


class Film:
    """Stands in for a source."""

    is_live = False
    length_s: float | None = None
    name = "film"

    def __init__(self, *batches: Sequence[FlvTag], error: str = "") -> None:
        self._batches = list(batches)
        self._error = error

    async def read(self) -> Sequence[FlvTag]:
        if not self._batches and self._error:
            raise SlipstreamError(self._error)
        return self._batches.pop(0) if self._batches else []


def publication(film: Film, client: Client) -> Publication:
    return Publication(cast(Source, film), cast(RtmpClient, client))


def test_the_first_frame_is_due_at_once_and_the_others_after_it() -> None:
    schedule = Schedule()
    assert schedule.wait_s(5_000, 100.0) == 0
    assert schedule.wait_s(5_040, 100.01) == pytest.approx(0.03)
    assert schedule.wait_s(5_080, 100.5) == pytest.approx(-0.42)


def test_a_long_hole_is_not_waited_for() -> None:
    schedule = Schedule()
    schedule.wait_s(0, 100.0)
    assert schedule.wait_s(60_000, 100.0) == 0
    assert schedule.wait_s(60_040, 100.0) == pytest.approx(0.04)


async def test_frames_leave_when_they_are_due() -> None:
    tags = [video(0, key=True), audio(10), video(40), video(80), audio(90)]
    client = Client()
    await publication(Film(), client).run(tags)
    assert [(kind, timestamp) for kind, timestamp, _ in client.sent] == [tag[:2] for tag in tags]
    times = [1000 * (at - client.sent_at[0]) for at in client.sent_at]
    for time_ms, tag in zip(times, tags, strict=True):
        assert time_ms >= tag.timestamp - 1


async def test_metadata_is_sent_so_that_a_server_keeps_it() -> None:
    client = Client()
    config = FlvTag(9, 90_000, AVC_CONFIG)  # whatever its time, it is not waited for
    await publication(Film(), client).run([FlvTag(18, 0, METADATA), config])
    assert client.sent[0][2] == b"\x02\x00\x0d@setDataFrame" + METADATA
    assert client.sent[1][2] == AVC_CONFIG


async def test_a_slow_network_costs_pictures_up_to_the_next_keyframe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("slipstream.tools.publication.MAX_LATE_S", 0.15)
    tags = [video(40 * number, key=number % 10 == 0) for number in range(30)]
    client = Client(slow_until=1, slow_s=0.3)
    sending = publication(Film(), client)
    await sending.run(tags)
    first, second, *others = [timestamp // 40 for _, timestamp, _ in client.sent]
    assert first == 0
    assert second in (10, 20)
    assert others == list(range(second + 1, 30))
    assert sending.dropped == second - 1
    assert f"{second - 1} frames dropped" in sending.summary()


async def test_what_nobody_can_read_is_not_sent() -> None:
    client = Client()
    await publication(Film(), client).run([FlvTag(8, 0, b"\x91fLaC"), audio(0)])
    assert len(client.sent) == 1


async def test_a_server_that_goes_is_quoted() -> None:
    with pytest.raises(EndedError, match="too long, says the server"):
        await publication(Film(), Client(ends="too long, says the server")).run([audio(0)])


async def test_a_source_that_breaks_off_is_told() -> None:
    with pytest.raises(SlipstreamError, match="film: torn"):
        await publication(Film([audio(10)], error="film: torn"), Client()).run([audio(0)])


async def test_the_figures_tell_how_it_goes() -> None:
    film = Film()
    film.length_s = 10
    sending = publication(film, Client())
    await sending.run([video(0, key=True), audio(0), video(40), audio(60)])
    console = Console(width=80, highlight=False, force_terminal=True, color_system="standard")
    with console.capture() as capture:
        console.print(sending.render())
    names, values, bar = capture.get().splitlines()
    assert all(name in names for name in ("time", "bitrate", "frames", "speed", "dropped"))
    assert "0:00:00" in values
    assert "━" in bar
    assert sending.summary().startswith("Published 0:00:00: 0 kB")
    assert sending.summary().endswith("nothing dropped.")
