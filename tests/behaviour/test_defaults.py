"""A server that was started with one command and no configuration: what it lets whom do.

Only its ports are others than usual, so that it can run beside another one.
"""

from __future__ import annotations

import ast
import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import slipstream
from slipstream.rtmp import Code
from tests.behaviour.pictures import CONFIGS, gop
from tests.behaviour.visits import refusal
from tests.flv_client import FlvClient
from tests.hls_client import Answer, HlsClient
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer, wait_until

STREAM = "live/plain"
ELSEWHERE = "https://elsewhere.example"
LISTENING = "0A"  # in /proc/net/tcp
EVERYWHERE = {"00000000", "0" * 32}

# Without a token: whether it runs, and what the page shows to everybody.
OPEN = [
    *("/health/live", "/health/ready"),
    *("/", f"/watch/{STREAM}", f"/embed/{STREAM}", "/console", "/page/licences.txt"),
    *("/page/streams.json", f"/page/stream/{STREAM}.json"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def data(home: Path) -> Path:
    return home / ".local" / "state" / "slipstream"


@pytest.fixture(scope="module")
def plain(home: Path, data: Path) -> Iterator[RunningServer]:
    log = home / "output.log"
    environment = {
        name: value
        for name, value in os.environ.items()
        if name != "XDG_STATE_HOME" and not name.startswith("SLIPSTREAM_")
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "slipstream", "serve", "--rtmp=:0", "--http=:0"],
            cwd=home,
            env={**environment, "HOME": str(home)},
            stdout=output,
            stderr=output,
        )
    try:
        yield RunningServer(process, data, log)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0


@pytest.fixture
def on_air(plain: RunningServer) -> Iterator[RtmpClient]:
    """Who publishes with the key of the first start."""
    with RtmpClient.publishing(plain.publish_url(STREAM)) as publisher:
        publisher.send(*CONFIGS, *gop(0))
        wait_until(lambda: plain.stream(STREAM)["publishers"], "that it is on air")
        yield publisher


def ask(server: RunningServer, path: str, method: str = "GET", **headers: str) -> Answer:
    with HlsClient(server, STREAM) as client:
        return client.begin(path, method=method, **headers).answer()


def places(port: int) -> set[str]:
    """The addresses at which something listens on a port, as the kernel writes them."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, place, _, state, *_ = line.split()
            address, _, number = place.partition(":")
            if state == LISTENING and int(number, 16) == port:
                found.add(address)
    return found


def test_the_configuration_in_force(plain: RunningServer, data: Path) -> None:
    in_force = plain.api("config")
    assert (in_force["pending"], in_force["settings"]["apps"]) == ([], {})
    settings = in_force["settings"]
    assert settings["server"]["data_dir"] == str(data)
    assert settings["server"]["open_metrics"] is False
    access = settings["access"]
    assert (access["publish"], access["play"]) == ("key", "open")
    rules = ("publish_allow", "publish_deny", "play_allow", "play_deny", "referers", "origins")
    assert not any(access[name] for name in rules)
    assert settings["net"]["trusted_proxies"] == []
    assert settings["net"]["allowed_origins"] == ["*"]
    net = {name: settings["net"][name] for name in ("handshake_s", "connect_s", "request_s")}
    assert net == {"handshake_s": 5, "connect_s": 5, "request_s": 10}
    assert (settings["net"]["max_pending"], settings["net"]["max_pending_per_address"]) == (512, 32)
    assert settings["streams"]["idle_s"] == 10
    assert settings["streams"]["latency_ceiling_ms"] == 3000
    assert settings["streams"]["stall_s"] == 15
    assert settings["relays"] == settings["relays"] | {"push": [], "pull": [], "allowed_hosts": []}
    hooks = settings["hooks"]
    assert (hooks["url"], hooks["urls"], hooks["commands"]) == ("", {}, {})
    assert (hooks["ask_default"], hooks["ask_timeout_s"]) == ("deny", 3)


def test_it_listens_on_all_addresses(plain: RunningServer) -> None:
    for port in (plain.rtmp_port, plain.http_port):
        found = places(port)
        assert found
        assert found <= EVERYWHERE


def test_the_first_start_makes_secrets_for_its_owner_alone(
    plain: RunningServer, data: Path
) -> None:
    for name in ("publish.key", "api.token", "signing.key"):
        path = data / name
        assert re.fullmatch("[0-9a-f]{32}\n", path.read_text())  # 128 bits
        assert path.stat().st_mode & 0o777 == 0o600
    assert data.stat().st_mode & 0o777 == 0o700
    secrets = {(data / name).read_text() for name in ("publish.key", "api.token", "signing.key")}
    assert len(secrets) == 3


def test_it_prints_what_to_paste_and_which_page_to_open(plain: RunningServer) -> None:
    said = plain.log()
    assert re.search(rf"server +rtmp://\S+:{plain.rtmp_port}/live\n", said)
    assert re.search(rf"stream key +NAME\?key={plain.key}\n", said)
    assert re.search(rf"Page +http://\S+:{plain.http_port}/\n", said)
    assert plain.token not in said


def test_publishing_needs_the_key_and_playing_nothing(
    plain: RunningServer, on_air: RtmpClient
) -> None:
    for app in ("live", "any.other-app"):
        assert refusal(plain.play_url(f"{app}/a")).code == Code.PUBLISH_BAD_NAME
    with RtmpClient.playing(plain.play_url(STREAM)) as player:
        player.take(1)
    with FlvClient(plain, f"/{STREAM}.flv") as viewer:
        viewer.take(1)
    assert on_air.ended is None


def test_the_api_needs_the_token_for_all_but_health_and_what_the_page_shows(
    plain: RunningServer, on_air: RtmpClient
) -> None:
    document: dict[str, Any] = plain.api("openapi.json")
    asked = 0
    for path, methods in document["paths"].items():
        for method in methods:
            place = re.sub(r"\{\w+\}", "x", path)
            status = ask(plain, place, method.upper()).status
            assert (status == 401) is (place not in OPEN), f"{method} {place}: {status}"
            asked += 1
    assert asked > 25
    for place in OPEN:
        assert ask(plain, place).status == 200
    assert ask(plain, "/metrics").status == 401
    assert ask(plain, "/api/v1/none").status == 401
    assert on_air.ended is None


def test_pages_of_other_sites_get_media_and_nothing_of_the_api(
    plain: RunningServer, on_air: RtmpClient
) -> None:
    for extension in ("flv", "ts", "mp4"):
        with FlvClient(plain, f"/{STREAM}.{extension}", method="HEAD") as viewer:
            assert viewer.headers["access-control-allow-origin"] == "*"
            assert "access-control-allow-credentials" not in viewer.headers
    token = f"Bearer {plain.token}"
    for path in (*OPEN, "/api/v1/server", "/api/v1/config", "/metrics"):
        answer = ask(plain, path, Origin=ELSEWHERE, Authorization=token)
        assert "access-control-allow-origin" not in answer.headers, path
    assert on_air.ended is None


def test_every_answer_says_nosniff_and_none_what_serves_it(
    plain: RunningServer, on_air: RtmpClient
) -> None:
    for path in (*OPEN, "/api/v1/server", "/none", f"/{STREAM}.jpg"):
        headers = ask(plain, path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert "server" not in headers
        assert "x-powered-by" not in headers
        if headers["content-type"].startswith("text/html"):
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe-inline" not in policy
            assert "unsafe-eval" not in policy
    with FlvClient(plain, f"/{STREAM}.flv", method="HEAD") as viewer:
        assert viewer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in viewer.headers
    assert on_air.ended is None


def test_nobody_is_believed_who_says_for_whom_they_speak(
    plain: RunningServer, on_air: RtmpClient
) -> None:
    said = {"X-Forwarded-For": "203.0.113.5", "Forwarded": "for=203.0.113.5", "User-Agent": "liar"}
    connection = http.client.HTTPConnection(plain.host, plain.http_port, timeout=20)
    connection.request("GET", f"/{STREAM}.flv", headers=said)
    with connection.getresponse():
        addresses = {
            viewer["address"] for viewer in plain.api(f"streams/{STREAM}?viewers=10")["viewers"]
        }
    connection.close()
    assert addresses == {"127.0.0.1"}
    with RtmpClient(plain.play_url(STREAM)) as other:  # it has sent nothing yet
        other.socket.sendall(b"PROXY TCP4 203.0.113.5 203.0.113.6 1 2\r\n")
        other.drain()
    assert "203.0.113" not in plain.log()
    assert on_air.ended is None


def test_no_shell_is_ever_started_and_the_api_names_no_program(plain: RunningServer) -> None:
    source = Path(slipstream.__file__).parent
    for path in source.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call):
                continue
            assert not any(word.arg == "shell" for word in call.keywords), path
            name = ast.unparse(call.func)
            assert name not in ("os.system", "os.popen"), path
            assert not name.endswith("create_subprocess_shell"), path
    document = plain.api("openapi.json")
    bodies = [
        body["$ref"].rpartition("/")[2]
        for methods in document["paths"].values()
        for operation in methods.values()
        if "requestBody" in operation
        for body in [operation["requestBody"]["content"]["application/json"]["schema"]]
    ]
    assert bodies
    settable = {
        name for body in bodies for name in document["components"]["schemas"][body]["properties"]
    }
    assert not {name for name in settable if re.search("command|program|exec|path|file", name)}
