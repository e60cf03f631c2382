"""Streams are sent on to other servers and fetched from them, each relay by itself."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from slipstream.access import Store, Users
from slipstream.amf import build_amf0
from slipstream.media import Frame
from tests.behaviour.pictures import CONFIGS, GOP_MS, METADATA, bodies, gop
from tests.flv_client import FlvClient
from tests.relays.operator import add, ask, connection, remove, wait_for_state
from tests.relays.target import Target
from tests.rtmp_client import ClosedByServerError, RtmpClient
from tests.server import RunningServer, running_server, wait_until

SETTINGS = """
[streams]
grace_s = 1
wait_s = 2
[relays]
allowed_hosts = ["127.0.0.1"]
max_retry_s = 0.2
linger_s = 0.2
"""
USERS = """
[apps.llnw.access]
publish = "user"
user_scheme = "llnw"
"""
SET_DATA_FRAME = build_amf0("@setDataFrame")


@pytest.fixture(scope="module")
def relaying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Relays are added to it by the tests, and removed again."""
    with running_server(tmp_path_factory.mktemp("relaying"), settings=SETTINGS) as server:
        yield server


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Another server, whose streams are fetched."""
    folder = tmp_path_factory.mktemp("source")
    Users(Store(folder)).put("ann", "pass")
    with running_server(folder, "--workers", "1", settings=SETTINGS + USERS) as server:
        yield server


def published(frames: tuple[Frame, ...]) -> list[bytes]:
    """The bodies as an encoder publishes them."""
    wrapped = SET_DATA_FRAME + bytes(METADATA.body)
    return [wrapped if frame is METADATA else bytes(frame.body) for frame in frames]


# Pushed


def test_the_target_of_a_push_gets_every_byte_of_the_stream(
    relaying: RunningServer, stream: str
) -> None:
    first, more = (*CONFIGS, *gop(0)), gop(GOP_MS)
    frames = (*first, *more)
    with Target() as target, RtmpClient.publishing(relaying.publish_url(stream)) as publisher:
        relay = add(relaying, "push", "live/*", target.url("out/{name}?auth=x"))
        publisher.send(*first)
        target.wait_for(len(first))
        publisher.send(*more)
        got = target.wait_for(len(frames))
        assert bodies(got) == published(frames)
        (request,) = target.requests
        assert (f"live/{request.name}", request.query) == (stream, "auth=x")
        wait_until(
            lambda: connection(relaying, relay)["frames"] == len(frames) - len(CONFIGS),
            "the count of what was sent",
        )
        remove(relaying, relay)


def test_a_server_with_message_streams_of_its_own_gets_the_same(
    relaying: RunningServer, stream: str
) -> None:
    frames = (*CONFIGS, *gop(0, filling=70_000))
    with (
        Target(stream_id=3) as target,
        RtmpClient.publishing(relaying.publish_url(stream)) as publisher,
    ):
        relay = add(relaying, "push", stream, target.url("out/a"))
        publisher.send(*frames)
        assert bodies(target.wait_for(len(frames))) == published(frames)
        assert target.requests[0].stream_id == 3
        remove(relaying, relay)


def test_of_ten_targets_three_are_bad_and_nobody_else_notices(
    relaying: RunningServer, stream: str
) -> None:
    with ExitStack() as stack:
        good = [stack.enter_context(Target()) for _ in range(7)]
        slow = stack.enter_context(Target(reads=False))
        flapping = stack.enter_context(Target(resets_after=5))
        dead = Target()
        dead.close()
        relays = [
            add(relaying, "push", stream, target.url(f"out/{number}"))
            for number, target in enumerate([*good, slow, flapping, dead])
        ]
        viewer = stack.enter_context(RtmpClient.playing(relaying.play_url(stream)))
        publisher = stack.enter_context(RtmpClient.publishing(relaying.publish_url(stream)))
        sent = (*CONFIGS, *gop(0))
        publisher.send(*sent)
        seen = bodies(viewer.take(len(sent)))
        for target in good:
            target.wait_for(len(sent))
        number = 0
        while not (flapping.connections >= 3 and number >= 20):
            number += 1
            frames = gop(number * GOP_MS, filling=30_000)
            publisher.send(*frames)
            sent += tuple(frames)
            seen += bodies(viewer.take(len(frames)))
            for target in good:
                target.wait_for(len(sent))
        assert seen == bodies(sent)
        for target in good:
            assert bodies(target.messages) == published(sent)
            assert target.connections == 1
        reports = {relay["id"]: relay for relay in relaying.api("relays")["relays"]}
        states = [reports[relay]["state"] for relay in relays]
        assert states[:8] == ["running"] * 8
        assert connection(relaying, relays[7])["lag_ms"] > 0
        assert connection(relaying, relays[8])["reconnects"] >= 2
        (broken,) = reports[relays[9]]["connections"]
        assert "connection refused" in broken["error"]
        for relay in relays:
            remove(relaying, relay)


def test_a_push_that_is_removed_ends_and_the_stream_goes_on(
    relaying: RunningServer, stream: str
) -> None:
    with (
        Target() as target,
        Target() as other,
        RtmpClient.publishing(relaying.publish_url(stream)) as publisher,
    ):
        going = add(relaying, "push", stream, target.url("out/a"))
        staying = add(relaying, "push", stream, other.url("out/a"))
        publisher.send(*CONFIGS, *gop(0))
        target.wait_for(13)
        remove(relaying, going)
        target.wait_until_left()
        publisher.send(*gop(GOP_MS))
        assert bodies(other.wait_for(23)) == published((*CONFIGS, *gop(0), *gop(GOP_MS)))
        assert len(target.messages) == 13
        assert relaying.api(f"relays/{going}") is None
        remove(relaying, staying)


def test_a_push_rests_while_it_is_stopped(relaying: RunningServer, stream: str) -> None:
    with Target() as target, RtmpClient.publishing(relaying.publish_url(stream)) as publisher:
        relay = add(relaying, "push", stream, target.url("out/a"))
        publisher.send(*CONFIGS, *gop(0))
        target.wait_for(13)
        status, report = ask(relaying, "POST", f"relays/{relay}/stop")
        assert (status, report["state"]) == (200, "stopped")
        target.wait_until_left()
        ask(relaying, "POST", f"relays/{relay}/start")
        target.wait_for(26)
        assert target.connections == 2
        remove(relaying, relay)


def test_a_push_ends_some_time_after_its_stream(relaying: RunningServer, stream: str) -> None:
    with Target() as target:
        relay = add(relaying, "push", stream, target.url("out/a"))
        with RtmpClient.publishing(relaying.publish_url(stream)) as publisher:
            publisher.send(*CONFIGS, *gop(0))
            target.wait_for(13)
        target.wait_until_left()
        wait_until(lambda: connection(relaying, relay) == {}, "the end of the push")
        assert target.connections == 1
        wait_for_state(relaying, relay, "waiting")
        remove(relaying, relay)


def test_what_a_target_says_against_it_is_told_without_the_key(
    relaying: RunningServer, stream: str
) -> None:
    with (
        Target(refuses=True) as target,
        RtmpClient.publishing(relaying.publish_url(stream)) as publisher,
    ):
        relay = add(relaying, "push", stream, target.url("out/abcd-efgh?token=ijkl"))
        publisher.send(*CONFIGS, *gop(0))
        wait_until(lambda: connection(relaying, relay).get("error"), "the refusal")
        report = relaying.api(f"relays/{relay}")
        assert report["url"] == target.url("out/***") + "?***"
        assert "no *** today" in report["connections"][0]["error"]
        assert "abcd-efgh" not in relaying.log()
        assert "ijkl" not in relaying.log()
        remove(relaying, relay)


def test_a_target_that_wants_a_user_and_a_password_gets_them(
    relaying: RunningServer, stream: str
) -> None:
    with (
        Target(account=("ann", "pass")) as target,
        RtmpClient.publishing(relaying.publish_url(stream)) as publisher,
    ):
        relays = [
            add(relaying, "push", stream, target.url("out/a", login))
            for login in ("ann:pass@", "ann:wrong@")
        ]
        publisher.send(*CONFIGS, *gop(0))
        target.wait_for(13)
        assert connection(relaying, relays[0])["state"] == "running"
        wait_until(
            lambda: "authfailed" in connection(relaying, relays[1]).get("error", ""),
            "the refusal of the wrong password",
        )
        assert not re.search("pass@|wrong", relaying.log())
        for relay in relays:
            remove(relaying, relay)


def test_a_target_that_asks_for_them_in_limelights_way_gets_them(
    relaying: RunningServer, source: RunningServer, stream: str
) -> None:
    name = stream.partition("/")[2]

    def url(password: str) -> str:
        return source.play_url(f"llnw/{name}").replace("//", f"//ann:{password}@")

    frames = (*CONFIGS, *gop(0))
    with (
        RtmpClient.publishing(relaying.publish_url(stream)) as publisher,
    ):
        wrong = add(relaying, "push", stream, url("guess"))
        publisher.send(*frames)
        wait_until(
            lambda: "authfailed" in connection(relaying, wrong).get("error", ""),
            "the refusal of the wrong password",
        )
        remove(relaying, wrong)
        right = add(relaying, "push", stream, url("pass"))
        with FlvClient(source, f"/llnw/{name}.flv") as viewer:
            assert [tag.body for tag in viewer.take(len(frames))] == bodies(frames)
        remove(relaying, right)


# Pulled


def test_a_pulled_stream_is_the_same_and_comes_back_when_the_source_does(
    relaying: RunningServer, source: RunningServer, stream: str
) -> None:
    relay = add(relaying, "pull", stream, source.play_url(stream))
    frames = (*CONFIGS, *gop(0))
    for _ in range(2):
        with (
            RtmpClient.playing(relaying.play_url(stream)) as viewer,
            RtmpClient.publishing(source.publish_url(stream)) as publisher,
        ):
            publisher.send(*frames)
            assert bodies(viewer.take(len(frames))) == bodies(frames)
            wait_for_state(relaying, relay, "running")
        wait_until(lambda: not relaying.stream(stream), "the end of the stream")
    assert connection(relaying, relay)["reconnects"] > 0
    remove(relaying, relay)


def test_a_stream_is_fetched_when_the_first_viewer_comes_and_no_longer_than_needed(
    relaying: RunningServer, source: RunningServer, stream: str
) -> None:
    name = stream.partition("/")[2]
    relay = add(relaying, "pull", "far/*", source.play_url("live/{name}"), on_demand=True)
    frames = (*CONFIGS, *gop(0))
    with RtmpClient.publishing(source.publish_url(stream)) as publisher:
        publisher.send(*frames)
        assert source.stream(stream)["viewers"] == 0
        with (
            RtmpClient.playing(relaying.play_url(f"far/{name}")) as viewer,
            RtmpClient.playing(relaying.play_url(f"far/{name}")) as other,
        ):
            for player in (viewer, other):
                assert bodies(player.take(len(frames))) == bodies(frames)
            wait_until(
                lambda: len(relaying.api(f"relays/{relay}")["connections"]) == 1,
                "the end of what another worker began",
            )
        wait_until(lambda: relaying.stream(f"far/{name}") is None, "the end of the pull")
        assert source.stream(stream)["viewers"] == 0
    remove(relaying, relay)


def test_who_waits_for_what_the_source_does_not_have_is_told_so_in_time(
    relaying: RunningServer, source: RunningServer, stream: str
) -> None:
    relay = add(relaying, "pull", "far/*", source.play_url("live/{name}"), on_demand=True)
    with RtmpClient.playing(relaying.play_url("far/nothing")) as viewer:
        with pytest.raises(ClosedByServerError):
            viewer.wait_for_start()
        assert viewer.ended is not None
        assert viewer.ended.code == "NetStream.Play.StreamNotFound"
    remove(relaying, relay)


def test_a_pull_goes_on_when_its_worker_dies(source: RunningServer, tmp_path: Path) -> None:
    stream = "live/orphan"
    settings = f'{SETTINGS}[[relays.pull]]\nstream = "{stream}"\nurl = "{source.play_url(stream)}"'
    with (
        RtmpClient.publishing(source.publish_url(stream)) as publisher,
        running_server(tmp_path, "--workers", "2", settings=settings) as server,
    ):
        publisher.send(*CONFIGS, *gop(0))
        (relay,) = server.api("relays")["relays"]
        wait_for_state(server, relay["id"], "running")
        worker = connection(server, relay["id"])["worker"]
        os.kill(server.worker_pids()[worker], signal.SIGKILL)
        wait_until(
            lambda: connection(server, relay["id"]).get("worker", worker) != worker,
            "the pull in another worker",
        )
        publisher.send(*gop(GOP_MS))
        wait_for_state(server, relay["id"], "running")
        status, _ = ask(server, "DELETE", f"relays/{relay['id']}")
        assert status == 409


# At run time


def test_what_was_added_stopped_and_removed_is_so_after_a_restart(tmp_path: Path) -> None:
    with Target() as target, Target() as other:
        with running_server(tmp_path, "--workers", "1", settings=SETTINGS) as server:
            relay = add(server, "push", "live/a", target.url("out/secret"))
            resting = add(server, "push", "live/a", other.url("out/resting"))
            ask(server, "POST", f"relays/{resting}/stop")
            remove(server, add(server, "push", "live/a", other.url("out/removed")))
        with (
            running_server(tmp_path, "--workers", "1", settings=SETTINGS) as server,
            RtmpClient.publishing(server.publish_url("live/a")) as publisher,
        ):
            publisher.send(*CONFIGS, *gop(0))
            target.wait_for(13)
            assert connection(server, relay)["state"] == "running"
            states = {known["id"]: known["state"] for known in server.api("relays")["relays"]}
            assert states == {relay: "running", resting: "stopped"}
            assert other.connections == 0


@pytest.mark.parametrize(
    "host",
    ["10.0.0.1", "169.254.169.254", "[::1]", "0.0.0.0", "[::ffff:192.168.1.1]", "127.0.0.2"],
)
def test_an_address_of_the_operators_own_network_is_refused(
    relaying: RunningServer, host: str
) -> None:
    order = {"kind": "pull", "stream": "live/a", "url": f"rtmp://{host}/live/a"}
    status, problem = ask(relaying, "POST", "relays", order)
    assert status == 400
    assert "allowed_hosts" in problem["detail"]


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ({}, "'kind'"),
        ({"kind": "push", "stream": "live", "url": "rtmp://a/b/c"}, "'stream'"),
        ({"kind": "push", "stream": "live/a", "url": "http://a/b/c"}, "rtmp://host"),
        ({"kind": "push", "stream": "live/*", "url": "rtmp://a/b/c"}, "{name}"),
        ({"kind": "pull", "stream": "live/*", "url": "rtmp://a/b/{name}"}, "on_demand"),
        ({"kind": "pull", "stream": "live/a", "url": "rtmp://{name}/b/c"}, "behind the host"),
        ({"kind": "push", "stream": "live/a", "url": "rtmp://a/b/c", "on": 1}, "unknown key"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_with_the_reason(
    relaying: RunningServer, order: dict[str, object], says: str
) -> None:
    status, problem = ask(relaying, "POST", "relays", order)
    assert status == 400
    assert says in problem["detail"]


def test_the_same_relay_twice_is_a_conflict(relaying: RunningServer) -> None:
    order = {"kind": "push", "stream": "live/twice", "url": "rtmp://example.com/live/a"}
    status, relay = ask(relaying, "POST", "relays", order)
    assert status == 201
    assert ask(relaying, "POST", "relays", order)[0] == 409
    remove(relaying, relay["id"])
    assert ask(relaying, "DELETE", f"relays/{relay['id']}")[0] == 404
