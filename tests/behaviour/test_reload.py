"""The configuration is read again while the server is used."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from slipstream.rtmp import Code, Ended
from tests.behaviour.conftest import OpenServer
from tests.behaviour.pictures import CONFIGS, GOP_MS, gop
from tests.behaviour.visits import end_of, on_air
from tests.rtmp_client import RtmpClient
from tests.server import PATIENCE_S, RunningServer, wait_until

SETTINGS = "[streams]\ngrace_s = 60\nwait_s = 60\nidle_s = 60\n"
REFUSED = r"config\.refused .*:1: is not TOML"


@pytest.fixture(params=["1", "2"], ids=["one worker", "two workers"])
def server(open_server: OpenServer, request: pytest.FixtureRequest) -> RunningServer:
    return open_server("--workers", request.param, settings=SETTINGS)


def write(server: RunningServer, settings: str) -> None:
    Path(f"/proc/{server.supervisor_pid()}/cwd/slipstream.toml").write_text(settings)


def hang_up(server: RunningServer) -> None:
    os.kill(server.supervisor_pid(), signal.SIGHUP)


def command(server: RunningServer) -> None:
    """Tell it as people do, by its data folder."""
    folder = Path(f"/proc/{server.supervisor_pid()}/cwd").resolve()
    told = subprocess.run(
        [sys.executable, "-m", "slipstream", "reload", "--data-dir", str(folder)],
        capture_output=True,
        check=True,
        text=True,
    )
    assert str(server.supervisor_pid()) in told.stdout


def reload(server: RunningServer) -> tuple[int, Any]:
    """Status and body of the API's answer."""
    request = urllib.request.Request(
        f"http://{server.host}:{server.http_port}/api/v1/config/reload",
        method="POST",
        headers={"Authorization": f"Bearer {server.token}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def in_force(server: RunningServer) -> Any:
    return server.api("config")["settings"]


def test_a_limit_is_in_force_and_those_who_are_there_stay(
    server: RunningServer, stream: str
) -> None:
    with on_air(server, stream) as station, RtmpClient.playing(server.play_url(stream)) as viewer:
        viewer.take(len(CONFIGS) + len(gop(0)))
        write(server, SETTINGS + "max_viewers = 2\n")
        hang_up(server)
        server.wait_for_log(r"config\.applied .*changed=streams\.max_viewers")
        wait_until(lambda: in_force(server)["streams"]["max_viewers"] == 2, "the new limit")
        with RtmpClient.playing(server.play_url(stream)) as third:
            assert third.wait_for(Ended)
        station.send(*gop(GOP_MS))
        viewer.take(len(gop(GOP_MS)))
        write(server, SETTINGS)
        assert reload(server) == (200, {"changed": ["streams.max_viewers"], "pending": []})
        with RtmpClient.playing(server.play_url(stream)) as third:
            assert third.take(len(CONFIGS))
        station.send(*gop(2 * GOP_MS))


def test_a_policy_holds_for_those_who_began_without_one(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server("--workers", "2", settings=SETTINGS)
    wide, fast, modest = f"{stream}-wide", f"{stream}-fast", f"other/{stream[5:]}"
    with ExitStack() as stack:
        publishers = {}
        for name in (wide, fast, modest):
            url = server.publish_url(name)
            publisher = publishers[name] = stack.enter_context(RtmpClient.publishing(url))
            publisher.send(*(CONFIGS if name != fast else CONFIGS[:2]), *gop(0))
            wait_until(lambda name=name: server.stream(name)["publishers"], "that it is on air")
        limits = "[apps.live.access]\nmax_kbps = 1000\nmax_width = 16\n"
        write(server, SETTINGS + limits)
        hang_up(server)
        ended = end_of(publishers[wide])
        assert ended.code == Code.PUBLISH_DENIED
        assert "limit 16xany" in ended.description
        for name in (fast, modest):
            publishers[name].send(*gop(200, filling=100_000), *gop(400, filling=100_000))
        ended = end_of(publishers[fast])
        assert ended.code == Code.PUBLISH_DENIED
        assert "limit 1000 kbit/s" in ended.description
        assert server.stream(modest)["publishers"]


def test_a_mistake_is_refused_whole_and_told_and_nobody_notices(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server("--workers", "2", settings=SETTINGS)
    before = server.api("config")
    with on_air(server, stream) as station:
        write(server, SETTINGS + "max_viewers = 1\n[net]\nmax_pending = 0\nx = 1\n")
        command(server)
        server.wait_for_log(r"config\.refused .*:8: net\.x: unknown key")
        status, problem = reload(server)
        assert status == 422
        assert [(m["line"], m["key"]) for m in problem["mistakes"]] == [
            (7, "net.max_pending"),
            (8, "net.x"),
        ]
        assert server.api("config") == before
        with RtmpClient.playing(server.play_url(stream)) as second:
            assert second.take(len(CONFIGS))
        station.send(*gop(GOP_MS))


def test_what_cannot_change_waits_and_the_rest_is_applied(server: RunningServer) -> None:
    """The addresses are given by flags; the page and the log's level by the file."""
    write(server, SETTINGS + '[page]\nenabled = false\nlist = false\n[log]\nlevel = "warning"\n')
    status, answer = reload(server)
    assert (status, answer["pending"]) == (200, ["page.enabled"])
    assert answer["changed"] == ["page.list", "log.level"]
    assert server.api("config")["pending"] == ["page.enabled"]
    assert in_force(server)["page"] == {"enabled": True, "list": False, "console": True}
    before = server.log()
    with on_air(server, "live/quiet"):
        assert server.log() == before  # lines of the level info are written no more


def test_who_comes_after_a_reload_has_what_is_in_force(open_server: OpenServer) -> None:
    """Workers that are replaced, and the supervisor that comes after a dead one."""
    server = open_server("--workers", "2", settings=SETTINGS, errors=r"worker\.died")
    write(server, SETTINGS + "max_viewers = 7\n")
    assert reload(server)[0] == 200
    write(server, "is = [not TOML\n")
    old = server.worker_pids()
    server.kill_supervisor()
    server.wait_for_log(r"supervisor\.adopted workers=2")
    for pid in old.values():
        os.kill(pid, signal.SIGKILL)

    def all_new() -> bool:
        try:
            return len(server.worker_pids().keys() - old.keys()) == 2
        except OSError:
            return False

    wait_until(all_new, "new workers")
    assert in_force(server)["streams"]["max_viewers"] == 7


def test_one_process_puts_the_environment_over_the_file_and_refuses_mistakes_as_well(
    open_server: OpenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLIPSTREAM_STREAMS__GRACE_S", "7")
    monkeypatch.setenv("SLIPSTREAM_SERVER__WORKERS", "2")
    server = open_server("--workers", "1", settings=SETTINGS)
    assert in_force(server)["server"]["workers"] == 1
    write(server, "[streams]\ngrace_s = 8\nwait_s = 9\n")
    hang_up(server)
    server.wait_for_log(r"config\.applied")
    streams = in_force(server)["streams"]
    assert (streams["grace_s"], streams["wait_s"]) == (7, 9)
    write(server, "[streams\n")
    assert reload(server)[0] == 422
    hang_up(server)
    wait_until(lambda: len(re.findall(REFUSED, server.log())) == 2, "two lines")
    assert in_force(server)["streams"]["wait_s"] == 9
