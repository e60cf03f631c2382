"""A second encoder of a live stream: it stands by, is refused, or is a second link of the first.

Encoders that are killed and stopped are processes of their own.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from slipstream.media import Frame, Kind, parse_tag
from slipstream.rtmp import Code, Message
from tests.behaviour.conftest import OpenServer
from tests.behaviour.pictures import CONFIGS, GOP_MS, bodies, gop
from tests.behaviour.visits import refusal
from tests.clips import X264, Film, encode_film, read_tags
from tests.hub.stage import video_config
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer, wait_until

STANDBY = '[streams]\non_second_publisher = "standby"\nidle_s = 5'
MERGE = '[streams]\non_second_publisher = "merge"'
GOP_S = 0.5
LOST_S = 1.0  # of silence: the standby goes on air
GRACE_S = 1.5  # for what a busy machine adds

# Of different sizes, so that their configurations differ and viewers can tell them apart.
WIDE = Film(options=X264, seconds=4, gop=12, rate=25, width=128, height=96)
TALL = Film(options=X264, seconds=4, gop=12, rate=25, width=96, height=128)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two films."""
    folder = tmp_path_factory.mktemp("films")
    for name, film in (("wide", WIDE), ("tall", TALL)):
        encode_film(film, folder / f"{name}.flv")
    return folder / "wide.flv", folder / "tall.flv"


