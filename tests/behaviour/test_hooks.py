"""Others are told and asked: backends of nginx-rtmp and SRS, broken ones, restarts."""

from __future__ import annotations

import base64
import hmac
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest

from slipstream.rtmp import Code, Ended
from tests.behaviour.backends import PASSWORD, Backend, backend
from tests.behaviour.pictures import CONFIGS, gop
from tests.behaviour.visits import end_of, on_air, refusal
from tests.rtmp_client import ClosedByServerError, RtmpClient
from tests.server import RunningServer, running_server, wait_until

FILM = Path(__file__).parents[1] / "captures" / "h264-aac.flv"
REFUSED_WITHIN_S = 3.5  # usually; twice that on a busy machine
BROKEN = ("hang", "drip", "error", "flood", "redirect")

SETTINGS = """
[streams]
grace_s = 1

[apps.nginx]
access = {{ publish = "hook" }}
[apps.nginx.hooks]
form = "nginx-rtmp"
ask_publish = "{url}/on_publish"
urls = {{ publish_done = "{url}/done", play = "{url}/done", play_done = "{url}/done" }}

[apps.srs]
access = {{ publish = "hook", play = "hook" }}
[apps.srs.hooks]
form = "srs"
ask_publish = "{url}/api/v1/streams"
ask_play = "{url}/api/v1/sessions"
[apps.srs.hooks.urls]
publish_done = "{url}/api/v1/streams"
play_done = "{url}/api/v1/sessions"
disconnect = "{url}/api/v1/clients"

[apps.connectnginx.hooks]
form = "nginx-rtmp"
ask_connect = "{url}/on_connect"

[apps.connectsrs.hooks]
form = "srs"
ask_connect = "{url}/api/v1/clients"
urls = {{ disconnect = "{url}/api/v1/clients" }}

[apps.connectown.hooks]
ask_connect = "{url}/may_connect"

[apps.connecthang.hooks]
ask_connect = "{url}/hang"

[apps.update]
access = {{ publish = "anonymous" }}
[apps.update.hooks]
ask_update = "{url}/no"
update_s = 1

[apps.command]
hooks.commands = {{ stream_up = [["/usr/bin/touch", "{folder}/{{app}}-{{name}}"]] }}

[apps.full]
streams.max_viewers = 1
hooks.url = "{url}/events"
"""
BROKEN_SETTINGS = """
[apps.{how}]
access.publish = "hook"
hooks.ask_publish = "{url}/{how}"
"""


@pytest.fixture(scope="module")
def application() -> Iterator[Backend]:
    with backend() as application:
        yield application


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hooks")


@pytest.fixture(scope="module")
def server(application: Backend, folder: Path) -> Iterator[RunningServer]:
    settings = SETTINGS.format(url=application.url, folder=folder)
    settings += "".join(BROKEN_SETTINGS.format(how=how, url=application.url) for how in BROKEN)
    with running_server(folder, settings=settings) as server:
        yield server


def test_an_nginx_rtmp_backend_lets_ffmpeg_publish_who_may(
    server: RunningServer, application: Backend, tmp_path: Path
) -> None:
    url = f"{server.play_url('nginx/tv')}?psk={PASSWORD}&session=5"
    with RtmpClient.playing(server.play_url("nginx/tv")) as viewer:
        command = [sys.executable, "-m", "tests.pyav_client", "publish", str(FILM), url]
        subprocess.run([*command, str(tmp_path / "copy.flv")], check=True)
        assert len(viewer.take(20)) == 20
    (asked,) = application.wait_for(1, "publish")
    assert asked["app"] == "nginx"
    assert asked["name"] == "tv"
    assert asked["addr"] == "127.0.0.1"
    assert asked["session"] == "5"
    assert asked["tcurl"].startswith("rtmp://127.0.0.1:")
    assert int(asked["clientid"]) > 0
    (done,) = application.wait_for(1, "publish_done")
    assert (done["name"], done["session"]) == ("tv", "5")
    assert application.wait_for(1, "play_done")[0]["name"] == "tv"


def test_an_nginx_rtmp_backend_keeps_out_who_may_not(
    server: RunningServer, application: Backend
) -> None:
    ended = refusal(f"{server.play_url('nginx/guess')}?psk=guess")
    assert ended.code == Code.PUBLISH_BAD_NAME
    assert server.stream("nginx/guess") is None
    # Not even by passing oneself off as another stream.
    refusal(f"{server.play_url('nginx/victim')}?name=mine&psk=guess")
    names = {fields["name"] for _, fields in application.got if fields.get("call") == "publish"}
    assert "victim" in names
    assert "mine" not in names


