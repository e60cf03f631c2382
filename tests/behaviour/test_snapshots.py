"""Snapshots: what `/{app}/{name}.jpg` shows of a stream, and what it costs the others: nothing."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from slipstream.media import parse_tag
from tests.behaviour.conftest import OpenServer
from tests.behaviour.pictures import gop
from tests.behaviour.snapshots import (
    OTHER,
    SAME,
    Browser,
    ask,
    decoders,
    difference,
    is_alive,
    kill,
    reel,
    station,
)
from tests.behaviour.visits import on_air
from tests.clips import H265_ID12, X264, Film, encode_film, film_file, read_tags
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer, wait_until

PICTURES = ("h264-aac", "b-frames", "h265-aac", H265_ID12, "av1-opus", "vp9-flac")


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("films")


@pytest.fixture(scope="module")
def wide(films: Path) -> Path:
    """A film of 320 x 240."""
    encode_film(Film(options=X264, seconds=0.5, width=320, height=240), films / "wide.flv")
    return films / "wide.flv"


@pytest.mark.parametrize("name", PICTURES)
def test_it_is_the_newest_keyframe(
    server: RunningServer, stream: str, films: Path, name: str
) -> None:
    other = film_file(films, "h265-aac") if name == H265_ID12 else None
    film = reel(film_file(films, name), other)
    with station(server, stream) as on:
        on.send(*film.configs, *film.groups[0], *film.groups[1][:3])
        answer = ask(server, f"/{stream}.jpg")
    assert answer.size == (128, 96)
    assert difference(answer.picture, film.keyframes[1]) < SAME
    assert difference(answer.picture, film.keyframes[0]) > OTHER


def test_it_changes_with_the_next_keyframe(server: RunningServer, stream: str, films: Path) -> None:
    film = reel(film_file(films, "h264-aac"))
    path = f"/{stream}.jpg"
    with station(server, stream) as on:
        on.send(*film.configs, *film.groups[0])
        first = ask(server, path)
        on.send(*film.groups[1])
        answers = [first]  # another worker may have the first one for a second more

        def changes() -> bool:
            answers.append(ask(server, path))
            return answers[-1].body != first.body

        wait_until(changes, "another picture")
        second = answers[-1]
    assert difference(first.picture, film.keyframes[0]) < SAME
    assert difference(second.picture, film.keyframes[1]) < SAME
    assert first.headers["etag"] != second.headers["etag"]


def test_every_worker_has_the_same_picture(
    open_server: OpenServer, stream: str, films: Path
) -> None:
    server = open_server("--workers", "2")
    film = reel(film_file(films, "h264-aac"))
    with station(server, stream) as on, ExitStack() as stack:
        on.send(*film.configs, *film.groups[0])
        # All are open at once, so that both workers have some.
        browsers = [stack.enter_context(Browser(server)) for _ in range(16)]
        answers = [browser.ask(f"/{stream}.jpg") for browser in browsers]
        assert {answer.status for answer in answers} == {200}
        assert len({answer.body for answer in answers}) == 1
        assert len({answer.headers["etag"] for answer in answers}) == 1
        assert len(decoders(server)) == 1  # the home's
        served = [worker["connections"] for worker in server.api("server")["workers"]]
        assert len(served) == 2
        assert min(served) > 2
        on.send(*film.groups[1])
        for browser in browsers:
            wait_until(
                lambda browser=browser: browser.ask(f"/{stream}.jpg").body != answers[0].body,
                "another picture",
            )
            picture = browser.ask(f"/{stream}.jpg").picture
            assert difference(picture, film.keyframes[1]) < SAME


def test_every_worker_waits_for_a_picture_that_takes_long(
    open_server: OpenServer, stream: str, films: Path
) -> None:
    server = open_server("--workers", "2")
    film = reel(film_file(films, "h264-aac"))
    path = f"/{stream}.jpg"
    with station(server, stream) as on, ExitStack() as stack, ThreadPoolExecutor(16) as pool:
        on.send(*film.configs, *film.groups[0])
        browsers = [stack.enter_context(Browser(server)) for _ in range(16)]
        old = ask(server, path).body
        (pid,) = decoders(server)
        os.kill(pid, signal.SIGSTOP)
        on.send(*film.groups[1])
        time.sleep(2.5)  # so that no worker may give what it has
        answers = [pool.submit(browser.ask, path) for browser in browsers]
        time.sleep(2.5)  # longer than workers wait for each other's answers
        assert not any(answer.done() for answer in answers)
        on.send(*film.groups[2])  # nothing else waits
        os.kill(pid, signal.SIGCONT)
        bodies = {answer.result().body for answer in answers}
        assert {answer.result().status for answer in answers} == {200}
    assert len(bodies) == 1
    assert old not in bodies


def test_many_who_ask_at_once_get_the_same_picture(
    server: RunningServer, stream: str, films: Path
) -> None:
    film = reel(film_file(films, "h264-aac"))
    with station(server, stream) as on, ThreadPoolExecutor(24) as pool:
        on.send(*film.configs, *film.groups[0])
        answers = list(pool.map(lambda _: ask(server, f"/{stream}.jpg"), range(48)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1


def test_a_width_may_be_wished_for_and_nothing_is_made_larger(
    server: RunningServer, stream: str, wide: Path
) -> None:
    film = reel(wide)
    with station(server, stream) as on:
        on.send(*film.configs, *film.groups[0])
        sizes = {
            wish: ask(server, f"/{stream}.jpg{wish}").size
            for wish in ("", "?width=16", "?width=160", "?width=161", "?width=1920")
        }
        refused = [
            ask(server, f"/{stream}.jpg?width={wish}")
            for wish in (
                "15",
                "1921",
                "-160",
                "x",
                "",
                "99999999999999999999",
                "%D9%A3%D9%A2%D9%A0",
            )
        ]
        small = ask(server, f"/{stream}.jpg?width=160").picture
    whole = (320, 240)
    assert list(sizes.values()) == [whole, (160, 120), (160, 120), whole, whole]
    assert {answer.status for answer in refused} == {400}
    assert b"from 16 to 1920" in refused[0].body
    assert difference(small, film.keyframes[0].reformat(160, 120)) < SAME


def test_who_has_the_picture_already_does_not_get_it_again(
    server: RunningServer, stream: str, films: Path
) -> None:
    film = reel(film_file(films, "h264-aac"))
    path = f"/{stream}.jpg"
    with station(server, stream) as on:
        on.send(*film.configs, *film.groups[0])
        answer = ask(server, path)
        tag = answer.headers["etag"]
        assert answer.headers["cache-control"] == "max-age=1"
        for known in (tag, f'"other", W/{tag}', "*"):
            again = ask(server, path, If_None_Match=known)
            assert (again.status, again.body) == (304, b"")
            assert again.headers["etag"] == tag
        assert ask(server, path, If_None_Match='"other"').body == answer.body
        assert ask(server, f"{path}?width=160", If_None_Match=tag).status == 200


def test_browsers_of_other_sites_may_look(server: RunningServer, stream: str, films: Path) -> None:
    film = reel(film_file(films, "h264-aac"))
    path = f"/{stream}.jpg"
    with station(server, stream) as on:
        on.send(*film.configs, *film.groups[0])
        get, head = ask(server, path), ask(server, path, "HEAD")
        options = ask(server, path, "OPTIONS")
    assert (get.status, head.status, options.status) == (200, 200, 204)
    assert (head.body, head.headers["content-length"]) == (b"", str(len(get.body)))
    for answer in (get, head, options):
        assert answer.headers["access-control-allow-origin"] == "*"
    assert get.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_stream_that_nobody_publishes_has_none(
    server: RunningServer, stream: str, method: str
) -> None:
    answer = ask(server, f"/{stream}.jpg", method)
    assert answer.status == 404
    assert answer.headers["access-control-allow-origin"] == "*"
    if method == "GET":
        assert answer.body == b"nobody publishes this stream\n"
    assert server.stream(stream) is None  # nothing was begun for it


def test_a_stream_that_is_over_has_none(server: RunningServer, stream: str, films: Path) -> None:
    film = reel(film_file(films, "h264-aac"))
    with station(server, stream) as on:
        on.send(*film.configs, *film.groups[0])
        assert ask(server, f"/{stream}.jpg").status == 200
    wait_until(lambda: ask(server, f"/{stream}.jpg").status == 404, "the end of the stream")


def test_sound_alone_has_none(server: RunningServer, stream: str, films: Path) -> None:
    tags = read_tags(film_file(films, "audio-only"))
    with RtmpClient.publishing(server.publish_url(stream)) as publisher:
        publisher.send(*(parse_tag(*tag) for tag in tags))
        told = b"the stream has no picture\n"
        wait_until(lambda: ask(server, f"/{stream}.jpg").body == told, "the reason")
        assert ask(server, f"/{stream}.jpg").status == 404


def test_names_that_could_be_paths_are_not_found(server: RunningServer) -> None:
    for path in ("/live/../../etc/passwd.jpg", "/live/.a.jpg", "/live/%2e%2e.jpg", "/a.jpg"):
        assert ask(server, path).status == 404


def test_pictures_that_are_none_cost_nobody_else_anything(
    server: RunningServer, stream: str, films: Path
) -> None:
    film = reel(film_file(films, "h264-aac"))
    broken = [frame._replace(body=frame.body[:9] + bytes(500)) for frame in film.groups[0]]
    with (
        on_air(server, stream) as nonsense,
        station(server, f"{stream}-zeros") as zeros,
        station(server, f"{stream}-good") as good,
    ):
        nonsense.send(*gop(200))
        zeros.send(*film.configs, *broken)
        good.send(*film.configs, *film.groups[0])
        for name in (stream, f"{stream}-zeros"):
            answer = ask(server, f"/{name}.jpg")
            assert answer.status == 503
            assert answer.body.startswith(b"the newest keyframe cannot be decoded: ")
            assert answer.headers["retry-after"] == "1"
        answer = ask(server, f"/{stream}-good.jpg")
        assert difference(answer.picture, film.keyframes[0]) < SAME
        nonsense.send(*gop(400))  # and is watched as if nothing were
        zeros.send(*film.groups[1])
        wait_until(lambda: ask(server, f"/{stream}-zeros.jpg").status == 200, "a real picture")


def test_a_decoder_that_is_killed_is_replaced(
    open_server: OpenServer, stream: str, films: Path
) -> None:
    server = open_server()
    film = reel(film_file(films, "h264-aac"))
    with station(server, stream) as on:
        on.send(*film.configs, *film.groups[0])
        assert ask(server, f"/{stream}.jpg").status == 200
        (pid,) = decoders(server)
        kill(pid)
        on.send(*film.groups[1])

        def is_newest() -> bool:
            answer = ask(server, f"/{stream}.jpg")
            return answer.status == 200 and difference(answer.picture, film.keyframes[1]) < SAME

        wait_until(is_newest, "the next picture")
        assert pid not in decoders(server)


def test_no_decoder_stays_when_nobody_asks(
    open_server: OpenServer, stream: str, films: Path
) -> None:
    server = open_server()
    film = reel(film_file(films, "h264-aac"))
    with station(server, stream) as on:
        on.send(*film.configs, *film.groups[0])
        assert not decoders(server)
        assert ask(server, f"/{stream}.jpg").status == 200
        assert len(decoders(server)) == 1
        wait_until(lambda: not decoders(server), "the decoder's end")
        on.send(*film.groups[1])
        wait_until(lambda: ask(server, f"/{stream}.jpg").status == 200, "the next picture")


def test_no_decoder_outlives_the_server(open_server: OpenServer, stream: str, films: Path) -> None:
    server = open_server()
    film = reel(film_file(films, "h264-aac"))
    with station(server, stream) as on:
        on.send(*film.configs, *film.groups[0])
        assert ask(server, f"/{stream}.jpg").status == 200
        (pid,) = decoders(server)
    assert server.terminate() == 0
    wait_until(lambda: not is_alive(pid), "the decoder's end")


def test_a_stream_whose_worker_died_has_a_picture_when_it_is_published_again(
    open_server: OpenServer, stream: str, films: Path
) -> None:
    server = open_server("--workers", "2", errors="worker")
    film = reel(film_file(films, "h264-aac"))
    path = f"/{stream}.jpg"
    with station(server, stream) as on:
        on.send(*film.configs, *film.groups[0])
        assert ask(server, path).status == 200
        (decoder,) = decoders(server)
        home = int(Path(f"/proc/{decoder}/stat").read_text().rpartition(")")[2].split()[1])
        kill(home)
        wait_until(lambda: not is_alive(decoder), "the decoder's end")
    with RtmpClient.publishing(server.publish_url(stream)) as publisher:
        publisher.send(*film.configs, *film.groups[1])

        def is_new() -> bool:
            answer = ask(server, path)
            return answer.status == 200 and difference(answer.picture, film.keyframes[1]) < SAME

        wait_until(is_new, "a new picture")


def test_during_a_slate_it_is_the_slate_s(
    open_server: OpenServer, stream: str, films: Path
) -> None:
    server = open_server(settings='[slate]\nsource = "card"\nafter_s = 0\n')
    film = reel(film_file(films, "h264-aac"))
    path = f"/{stream}.jpg"
    with RtmpClient.playing(server.play_url(stream)):
        with RtmpClient.publishing(server.publish_url(stream)) as publisher:
            publisher.send(*film.configs, *film.groups[0])
            wait_until(lambda: ask(server, path).status == 200, "a picture")
            first = ask(server, path)

        def is_slate() -> bool:
            answer = ask(server, path)
            return answer.status == 200 and answer.body != first.body

        wait_until(is_slate, "the slate's picture")
        slate = ask(server, path)
    assert slate.size == first.size
    assert difference(slate.picture, film.keyframes[0]) > OTHER
