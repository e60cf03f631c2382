"""`slipstream top`: what it shows of a server, and what it says when it cannot."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import aiohttp
import pytest
from rich.console import Console, RenderableType

from slipstream.errors import SlipstreamError
from slipstream.formats import RtmpFormat
from slipstream.net.served import ServedFigures
from slipstream.tools.dashboard import Look, dashboard
from slipstream.tools.top import Top, read_token
from tests.control.stage import TOKEN, Stage, Viewer, serving
from tests.hub.stage import Publisher, inter, key, video_config


def drawn(what: RenderableType) -> str:
    console = Console(width=140, file=io.StringIO())
    with console.capture() as capture:
        console.print(what)
    return capture.get()


def fill(stage: Stage) -> None:
    publication = stage.hub.publish("live/a", Publisher(), credential="k", now=stage.now)
    publication.receive([video_config(), key(0), inter(500), key(1000)], stage.now)
    fares = ServedFigures(lag_ms=420, bytes_sent=5_000_000, jumps=2)
    stage.hub.subscribe("live/a", RtmpFormat, Viewer("192.0.2.9", fares=fares), now=stage.now)


async def test_workers_streams_and_viewers_are_shown() -> None:
    async with serving() as stage, aiohttp.ClientSession() as session:
        fill(stage)
        top = Top(session, stage.url, TOKEN)
        await top.look()
        text = drawn(top.render())
    assert "1 stream on air" in text
    assert "1 viewer" in text
    (stream,) = (line for line in text.splitlines() if "192.0.2.1 " in line)
    assert stream.split()[:3] == ["live/a", "live", "192.0.2.1"]
    (viewer,) = (line for line in text.splitlines() if "192.0.2.9" in line)
    assert "420 ms" in viewer
    assert "5.0 MB" in viewer


async def test_processor_time_is_shown_once_it_is_known() -> None:
    async with serving() as stage:
        server = await stage.json("/api/v1/server")
        (worker,) = server["workers"]
        before = Look(10.0, server, [], [], 0)
        later = {**server, "workers": [{**worker, "cpu_s": worker["cpu_s"] + 0.5}]}
        assert "25%" in drawn(dashboard(dataclasses.replace(before, at=12.0, server=later), before))


async def test_a_wrong_token_and_a_server_that_is_not_there_are_told() -> None:
    async with serving() as stage, aiohttp.ClientSession() as session:
        with pytest.raises(SlipstreamError, match="the token is wrong"):
            await Top(session, stage.url, "wrong").look()
        url = stage.url
    async with aiohttp.ClientSession() as session:
        with pytest.raises(SlipstreamError, match=r"ask .*: Connection refused; is a server"):
            await Top(session, url, TOKEN).look()


def test_the_token_of_the_data_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "api.token").write_text(f"{TOKEN}\n")
    assert read_token(tmp_path) == TOKEN
    with pytest.raises(SlipstreamError, match="or --token"):
        read_token(tmp_path / "none")