def test_an_srs_backend_decides_who_publishes_and_who_plays(
    server: RunningServer, application: Backend
) -> None:
    url = server.play_url("srs/livestream")
    assert refusal(f"{url}?token=guess").code == Code.PUBLISH_BAD_NAME
    with RtmpClient.playing(f"{url}?token=guess") as stranger:
        assert end_of(stranger).code == Code.PLAY_STREAM_NOT_FOUND
    with RtmpClient.publishing(f"{url}?token={PASSWORD}") as publisher:
        publisher.send(*CONFIGS, *gop(0))
        with RtmpClient.playing(f"{url}?token={PASSWORD}") as viewer:
            viewer.take(len(CONFIGS))
        publisher.leave()
    asked = application.wait_for(2, "on_publish")
    assert [fields["param"] for fields in asked] == ["?token=guess", f"?token={PASSWORD}"]
    assert asked[1]["stream"] == "livestream"
    assert asked[1]["ip"] == "127.0.0.1"
    (unpublished,) = application.wait_for(1, "on_unpublish")
    assert unpublished["param"] == f"?token={PASSWORD}"
    closed = application.wait_for(4, "on_close")
    assert all(fields["recv_bytes"] > 3_000 for fields in closed)  # a handshake, and more
    assert max(fields["send_bytes"] for fields in closed) > 0
    (stopped,) = application.wait_for(1, "on_stop")
    assert stopped["client_id"].startswith("rtmp-")


@pytest.mark.parametrize("app", ["connectnginx", "connectsrs", "connectown"])
def test_a_backend_of_each_form_decides_who_connects(server: RunningServer, app: str) -> None:
    def url(password: str) -> str:  # of the application, where `connect` shows it
        return server.publish_url(f"{app}?psk={password}/x")

    for _ in range(2):
        refused = refusal(url("guess"))
        assert refused.code == Code.CONNECT_REJECTED
        assert refused.description == "This connection is not allowed."
    with RtmpClient.publishing(url(PASSWORD)) as publisher:
        publisher.send(*CONFIGS, *gop(0))
        with RtmpClient.playing(url(PASSWORD)) as viewer:
            viewer.take(len(CONFIGS))
        with pytest.raises(ClosedByServerError):
            RtmpClient.playing(url("guess"))
    server.wait_for_log(f"connect.refused .*app={app}.*reason=")


def test_a_question_about_a_connection_is_what_other_servers_post(
    server: RunningServer, application: Backend
) -> None:
    refusal(server.play_url("connectnginx?psk=guess&app=other/x"))
    refusal(server.play_url("connectsrs?psk=guess/x"))
    asked = application.wait_for(1, "connect")[-1]
    assert asked["app"] == "connectnginx"
    assert (asked["addr"], asked["psk"], asked["call"]) == ("127.0.0.1", "guess", "connect")
    assert asked["tcurl"].startswith("rtmp://127.0.0.1:")
    assert asked.keys() >= {"flashver", "swfurl", "pageurl", "epoch"}
    asked = application.wait_for(1, "on_connect")[-1]
    assert asked["app"] == "connectsrs"
    assert asked["tcUrl"].endswith("connectsrs?psk=guess")
    assert asked.keys() >= {"server_id", "client_id", "ip", "vhost", "pageUrl"}


def test_ffmpeg_publishes_where_it_may_connect_and_nowhere_else(
    server: RunningServer, tmp_path: Path
) -> None:
    def publish(password: str) -> subprocess.CompletedProcess[bytes]:
        url = server.publish_url(f"connectsrs?psk={password}/film")
        command = [sys.executable, "-m", "tests.pyav_client", "publish", str(FILM), url]
        return subprocess.run([*command, str(tmp_path / "copy.flv")], check=False)

    assert publish(PASSWORD).returncode == 0
    assert publish("guess").returncode != 0


def test_what_is_posted_is_signed_so_that_a_forgery_is_known(tmp_path: Path) -> None:
    key = b"twenty-four bytes of key"
    secret = f"whsec_{base64.b64encode(key).decode()}"
    with backend() as application:
        settings = f'[hooks]\nurl = "{application.url}/events"\nsecret = "{secret}"\n'
        with running_server(tmp_path, settings=settings) as server, on_air(server, "live/a"):
            application.wait_for(1, "publish")
    assert application.posts
    for headers, body in application.posts:
        said = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode()
        signature = headers["webhook-signature"].removeprefix("v1,")
        assert base64.b64decode(signature) == hmac.digest(key, said + body, "sha256")
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60


