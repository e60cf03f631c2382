"""Slates: viewers who wait for their publisher see and hear something that their player plays."""

from __future__ import annotations

import os
import re
import signal
import time
from contextlib import ExitStack, suppress
from itertools import groupby, pairwise
from pathlib import Path

import pytest

from slipstream.media import Frame, Kind, parse_tag
from slipstream.rtmp import Message
from tests.behaviour.conftest import OpenServer
from tests.behaviour.decoding import DecodingPlayer, Picture, Sound
from tests.clips import film_file, read_tags
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer, wait_until
from tests.transcode.test_film import film

AFTER_S = 1.0
SETTINGS = """
[streams]
grace_s = 8
wait_s = 10

[apps.live]
slate.source = {source}
slate.after_s = {after_s}
"""
CARD = '"card"'
DARK = 60  # the card's background is 30, noise is 126 on an average
LONGEST_STEP_MS = 150  # a sound of FLAC is 96 ms long, and there is what joins publishers
ENOUGH_MS = 2_600  # of slate: once over and a little
MOST_FRAMES = 150  # of a film, its configurations among them
MOST_TRIES = 12


def settings(source: str = CARD, after_s: float = AFTER_S) -> str:
    return SETTINGS.format(source=source, after_s=after_s)


def publish(server: RunningServer, stream: str, path: Path) -> float:
    """Send a film in real time, then go as if the network had broken; return when that was."""
    with RtmpClient.publishing(server.publish_url(stream)) as publisher:
        publisher.send_file(path)
        publisher.reset()
    return time.monotonic()


def of_card(pictures: list[Picture]) -> list[Picture]:
    return [picture for picture in pictures if picture.corner < DARK]


def length_ms(frames: list[Picture] | list[Sound]) -> int:
    return frames[-1].ms - frames[0].ms if frames else 0


def assert_steady(frames: list[Picture] | list[Sound]) -> None:
    steps = [later.ms - earlier.ms for earlier, later in pairwise(frames)]
    assert min(steps) > 0
    assert max(steps) <= LONGEST_STEP_MS


def is_on_slate(server: RunningServer, stream: str) -> bool:
    return [one["state"] for one in server.stream(stream)["publishers"]] == ["slate"]


def url_of(server: RunningServer, stream: str, protocol: str) -> str:
    return server.play_url(stream) if protocol == "rtmp" else server.flv_url(stream)


@pytest.mark.parametrize(
    ("protocol", "name", "video", "audio"),
    [
        ("rtmp", "h264-aac", "h264", "aac"),
        ("http-flv", "h264-mp3", "h264", "mp3"),
        ("rtmp", "h265-aac", "hevc", "aac"),
        ("http-flv", "av1-opus", "av1", "opus"),
        ("http-flv", "vp9-flac", "vp9", "flac"),
    ],
)
def test_the_viewer_sees_the_card_until_the_publisher_is_back(
    open_server: OpenServer,
    tmp_path: Path,
    stream: str,
    protocol: str,
    name: str,
    video: str,
    audio: str,
) -> None:
    server = open_server(settings=settings())
    path = film_file(tmp_path, name)
    with DecodingPlayer(url_of(server, stream, protocol)) as player:
        server.wait_for_viewers(stream, 1)
        gone_at = publish(server, stream, path)
        player.wait_for(lambda shown: length_ms(of_card(shown.pictures)) > ENOUGH_MS, "the card")
        publish(server, stream, path)
        player.wait_for(lambda shown: shown.pictures[-1].corner > DARK, "the live picture")
        time.sleep(0.5)  # for what is still on its way
        pictures, sounds = player.shown.pictures, player.shown.sounds
        assert server.stream(stream)["viewers"] == 1
    assert len(re.findall(r"play\.start", server.log())) == 1  # the same viewer all the while

    assert {picture.codec for picture in pictures} == {video}
    assert {(picture.width, picture.height) for picture in pictures} == {(128, 96)}
    runs = [dark for dark, _ in groupby(picture.corner < DARK for picture in pictures)]
    assert runs[:3] == [False, True, False]  # live, card, live
    assert of_card(pictures)[0].at >= gone_at + AFTER_S - 0.1
    assert_steady(pictures)
    assert {sound.codec for sound in sounds} == {audio}
    assert len({(sound.sample_rate, sound.channels) for sound in sounds}) == 1
    assert_steady(sounds)


@pytest.mark.parametrize("protocol", ["rtmp", "http-flv"])
def test_who_only_listens_hears_silence_and_then_the_publisher_again(
    open_server: OpenServer, tmp_path: Path, stream: str, protocol: str
) -> None:
    server = open_server(settings=settings())
    path = film_file(tmp_path, "audio-only")
    with DecodingPlayer(url_of(server, stream, protocol)) as player:
        server.wait_for_viewers(stream, 1)
        publish(server, stream, path)
        wait_until(lambda: is_on_slate(server, stream), "the slate")
        player.wait_for(
            lambda shown: length_ms([s for s in shown.sounds if s.loudest < 0.01]) > ENOUGH_MS,
            "silence",
        )
        publish(server, stream, path)
        player.wait_for(lambda shown: shown.sounds[-1].loudest > 0.1, "noise")
        assert not player.shown.pictures
        assert_steady(player.shown.sounds)


