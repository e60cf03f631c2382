"""Every way of access with FFmpeg, librtmp and GStreamer over RTMP: the table is `ways.CASES`.

All clients try at the same time, each with a stream and an address of its own. Who is not let in
is told so by the code that it shows to its user, and the reason stands in the server's log.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer
from typing import NamedTuple

import pytest

from slipstream.access import Action
from slipstream.rtmp import Code
from tests.interop.browser import publishing
from tests.interop.clients import FFMPEG, GSTREAMER, TIMEOUT_S
from tests.interop.door import door, new_address
from tests.interop.ways import CASES, WAYS, Case, Guarded, Shown, guarded_server, right

pytestmark = pytest.mark.interop

FILM = Path(__file__).parent.parent / "captures" / "h264-aac.flv"
CODES = {Action.PUBLISH: Code.PUBLISH_BAD_NAME, Action.PLAY: Code.PLAY_STREAM_NOT_FOUND}
# FFmpeg shows its user the description instead of the code.
DESCRIPTIONS = {
    Code.PUBLISH_BAD_NAME: "Server error: wrong stream key or name",
    Code.PLAY_STREAM_NOT_FOUND: "Server error: no such stream",
}
WRONG_PASSWORD = "reason=authfailed"  # in both ways
ENOUGH = 8_000  # bytes of media for a player; publishers have less to say
TALKATIVE = {"GST_DEBUG": "rtmp:5", "GST_DEBUG_NO_COLOR": "1"}  # librtmp's own words


class Client(NamedTuple):
    """A program, and the command for an address `rtmp://HOST/app/name` and what is shown there."""

    name: str
    command: Callable[[str, Shown], list[str]]
    ways: tuple[str, ...] = WAYS


def _with_password(url: str, shown: Shown) -> str:
    user = f"{shown.user}@" if shown.user else ""
    return f"{url.replace('//', f'//{user}', 1)}?{shown.query}".rstrip("?")


def _publish_with_ffmpeg(url: str, shown: Shown) -> list[str]:
    where = _with_password(url, shown)
    return [*FFMPEG, "-i", str(FILM), "-c", "copy", "-f", "flv", where]


def _publish_with_rtmpsink(url: str, shown: Shown) -> list[str]:
    name, _, password = shown.user.partition(":")
    said = f" pubUser={name} pubPasswd={password}" if name else ""
    place = f"location={url}?{shown.query}".rstrip("?") + said
    source = f"filesrc location={FILM} blocksize={FILM.stat().st_size}"
    return [*GSTREAMER, *source.split(), "!", "rtmpsink", place]


def _publish_with_rtmp2sink(url: str, shown: Shown) -> list[str]:
    name, _, password = shown.user.partition(":")
    said = [f"username={name}", f"password={password}"] if name else []
    film = f"filesrc location={FILM} ! flvdemux name=film flvmux name=flv streamable=true"
    tracks = "film.video ! queue ! flv.video film.audio ! queue ! flv.audio"
    sink = ["rtmp2sink", f"location={url}?{shown.query}".rstrip("?"), *said]
    return [*GSTREAMER, *film.split(), "!", *sink, *tracks.split()]


def _play_with_ffmpeg(url: str, shown: Shown) -> list[str]:
    where = _with_password(url, shown)
    return [*FFMPEG, "-i", where, "-c", "copy", "-f", "flv", "-"]


def _play_with_rtmpdump(url: str, shown: Shown) -> list[str]:
    where = f"{url}?{shown.query}".rstrip("?")
    return ["rtmpdump", "-r", where, "-o", "-"]


WITHOUT_USERS = tuple(way for way in WAYS if way not in ("adobe", "limelight"))
CLIENTS = {
    Action.PUBLISH: (
        Client("ffmpeg", _publish_with_ffmpeg),
        # In Adobe's way librtmp 2.4+20151223 writes beyond its own buffers.
        Client("rtmpsink", _publish_with_rtmpsink, (*WITHOUT_USERS, "limelight")),
        Client("rtmp2sink", _publish_with_rtmp2sink, (*WITHOUT_USERS, "adobe")),
    ),
    Action.PLAY: (
        Client("ffmpeg", _play_with_ffmpeg),
        Client("rtmpdump", _play_with_rtmpdump, WITHOUT_USERS),  # as a player it knows none
    ),
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_server(tmp_path_factory.mktemp("ways")) as guarded:
        yield guarded


@pytest.fixture(scope="module")
def shows(guarded: Guarded) -> Iterator[None]:
    """In each application `show` is on air."""
    with ExitStack() as stack:
        for way in WAYS:
            stream = f"{way}/show"
            shown = right(way).make(guarded.issuer, Action.PUBLISH, stream)
            port = stack.enter_context(
                door(guarded.server.rtmp_port, shown.address or new_address())
            )
            url = _with_password(f"rtmp://127.0.0.1:{port}/{stream}", shown)
            stack.enter_context(publishing(FILM, url))
            guarded.server.wait_for_log(f"publish.start .*stream={stream}")
        yield


class Run(NamedTuple):
    """How a program fared, and what it said to its user."""

    has_done_it: bool
    words: str


def run(client: Client, command: list[str]) -> Run:
    """Run a publisher to its end, and a player until it has got something."""
    talk = os.environ | (TALKATIVE if client.name == "rtmpsink" else {})
    with (
        TemporaryFile() as said,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env=talk) as process,
    ):
        assert process.stdout is not None
        patience = Timer(TIMEOUT_S, process.kill)
        patience.start()
        got = process.stdout.read(ENOUGH)
        if len(got) == ENOUGH:
            process.terminate()
        code = process.wait()
        patience.cancel()
        said.seek(0)
        words = (said.read() + got).decode(errors="replace")
    return Run(code == 0 or len(got) == ENOUGH, words)


def attempt(guarded: Guarded, case: Case, action: Action, client: Client, stream: str) -> None:
    """One program tries: it is let in, or told why not, and so is the log."""
    server, shown = guarded.server, case.make(guarded.issuer, action, stream)
    address = shown.address or new_address()
    with door(server.rtmp_port, address) as port:
        ended = run(client, client.command(f"rtmp://127.0.0.1:{port}/{stream}", shown))
    assert ended.has_done_it is not bool(case.reason), f"{client.name}:\n{ended.words}"
    if not case.reason:
        server.wait_for_log(f"{action}.start .*stream={stream}")
    elif case.is_turned_away_at_once:
        assert WRONG_PASSWORD in ended.words
        server.wait_for_log(f'connect.refused .*={address} app={case.way} reason="{case.reason}')
    else:
        code = CODES[action]
        assert (DESCRIPTIONS[code] if client.name == "ffmpeg" else code) in ended.words
        reason = f'reason="{case.reason}.*" stream={stream}'
        server.wait_for_log(f"{action}.refused .*address={address} {reason}")


def attempts(guarded: Guarded, case: Case, action: Action) -> None:
    """All programs try that know the way."""
    chosen = [client for client in CLIENTS[action] if case.way in client.ways]
    with ThreadPoolExecutor(len(chosen)) as pool:
        done = []
        for client in chosen:
            stream = f"{case.way}/{'show' if action is Action.PLAY else client.name}"
            done.append(pool.submit(attempt, guarded, case, action, client, stream))
    for one in done:
        one.result()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_publishers(guarded: Guarded, case: Case) -> None:
    attempts(guarded, case, Action.PUBLISH)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.usefixtures("shows")
def test_players(guarded: Guarded, case: Case) -> None:
    attempts(guarded, case, Action.PLAY)
