"""Who may publish: the key, wrong keys, guessing, names."""

from __future__ import annotations

import pytest

from slipstream.rtmp import Code
from tests.behaviour.conftest import OpenServer
from tests.behaviour.pictures import CONFIGS, gop
from tests.behaviour.visits import end_of, refusal
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer

WRONG_KEY = "0123456789abcdef0123456789abcdef"
BAD_NAMES = ("live/..", "live/../../etc", "live/.hidden", "live/a%2f..", "live/a b", "a/b/c/d/e")


def test_publishing_needs_the_key(server: RunningServer, stream: str) -> None:
    assert refusal(server.play_url(stream)).code == Code.PUBLISH_BAD_NAME
    with RtmpClient.publishing(server.publish_url(stream)):
        (publisher,) = server.stream(stream)["publishers"]
    assert publisher["state"] == "coming"


def test_a_wrong_key_and_no_key_get_the_same_answer(server: RunningServer, stream: str) -> None:
    without = refusal(server.play_url(stream), source="127.0.0.11")
    wrong = refusal(f"{server.play_url(stream)}?key={WRONG_KEY}", source="127.0.0.11")
    assert wrong == without


def test_after_five_wrong_keys_the_right_one_is_refused_too(
    server: RunningServer, stream: str
) -> None:
    for number in range(5):
        refusal(f"{server.play_url(stream)}?key={WRONG_KEY[:-1]}{number}", source="127.0.0.12")
    ended = refusal(server.publish_url(stream), source="127.0.0.12")
    assert ended.code == Code.PUBLISH_BAD_NAME
    assert "too many wrong keys" in server.log()
    with RtmpClient.publishing(server.publish_url(stream)):
        pass  # others are not punished for it


def test_the_key_is_in_no_log(server: RunningServer, stream: str) -> None:
    with RtmpClient.publishing(server.publish_url(stream)) as publisher:
        publisher.send(*CONFIGS, *gop(0))
        publisher.leave()
    server.wait_for_log(f"publish.end .*{stream}")
    lines = server.log().splitlines()
    log = [line for line in lines if line.startswith("20")]  # with the year
    assert server.key in "".join(set(lines) - set(log))
    assert server.key not in "".join(log)


def test_anybody_may_publish_where_the_flag_says_so(open_server: OpenServer, stream: str) -> None:
    server = open_server("--allow-anonymous-publish")
    with RtmpClient.publishing(server.play_url(stream)):
        pass


def test_anybody_may_publish_in_an_application_that_says_so(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server(settings='[apps.school]\naccess.publish = "anonymous"')
    with RtmpClient.publishing(server.play_url("school/lesson")):
        assert refusal(server.play_url(stream)).code == Code.PUBLISH_BAD_NAME


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_could_be_paths_are_refused(server: RunningServer, name: str) -> None:
    ended = refusal(f"{server.play_url(name)}?key={server.key}")
    assert ended.code in (Code.PUBLISH_BAD_NAME, Code.CONNECT_INVALID_APP)


@pytest.mark.parametrize("name", ["live/..", "live/.hidden", "live/a%2f..", "live/a b"])
def test_names_that_could_be_paths_are_not_played(server: RunningServer, name: str) -> None:
    with RtmpClient.playing(server.play_url(name)) as viewer:
        assert end_of(viewer).code == Code.PLAY_STREAM_NOT_FOUND
