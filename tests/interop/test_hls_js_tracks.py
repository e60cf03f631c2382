"""hls.js in Chromium chooses among several qualities and sounds, and plays on."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.clips import X264, Film, encode_film
from tests.interop.browser import PATIENCE_MS, chromium, play_on, site, wait_until_it_plays
from tests.server import running_server

pytestmark = pytest.mark.interop

HERE = Path(__file__).parent
PACKAGE = json.loads((HERE.parents[1] / "web" / "package.json").read_text())
VERSION = PACKAGE["devDependencies"]["hls.js"]
RATE = 25
LIVE = {"options": X264, "seconds": 40, "gop": RATE, "rate": RATE}
FILM = Film(**LIVE, more=(Film(**LIVE, width=64, height=48, seed=1),))  # type: ignore[arg-type]
SHOWS = "(width) => document.querySelector('video').videoWidth === width"
HEARS = "(name) => slipstream.fetched.slice(-2).some((url) => url.includes(name))"


@pytest.fixture
def on_air(tmp_path: Path) -> Iterator[str]:
    """The playlist of a stream of two qualities and two sounds, which FFmpeg publishes."""
    film = tmp_path / "film.flv"
    encode_film(FILM, film)
    with running_server(tmp_path / "server") as server:
        command = [sys.executable, "-m", "tests.pyav_client", "publish", str(film)]
        command += [server.publish_url("live/tracks"), str(tmp_path / "sent.flv")]
        with subprocess.Popen(command) as publisher:
            yield f"http://{server.host}:{server.http_port}/live/tracks.m3u8"
            publisher.terminate()


@pytest.fixture
def page(tmp_path: Path, on_air: str) -> Iterator[Page]:
    """A page with hls.js that plays it."""
    install = ["npm", "install", "--silent", "--no-save", "--prefix", str(tmp_path)]
    subprocess.run([*install, f"hls.js@{VERSION}"], check=True)
    shutil.copy(tmp_path / "node_modules" / "hls.js" / "dist" / "hls.min.js", tmp_path)
    with site((HERE / "hls.html").read_text(), tmp_path) as place, chromium() as browser:
        page = browser.new_page()
        page.goto(f"{place}#{on_air}")
        yield page


def test_quality_and_sound_can_be_changed_while_it_plays(page: Page) -> None:
    wait_until_it_plays(page)
    assert page.evaluate("slipstream.hls.levels.map((level) => level.width)") == [64, 128]
    assert page.evaluate("slipstream.hls.audioTracks.map((one) => one.name)") == ["a0", "a1"]
    for level, width in ((0, 64), (1, 128)):
        page.evaluate(f"slipstream.hls.currentLevel = {level}")
        page.wait_for_function(SHOWS, arg=width, timeout=PATIENCE_MS)
        play_on(page, 2, RATE)
    for track in (1, 0):
        page.evaluate(f"slipstream.hls.audioTrack = {track}")
        page.wait_for_function(HEARS, arg=f"@a{track}.", timeout=PATIENCE_MS)
        play_on(page, 2, RATE)
    assert page.evaluate("slipstream.mistakes") == []
