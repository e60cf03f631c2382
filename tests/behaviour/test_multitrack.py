"""Streams of several qualities and languages: each track can be watched by a name of its own."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import av
import m3u8
import pytest

from slipstream.media import FlvTag, Frame, Kind, parse_tag
from slipstream.media.enhanced_tag import Multitrack
from slipstream.rtmp import Ended
from tests.behaviour.conftest import OpenServer
from tests.behaviour.decoding import DecodingPlayer
from tests.behaviour.test_workers import viewers_by_worker
from tests.behaviour.visits import end_of, refusal
from tests.clips import film_file, read_tags
from tests.flv_client import FlvClient
from tests.hls_client import HlsClient
from tests.multitrack import Coded, coded, film, is_media, laid_out
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer
from tests.ws_client import WsClient

MOST = 64  # viewers, of which some come to either worker
LARGE, SMALL = (128, 96), (64, 48)  # pictures of track 0, of track 1
STUDIO, CD = 48_000, 44_100  # sounds of track 0, of track 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the films of these tests are."""
    return tmp_path_factory.mktemp("films")


def frames_of(tags: list[FlvTag]) -> list[Frame]:
    return [parse_tag(*tag) for tag in tags]


def take_media(viewer: FlvClient | WsClient, count: int) -> list[Frame]:
    """Wait until so many pictures and sounds have come; all frames until then."""
    got: list[Frame] = []
    while count:
        got += frames_of(viewer.take(1))
        count -= is_media(got[-1])
    return got


def chosen(frames: list[Frame], video: int | None, audio: int | None) -> list[list[Coded]]:
    """The pictures and sounds of these tracks, from the first keyframe on."""
    keys = (i for i, frame in enumerate(frames) if frame.keyframe and frame.track == video)
    shown = frames[next(keys, 0) if video is not None else 0 :]
    return [
        [] if video is None else coded(shown, Kind.VIDEO, video),
        [] if audio is None else coded(shown, Kind.AUDIO, audio),
    ]


def count_of(frames: list[Frame], video: int | None, audio: int | None) -> int:
    """How many messages a viewer gets of these tracks, from the first place to start on."""
    return sum(map(len, chosen(frames, video, audio)))


def from_first_key(frames: list[Frame]) -> list[Frame]:
    """Without the sounds before the first picture, so that all of them are shown."""
    first = next(index for index, frame in enumerate(frames) if frame.keyframe)
    return [f for i, f in enumerate(frames) if i >= first or f.config]


@pytest.fixture(scope="module")
def tracks(folder: Path) -> list[Frame]:
    """Two qualities and two sounds, as FFmpeg puts them."""
    return from_first_key(film(folder, "tracks"))


PAIRS: dict[str, tuple[int | None, int | None]] = {
    "v0a0": (0, 0),
    "v1a0": (1, 0),
    "v0a1": (0, 1),
    "v1": (1, None),
    "a1": (None, 1),
}
ADDRESSES = [
    ("rtmp://{rtmp}/{stream}", LARGE, STUDIO),
    ("rtmp://{rtmp}/{stream}@v1a1", SMALL, CD),
    ("rtmp://{rtmp}/{stream}@v0a1", LARGE, CD),
    ("rtmp://{rtmp}/{stream}@a1", None, CD),
    ("rtmp://{rtmp}/{stream}@v1", SMALL, None),
    ("http://{http}/{stream}.flv", LARGE, STUDIO),
    ("http://{http}/{stream}@v1a0.flv", SMALL, STUDIO),
    ("http://{http}/{stream}@a0.flv", None, STUDIO),
    ("http://{http}/{stream}.ts", LARGE, STUDIO),
    ("http://{http}/{stream}@v1a1.ts", SMALL, CD),
    ("http://{http}/{stream}@a1.ts", None, CD),
    ("http://{http}/{stream}@v1a1.mp4", SMALL, CD),
    ("http://{http}/{stream}@a1.mp4", None, CD),
    ("http://{http}/{stream}@v0.mp4", LARGE, None),
    ("http://{http}/{stream}@v1.m3u8", SMALL, None),
    ("http://{http}/{stream}@a1.m3u8", None, CD),
]


@pytest.mark.parametrize(("address", "size", "rate"), ADDRESSES)
def test_players_show_the_tracks_that_the_address_names(
    server: RunningServer,
    stream: str,
    tracks: list[Frame],
    address: str,
    size: tuple[int, int] | None,
    rate: int | None,
) -> None:
    url = address.format(
        rtmp=f"{server.host}:{server.rtmp_port}",
        http=f"{server.host}:{server.http_port}",
        stream=stream,
    )
    with DecodingPlayer(url) as player:
        server.wait_for_viewers(stream, 1)
        with RtmpClient.publishing(server.publish_url(stream)) as publisher:
            publisher.send(*tracks)
            if size is not None:
                player.wait_for(lambda shown: len(shown.pictures) > 20, "pictures")
            if rate is not None:
                player.wait_for(lambda shown: len(shown.sounds) > 20, "sounds")
        shown = player.shown
    assert {(one.width, one.height) for one in shown.pictures} == ({size} if size else set())
    assert {one.sample_rate for one in shown.sounds} == ({rate} if rate else set())


