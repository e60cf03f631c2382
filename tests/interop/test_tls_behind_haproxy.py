"""TLS with HAProxy before it: passed through as it comes, or ended there."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.behaviour.pictures import CONFIGS, bodies, gop
from tests.interop.nginx import free_port
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer, running_server, wait_until
from tests.tls.stage import make_pair, trusting_anybody

pytestmark = pytest.mark.interop

SETTINGS = """
[server]
rtmps = "127.0.0.1:0"
https = "127.0.0.1:0"
[tls]
certificates = "auto"
[net]
trusted_proxies = ["127.0.0.1"]
"""
CONFIGURATION = """
defaults
    mode tcp
    timeout connect 5s
    timeout client  60s
    timeout server  60s
"""
LISTEN = """
listen to{port}
    bind 127.0.0.1:{port} {ends}
    server slipstream 127.0.0.1:{to} {header}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("server")
    with running_server(folder, "--workers", "2", settings=SETTINGS) as server:
        yield server


class Proxy:
    """HAProxy; each port has a way behind it."""

    def __init__(self, server: RunningServer, folder: Path) -> None:
        pair = make_pair(folder, "proxy.test")
        both = folder / "both.pem"
        both.write_bytes(pair.certificate.read_bytes() + pair.key.read_bytes())
        self.ports: dict[tuple[str, str, str], int] = {}
        text = CONFIGURATION
        for header in ("send-proxy", "send-proxy-v2"):
            for scheme, own, plain in (
                ("rtmps", server.rtmps_port, server.rtmp_port),
                ("https", server.https_port, server.http_port),
            ):
                for way, ends, to in (("through", "", own), ("ended", f"ssl crt {both}", plain)):
                    port = self.ports[scheme, way, header] = free_port()
                    text += LISTEN.format(port=port, ends=ends, to=to, header=header)
        self.file = folder / "haproxy.cfg"
        self.file.write_text(text)


@pytest.fixture(scope="module")
def proxy(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    proxy = Proxy(server, tmp_path_factory.mktemp("haproxy"))
    with subprocess.Popen(["haproxy", "-db", "-f", str(proxy.file)]) as process:
        try:
            for port in proxy.ports.values():
                wait_until(lambda port=port: listens(port), "the start of HAProxy")
            yield proxy
        finally:
            process.terminate()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


ways = pytest.mark.parametrize("way", ["through", "ended"])
headers = pytest.mark.parametrize("header", ["send-proxy", "send-proxy-v2"])


@ways
@headers
def test_publishers_and_players_are_known_by_their_own_addresses(
    server: RunningServer, proxy: Proxy, way: str, header: str
) -> None:
    stream = f"live/{way}-{header}"
    url = f"rtmps://127.0.0.1:{proxy.ports['rtmps', way, header]}/{stream}"
    with (
        RtmpClient.publishing(f"{url}?key={server.key}", source="127.0.3.1") as publisher,
        RtmpClient.playing(url, source="127.0.3.2") as player,
    ):
        frames = [*CONFIGS, *gop(0)]
        publisher.send(*frames)
        assert bodies(player.take(len(frames))) == bodies(frames)
        told = server.api(f"streams/{stream}?viewers=9")
    ((publishes,), (plays,)) = told["stream"]["publishers"], told["viewers"]
    assert (publishes["address"], plays["address"]) == ("127.0.3.1", "127.0.3.2")
    assert publishes["encrypted"] == plays["encrypted"] == (way == "through")


@ways
@headers
def test_who_asks_over_https_is_known_by_the_own_address(
    server: RunningServer, proxy: Proxy, way: str, header: str
) -> None:
    source = f"127.0.4.{1 + len(way) * 20 + len(header)}"
    url = f"https://127.0.0.1:{proxy.ports['https', way, header]}/api/v1/streams"
    lies = ["-H", "Authorization: Bearer wrong", "-H", "X-Forwarded-For: 192.0.2.77"]
    subprocess.run(
        ["curl", "-ksS", "--interface", source, *lies, url], check=True, capture_output=True
    )
    server.wait_for_log(rf"api\.refused .*address={re.escape(source)}\b")
    assert "192.0.2.77" not in server.log()


def test_other_proxies_are_trusted_after_a_reload(tmp_path: Path) -> None:
    with running_server(tmp_path, "--workers", "2", settings=SETTINGS) as server:
        header = b"PROXY TCP4 192.0.2.9 127.0.0.1 1000 1936\r\n"

        def is_believed() -> bool:
            with socket.create_connection(("127.0.0.1", server.rtmps_port), timeout=10) as plain:
                plain.sendall(header)
                try:
                    trusting_anybody().wrap_socket(plain).close()
                except OSError:
                    return False
            return True

        def reload(trusted: str) -> None:
            loaded = server.log().count("config.applied")
            (tmp_path / "slipstream.toml").write_text(SETTINGS.replace('127.0.0.1"]', trusted))
            os.kill(server.supervisor_pid(), signal.SIGHUP)
            wait_until(lambda: server.log().count("config.applied") > loaded, "a reload")

        assert is_believed()
        reload('192.0.2.1"]')
        wait_until(lambda: not is_believed(), "the end of the trust")
        reload('127.0.0.0/8"]')
        wait_until(is_believed, "trust again")
