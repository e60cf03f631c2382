"""Debian's Chromium without a window, and what a page of ours says of its player there."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.server import PATIENCE_S

CHROMIUM = "/usr/bin/chromium"  # of Debian's package; it knows H.264 and AAC
FLAGS = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio"]
PATIENCE_MS = 1_000 * PATIENCE_S

FIGURES = """() => {
    const video = document.querySelector("video");
    return {...window.slipstream, time: video.currentTime};
}"""
PLAYS = "(way) => window.slipstream?.state === 'playing' && (!way || slipstream.way === way)"
HAS_PLAYED_ON = """([frames, time]) =>
    slipstream.frames >= frames && document.querySelector("video").currentTime >= time"""


@dataclass(frozen=True)
class Figures:
    """What `window.slipstream` says, and the video element's time in seconds."""

    state: str
    way: str
    stalls: int
    reconnects: int
    frames: int
    time: float
    buffer_s: float | None


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser until the end of the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def figures(page: Page) -> Figures:
    """How the player is doing now."""
    told: dict[str, Any] = page.evaluate(FIGURES)
    return Figures(
        told["state"],
        told["way"],
        told["stalls"],
        told["reconnects"],
        told["frames"],
        told["time"],
        told["bufferSeconds"],
    )


@contextmanager
def site(html: str, folder: Path) -> Iterator[str]:
    """Somebody else's web site, with one page; yields its URL."""
    (folder / "index.html").write_text(html)
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its own name)
        pass


def wait_until_it_plays(page: Page, way: str | None = None) -> Figures:
    """Wait until it plays, by this way or by any."""
    page.wait_for_function(PLAYS, arg=way, timeout=PATIENCE_MS)
    return figures(page)


def play_on(page: Page, seconds: float, rate: float) -> Figures:
    """Wait until so many seconds more have been shown, nearly all pictures of them."""
    before = figures(page)
    goal = [before.frames + 0.8 * seconds * rate, before.time + seconds]
    page.wait_for_function(HAS_PLAYED_ON, arg=goal, timeout=PATIENCE_MS)
    return figures(page)


@contextmanager
def publishing(film: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    """Publish a film again and again, in real time, until the end of the block."""
    source = ["-stream_loop", "-1", "-re", "-i", str(film), "-c", "copy"]
    command = [
        "ffmpeg",
        "-nostdin",
        "-hide_banner",
        "-loglevel",
        "error",
        *source,
        "-f",
        "flv",
        url,
    ]
    with subprocess.Popen(command) as process:
        try:
            yield process
        finally:
            process.terminate()


def make_film(file: Path, rate: int, gop: int) -> None:
    """Some seconds of H.264 and AAC, as an encoder for low latency makes them."""
    picture = f"testsrc2=size=320x180:rate={rate}"
    video = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", str(gop)]
    subprocess.run(
        [
            *("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-y"),
            *("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=sample_rate=48000"),
            *("-t", "8", *video, "-pix_fmt", "yuv420p", "-c:a", "aac", "-f", "flv", str(file)),
        ],
        check=True,
    )
