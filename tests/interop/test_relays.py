"""Relays with nginx: what is pushed to it, and pulled from it, is the film, whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from slipstream.rtmp import MessageType
from tests.clips import read_content, read_tags
from tests.interop.comparison import compare
from tests.interop.nginx import NAME, relaying
from tests.relays.operator import connection, wait_for_state
from tests.rtmp_client import RtmpClient
from tests.server import running_server, wait_until

pytestmark = pytest.mark.interop

FILM = "h264-aac"
CODED = 1  # AVC NALUs, raw AAC
MEDIA = (MessageType.AUDIO, MessageType.VIDEO)


def settings(kind: str, url: str) -> str:
    relays = f'allowed_hosts = ["127.0.0.1"]\n[[relays.{kind}]]\nstream = "live/{NAME}"'
    return f'[streams]\ngrace_s = 0.5\nidle_s = 1\n[relays]\n{relays}\nurl = "{url}"\n'


def test_nginx_records_what_is_pushed_to_it(film: Callable[[str], Path], tmp_path: Path) -> None:
    record = f"record all; record_path {tmp_path}; record_suffix .flv;"
    with (
        relaying(record, tmp_path) as url,
        running_server(tmp_path / "server", settings=settings("push", url)) as server,
    ):
        with RtmpClient.publishing(server.publish_url(f"live/{NAME}")) as publisher:
            publisher.send_file(film(FILM))
        relay = server.api("relays")["relays"][0]["id"]
        wait_until(lambda: not connection(server, relay), "the end of the push")
    compare(read_content(tmp_path / f"{NAME}.flv"), read_content(film(FILM)))


def test_what_is_pulled_from_nginx_is_what_was_published_there(
    film: Callable[[str], Path], tmp_path: Path
) -> None:
    with (
        relaying("", tmp_path) as url,
        running_server(tmp_path / "server", settings=settings("pull", url)) as server,
    ):
        relay = server.api("relays")["relays"][0]["id"]
        wait_until(lambda: connection(server, relay).get("address"), "the pull's connection")
        with (
            RtmpClient.playing(server.play_url(f"live/{NAME}")) as viewer,
            RtmpClient.publishing(url) as publisher,
        ):
            publisher.send_file(film(FILM))
            wait_for_state(server, relay, "running")
            publisher.leave()
            got = viewer.drain()
    came = coded((message.type_id, message.payload) for message in got)
    sent = coded((tag.type_id, tag.body) for tag in read_tags(film(FILM)))
    assert came[MessageType.VIDEO] == sent[MessageType.VIDEO]
    sounds = sent[MessageType.AUDIO]
    missing = len(sounds) - len(came[MessageType.AUDIO])
    assert came[MessageType.AUDIO] == sounds[missing:]
    assert missing <= 1  # what comes before the first keyframe


def coded(tags: Iterable[tuple[int, bytes]]) -> dict[int, list[bytes]]:
    """Pictures and sounds by kind; configurations and ends nginx sends in its own way."""
    found: dict[int, list[bytes]] = {kind: [] for kind in MEDIA}
    for kind, body in tags:
        if kind in MEDIA and body[1] == CODED:
            found[kind].append(body)
    return found