@pytest.mark.parametrize("layout", Multitrack)
def test_every_frame_of_the_named_tracks_arrives_however_it_was_sent(
    server: RunningServer, stream: str, tracks: list[Frame], layout: Multitrack
) -> None:
    wanted = {name: chosen(tracks, *pair) for name, pair in PAIRS.items()}
    with ExitStack() as stack:
        viewers = {
            name: stack.enter_context(FlvClient(server, f"/{stream}@{name}.flv")) for name in wanted
        }
        server.wait_for_viewers(stream, len(viewers))
        publisher = stack.enter_context(RtmpClient.publishing(server.publish_url(stream)))
        publisher.send(*laid_out(tracks, layout))
        for name, pair in PAIRS.items():
            got = take_media(viewers[name], count_of(tracks, *pair))
            assert [coded(got, Kind.VIDEO), coded(got, Kind.AUDIO)] == wanted[name]


def test_who_joins_over_a_websocket_starts_at_the_keyframe_of_the_named_track(
    server: RunningServer, stream: str, folder: Path
) -> None:
    frames = from_first_key(film(folder, "tracks-unaligned"))
    keys = [i for i, frame in enumerate(frames) if frame.keyframe and frame.track == 1]
    half, last = keys[1] + 5, keys[1]
    wanted = [coded(frames[last:], Kind.VIDEO, 1), coded(frames[last:], Kind.AUDIO, 0)]
    with (
        RtmpClient.playing(server.play_url(f"{stream}@v1a0")) as witness,
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
    ):
        publisher.send(*frames[:half])
        witness.take(count_of(frames[:half], 1, 0))
        with WsClient(server, f"/{stream}@v1a0.flv") as viewer:
            publisher.send(*frames[half:])
            got = take_media(viewer, sum(map(len, wanted)))
    assert [coded(got, Kind.VIDEO), coded(got, Kind.AUDIO)] == wanted


def test_tracks_that_ffmpeg_publishes_are_told_apart(
    server: RunningServer, stream: str, folder: Path, tmp_path: Path
) -> None:
    sent = tmp_path / "sent.flv"
    command = [sys.executable, "-m", "tests.pyav_client", "publish"]
    command += [str(film_file(folder, "tracks")), server.publish_url(stream), str(sent)]
    with FlvClient(server, f"/{stream}@v1a1.flv") as viewer:
        server.wait_for_viewers(stream, 1)
        subprocess.run(command, check=True)
        frames = frames_of(read_tags(sent))
        pictures, sounds = chosen(frames, 1, 1)
        got = take_media(viewer, len(pictures) + len(sounds))
    assert [one.data for one in coded(got, Kind.VIDEO)] == [one.data for one in pictures]
    assert [one.data for one in coded(got, Kind.AUDIO)] == [one.data for one in sounds]


def test_a_playlist_lists_all_tracks_and_each_of_them_decodes(
    server: RunningServer, stream: str, tracks: list[Frame]
) -> None:
    with HlsClient(server, stream) as player:
        player.begin(f"/{stream}.m3u8")
        server.wait_for_viewers(stream, 1)
        with RtmpClient.publishing(server.publish_url(stream)) as publisher:
            publisher.send(*tracks)
            told = m3u8.loads(player.answer().text)
            films = {name: first_segment(player, name) for name in ("v0", "v1", "a0", "a1")}
    assert [variant.stream_info.resolution for variant in told.playlists] == [LARGE, SMALL]
    assert [rendition.name for rendition in told.media] == ["a0", "a1"]
    for name, size in (("v0", LARGE), ("v1", SMALL)):
        with av.open(io.BytesIO(films[name])) as film:
            assert {(one.width, one.height) for one in film.decode(video=0)} == {size}
    for name, rate in (("a0", STUDIO), ("a1", CD)):
        with av.open(io.BytesIO(films[name])) as film:
            assert {one.sample_rate for one in film.decode(audio=0)} == {rate}


def first_segment(player: HlsClient, track: str) -> bytes:
    """With the description that it needs."""
    told = player.playlist(track).segments[0]
    return player.get(told.map).body + player.get(told.uri).body


