"""HLS while streams change: publishers come and go, workers die, players come to other workers."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from itertools import count, pairwise
from pathlib import Path

from tests.behaviour.conftest import SETTINGS, OpenServer
from tests.behaviour.hls_stage import OPENER, Show, on_show
from tests.formats.cmaf_stage import film
from tests.formats.hls_reader import Playlist, ToldSegment
from tests.formats.test_identity import Unit, assert_same, demuxed
from tests.hls_client import HlsClient
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer, wait_until

MOST = 40  # connections, of which some come to either worker


class Reader:
    """A player that reloads all the time, and what it has seen of one track."""

    def __init__(self, client: HlsClient, track: str = "v0") -> None:
        self._client = client
        self._track = track
        self.seen: dict[int, ToldSegment] = {}
        self.first = 0

    def read(self, query: str = "") -> Playlist:
        """Reload; whatever was seen before is still the same."""
        playlist = self._client.playlist(self._track, query)
        assert playlist.first >= self.first
        self.first = playlist.first
        for segment in playlist.segments:
            known = self.seen.setdefault(segment.number, segment)
            assert (known.uri, known.duration) == (segment.uri, segment.duration)
            assert known.discontinuities == segment.discontinuities
        return playlist

    def wait_for(self, number: int) -> Playlist:
        """Reload as players do until a segment is whole."""
        while number not in self.seen:
            playlist = self.read(f"_HLS_msn={self.first + len(self.read().segments)}")
        return playlist

    @property
    def numbers(self) -> list[int]:
        return sorted(self.seen)

    @property
    def discontinuities(self) -> list[int]:
        numbers = [self.seen[number].discontinuities for number in self.numbers]
        return [number - numbers[0] for number in numbers]


def worker_of(server: RunningServer, stream: str, address: str) -> int:
    viewers = server.api(f"streams/{stream}?viewers=1000")["viewers"]
    return int(next(v["worker"] for v in viewers if v["address"].startswith(address)))


def players_by_worker(server: RunningServer, stream: str, stack: ExitStack) -> dict[int, HlsClient]:
    """A player in each of two workers."""
    found: dict[int, HlsClient] = {}
    for number in count(2):
        assert number < MOST, "all came to the same worker"
        source = f"127.0.0.{number}"
        player = stack.enter_context(HlsClient(server, stream, source=source))
        assert player.get(f"/{stream}.m3u8").status == 200
        found.setdefault(worker_of(server, stream, source), player)
        if len(found) == 2:
            return found
    raise AssertionError


def test_any_worker_has_the_same_bytes_names_and_numbers(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server("--workers", "2")
    with on_show(server, stream) as show, ExitStack() as stack:
        one, other = players_by_worker(server, stream, stack).values()
        show.until(8_500)
        for track in ("v0", "a0"):
            newest = one.playlist(track).first + 3
            query = f"_HLS_msn={newest}&_HLS_part=0&_HLS_skip=NO"
            texts = [player.get(player.playlist_path(track, query)) for player in (one, other)]
            assert len({answer.body for answer in texts}) == 1
            assert len({answer.headers["etag"] for answer in texts}) == 1
            playlist = one.playlist(track)
            for segment in playlist.segments:
                names = [segment.uri, segment.map, *(part.uri for part in segment.parts)]
                for name in names:
                    assert one.get(name).body == other.get(name).body


def test_when_the_publisher_returns_numbers_go_on_and_a_discontinuity_is_told(
    server: RunningServer, stream: str, show: Show, player: HlsClient
) -> None:
    reader = Reader(player)
    reader.read()
    show.until(6_000)
    show.leave()
    wait_until(lambda: not server.stream(stream)["publishers"], "the publisher's end")
    before = reader.read()
    assert len(before.segments) == 3  # the last one is whole: nothing more comes
    show.publish()
    show.until(10_100)
    reader.wait_for(before.first + 4)
    assert (
        reader.numbers
        == list(range(reader.numbers[0], reader.numbers[0] + 5))[: len(reader.numbers)]
    )
    assert reader.discontinuities[:5] == [0, 0, 0, 1, 1]


def test_a_takeover_is_a_discontinuity_and_no_part_is_lost_or_repeated(
    show: Show, player: HlsClient
) -> None:
    reader = Reader(player)
    reader.read()
    show.until(6_000)
    show.publish()
    show.until(10_100)
    reader.wait_for(reader.first + 4)
    assert reader.discontinuities[:5] == [0, 0, 0, 1, 1]
    lengths = [round(reader.seen[number].duration) for number in reader.numbers[:5]]
    assert lengths == [2] * 5


def test_when_the_home_dies_numbers_go_on(open_server: OpenServer, stream: str) -> None:
    settings = SETTINGS.replace("grace_s = 3", "grace_s = 30").replace("wait_s = 4", "wait_s = 30")
    server = open_server("--workers", "2", settings=settings, errors="worker|exit|died")
    with on_show(server, stream) as show, ExitStack() as stack:
        players = players_by_worker(server, stream, stack)
        home = server.stream(stream)["worker"]
        (far,) = set(players) - {home}
        reader = Reader(players[far])
        reader.read()
        os.kill(server.worker_pids()[home], signal.SIGKILL)
        wait_until(lambda: not server.stream(stream)["publishers"], "the end of the publisher")
        before = reader.read()
        show.now_ms = 6_000
        show.publish()
        show.until(10_500)
        newest = before.all[-1].number
        reader.wait_for(newest + 2)
        numbers = reader.numbers
        steps = [b - a for a, b in pairwise(numbers)]
        assert all(step == 1 for step in steps) or reader.first > newest
        assert reader.seen[newest + 1].number == newest + 1 or reader.first > newest


def test_after_a_restart_numbers_are_greater(open_server: OpenServer, stream: str) -> None:
    first = open_server()
    with on_show(first, stream), HlsClient(first, stream) as player:
        before = player.playlist("v0")
        newest = before.all[-1].number
        assert first.terminate() == 0
    second = open_server()
    with on_show(second, stream), HlsClient(second, stream) as player:
        after = player.playlist("v0", f"_HLS_msn={newest}&_HLS_part=0")  # it goes on polling
        assert after.first > newest


# Viewers


def test_a_player_is_one_viewer_until_it_asks_for_nothing_any_more(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server("--workers", "1", settings=f"{SETTINGS}idle_s = 60\n")
    with on_show(server, stream), HlsClient(server, stream, source="127.0.0.9") as player:
        playlist = player.playlist("v0")
        for segment in playlist.segments:
            player.get(segment.uri)
        viewers = server.api(f"streams/{stream}?viewers=1000")["viewers"]
        (viewer,) = [v for v in viewers if v["address"].startswith("127.0.0.9")]
        assert viewer["protocol"] == "hls"
        assert viewer["bytes"] > 0
        server.wait_for_viewers(stream, 0)
        with HlsClient(server, stream, source="127.0.0.9") as again:
            assert again.get(playlist.segments[0].uri).status == 200
            server.wait_for_viewers(stream, 1)


def test_who_is_one_too_many_is_told_to_come_later(open_server: OpenServer, stream: str) -> None:
    settings = f"{SETTINGS}\nmax_viewers = 2\n"
    server = open_server("--workers", "2", settings=settings)
    with on_show(server, stream), ExitStack() as stack:
        statuses = []
        for number in range(2, 6):
            source = f"127.0.0.{number}"
            player = stack.enter_context(HlsClient(server, stream, source=source))
            statuses.append(player.get(f"/{stream}.m3u8").status)
        assert statuses == [200, 503, 503, 503]


def test_a_player_with_connections_to_two_workers_is_one_viewer(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server("--workers", "2", settings=f"{SETTINGS}\nmax_viewers = 1\n")

    def viewers_of_workers() -> list[int]:
        return [worker["viewers"] for worker in server.api("server")["workers"]]

    with on_show(server, stream), ExitStack() as stack:
        for _ in range(MOST):
            player = stack.enter_context(HlsClient(server, stream, agent=OPENER))
            assert player.get(f"/{stream}.m3u8").status == 200
            if viewers_of_workers() == [1, 1]:
                break
        assert viewers_of_workers() == [1, 1]
        assert server.api("server")["viewers"]["hls"] == 1
        report = server.api(f"streams/{stream}?viewers=10")
        assert (report["stream"]["viewers"], len(report["viewers"])) == (1, 1)
        assert [form["viewers"] for form in report["stream"]["formats"]] == [1]
        other = stack.enter_context(HlsClient(server, stream, source="127.0.0.2"))
        assert other.get(f"/{stream}.m3u8").status == 503


def test_nobody_publishes(server: RunningServer, stream: str) -> None:
    with HlsClient(server, stream) as player:
        answer = player.get(f"/{stream}.m3u8")
        assert answer.status == 404
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["access-control-allow-origin"] == "*"


def test_nothing_is_made_until_somebody_asks(server: RunningServer, stream: str) -> None:
    with ExitStack() as stack:
        show = Show(server, stream, stack)
        show.until(4_500)
        wait_until(lambda: server.stream(stream), "the stream")
        assert server.stream(stream)["formats"] == []
        with HlsClient(server, stream) as player:
            player.begin(f"/{stream}.m3u8")
            server.wait_for_viewers(stream, 1)
            show.until(8_500)
            assert player.answer().status == 200
            assert [one["name"] for one in server.stream(stream)["formats"]] == ["cmaf"]
            with HlsClient(server, stream, source="127.0.0.3") as second:
                assert len(second.playlist("v0").segments) >= 1


def test_what_a_player_gets_is_what_was_published(
    server: RunningServer, stream: str, tmp_path: Path
) -> None:
    """Every frame of a real encoder, with B-frames, over RTMP and HLS."""
    frames = film(tmp_path, "long")
    with ExitStack() as stack:
        publisher = stack.enter_context(RtmpClient.publishing(server.publish_url(stream)))
        begun = next(index for index, frame in enumerate(frames) if frame.keyframe) + 1
        publisher.send(*frames[:begun])
        player = stack.enter_context(HlsClient(server, stream))
        player.begin(f"/{stream}.m3u8")
        server.wait_for_viewers(stream, 1)
        publisher.send(*frames[begun:])
        assert player.answer().status == 200
        got: list[Unit] = []
        for track in ("v0", "a0"):
            playlist = Reader(player, track).wait_for(player.playlist(track).first + 3)
            data = b"".join(player.get(segment.uri).body for segment in playlist.segments)
            got += demuxed(player.get(playlist.segments[0].map).body + data, "mp4")
    whole_ms = next(frame.dts_ms for frame in reversed(frames) if frame.keyframe)
    assert_same(got, [frame for frame in frames if frame.dts_ms < whole_ms], sound_ms=35.0)
