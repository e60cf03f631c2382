"""What a tool shows while it runs, and how it stops.

Live figures are drawn on a terminal only, and leave nothing behind: what is worth keeping is
printed before and after. Ctrl-C is how people end these tools, so it is no error.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table

REFRESH_S = 0.25
COLUMN_WIDTH = 11  # "1.65 Mbit/s"; six of them fit on a terminal of 80


class LiveFigures:
    """A context manager that draws what `render` returns, again and again, until it is left.

    Args:
        console: where; nothing is drawn if it is no terminal.
        render: returns what there is to be seen now.
    """

    def __init__(self, console: Console, render: Callable[[], RenderableType]) -> None:
        self._render = render
        self._live: Live | None = None
        if console.is_terminal:
            # Its own thread would look at figures that are being changed.
            self._live = Live(console=console, auto_refresh=False, transient=True)
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
            self._draw(self._live)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._live is not None:
            self._live.stop()

    def _draw(self, live: Live) -> None:
        live.update(self._render(), refresh=True)
        self._timer = asyncio.get_running_loop().call_later(REFRESH_S, self._draw, live)


def open_console(*, stderr: bool = False) -> Console:
    """Return a console that prints text as it is."""
    return Console(stderr=stderr, highlight=False, markup=False, soft_wrap=True)


def figures_table(figures: Sequence[tuple[str, str]]) -> Table:
    """Return figures side by side, each below its name."""
    table = Table(box=None, header_style="dim", pad_edge=True, padding=(0, 1))
    for name, _ in figures:
        table.add_column(name, min_width=COLUMN_WIDTH, no_wrap=True)
    table.add_row(*(value for _, value in figures))
    return table


def run_until_stopped(main: Coroutine[None, None, None]) -> None:
    """Run to the end, or until Ctrl-C or SIGTERM, which cancel it: a second one at once."""
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_stoppable(main))


async def _stoppable(main: Coroutine[None, None, None]) -> None:
    task = asyncio.ensure_future(main)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    await task