def test_the_list_of_streams_tells_the_tracks_and_counts_who_watches_some(
    server: RunningServer, stream: str, tracks: list[Frame]
) -> None:
    with (
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
        RtmpClient.playing(server.play_url(f"{stream}@v1a0")) as player,
        FlvClient(server, f"/{stream}@a1.flv"),
        FlvClient(server, f"/{stream}.flv"),
    ):
        publisher.send(*tracks)
        player.take(1)
        server.wait_for_viewers(stream, 3, started=True)
        known = server.stream(stream)
        viewers = server.api(f"streams/{stream}")["viewers"]
        assert server.stream(f"{stream}@v1a0") is None
    described = {(one["kind"], one["track"]): one["codec"] for one in known["tracks"]}
    assert set(described) == {("video", 0), ("video", 1), ("audio", 0), ("audio", 1)}
    assert described["video", 1]["width"] == SMALL[0]
    assert described["audio", 1]["sample_rate"] == CD
    assert {one["name"]: one["viewers"] for one in known["formats"]} == {
        "rtmp@v1a0": 1,
        "flv@a1": 1,
        "flv": 1,
    }
    assert {one["format"] for one in viewers} == {"rtmp@v1a0", "flv@a1", "flv"}


@pytest.mark.parametrize("tracks", ["x", "v16", "a0v0", "v1@a1", ""])
def test_what_names_no_track_is_not_found_at_once(
    server: RunningServer, stream: str, tracks: str
) -> None:
    with RtmpClient.playing(server.play_url(f"{stream}@{tracks}")) as player:
        assert end_of(player).code == "NetStream.Play.StreamNotFound"
    for extension in ("flv", "ts", "mp4"):
        with FlvClient(server, f"/{stream}@{tracks}.{extension}") as viewer:
            assert viewer.status == 404
            assert "behind '@' stands a track, v0 to v15, a0 to a15" in viewer.text()
            assert viewer.headers["access-control-allow-origin"] == "*"


def test_a_track_that_never_comes_is_not_found_in_the_end(
    server: RunningServer, stream: str, tracks: list[Frame]
) -> None:
    with (
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
        RtmpClient.playing(server.play_url(f"{stream}@v7a0")) as player,
        FlvClient(server, f"/{stream}@a7.flv") as viewer,
        FlvClient(server, f"/{stream}@v1a7.flv") as half,
    ):
        publisher.send(*tracks)
        ended = end_of(player)
        assert (ended.code, ended.description) == (
            "NetStream.Play.StreamNotFound",
            "this stream has no such track",
        )
        assert viewer.status == 404
        assert viewer.text() == "this stream has no such track\n"
        assert half.status == 200  # a picture without sound is what there is
        server.wait_for_viewers(stream, 1)


def test_nobody_publishes_to_a_name_with_tracks(server: RunningServer, stream: str) -> None:
    ended = refusal(server.publish_url(f"{stream}@v1"))
    assert isinstance(ended, Ended)
    assert ended.code == "NetStream.Publish.BadName"


def test_viewers_of_either_worker_get_the_named_tracks(
    open_server: OpenServer, stream: str, tracks: list[Frame]
) -> None:
    server = open_server("--workers", "2")
    with ExitStack() as stack:
        viewers: list[FlvClient] = []
        while not viewers or (len(viewers) < MOST and len(viewers_by_worker(server, stream)) < 2):
            viewers += [
                stack.enter_context(FlvClient(server, f"/{stream}@v1a1.flv")) for _ in range(8)
            ]
            server.wait_for_viewers(stream, len(viewers))
        late = stack.enter_context(FlvClient(server, f"/{stream}@v9.flv"))
        publisher = stack.enter_context(RtmpClient.publishing(server.publish_url(stream)))
        publisher.send(*tracks)
        got = [take_media(viewer, count_of(tracks, 1, 1)) for viewer in viewers]
        assert len(viewers_by_worker(server, stream)) == 2
        assert late.status == 404
    for own in got:
        assert [coded(own, Kind.VIDEO), coded(own, Kind.AUDIO)] == chosen(tracks, 1, 1)


def test_viewers_of_a_track_stay_while_the_publisher_comes_back(
    server: RunningServer, stream: str, tracks: list[Frame]
) -> None:
    wanted = [one.data for kind in (Kind.VIDEO, Kind.AUDIO) for one in coded(tracks, kind, 1)]
    with FlvClient(server, f"/{stream}@v1a1.flv") as viewer:
        server.wait_for_viewers(stream, 1)
        last_ms = -1
        for _ in range(3):
            with RtmpClient.publishing(server.publish_url(stream)) as publisher:
                publisher.send(*tracks)
                got = take_media(viewer, len(wanted))
            found = [*coded(got, Kind.VIDEO), *coded(got, Kind.AUDIO)]
            assert [one.data for one in found] == wanted
            assert min(one.dts_ms for one in found) > last_ms
            last_ms = max(one.dts_ms for one in found)
