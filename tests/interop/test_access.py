"""librtmp where credentials are asked for: rtmpsink publishes, rtmpdump plays."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import time

import pytest

from slipstream.access import Action, Store, StreamKeys, Users
from slipstream.access.signed import signed_query
from tests.interop.clients import GSTREAMER
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer, running_server

pytestmark = pytest.mark.interop

FILM = Path(__file__).parent.parent / "captures" / "h264-aac.flv"
SETTINGS = """
[apps.live]
access.play = "signed"

[apps.users.access]
publish = "user"
user_scheme = "llnw"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("access")


@pytest.fixture(scope="module")
def guarded(folder: Path) -> Iterator[RunningServer]:
    with running_server(folder, settings=SETTINGS) as server:
        Users(Store(folder)).put("ann", "secret")
        yield server


def publish(location: str) -> None:
    source = f"filesrc location={FILM} blocksize={FILM.stat().st_size}"
    command = [*GSTREAMER, *source.split(), "!", "rtmpsink", f"location={location}"]
    subprocess.run(command, capture_output=True, timeout=60, check=False)


def test_rtmpsink_with_a_stream_key(guarded: RunningServer, folder: Path) -> None:
    _, key = StreamKeys(Store(folder)).add("live", "gst")
    publish(f"{guarded.play_url('live/gst')}?key={key}")
    guarded.wait_for_log("publish.start .*stream=live/gst")
    publish(f"{guarded.play_url('live/gst2')}?key={key}")
    guarded.wait_for_log('publish.refused .*is for another stream" stream=live/gst2')


def test_rtmpsink_with_user_and_password(guarded: RunningServer) -> None:
    # In Limelight's way: in Adobe's, librtmp 2.4+20151223 writes beyond its own buffers.
    url = guarded.play_url("users/gst")
    publish(f"{url} pubUser=ann pubPasswd=secret")
    guarded.wait_for_log("publish.start .*stream=users/gst")
    publish(f"{url} pubUser=ann pubPasswd=guess")
    guarded.wait_for_log("connect.refused .*app=users")


def test_rtmpdump_with_a_signed_url(guarded: RunningServer, folder: Path, tmp_path: Path) -> None:
    key = (folder / "signing.key").read_text().strip()
    good = signed_query(key, Action.PLAY, "live/dump", int(time()) + 60)
    file = tmp_path / "dump.flv"

    def dump(query: str) -> int:
        url = f"{guarded.play_url('live/dump')}?{query}"
        command = ["rtmpdump", "-q", "-r", url, "-o", str(file), "--stop", "1"]
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode

    with RtmpClient.publishing(guarded.publish_url("live/dump")) as publisher:
        publisher.send_file(FILM)
        assert dump(good) == 0
        assert file.stat().st_size > 1000
        assert dump(good[:-4] + "AAAA") != 0
    guarded.wait_for_log('play.refused .*reason="wrong signature.*stream=live/dump')
