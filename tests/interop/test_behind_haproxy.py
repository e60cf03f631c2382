"""The guide's HAProxy configuration, as it stands in the guide, before the server."""

from __future__ import annotations

import copy
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.nginx import free_port
from tests.raw_client import RawClient
from tests.server import RunningServer, wait_until

pytestmark = pytest.mark.interop

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "haproxy.md"


@pytest.fixture(scope="module", params=["send-proxy", "send-proxy-v2"])
def proxied(
    request: pytest.FixtureRequest, server: RunningServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """The server, as it is reached through HAProxy."""
    (configuration,) = re.findall(r"```haproxy\n(.*?)```", GUIDE.read_text(), re.S)
    seen = copy.copy(server)
    seen.rtmp_port, seen.http_port = free_port(), free_port()
    for example, ours in {
        "bind :1935": f"bind 127.0.0.1:{seen.rtmp_port}",
        "bind :80": f"bind 127.0.0.1:{seen.http_port}",
        "10.0.0.5:1935": f"{server.host}:{server.rtmp_port}",
        "10.0.0.5:8080": f"{server.host}:{server.http_port}",
        "send-proxy-v2": request.param,
    }.items():
        assert example in configuration
        configuration = configuration.replace(example, ours)
    file = tmp_path_factory.mktemp("haproxy") / "haproxy.cfg"
    file.write_text(configuration)
    with subprocess.Popen(["haproxy", "-db", "-f", str(file)]) as process:
        try:
            wait_until(lambda: _listens(seen.http_port), "the start of HAProxy")
            yield seen
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_who_speaks_rtmp_is_known_by_the_own_address(
    proxied: RunningServer, request: pytest.FixtureRequest
) -> None:
    source = f"127.0.1.{len(request.node.name) % 200 + 1}"
    with RawClient(proxied, source=source) as client:
        client.connect()
        proxied.wait_for_log(rf"rtmp\.open .*address={re.escape(source)}\b")


def test_who_asks_over_http_is_known_by_the_own_address(
    proxied: RunningServer, request: pytest.FixtureRequest
) -> None:
    source = f"127.0.2.{len(request.node.name) % 200 + 1}"
    url = f"http://{proxied.host}:{proxied.http_port}/api/v1/streams"
    wrong = ["-H", "Authorization: Bearer wrong", "-H", "X-Forwarded-For: 192.0.2.77"]
    subprocess.run(
        ["curl", "-sS", "--interface", source, *wrong, url], check=True, capture_output=True
    )
    proxied.wait_for_log(rf"api\.refused .*address={re.escape(source)}\b")
    assert "192.0.2.77" not in proxied.log()
