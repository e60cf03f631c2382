"""Relays over RTMPS: there and back again, if the other server is who it should be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from slipstream.tls import CertificateFiles
from slipstream.tls.self_signed import make_self_signed
from tests.behaviour.pictures import CONFIGS, GOP_MS, bodies, gop
from tests.relays.operator import add, connection, wait_for_state
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer, running_server, wait_until

NEAR = '[relays]\nallowed_hosts = ["127.0.0.1"]\nmax_retry_s = 0.2\n'


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> CertificateFiles:
    return make_self_signed(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def far(
    tmp_path_factory: pytest.TempPathFactory, files: CertificateFiles
) -> Iterator[RunningServer]:
    certificate = f'{{ certificate = "{files.certificate}", key = "{files.key}" }}'
    settings = (
        '[server]\nrtmps = "127.0.0.1:0"\n[access]\npublish = "anonymous"\n'
        f"[tls]\ncertificates = [{certificate}]\n"
    )
    folder = tmp_path_factory.mktemp("far")
    with running_server(folder, "--workers", "1", settings=settings) as server:
        yield server


def test_a_stream_goes_to_another_server_and_comes_back_the_same(
    far: RunningServer,
    files: CertificateFiles,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(files.certificate))
    url = f"rtmps://127.0.0.1:{far.rtmps_port}/live/there"
    first, more = (*CONFIGS, *gop(0)), gop(GOP_MS, filling=90_000)
    with (
        running_server(tmp_path, settings=NEAR) as near,
        RtmpClient.playing(near.play_url("live/back")) as viewer,
        RtmpClient.publishing(near.publish_url("live/out")) as publisher,
    ):
        push = add(near, "push", "live/out", url)
        pull = add(near, "pull", "live/back", url)
        publisher.send(*first)
        assert bodies(viewer.take(len(first)))[-10:] == bodies(gop(0))
        publisher.send(*more)
        assert bodies(viewer.take(len(more))) == bodies(more)
        for relay in (push, pull):
            wait_for_state(near, relay, "running")


def test_a_server_that_nobody_vouches_for_gets_nothing(far: RunningServer, tmp_path: Path) -> None:
    with running_server(tmp_path, "--workers", "1", settings=NEAR) as near:
        relay = add(near, "pull", "live/a", f"rtmps://127.0.0.1:{far.rtmps_port}/live/a")
        wait_until(lambda: connection(near, relay).get("error"), "the refusal")
        assert "certificate is not trusted" in connection(near, relay)["error"]
