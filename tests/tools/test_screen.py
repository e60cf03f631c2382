"""What is drawn while a tool runs, and how it is stopped."""

from __future__ import annotations

import asyncio
import io
import os
import signal

import pytest
from rich.console import Console
from rich.text import Text

from slipstream.tools.screen import LiveFigures, figures_table, run_until_stopped


def console(*, terminal: bool) -> tuple[Console, io.StringIO]:
    output = io.StringIO()
    return Console(file=output, force_terminal=terminal, width=80, highlight=False), output


async def test_figures_are_drawn_again_and_again_on_a_terminal() -> None:
    screen, output = console(terminal=True)
    drawn = 0

    def render() -> Text:
        nonlocal drawn
        drawn += 1
        return Text(f"number {drawn}")

    with LiveFigures(screen, render):
        while drawn < 3:
            await asyncio.sleep(0.05)
    assert "number 1" in output.getvalue()
    assert "number 3" in output.getvalue()


async def test_nothing_is_drawn_where_nobody_looks() -> None:
    screen, output = console(terminal=False)
    with LiveFigures(screen, lambda: pytest.fail("nobody looks")):
        await asyncio.sleep(0)
    assert output.getvalue() == ""


def test_figures_stand_below_their_names() -> None:
    screen, output = console(terminal=False)
    screen.print(figures_table((("time", "0:00:01"), ("gaps", "none"))))
    names, values = output.getvalue().splitlines()
    assert names.split() == ["time", "gaps"]
    assert names.index("gaps") == values.index("none")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_politely(number: signal.Signals) -> None:
    said: list[str] = []

    async def work() -> None:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), number)
        try:
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(0)  # there is time for a farewell
            said.append("farewell")

    run_until_stopped(work())
    assert said == ["farewell"]


def test_errors_come_through() -> None:
    async def work() -> None:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        run_until_stopped(work())