@contextmanager
def encoder(film: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    """`slipstream publish`, in a process of its own."""
    command = [sys.executable, "-m", "slipstream", "publish", str(film), url, "--loop"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def states(server: RunningServer, stream: str) -> list[str]:
    """What the publishers of a stream are to it."""
    found = server.stream(stream)
    return [publisher["state"] for publisher in found["publishers"]] if found else []


def wait_for_states(server: RunningServer, stream: str, *expected: str) -> None:
    """Wait until its publishers are that."""
    wait_until(lambda: states(server, stream) == list(expected), f"publishers {expected}")


def config_body(film: Path) -> bytes:
    """The picture's configuration in a film."""
    frames = [parse_tag(*tag) for tag in read_tags(film)]
    return next(frame.body for frame in frames if frame.config and frame.kind is Kind.VIDEO)


def take_until(viewer: RtmpClient, body: bytes, within_s: float) -> tuple[list[Message], float]:
    """Take what comes until a message with this body does; return all, and how long it took."""
    began, came = time.monotonic(), list[Message]()
    while time.monotonic() - began < within_s:
        came += viewer.take_for(0.05)
        if any(message.payload == body for message in came):
            return came, time.monotonic() - began
    raise AssertionError(f"it did not come within {within_s:g} s")


def assert_steady(messages: list[Message]) -> None:
    """Times never go back, and never leap."""
    times = [message.timestamp for message in messages if message.type_id != Kind.DATA]
    steps = [after - before for before, after in pairwise(times)]
    assert min(steps) >= 0
    assert max(steps) <= 200


@pytest.mark.parametrize(
    ("blow", "silence_s"),
    [(signal.SIGKILL, 0.0), (signal.SIGSTOP, LOST_S)],
    ids=["killed", "stopped"],
)
def test_the_standby_takes_over_within_one_gop_and_viewers_stay(
    open_server: OpenServer,
    stream: str,
    films: tuple[Path, Path],
    blow: signal.Signals,
    silence_s: float,
) -> None:
    server = open_server(settings=STANDBY)
    url = server.publish_url(stream)
    with ExitStack() as stack:
        first = stack.enter_context(encoder(films[0], url))
        wait_for_states(server, stream, "on air")
        stack.enter_context(encoder(films[1], url))
        wait_for_states(server, stream, "on air", "standby")
        viewer = stack.enter_context(RtmpClient.playing(server.play_url(stream)))
        before = viewer.take(100)

        first.send_signal(blow)
        after, took_s = take_until(viewer, config_body(films[1]), silence_s + GOP_S + GRACE_S)
        assert took_s >= silence_s - 0.1
        after += viewer.take(100)
        assert_steady(before + after)
        assert viewer.ended is None

        if blow is signal.SIGSTOP:
            first.send_signal(signal.SIGCONT)
            came = viewer.take_for(2 * GOP_S + 0.5)
            assert config_body(films[0]) not in bodies(came)
            assert states(server, stream) == ["on air", "standby"]


def test_who_was_stopped_for_too_long_is_closed_as_ever(
    open_server: OpenServer, stream: str, films: tuple[Path, Path]
) -> None:
    server = open_server(settings=STANDBY.replace("idle_s = 5", "idle_s = 2"))
    url = server.publish_url(stream)
    with encoder(films[0], url) as first:
        wait_for_states(server, stream, "on air")
        with encoder(films[1], url):
            wait_for_states(server, stream, "on air", "standby")
            first.send_signal(signal.SIGSTOP)
            wait_for_states(server, stream, "on air")
            server.wait_for_log("publish.end .*no media within the idle time")


def test_a_second_publisher_is_told_why_it_is_refused(open_server: OpenServer, stream: str) -> None:
    server = open_server(settings='[streams]\non_second_publisher = "reject"')
    url = server.publish_url(stream)
    with RtmpClient.playing(server.play_url(stream)) as viewer:
        with RtmpClient.publishing(url) as publisher:
            publisher.send(*CONFIGS, *gop(0))
            ended = refusal(url)
            assert ended.code == Code.PUBLISH_BAD_NAME
            assert "a second publisher is refused" in ended.description
            publisher.send(*gop(GOP_MS))
            sent = [*CONFIGS, *gop(0), *gop(GOP_MS)]
            assert bodies(viewer.take(len(sent))) == bodies(sent)
        with RtmpClient.publishing(url) as publisher:  # the first one has gone
            publisher.send(*CONFIGS, *gop(0))
            viewer.take(len(gop(0)))


def test_applications_may_differ(open_server: OpenServer, stream: str) -> None:
    name = stream.partition("/")[2]
    server = open_server(settings='[apps.safe]\nstreams.on_second_publisher = "standby"')
    for app, part in (("live", "coming"), ("safe", "standby")):
        one = f"{app}/{name}"
        with RtmpClient.publishing(server.publish_url(one)) as first:
            first.send(*CONFIGS, *gop(0))
            wait_for_states(server, one, "on air")
            with RtmpClient.publishing(server.publish_url(one)):
                wait_for_states(server, one, "on air", part)


def long_film(groups: int) -> list[Frame]:
    """So many picture groups, each message unlike all others and long enough to be recognised."""
    return [frame for number in range(groups) for frame in gop(number * GOP_MS, filling=40)]


@pytest.mark.parametrize("seed", range(4))
def test_over_two_links_nothing_is_missing_or_doubled_whichever_is_cut(
    open_server: OpenServer, stream: str, seed: int
) -> None:
    chance = random.Random(seed)
    server = open_server(settings=MERGE)
    url = server.publish_url(stream)
    sent = long_film(40)
    with ExitStack() as stack:
        viewer = stack.enter_context(RtmpClient.playing(server.play_url(stream)))
        links = [stack.enter_context(RtmpClient.publishing(url)) for _ in range(2)]
        for link in links:
            link.send(*CONFIGS)
        cut, other = chance.sample(links, 2)
        lag = chance.randint(0, 100)  # messages that the other one is behind
        end = chance.randint(120, 300)
        for number in range(end + lag):
            if number < end:
                cut.send(sent[number])
            if number >= lag:
                other.send(sent[number - lag])
        cut.reset()  # what the server has not read of it is lost
        other.send(*sent[end:])
        came = viewer.take(len(CONFIGS) + len(sent))
    assert bodies(came) == bodies([*CONFIGS, *sent])
    times = [message.timestamp for message in came if message.type_id == Kind.VIDEO]
    assert times == sorted(times)


def test_a_link_that_comes_back_at_times_of_its_own_is_recognised(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server(settings=MERGE)
    url = server.publish_url(stream)
    sent = long_film(40)
    with ExitStack() as stack:
        viewer = stack.enter_context(RtmpClient.playing(server.play_url(stream)))
        first, second = (stack.enter_context(RtmpClient.publishing(url)) for _ in range(2))
        first.send(*CONFIGS, *sent[:100])
        second.send(*CONFIGS, *sent[:100])
        second.reset()
        back = stack.enter_context(RtmpClient.publishing(url))
        back.send(*CONFIGS)
        rebased = [f._replace(dts_ms=f.dts_ms - sent[103].dts_ms) for f in sent[103:]]
        first.send(*sent[100:200])
        back.send(*rebased[:100])
        wait_for_states(server, stream, "on air", "link")
        first.reset()
        back.send(*rebased[100:])
        came = viewer.take(len(CONFIGS) + len(sent))
    assert bodies(came) == bodies([*CONFIGS, *sent])
    assert_steady(came)


def test_another_encoder_is_no_link_and_takes_over_when_the_first_one_goes(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server(settings=MERGE)
    url = server.publish_url(stream)
    theirs = [frame._replace(body=frame.body + b"other") for frame in long_film(40)]
    their_config = video_config(extra=b"\0")
    with ExitStack() as stack:
        viewer = stack.enter_context(RtmpClient.playing(server.play_url(stream)))
        first, second = (stack.enter_context(RtmpClient.publishing(url)) for _ in range(2))
        first.send(*CONFIGS, *long_film(20))
        viewer.take(len(CONFIGS) + 200)
        second.send(*CONFIGS[:2], their_config, *theirs[:200])
        wait_for_states(server, stream, "on air", "standby")
        first.leave()
        second.send(*theirs[200:])
        expected = [*CONFIGS[:2], their_config, *theirs[200:]]
        assert bodies(viewer.take(len(expected))) == bodies(expected)
