"""What holds while somebody publishes or plays, once they have been let in: for all workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from time import time

import jwt
import pytest

from tests.behaviour.visits import end_of
from tests.flv_client import FlvClient
from tests.formats.cmaf_stage import CONFIGS
from tests.formats.cmaf_stage import stream as film
from tests.hls_client import HlsClient
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer, running_server

SETTINGS = """
[streams]
grace_s = 1
wait_s = 2
always = ["cmaf"]

[apps.token.access]
publish = "token"
"""
HOUR_S = 3600
ENOUGH = 12  # connections, so that both workers have some

Made = Callable[..., str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lasting")


@pytest.fixture(scope="module")
def crew(folder: Path) -> Iterator[RunningServer]:
    with running_server(folder, "--workers", "2", settings=SETTINGS) as server:
        yield server


@pytest.fixture
def token(crew: RunningServer, folder: Path) -> Made:
    """Makes the query of a token for publishing, if not told otherwise."""
    signing_key = (folder / "signing.key").read_text().strip()

    def made(**others: object) -> str:
        said = {"exp": time() + HOUR_S, "action": "publish", "app": "token", "name": "*"}
        return f"token={jwt.encode(said | others, signing_key, algorithm='HS256')}"

    return made


def test_a_tokens_limit_of_viewers_holds_in_all_workers_and_formats(
    crew: RunningServer, token: Made
) -> None:
    stream = "token/few"
    with ExitStack() as stack:
        url = f"{crew.play_url(stream)}?{token(policy={'max_viewers': 3})}"
        publisher = stack.enter_context(RtmpClient.publishing(url))
        publisher.send(*CONFIGS, *film(6_000))
        player = stack.enter_context(RtmpClient.playing(crew.play_url(stream)))
        player.take(1)
        hls = stack.enter_context(HlsClient(crew, stream, source="127.0.0.31"))
        assert hls.get(f"/{stream}.m3u8").status == 200
        flv = stack.enter_context(FlvClient(crew, f"/{stream}.flv"))
        assert flv.status == 200
        for number in range(ENOUGH):
            late = stack.enter_context(RtmpClient.playing(crew.play_url(stream)))
            assert end_of(late).code == "NetStream.Play.Failed"
            source = f"127.0.0.{40 + number}"
            late_hls = stack.enter_context(HlsClient(crew, stream, source=source))
            assert late_hls.get(f"/{stream}.m3u8").status == 503
        player.leave()
        crew.wait_for_viewers(stream, 2)
        stack.enter_context(RtmpClient.playing(crew.play_url(stream))).take(1)
