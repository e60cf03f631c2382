"""What viewers may choose in the address: how far behind they are, and how far they may fall."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest

from slipstream.media import Frame
from slipstream.rtmp import Ended
from tests.behaviour.conftest import OpenServer
from tests.behaviour.pictures import CONFIGS, CONFIGS_AGAIN, GOP_MS, bodies, gop
from tests.behaviour.visits import on_air
from tests.clips import X264, Film, encode_film, read_content
from tests.flv_client import FlvClient
from tests.raw_client import RawClient
from tests.rtmp_client import RtmpClient
from tests.server import PATIENCE_S, RunningServer, wait_until

GREETING = len(CONFIGS)
SETTINGS = "[streams]\nlatency_ceiling_ms = 20000\nkeep_ms = 60000\ngrace_s = 5\n"
SMALL_BUFFER = 16 << 10  # bytes that the kernel holds at a slow viewer's side
FILLING = 20_000  # bytes a picture


def gops(start_ms: int, end_ms: int, filling: int = 0) -> list[Frame]:
    return [f for time_ms in range(start_ms, end_ms, GOP_MS) for f in gop(time_ms, filling=filling)]


class Came(NamedTuple):
    """A frame that a viewer got."""

    time_ms: int
    body: bytes


class Viewer(Protocol):
    """What the tests need of both kinds of viewer."""

    def take(self, count: int) -> list[Came]:
        """Wait for so many messages, the greeting's among them."""

    def newest_ms(self) -> int:
        """The time of the newest frame that has come by now."""

    def close(self) -> None:
        """Hang up."""


class RtmpViewer:
    """Watches over RTMP."""

    def __init__(self, server: RunningServer, stream: str, query: str) -> None:
        self._client = RawClient(server, receive_buffer=SMALL_BUFFER).connect()
        self._id = self._client.create_stream()
        name = stream.removeprefix("live/") + query
        self._client.command("play", 0, None, name, stream_id=self._id)
        self._newest_ms = -1

    def take(self, count: int) -> list[Came]:
        came = [Came(m.timestamp, m.payload) for m in self._client.take(self._id, count)]
        self._newest_ms = max(self._newest_ms, *(frame.time_ms for frame in came))
        return came

    def newest_ms(self) -> int:
        for message in self._client.hear_some(self._id, 1 << 20):
            self._newest_ms = max(self._newest_ms, message.timestamp)
        return self._newest_ms

    def close(self) -> None:
        self._client.close()


class FlvViewer:
    """Watches over HTTP-FLV."""

    def __init__(self, server: RunningServer, stream: str, query: str) -> None:
        path = f"/{stream}.flv{query}"
        self._client = FlvClient(server, path, receive_buffer=SMALL_BUFFER)
        self._newest_ms = -1

    def take(self, count: int) -> list[Came]:
        came = [Came(tag.timestamp, tag.body) for tag in self._client.take(count)]
        self._newest_ms = max(self._newest_ms, *(frame.time_ms for frame in came))
        return came

    def newest_ms(self) -> int:
        for tag in self._client.take_what_is_there():
            self._newest_ms = max(self._newest_ms, tag.timestamp)
        return self._newest_ms

    def close(self) -> None:
        self._client.socket.close()


Watch = Callable[[RunningServer, str, str], Viewer]


@pytest.fixture(params=[RtmpViewer, FlvViewer])
def watch(request: pytest.FixtureRequest) -> Iterator[Watch]:
    """Makes viewers, who stay to the end of the test."""
    with ExitStack() as stack:

        def watch_one(server: RunningServer, stream: str, query: str) -> Viewer:
            viewer: Viewer = request.param(server, stream, query)
            stack.callback(viewer.close)
            return viewer

        yield watch_one


def have_log(server: RunningServer, stream: str, watch: Watch) -> Viewer:
    """Have somebody watch in that format, so that its log is as long as the stream.

    What that one has got, whoever comes next to its worker can have.
    """
    viewer = watch(server, stream, "")
    server.wait_for_viewers(stream, 2)
    viewer.take(GREETING + len(gop(0)))
    return viewer


# How far they may fall behind


def test_a_viewer_with_a_ceiling_of_its_own_jumps_sooner_than_others(
    open_server: OpenServer, stream: str, watch: Watch
) -> None:
    server = open_server(settings=SETTINGS)
    sent = gops(GOP_MS, 4_000, FILLING)
    with on_air(server, stream) as station:
        patient = watch(server, stream, "")
        hasty = watch(server, stream, "?latency=500")
        server.wait_for_viewers(stream, 3)
        station.send(*sent)

        time.sleep(0.3)  # the server looks ten times a second
        all_of_it = patient.take(GREETING + len(gop(0)) + len(sent))
        assert [body for _, body in all_of_it[GREETING:]] == bodies([*gop(0), *sent])
        came = [body for _, body in hasty.take(GREETING + 1)]
        while sent[-1].body not in came:
            came += [body for _, body in hasty.take(1)]
        jumps = [viewer["jumps"] for viewer in server.api(f"streams/{stream}")["viewers"]]
    assert sorted(jumps) == [0, 0, 1]
    landed = came.index(CONFIGS_AGAIN[1].body, GREETING) + 1
    assert came[landed:] == bodies(gop(3_800, filling=FILLING))


@pytest.mark.parametrize("query", ["latency=99", "latency=soon", "delay=-1", "delay=nan"])
def test_nonsense_is_refused_with_words(server: RunningServer, stream: str, query: str) -> None:
    what = query.partition("=")[0]
    with FlvClient(server, f"/{stream}.flv?{query}") as viewer:
        assert viewer.status == 400
        assert viewer.headers["access-control-allow-origin"] == "*"
        assert what in viewer.text()
    with RtmpClient.playing(f"{server.play_url(stream)}?{query}") as player:
        ended = player.wait_for(Ended)
    assert isinstance(ended, Ended)
    assert ended.code == "NetStream.Play.Failed"
    assert what in ended.description
    assert server.stream(stream) is None  # nothing was begun for it


