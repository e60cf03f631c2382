"""`slipstream demo`: all that a newcomer sees first."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path
from urllib.request import urlopen

import pytest

from slipstream.tools.viewing import Viewing
from slipstream.tools.watch import watching
from tests.server import wait_until
from tests.tools.command import Command, children_of, run_here


def test_the_demo_is_on_air_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with Command("demo", "--rtmp", "127.0.0.1:0", "--http", "127.0.0.1:0", folder=tmp_path) as demo:
        demo.wait_for("on air")
        wait_until(lambda: "slipstream play" in demo.text(), "the addresses")
        watch = re.findall(r"^ +(?:Watch +)?(rtmp://\S+|http://\S+)$", demo.text(), re.MULTILINE)
        assert len(watch) == 2
        for url in watch:
            viewing = asyncio.run(first_second(url))
            assert {info.codec.name for info in viewing.infos.values()} == {"H264", "AAC"}
        page = re.search(r"^ +Page +(http://\S+)$", demo.text(), re.MULTILINE)
        assert page is not None
        with urlopen(page[1]) as answer:
            assert b"<title>Slipstream</title>" in answer.read()
        (child,) = children_of(demo.process)
        assert demo.interrupt() == 0
    assert not Path(f"/proc/{child}").exists()
    assert "Traceback" not in demo.text()
    assert demo.text().endswith("\n\n")  # nothing but the greeting


async def first_second(url: str) -> Viewing:
    viewing = Viewing()
    async with watching(url) as batches:
        async for tags in batches:
            viewing.count(tags, 0)
            if viewing.meter.media_ms >= 1_000:
                break
    return viewing


def test_a_port_in_use_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        place = f"127.0.0.1:{other.getsockname()[1]}"
        code, lines = run_here(capsys, "demo", "--rtmp", place)
    assert code == 1
    assert lines == [f"slipstream: cannot listen on {place}: another program has the port"]
