"""Answers that are kept: players who ask for the same again get the same, at once."""

from __future__ import annotations

import re
import time

from tests.behaviour.conftest import OpenServer
from tests.behaviour.hls_stage import Show
from tests.formats.cmaf_stage import CONFIGS
from tests.formats.cmaf_stage import stream as film
from tests.hls_client import Answer, HlsClient
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer, wait_until


def names(player: HlsClient) -> list[str]:
    """Of one thing of each kind."""
    segment = player.playlist("v0").segments[-1]
    return [segment.uri, segment.parts[0].uri, player.playlist_path("v0"), f"/{player.stream}.m3u8"]


def asked_later(player: HlsClient, name: str, **headers: str) -> tuple[Answer, Answer]:
    """What is answered, and a second or more after that."""
    first = player.get(name, **headers)
    second = int(time.time())
    while int(time.time()) == second:
        time.sleep(0.05)
    return first, player.get(name, **headers)


def dateless(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    headers = {name: text for name, text in answer.headers.items() if name != "date"}
    return answer.status, headers, answer.body


def test_what_is_asked_again_has_been_made_once(player: HlsClient) -> None:
    for name in names(player):
        player.get(name)  # this answer is the one that is kept
        again, later = asked_later(player, name)
        assert later == again  # to the very date


def test_an_answer_that_is_kept_is_the_usual_one(player: HlsClient) -> None:
    for name in names(player):
        for headers in ({}, {"Accept_Encoding": "gzip"}):
            _, kept = asked_later(player, name, **headers)
            usual = player.get(name, If_None_Match='"other"', **headers)
            assert dateless(kept) == dateless(usual)
            assert kept.headers["date"] != usual.headers["date"]


def test_queries_do_not_share_playlists_but_segments(player: HlsClient) -> None:
    segment, _, playlist, _ = names(player)
    assert "?token=1" not in player.get(playlist).text
    assert "?token=1" in player.get(f"{playlist}?token=1").text
    assert "?token=1" not in player.get(playlist).text
    plain, later = asked_later(player, segment)
    assert player.get(f"{segment}?token=1") in (plain, later)


def test_a_playlist_that_has_grown_is_another_one(player: HlsClient, show: Show) -> None:
    before = player.playlist("v0")
    assert player.playlist("v0") == before
    show.until(6_500)
    waited = player.playlist("v0", f"_HLS_msn={before.first + 2}")
    assert waited != before
    assert player.playlist("v0") == waited


def test_who_comes_for_what_is_kept_is_a_viewer(
    server: RunningServer, stream: str, player: HlsClient
) -> None:
    segment, *_ = names(player)
    player.get(segment)
    server.wait_for_viewers(stream, 2)  # and who opened the show
    with HlsClient(server, stream, agent="another") as other:
        assert other.get(segment).body == player.get(segment).body
        server.wait_for_viewers(stream, 3)


def test_what_is_kept_is_not_for_ever(player: HlsClient, show: Show) -> None:
    segment, *_ = names(player)
    player.get(segment)
    kept = player.get(segment)
    first = player.playlist("v0").first
    for number in range(2, 8):
        show.until(2_000 * number + 2_500)
        player.playlist("v0", f"_HLS_msn={first + number}")  # waits until it is there
    again, later = asked_later(player, segment)
    assert later.body == again.body == kept.body
    assert later.headers["date"] != again.headers["date"]


def test_a_wrong_key_for_what_is_kept_is_one_guess(open_server: OpenServer, stream: str) -> None:
    server = open_server(
        "--workers", "1", settings='access.play = "key"\n[streams]\ngrace_s = 60\n'
    )
    key = server.key
    with (
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
        HlsClient(server, stream, source="127.0.0.8") as player,
    ):
        publisher.send(*CONFIGS, *film(100))
        wait_until(lambda: server.stream(stream) is not None, "the stream")
        player.begin(f"/{stream}@v0.m3u8?key={key}")
        server.wait_for_viewers(stream, 1)
        publisher.send(*film(6_000)[len(film(100)) :])
        segment = re.findall(r"^[^#\s]\S*m4s\?key=\S+$", player.answer().text, re.M)[-1]
        for _ in range(2):
            assert player.get(segment).status == 200
        for number in range(4):
            assert player.get(segment.replace(key, f"wrong-{number}")).status == 403
        assert player.get(segment).status == 200  # four wrong ones, and not eight
        assert player.get(segment.replace(key, "wrong")).status == 403
        assert player.get(segment).status == 403
