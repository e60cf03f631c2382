"""RTMPS and HTTPS from outside: the same bytes as without TLS, and whoever does not shake hands."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from cryptography import x509

from slipstream.media import FlvTag, Frame
from slipstream.tls import CertificateFiles
from tests.behaviour.conftest import OpenServer
from tests.behaviour.hls_stage import on_show
from tests.behaviour.judging import judge
from tests.behaviour.pictures import CONFIGS, CONFIGS_AGAIN, GOP_MS, bodies, gop
from tests.behaviour.visits import on_air
from tests.clips import Content, Packet, film_file, read_content
from tests.flv_client import FlvClient
from tests.hls_client import HlsClient
from tests.interop.comparison import compare
from tests.rtmp_client import RtmpClient
from tests.server import PATIENCE_S, RunningServer, running_server, wait_until
from tests.tls.stage import ForeignEnd, make_pair, trusting_anybody
from tests.ws_client import WsClient

ENCRYPTED = """
[server]
rtmps = "127.0.0.1:0"
https = "127.0.0.1:0"

[net]
handshake_s = 1

[streams]
grace_s = 3
wait_s = 5
latency_ceiling_ms = 1000

[log]
level = "debug"
"""
FILLING = 20_000  # bytes a picture: 4 Mbit/s
HALF_OPEN = 60  # connections
ENOUGH = 12  # connections, so that some have come to either worker


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[CertificateFiles]:
    folder = tmp_path_factory.mktemp("tls")
    return [make_pair(folder, "one.test"), make_pair(folder, "two.test")]


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[CertificateFiles]
) -> Iterator[RunningServer]:
    """Two certificates, two workers."""
    folder = tmp_path_factory.mktemp("server")
    with running_server(folder, "--workers", "2", settings=settings_with(*pairs)) as server:
        yield server


def settings_with(*pairs: CertificateFiles) -> str:
    listed = ", ".join(
        f'{{ certificate = "{pair.certificate}", key = "{pair.key}" }}' for pair in pairs
    )
    return f"{ENCRYPTED}\n[tls]\ncertificates = [{listed}]\n"


def rtmps(server: RunningServer, stream: str, *, key: bool = False) -> str:
    query = f"?key={server.key}" if key else ""
    return f"rtmps://{server.host}:{server.rtmps_port}/{stream}{query}"


def client_hello() -> bytes:
    """What a client says first."""
    client = ForeignEnd(trusting_anybody(), "one.test")
    client.hear(b"")
    return client.say()


def is_open(sock: socket.socket) -> bool:
    """Whether the server has something more to say, but for an end."""
    try:
        return bool(sock.recv(4096))
    except ConnectionError:
        return False


def shown(server: RunningServer, port: int, name: str) -> str:
    """The certificate that is shown to who asks for a name."""
    with (
        socket.create_connection((server.host, port), timeout=PATIENCE_S) as plain,
        trusting_anybody().wrap_socket(plain, server_hostname=name) as sock,
    ):
        binary = sock.getpeercert(binary_form=True)
        assert binary is not None
        return ssl.DER_cert_to_PEM_cert(binary)


def test_publishers_and_players_over_tls_send_and_get_the_same(
    server: RunningServer, stream: str
) -> None:
    sent = [*CONFIGS, *gop(0, filling=FILLING), *gop(GOP_MS, filling=FILLING)]
    with ExitStack() as stack:
        players = [
            stack.enter_context(RtmpClient.playing(url))
            for url in (rtmps(server, stream), server.play_url(stream)) * 3
        ]
        publisher = stack.enter_context(RtmpClient.publishing(rtmps(server, stream, key=True)))
        publisher.send(*sent)
        for player in players:
            assert bodies(player.take(len(sent))) == bodies(sent)


def test_who_came_with_tls_is_told(server: RunningServer, stream: str) -> None:
    with ExitStack() as stack:
        publisher = stack.enter_context(RtmpClient.publishing(rtmps(server, stream, key=True)))
        publisher.send(*CONFIGS, *gop(0))
        stack.enter_context(RtmpClient.playing(rtmps(server, stream)))
        stack.enter_context(RtmpClient.playing(server.play_url(stream)))
        stack.enter_context(FlvClient(server, f"/{stream}.flv", tls=True))
        stack.enter_context(FlvClient(server, f"/{stream}.flv"))
        server.wait_for_viewers(stream, 4, started=True)
        told = server.api(f"streams/{stream}?viewers=9")
    assert [one["encrypted"] for one in told["stream"]["publishers"]] == [True]
    seen = sorted((viewer["protocol"], viewer["encrypted"]) for viewer in told["viewers"])
    assert seen == [("http-flv", False), ("http-flv", True), ("rtmp", False), ("rtmp", True)]
    for viewer in told["viewers"]:
        (line,) = re.findall(rf"play\.start .*id={viewer['id']} .*", server.log())
        assert f"encrypted={str(viewer['encrypted']).lower()}" in line.lower()


def test_http_flv_is_the_same_byte_for_byte(server: RunningServer, stream: str) -> None:
    with on_air(server, stream) as station, ExitStack() as stack:
        viewers = [
            stack.enter_context(FlvClient(server, f"/{stream}.flv", tls=tls))
            for tls in (False, True, True, True)
        ]
        over_ws = stack.enter_context(WsClient(server, f"/{stream}.flv", tls=True))
        assert [viewer.status for viewer in viewers] == [200] * 4  # all are there before more comes
        frames = [*gop(GOP_MS, filling=FILLING), *gop(2 * GOP_MS, filling=FILLING)]
        station.send(*frames)
        count = len(CONFIGS) + len(gop(0)) + len(frames)
        plain, *encrypted = [viewer.take(count) for viewer in viewers]
        assert encrypted == [plain] * 3
        assert over_ws.take(count) == plain


def test_hls_the_api_and_the_page_are_the_same_over_https(
    server: RunningServer, stream: str
) -> None:
    with (
        on_show(server, stream),
        HlsClient(server, stream) as plain,
        HlsClient(server, stream, tls=True) as player,
    ):
        paths = [f"/{stream}.m3u8", "/", plain.playlist_path("v0")]
        paths += [plain.path(segment.uri) for segment in plain.playlist("v0").segments]
        for path in paths:
            wanted = plain.get(path)
            assert wanted.status == 200
            for _ in range(3):  # some answers are kept, and sent another way from then on
                assert player.get(path).body == wanted.body
        answer = player.get("/api/v1/streams", Authorization=f"Bearer {server.token}")
        assert stream in answer.text


def test_a_publisher_s_connection_is_served_by_the_home_of_its_stream(
    server: RunningServer, stream: str
) -> None:
    with RtmpClient.playing(rtmps(server, stream)) as viewer, ExitStack() as stack:
        came = 0
        while came < ENOUGH or not re.search(rf"{stream}.*\n(.*\n)*?.*rtmp\.move", server.log()):
            assert came < 20 * ENOUGH, "all came to the same worker"
            publisher = stack.enter_context(RtmpClient.publishing(rtmps(server, stream, key=True)))
            sent = gop(0, filling=came + 10_000)
            publisher.send(*CONFIGS, *sent)
            assert bodies(viewer.take(len(CONFIGS) + len(sent))) == bodies([*CONFIGS, *sent])
            came += 1
        assert viewer.ended is None
        (on_air_now,) = [p for p in server.stream(stream)["publishers"] if p["state"] == "on air"]
        assert (on_air_now["address"], on_air_now["encrypted"]) == ("127.0.0.1", True)
    wait_until(lambda: server.stream(stream) is None, "the end of all that was published")


def test_ffmpeg_publishes_and_plays(server: RunningServer, stream: str, tmp_path: Path) -> None:
    film = film_file(tmp_path, "h264-aac")
    ffmpeg = [sys.executable, "-m", "tests.pyav_client"]
    sent, received = tmp_path / "sent.flv", tmp_path / "received.json"
    with subprocess.Popen([*ffmpeg, "watch", rtmps(server, stream), str(received)]) as watcher:
        server.wait_for_viewers(stream, 1)
        subprocess.run(
            [*ffmpeg, "publish", str(film), rtmps(server, stream, key=True), str(sent)],
            check=True,
            timeout=60,
        )
        assert watcher.wait(60) == 0
    packets, configs = json.loads(received.read_text())
    compare(Content([Packet(*packet) for packet in packets], configs), read_content(sent))


def test_the_certificate_of_the_name_is_shown(
    server: RunningServer, pairs: list[CertificateFiles]
) -> None:
    for name, pair in zip(("one.test", "two.test", "other.test"), (*pairs, pairs[0]), strict=True):
        for port in (server.rtmps_port, server.https_port):
            assert shown(server, port, name) == pair.certificate.read_text()


def test_metrics_tell_when_the_first_certificate_ends(server: RunningServer) -> None:
    name = "slipstream_certificate_expires_timestamp_seconds"
    ours = shown(server, server.https_port, "x").encode()
    until = x509.load_pem_x509_certificate(ours).not_valid_after_utc.timestamp()
    ends = [float(end) for end in re.findall(rf"^{name}{{.*}} (\S+)$", server.metrics(), re.M)]
    assert ends
    assert min(ends) == pytest.approx(until, abs=1)


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_old_versions_are_refused(server: RunningServer, version: str) -> None:
    context = trusting_anybody()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    for port in (server.rtmps_port, server.https_port):
        with (
            socket.create_connection((server.host, port), timeout=PATIENCE_S) as sock,
            pytest.raises(ssl.SSLError, match="alert protocol version"),
        ):
            context.wrap_socket(sock)


@pytest.mark.parametrize(
    "said", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x03" + bytes(1536), b"\x16\x03\x01\x02"]
)
def test_who_shakes_no_hands_is_closed_and_others_do_not_notice(
    server: RunningServer, stream: str, said: bytes
) -> None:
    with on_air(server, stream) as station, ExitStack() as stack:
        for port in (server.rtmps_port, server.https_port):
            sock = stack.enter_context(socket.create_connection((server.host, port), timeout=5))
            sock.sendall(said)
            try:
                while sock.recv(4096):
                    pass
            except ConnectionError:
                pass
        station.send(*gop(GOP_MS))


def test_half_open_handshakes_keep_nobody_out(server: RunningServer, stream: str) -> None:
    with on_air(server, stream) as station, ExitStack() as stack:
        port = server.rtmps_port
        idle = [
            stack.enter_context(socket.create_connection((server.host, port), timeout=PATIENCE_S))
            for _ in range(HALF_OPEN)
        ]
        hello = client_hello()
        with RtmpClient.playing(rtmps(server, stream)) as player:
            assert len(player.take(len(CONFIGS))) == len(CONFIGS)
        for at in range(len(hello)):
            try:
                for sock in idle[: HALF_OPEN // 2]:  # the others say nothing at all
                    sock.sendall(hello[at : at + 1])
            except ConnectionError:
                break
            station.send(*gop((at + 1) * GOP_MS))
            time.sleep(0.05)
        else:
            pytest.fail("a handshake may last as long as it wants")
        for sock in idle:
            while is_open(sock):
                pass
    wait_until(lambda: server.metric("connections_pending") == 0, "the end of all of them")


def test_a_slow_viewer_skips_over_tls_as_without(server: RunningServer, stream: str) -> None:
    sent = [*CONFIGS, *gop(0)]
    with (
        on_air(server, stream) as station,
        FlvClient(server, f"/{stream}.flv", tls=True, receive_buffer=16 << 10) as slow,
    ):
        came: list[FlvTag] = slow.take(len(CONFIGS) + len(gop(0)))
        started = time.monotonic()
        for number in range(1, 25):
            frames = gop(number * GOP_MS, filling=FILLING)
            time.sleep(max(started + number * GOP_MS / 1000 - time.monotonic(), 0))
            station.send(*frames)
            sent += frames
            if number % 4 == 0:
                came += slow.take(8)
        (viewer,) = [
            v
            for v in server.api(f"streams/{stream}?viewers=9")["viewers"]
            if "flv" in v["protocol"]
        ]
        assert viewer["dropped_frames"] or viewer["jumps"]
        came += slow.take_what_is_there()
    got = judge([tag.body for tag in came][len(CONFIGS) :], sent, CONFIGS_AGAIN)
    assert got.missing or got.jumps


def test_a_certificate_is_replaced_and_nobody_is_dropped(
    open_server: OpenServer, tmp_path: Path, stream: str
) -> None:
    pair = make_pair(tmp_path, "old.test", stem="own")
    server = open_server("--workers", "2", settings=settings_with(pair))
    old = pair.certificate.read_text()
    with (
        RtmpClient.publishing(rtmps(server, stream, key=True)) as publisher,
        ExitStack() as stack,
    ):
        players = [stack.enter_context(RtmpClient.playing(rtmps(server, stream))) for _ in range(8)]
        viewers = [
            stack.enter_context(FlvClient(server, f"/{stream}.flv", tls=True)) for _ in range(8)
        ]
        number = 0

        def go_on(*frames: Frame) -> None:
            publisher.send(*frames)
            for player in players:
                assert bodies(player.take(len(frames))) == bodies(frames)
            for viewer in viewers:
                assert [tag.body for tag in viewer.take(len(frames))] == bodies(frames)

        go_on(*CONFIGS, *gop(0))
        pair.certificate.write_text("not yet written")
        while server.log().count("tls.refused") < 2:
            number += 1
            go_on(*gop(number * GOP_MS, filling=FILLING))
        assert shown(server, server.rtmps_port, "x") == old
        make_pair(tmp_path, "new.test", stem="own")
        while server.log().count("tls.loaded") < 4:
            number += 1
            go_on(*gop(number * GOP_MS, filling=FILLING))
        for _ in range(ENOUGH):
            assert shown(server, server.https_port, "x") == pair.certificate.read_text() != old
        number += 1
        go_on(*gop(number * GOP_MS))


def test_auto_serves_with_a_certificate_of_its_own_making(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server("--workers", "1", "--tls", "auto", settings=ENCRYPTED)
    with on_air(server, stream), RtmpClient.playing(rtmps(server, stream)) as player:
        assert len(player.take(len(CONFIGS))) == len(CONFIGS)
        certificate = shown(server, server.https_port, "localhost")
        trusting = ssl.create_default_context(cadata=certificate)
        with (
            socket.create_connection((server.host, server.https_port)) as plain,
            trusting.wrap_socket(plain, server_hostname="127.0.0.1") as sock,
        ):
            assert sock.version() == "TLSv1.3"


def test_tls_is_there_after_a_replacement_and_connections_stay(
    server: RunningServer, stream: str
) -> None:
    with (
        RtmpClient.publishing(rtmps(server, stream, key=True)) as publisher,
        RtmpClient.playing(rtmps(server, stream)) as player,
    ):
        publisher.send(*CONFIGS, *gop(0))
        player.take(len(CONFIGS) + len(gop(0)))
        os.kill(server.supervisor_pid(), signal.SIGUSR2)
        times = count(GOP_MS, GOP_MS)
        while "server.replaced" not in server.log():
            frames = gop(next(times))
            publisher.send(*frames)
            assert bodies(player.take(len(frames))) == bodies(frames)
            time.sleep(GOP_MS / 1000)
        with RtmpClient.playing(rtmps(server, stream)) as newcomer:
            frames = gop(next(times))
            publisher.send(*frames)
            assert len(newcomer.take(len(CONFIGS))) == len(CONFIGS)
            assert bodies(player.take(len(frames))) == bodies(frames)
