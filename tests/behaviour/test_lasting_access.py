"""What holds while somebody publishes or plays, once they have been let in: for all workers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from time import time

import jwt
import pytest

from slipstream.access import Action, Store, StreamKeys, Users
from slipstream.access.signed import signed_query
from slipstream.rtmp import Code
from slipstream.rtmp.challenge import answer_challenge
from tests.behaviour.visits import end_of, refusal
from tests.flv_client import FlvClient
from tests.formats.cmaf_stage import CONFIGS
from tests.formats.cmaf_stage import stream as film
from tests.hls_client import HlsClient
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer, running_server
from tests.ws_client import WsClient

SETTINGS = """
[streams]
grace_s = 1
wait_s = 2
always = ["cmaf"]

[apps.token.access]
publish = "token"
end_when_expired = "publishers"

[apps.played.access]
play = "token"

[apps.hourly.access]
play = "signed"
end_when_expired = "everybody"

[apps.people.access]
publish = "user"
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


def publish(crew: RunningServer, stack: ExitStack, stream: str, query: str) -> RtmpClient:
    """Somebody on air who came with this."""
    url = f"{crew.play_url(stream)}?{query}"
    publisher = stack.enter_context(RtmpClient.publishing(url))
    publisher.send(*CONFIGS, *film(6_000))
    return publisher


def assert_denied(crew: RunningServer, publisher: RtmpClient, stream: str, reason: str) -> None:
    """It is told why it is ended, and so is the log."""
    ended = end_of(publisher)
    assert ended.code == Code.PUBLISH_DENIED
    assert reason in ended.description
    crew.wait_for_log(f'publish.revoked .*stream={stream} reason="{reason}"')


def test_a_stream_key_ends_its_publishers_when_it_is_out_of_use(
    crew: RunningServer, folder: Path
) -> None:
    keys = StreamKeys(Store(folder))
    with ExitStack() as stack:
        other = publish(crew, stack, "live/other", f"key={crew.key}")
        disabled, key = keys.add("live")
        all_with_it = [
            publish(crew, stack, f"live/disabled-{number}", f"key={key}") for number in range(4)
        ]
        keys.disable(disabled.id)
        for number, publisher in enumerate(all_with_it):
            reason = f"key {disabled.id} is disabled"
            assert_denied(crew, publisher, f"live/disabled-{number}", reason)
        removed, key = keys.add("live")
        publisher = publish(crew, stack, "live/removed", f"key={key}")
        keys.remove(removed.id)
        assert_denied(crew, publisher, "live/removed", "the key was rotated or removed")
        rotated, key = keys.add("live")
        publisher = publish(crew, stack, "live/rotated", f"key={key}")
        keys.rotate(rotated.id, overlap_s=1)
        assert_denied(crew, publisher, "live/rotated", f"key {rotated.id} was rotated")
        assert crew.stream("live/other")["publishers"]
        other.leave()


def test_who_takes_over_with_the_new_key_goes_on_when_the_old_one_ends(
    crew: RunningServer, folder: Path
) -> None:
    keys, stream = StreamKeys(Store(folder)), "live/handed"
    stored, old = keys.add("live")
    with ExitStack() as stack:
        first = publish(crew, stack, stream, f"key={old}")
        _, new = keys.rotate(stored.id, overlap_s=HOUR_S)
        publish(crew, stack, stream, f"key={new}")
        assert end_of(first).code == Code.PUBLISH_BAD_NAME  # taken over
        keys.rotate(stored.id, overlap_s=HOUR_S)
        assert crew.stream(stream)["publishers"]


def test_an_expired_token_ends_its_publisher_and_no_viewer(
    crew: RunningServer, token: Made
) -> None:
    exp = time() + 3
    with ExitStack() as stack:
        publisher = publish(crew, stack, "token/expires", token(exp=exp))
        plays = token(exp=exp, action="play", app="played")
        kept = publish(crew, stack, "played/kept", f"key={crew.key}")
        player = stack.enter_context(RtmpClient.playing(f"{crew.play_url('played/kept')}?{plays}"))
        player.take(1)
        hls = stack.enter_context(HlsClient(crew, "played/kept"))
        assert hls.get(f"/played/kept.m3u8?{plays}").status == 200
        assert_denied(crew, publisher, "token/expires", "the token has expired")
        assert hls.get(f"/played/kept.m3u8?{plays}").status == 403  # each request is asked about
        player.take_for(0.1)
        kept.send(*film(7_000)[len(film(6_000)) :])
        player.take(1)