def test_a_film_is_seen_and_heard_over_and_over(
    open_server: OpenServer, tmp_path: Path, stream: str
) -> None:
    slate = film(tmp_path / "slate.mkv", pictures=50, sound_s=1)  # white, and a tone at first
    server = open_server(settings=settings(f'"{slate}"'))
    with DecodingPlayer(server.flv_url(stream)) as player:
        server.wait_for_viewers(stream, 1)
        publish(server, stream, film_file(tmp_path, "h264-aac"))

        def white() -> list[Picture]:
            return [picture for picture in player.shown.pictures if picture.corner > 220]

        player.wait_for(lambda _: length_ms(white()) > ENOUGH_MS, "the film")
        begin_ms = white()[0].ms
        heard = {  # in which seconds, their edges left out
            (sound.ms - begin_ms) // 1000
            for sound in player.shown.sounds
            if (sound.ms - begin_ms) % 1000 in range(200, 800) and sound.loudest > 0.2
        }
        assert {second for second in heard if 0 <= second < 4} == {0, 2}
        assert_steady(player.shown.pictures)


def test_a_newcomer_is_shown_the_slate_at_once(
    open_server: OpenServer, tmp_path: Path, stream: str
) -> None:
    server = open_server(settings=settings())
    with RtmpClient.playing(server.play_url(stream)):
        publish(server, stream, film_file(tmp_path, "h264-aac"))
        wait_until(lambda: is_on_slate(server, stream), "the slate")
        with DecodingPlayer(server.play_url(stream)) as player:
            player.wait_for(lambda shown: len(shown.pictures) > 50, "the card")
            assert of_card(player.shown.pictures) == player.shown.pictures


def test_it_goes_when_all_viewers_have_left(
    open_server: OpenServer, tmp_path: Path, stream: str
) -> None:
    server = open_server(settings=settings().replace("grace_s = 8", "grace_s = 2"))
    with RtmpClient.playing(server.play_url(stream)):
        publish(server, stream, film_file(tmp_path, "h264-aac"))
        wait_until(lambda: is_on_slate(server, stream), "the slate")
    wait_until(lambda: server.stream(stream) is None, "the end of the stream")
    server.wait_for_log(r'slate\.end .*reason="nobody watches"')


def test_an_application_without_a_slate_has_none(open_server: OpenServer, tmp_path: Path) -> None:
    server = open_server(settings=settings().replace("grace_s = 8", "grace_s = 2"))
    with RtmpClient.playing(server.play_url("other/a")) as viewer:
        publish(server, "other/a", film_file(tmp_path, "h264-aac"))
        viewer.drain()  # until it is sent away
    assert viewer.ended is not None
    assert "slate" not in server.log()


def test_a_file_that_is_gone_is_told_and_the_stream_has_no_slate(
    open_server: OpenServer, tmp_path: Path, stream: str
) -> None:
    slate = film(tmp_path / "slate.mkv")
    server = open_server(settings=settings(f'"{slate}"').replace("grace_s = 8", "grace_s = 3"))
    slate.unlink()
    with RtmpClient.playing(server.play_url(stream)) as viewer:
        publish(server, stream, film_file(tmp_path, "h264-aac"))
        viewer.drain()
    server.wait_for_log(r'slate\.failed .*slate\.mkv: No such file or directory"')
    assert "slate.start" not in server.log()


def test_viewers_get_it_although_their_publisher_was_with_another_worker(
    open_server: OpenServer, tmp_path: Path, stream: str
) -> None:
    server = open_server("--workers", "2", settings=settings())
    frames = [parse_tag(*tag) for tag in read_tags(film_file(tmp_path, "h264-aac"))]
    with RtmpClient.playing(server.play_url(stream)) as viewer, ExitStack() as stack:
        server.wait_for_viewers(stream, 1)
        (watching,) = server.api(f"streams/{stream}?viewers=1")["viewers"]
        homes = []
        while not homes or homes[-1] == watching["worker"]:
            assert len(homes) < MOST_TRIES, "the publisher has always come to the same worker"
            with RtmpClient.publishing(server.publish_url(stream)) as publisher:
                publisher.send(*frames)
                viewer.take(MOST_FRAMES)
                homes.append(server.stream(stream)["worker"])
            viewer.take_for(0.3)  # the rest of it
            # So that the next one comes to another worker.
            stack.enter_context(RtmpClient.playing(server.play_url("other/a")))
        first = [frame_of(message) for message in viewer.take(10)]
        assert {frame.kind for frame in first if frame.config} == set(Kind)
        assert next(f for f in first if f.kind is Kind.VIDEO and not f.config).keyframe
        assert server.stream(stream)["worker"] == watching["worker"]  # where it is seen


def frame_of(message: Message) -> Frame:
    return parse_tag(message.type_id, message.timestamp, message.payload)


def test_no_child_outlives_a_worker_that_is_killed(
    open_server: OpenServer, tmp_path: Path, stream: str
) -> None:
    never = tmp_path / "never.mkv"
    film(never)
    server = open_server("--workers", "2", settings=settings(f'"{never}"', after_s=0))
    never.unlink()
    os.mkfifo(never)  # opening it takes until somebody writes
    with RtmpClient.playing(server.play_url(stream)):
        publish(server, stream, film_file(tmp_path, "h264-aac"))
        wait_until(lambda: slate_children(never), "a child")
        for pid in server.worker_pids().values():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not slate_children(never), "the child's end")


def slate_children(source: Path) -> list[int]:
    """The processes that make a reel of this file."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (place / "cmdline").read_bytes()
            if b"slate_child" in command and str(source).encode() in command:
                found.append(int(place.name))
    return found
