"""The guide's nginx configuration, as it stands in the guide, between players and the server."""

from __future__ import annotations

import asyncio
import re
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tests.interop.nginx import free_port, serving
from tests.server import RunningServer, wait_until

pytestmark = pytest.mark.interop

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "nginx.md"
NEEDED_BYTES = 20_000


@pytest.fixture(scope="module")
def site(
    server: RunningServer, film: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Where nginx has the server, with a stream on air."""
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    key, certificate = folder / "site.key", folder / "site.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", "-x509", *made, *subject], check=True, capture_output=True)
    (configuration,) = re.findall(r"```nginx\n(.*?)```", GUIDE.read_text(), re.S)
    for example, ours in {
        "127.0.0.1:8080": f"{server.host}:{server.http_port}",
        "listen 443": f"listen 127.0.0.1:{port}",
        "example.com;": "localhost;",
        "/etc/ssl/example.com.pem": str(certificate),
        "/etc/ssl/example.com.key": str(key),
    }.items():
        assert example in configuration
        configuration = configuration.replace(example, ours)
    command = ["ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-i", str(film("h264-aac"))]
    target = ["-c", "copy", "-f", "flv", server.publish_url("live/proxied")]
    with ExitStack() as stack:
        stack.enter_context(serving(configuration, folder, port))
        encoder = stack.enter_context(subprocess.Popen([*command, *target]))
        stack.callback(encoder.terminate)
        wait_until(lambda: server.stream("live/proxied"), "the publisher")
        yield f"localhost:{port}/media/live/proxied"


def fetch(site: str, extension: str, *options: str) -> str:
    """What curl says of the answer, and its text."""
    told = ["-w", "\\n%{http_version} %{http_code}"]
    command = ["curl", "-ksS", "--max-time", "30", *told, *options, f"https://{site}{extension}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_playlists_and_what_they_name_come_by_http_2(site: str) -> None:
    playlist = fetch(site, ".m3u8", "--http2")
    assert playlist.endswith("\n2 200")
    (media,) = re.findall(r"^proxied(@v0\.m3u8)$", playlist, re.M)
    text = fetch(site, media, "--http2")
    segments = re.findall(r"^proxied(@v0\.[0-9]+\.m4s)$", text, re.M)
    init, *_ = re.findall(r'URI="proxied(@v0\.[0-9a-f]+\.mp4)"', text)
    for name in (init, segments[-1]):
        assert fetch(site, name, "--http2", "-o", "/dev/null") == "\n2 200"


def test_who_asks_early_is_answered_when_there_is_news(site: str) -> None:
    text = fetch(site, "@v0.m3u8", "--http2")
    number, part = re.findall(r"PRELOAD-HINT:.*@v0\.([0-9]+)\.([0-9]+)\.m4s", text)[0]
    later = fetch(site, f"@v0.m3u8?_HLS_msn={number}&_HLS_part={part}", "--http2")
    assert f"proxied@v0.{number}.{part}.m4s" in later.partition("#EXT-X-PRELOAD-HINT")[0]


@pytest.mark.parametrize("extension", [".flv", ".ts", ".mp4"])
def test_media_without_an_end_come_as_they_are_made(site: str, extension: str) -> None:
    command = ["curl", "-ksSN", "--max-time", "30", f"https://{site}{extension}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert len(process.stdout.read(NEEDED_BYTES)) == NEEDED_BYTES
        process.terminate()


def test_viewers_are_known_by_their_own_addresses(site: str, server: RunningServer) -> None:
    pretended = ["-H", "X-Forwarded-For: 192.0.2.66"]
    root = site.removesuffix("live/proxied")
    wrong = ["-H", "Authorization: Bearer wrong", "--interface", "127.0.0.9"]
    fetch(root, "api/v1/streams", *pretended, *wrong)
    server.wait_for_log(r"api\.refused .*address=127\.0\.0\.9\b")
    assert "192.0.2.66" not in server.log()


def test_web_sockets_pass(site: str) -> None:
    async def watch() -> bytes:
        unchecked = ssl.create_default_context()
        unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
        async with connect(f"wss://{site}.flv", ssl=unchecked) as socket:
            return bytes(await socket.recv(decode=False))

    assert asyncio.run(watch()).startswith(b"FLV")