def test_expired_credentials_end_viewers_where_they_shall(
    crew: RunningServer, folder: Path
) -> None:
    stream, key = "hourly/show", (folder / "signing.key").read_text().strip()
    plays = signed_query(key, Action.PLAY, stream, int(time()) + 3)
    with ExitStack() as stack:
        publish(crew, stack, stream, f"key={crew.key}")
        players = [
            stack.enter_context(RtmpClient.playing(f"{crew.play_url(stream)}?{plays}")),
            stack.enter_context(RtmpClient.playing(f"{crew.play_url(stream)}?{plays}")),
        ]
        flv = stack.enter_context(FlvClient(crew, f"/{stream}.flv?{plays}"))
        for player in players:
            player.take(1)
        flv.take(1)
        for player in players:
            end_of(player)
        flv.drain()  # returns when it has ended
        crew.wait_for_log(f'play.revoked .*stream={stream} reason="the signed URL has expired"')


def test_a_user_who_is_removed_is_ended(crew: RunningServer, folder: Path) -> None:
    users = Users(Store(folder))
    users.put("ann", "secret")
    query = ""
    for _ in range(2):  # who are you, and do you know the password?
        asked = refusal(f"{crew.play_url('people')}{query}/cam").description
        answers = (answer_challenge(asked, "ann", "secret", f"{n:08}", "people") for n in count())
        query = "?" + next(answer for answer in answers if "/" not in answer)  # it ends the app
    with ExitStack() as stack:
        url = f"{crew.play_url('people')}{query}/cam"
        publisher = stack.enter_context(RtmpClient.publishing(url))
        users.remove("ann")
        assert_denied(crew, publisher, "people/cam", "user ann was removed")


def test_a_token_may_be_shown_in_a_header_by_every_kind_of_player(
    crew: RunningServer, token: Made
) -> None:
    stream = "played/header"
    good = token(action="play", app="played").removeprefix("token=")
    other = token(action="play", app="played", name="other").removeprefix("token=")
    with ExitStack() as stack:
        publish(crew, stack, stream, f"key={crew.key}")
        for extension in ("flv", "ts", "mp4"):
            path = f"/{stream}.{extension}"
            assert stack.enter_context(FlvClient(crew, path)).status == 403
            assert stack.enter_context(FlvClient(crew, path, bearer=other)).status == 403
            head = stack.enter_context(FlvClient(crew, path, method="HEAD", bearer=good))
            assert head.status == 200
        stack.enter_context(FlvClient(crew, f"/{stream}.flv", bearer=good)).take(1)
        stack.enter_context(WsClient(crew, f"/{stream}.flv", bearer=good)).take(1)
        player = stack.enter_context(HlsClient(crew, stream))
        shown = {"Authorization": f"Bearer {good}"}
        segment = ""
        for path in (f"/{stream}.m3u8", f"/{stream}.mpd", f"/{stream}@v0.m3u8"):
            assert player.get(path).status == 403
            answer = player.get(path, **shown)
            assert answer.status == 200
            assert good not in answer.text  # it is the player's to send each time
            segment = next(iter(re.findall(r"^[^#\s]\S*\.m4s$", answer.text, re.M)), segment)
        for _ in range(3):  # the usual way, then as it is kept
            answer = player.get(segment, **shown)
            assert answer.status == 200
            assert answer.headers["cache-control"].startswith("private")
        assert player.get(segment, Authorization=f"Bearer {other}").status == 403
        assert player.get(segment).status == 403
        assert player.get(f"/{stream}.jpg").status == 403
        assert player.get(f"/{stream}.jpg", **shown).status == 503  # no picture can be decoded
        asked = player.begin(player.path(segment), method="OPTIONS", Origin="https://x").answer()
        assert asked.headers["access-control-allow-headers"] == "Authorization"
    assert good not in crew.log()


def test_other_lines_in_the_files_of_the_key_and_the_token_count_at_once(
    crew: RunningServer, folder: Path
) -> None:
    def status(token: str) -> int:
        with HlsClient(crew, "live/x") as asking:
            return asking.get("/api/v1/server", Authorization=f"Bearer {token}").status

    with ExitStack() as stack:
        publisher = publish(crew, stack, "live/first", f"key={crew.key}")
        before, crew.token = crew.token, "a-token-of-our-own"
        (folder / "api.token").write_text(f"{crew.token}\n")
        for _ in range(ENOUGH):
            assert status(crew.token) == 200
        assert status(before) == 401
        (folder / "publish.key").write_text("a-key-of-our-own\n")
        assert_denied(crew, publisher, "live/first", "the key was rotated or removed")
        crew.key = "a-key-of-our-own"
        publish(crew, stack, "live/first", f"key={crew.key}").leave()
    assert crew.token not in crew.log()