# How far behind they are


def test_a_delay_starts_at_the_newest_keyframe_that_is_so_far_behind(
    open_server: OpenServer, stream: str, watch: Watch
) -> None:
    server = open_server(settings=SETTINGS)
    with on_air(server, stream) as station:
        witness, sent = have_log(server, stream, watch), gops(GOP_MS, 6_000)
        station.send(*sent)
        witness.take(len(sent))
        newest_ms = gop(5_800)[-1].dts_ms
        viewer = watch(server, stream, "?delay=3")
        came = viewer.take(GREETING + 1)[-1]
        first = next(f for f in gops(0, 6_000) if f.body == came.body)
        assert first.keyframe
        assert newest_ms - 3_000 - GOP_MS < came.time_ms <= newest_ms - 3_000


def test_who_asked_for_a_delay_is_held_there(
    open_server: OpenServer, stream: str, watch: Watch
) -> None:
    server = open_server(settings=SETTINGS)
    delay_ms, lags_ms = 2_000, []
    with on_air(server, stream) as station:
        witness, sent = have_log(server, stream, watch), gops(GOP_MS, 4_000)
        station.send(*sent)
        witness.take(len(sent))
        viewer = watch(server, stream, f"?delay={delay_ms / 1000}")
        server.wait_for_viewers(stream, 3)
        started, late_ms = time.monotonic(), 0.0
        for frame in gops(4_000, 8_000):
            due = started + (frame.dts_ms - 4_000) / 1000
            time.sleep(max(due - time.monotonic(), 0))
            sent_at = time.monotonic()
            late_ms = max(late_ms, (sent_at - due) * 1000)  # meanwhile the server's clock went on
            station.send(frame)
            newest_ms = viewer.newest_ms()
            waited_ms = (time.monotonic() - sent_at) * 1000  # while the clock went on
            if newest_ms >= 0:
                assert newest_ms <= frame.dts_ms + late_ms + waited_ms + 1 - delay_ms
                lags_ms.append(frame.dts_ms - newest_ms)
    middle = sorted(lags_ms[len(lags_ms) // 2 :])
    assert middle[len(middle) // 2] < delay_ms + 500  # half a second for a busy machine
    server.wait_for_log(rf"play.end .*stream={stream}.* jumps=0 skipped_ms=0 dropped=0")


def test_a_stream_younger_than_the_delay_is_seen_from_its_beginning_on(
    open_server: OpenServer, stream: str, watch: Watch
) -> None:
    server = open_server(settings=SETTINGS)
    with on_air(server, stream) as station:
        have_log(server, stream, watch)
        viewer = watch(server, stream, "?delay=2")
        server.wait_for_viewers(stream, 3)
        station.send(*gops(GOP_MS, 3_000))
        newest_ms = gop(2_800)[-1].dts_ms
        wanted = [*CONFIGS, *(f for f in gops(0, 3_000) if f.dts_ms <= newest_ms - 2_000)]
        assert [body for _, body in viewer.take(len(wanted))] == bodies(wanted)


def test_who_is_held_sees_the_end_when_the_publisher_has_gone(
    open_server: OpenServer, stream: str, watch: Watch
) -> None:
    server = open_server(settings=SETTINGS)
    with on_air(server, stream) as station:
        viewer = watch(server, stream, "?delay=1.5")
        server.wait_for_viewers(stream, 2)
        station.send(*gops(GOP_MS, 2_000))
    came = viewer.take(GREETING + len(gops(0, 2_000)))
    assert [body for _, body in came[GREETING:]] == bodies(gops(0, 2_000))


def test_a_delay_is_cut_to_what_the_server_keeps(
    open_server: OpenServer, stream: str, watch: Watch
) -> None:
    server = open_server(settings="[streams]\nlatency_ceiling_ms = 2000\nkeep_ms = 3000\n")
    with on_air(server, stream) as station:
        have_log(server, stream, watch)
        station.send(*gops(GOP_MS, 10_000))
        newest_ms = gop(9_800)[-1].dts_ms
        viewer = watch(server, stream, "?delay=3600")
        viewer.take(GREETING + 1)
        wait_until(lambda: viewer.newest_ms() > newest_ms - 1_100, "what is a second old")


# Seen by a real player


@pytest.mark.parametrize("kind", ["rtmp", "flv"])
def test_ffmpeg_plays_with_a_delay_to_the_end(
    open_server: OpenServer, stream: str, tmp_path: Path, kind: str
) -> None:
    server = open_server(settings="[streams]\ngrace_s = 4\n")
    film, seen = tmp_path / "film.flv", tmp_path / "seen.json"
    encode_film(Film(options=X264, seconds=6), film)
    url = {"rtmp": server.play_url(stream), "flv": server.flv_url(stream)}[kind]
    with RtmpClient.publishing(server.publish_url(stream)) as publisher:
        command = [*(sys.executable, "-m", "tests.pyav_client", "watch"), f"{url}?delay=2", seen]
        with subprocess.Popen(command) as player:
            server.wait_for_viewers(stream, 1, started=False)
            publisher.send_file(film)
            publisher.leave()
            assert player.wait(PATIENCE_S) == 0
    sent = [(packet.kind, packet.digest) for packet in read_content(film).packets]
    got = [(kind, digest) for kind, _, _, digest, _ in json.loads(seen.read_text())[0]]
    first = next(index for index, (kind, _) in enumerate(sent) if kind == "video")
    assert got == sent[first:]  # nothing comes before the first keyframe