def test_a_backend_that_hangs_drips_fails_floods_or_redirects_lets_nobody_in_and_no_stream_notices(
    server: RunningServer, stream: str
) -> None:
    def refused_after_s(how: str) -> float:
        began_at = time.monotonic()
        assert refusal(server.play_url(f"{how}/x")).code == Code.PUBLISH_BAD_NAME
        return time.monotonic() - began_at

    with on_air(server, stream) as station, ThreadPoolExecutor() as visitors:
        refusals = [visitors.submit(refused_after_s, how) for how in BROKEN]
        connecting = visitors.submit(refusal, server.play_url("connecthang/x"))
        start_ms = 0
        while not all(refused.done() for refused in refusals):
            start_ms += 200
            station.send(*gop(start_ms))  # arrives while they wait
    assert max(refused.result() for refused in refusals) < 2 * REFUSED_WITHIN_S
    assert connecting.result().code == Code.CONNECT_REJECTED
    log = server.log()
    assert log.count("no answer within 3 s") >= 3
    assert "answered with the status 500" in log
    assert "answered with the redirect 307, which is not followed" in log
    assert "more than 65536 bytes" in log


def test_after_five_failures_a_backend_is_left_alone(
    server: RunningServer, application: Backend
) -> None:
    for _ in range(12):  # five for each of two workers, and more
        refusal(server.play_url("error/y"))
    server.wait_for_log("hooks.breaker .*open=True")
    server.wait_for_log("it has failed too often")


def test_who_may_go_on_no_more_is_sent_away(server: RunningServer) -> None:
    with RtmpClient.publishing(server.play_url("update/x")) as publisher:
        publisher.send(*CONFIGS, *gop(0))
        ended = publisher.wait_for(Ended)
        assert isinstance(ended, Ended)
        assert ended.description == "ended by the operator"


def test_a_program_is_started_when_a_stream_goes_up(server: RunningServer, folder: Path) -> None:
    with RtmpClient.publishing(server.publish_url("command/x")) as publisher:
        publisher.send(*CONFIGS, *gop(0))
        wait_until((folder / "command-x").exists, "the program's file")


def test_a_limit_is_told(server: RunningServer, application: Backend) -> None:
    with (
        RtmpClient.playing(server.play_url("full/x")),
        RtmpClient.playing(server.play_url("full/x")) as second,
    ):
        end_of(second)
        (told,) = application.wait_for(1, "limit")
    assert told["stream"] == "full/x"
    assert told["detail"] == {"limit": "viewers"}


EVENTS = '[streams]\ngrace_s = 1\n[hooks]\nurl = "{url}/events"\n'


ALL = ["publish", "stream_up", "publish_done", "stream_down"]


def test_what_nobody_took_is_delivered_after_all_was_killed_once_and_in_order(
    tmp_path: Path,
) -> None:
    streams = ["live/a", "live/b", "live/c"]
    with backend() as failing, backend() as application:
        failing.is_down = True
        with running_server(tmp_path, settings=EVENTS.format(url=failing.url)) as server:
            publishers = [RtmpClient.publishing(server.publish_url(one)) for one in streams]
            for publisher in publishers:
                publisher.send(*CONFIGS, *gop(0))
            for publisher in publishers[:2]:
                publisher.leave()
            wait_until(lambda: written(tmp_path) == 10, "ten events on disk")
            server.kill_all()
        application.fails_at_first = "stream_up"
        with running_server(tmp_path, settings=EVENTS.format(url=application.url)):
            application.wait_for(3, "stream_up")
            application.wait_for(2, "stream_down")
        told = {
            one: [fields["event"] for _, fields in application.got if fields["stream"] == one]
            for one in streams
        }
        assert told == {"live/a": ALL, "live/b": ALL, "live/c": ALL[:2]}
        assert len(application.ids) == len(set(application.ids)) == 10
        assert len(application.failed) == 3
        assert application.ids == [fields["id"] for _, fields in application.got]


def written(folder: Path) -> int:
    """How many events are on disk."""
    count = 0
    for path in (folder / "hooks").glob("outbox-*.sqlite3"):
        with (
            closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database,
            suppress(sqlite3.OperationalError),  # it is being made
        ):
            count += database.execute("SELECT count(*) FROM message").fetchone()[0]
    return count


def test_where_nothing_can_be_written_media_go_on_and_the_log_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "hooks"
    folder.write_text("in the way")
    with (
        backend() as application,
        running_server(tmp_path, settings=EVENTS.format(url=application.url)) as server,
    ):
        with on_air(server, "live/x") as station:
            server.wait_for_log(f"hooks.outbox_failed .*path={folder}")
            station.send(*gop(200))
            folder.unlink()
        application.wait_for(1, "stream_down")


def test_what_a_worker_had_to_tell_when_it_was_killed_its_successor_tells(tmp_path: Path) -> None:
    with backend() as application:
        application.is_down = True
        settings = EVENTS.format(url=application.url)
        with running_server(tmp_path, "--workers", "2", settings=settings) as server:
            with RtmpClient.publishing(server.publish_url("live/x")) as publisher:
                publisher.send(*CONFIGS, *gop(0))
                server.wait_for_log("hooks.failed")
                home = server.stream("live/x")["worker"]
                os.kill(server.worker_pids()[home], signal.SIGKILL)
                application.is_down = False
                (told,) = application.wait_for(1, "publish")
            assert told["stream"] == "live/x"
