"""One browser, one server and a few streams for the tests of the page; a new visitor for each."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from tests.interop.browser import chromium, make_film, publishing
from tests.interop.clock import RATE
from tests.server import RunningServer, running_server

WAYS = {"ws-flv": 1.0, "http-flv": 1.0, "ll-hls": 2.0, "dash": 5.0, "hls": 12.0}
"""Each way, and how many seconds after a picture was made it is seen at the latest."""

SMALL: ViewportSize = {"width": 900, "height": 600}  # less to paint on a machine without graphics
POLICY_BROKEN = "violates the following Content Security Policy directive"


def root(server: RunningServer) -> str:
    """The address of the page."""
    return f"http://{server.host}:{server.http_port}/"


@pytest.fixture(scope="module")  # no asynchronous test runs beside it
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("films") / "page.flv"
    make_film(file, RATE, gop=RATE)
    return file


@pytest.fixture(scope="session")
def show(server: RunningServer, film: Path) -> Iterator[str]:
    """A stream that is on air all the while."""
    with publishing(film, server.publish_url("live/show")):
        yield "live/show"


@pytest.fixture(scope="session")
def clock(server: RunningServer) -> Iterator[str]:
    """A stream whose pictures show when they were made."""
    command = [sys.executable, "-m", "tests.interop.clock", server.publish_url("live/clock")]
    with subprocess.Popen(command) as process:
        yield "live/clock"
        process.terminate()


@pytest.fixture
def page(browser: Browser, server: RunningServer) -> Iterator[Page]:
    """A page of a new visitor, in English; whatever goes wrong in it fails the test."""
    context = browser.new_context(base_url=root(server), locale="en-GB", viewport=SMALL)
    page = context.new_page()
    mistakes: list[str] = []
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    page.on(
        "console",
        lambda said: mistakes.append(said.text) if POLICY_BROKEN in said.text else None,
    )
    yield page
    context.close()
    assert [mistake for mistake in mistakes if not mistake.startswith("Framing")] == []
