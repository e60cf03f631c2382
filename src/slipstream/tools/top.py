"""`slipstream top`: how a server is doing, in a terminal, out of its API."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from time import monotonic
from typing import Any

import aiohttp
from rich.console import RenderableType
from rich.text import Text

from slipstream.errors import SlipstreamError
from slipstream.tools.dashboard import Look, dashboard
from slipstream.tools.screen import LiveFigures, open_console, run_until_stopped

TOKEN_FILE = "api.token"  # noqa: S105 (a file's name)
EVERY_S = 2.0
PATIENCE = aiohttp.ClientTimeout(total=5)
STREAMS, VIEWERS = 20, 20  # shown at most; a terminal has so many lines


def run(url: str, token: str, *, once: bool) -> None:
    """Show it until Ctrl-C.

    Args:
        url: of the server, `http://HOST:PORT`.
        token: of its API.
        once: print it, and that is all.

    Raises:
        SlipstreamError: the server cannot be asked, with the reason.
    """
    run_until_stopped(_top(url, token, once=once))


def read_token(folder: Path) -> str:
    """The token that lies in a server's data folder.

    Raises:
        SlipstreamError: there is none that can be read.
    """
    path = folder / TOKEN_FILE
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise SlipstreamError(
            f"cannot read {path}: {error.strerror}; "
            "a server makes it: give --data-dir if its folder is another one, or --token"
        ) from error


class Top:
    """Looks at a server again and again.

    Args:
        session: with which it is asked.
        url: of the server.
        token: of its API.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._look: Look | None = None
        self._before: Look | None = None
        self._note = ""

    async def look(self) -> None:
        """Ask for everything once.

        Raises:
            SlipstreamError: it does not answer as it should.
        """
        server = await self._ask("server")
        streams = await self._ask(f"streams?limit={STREAMS}")
        viewers = await self._ask(f"viewers?limit={VIEWERS}")
        self._before = self._look
        self._look = Look(
            at=monotonic(),
            server=server,
            streams=streams["streams"],
            viewers=viewers["viewers"],
            matching_viewers=viewers["matching"],
        )

    async def go_on(self) -> None:
        """Look again and again; what is wrong meanwhile is shown."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.look()
                self._note = ""
            except SlipstreamError as error:
                self._note = str(error)

    def render(self) -> RenderableType:
        """What there is to be seen now."""
        if self._look is None:
            return Text()
        return dashboard(self._look, self._before, self._note)

    async def _ask(self, path: str) -> Any:
        address = f"{self._url}/api/v1/{path}"
        try:
            async with self._session.get(address, headers=self._headers) as response:
                answer = await response.json(content_type=None)
        except aiohttp.ClientConnectorError as error:
            number = error.errno or 0  # asyncio writes a text of its own beside it
            reason = os.strerror(number) if number > 0 else error.strerror
            raise SlipstreamError(
                f"cannot ask {self._url}: {reason}; is a server running there? --url says where"
            ) from error
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            reason = str(error) or type(error).__name__
            raise SlipstreamError(f"cannot ask {self._url}: {reason}") from error
        if response.status != 200:
            detail = answer.get("detail") if isinstance(answer, dict) else None
            raise SlipstreamError(f"{self._url}: {detail or response.reason}")
        return answer


async def _top(url: str, token: str, *, once: bool) -> None:
    console = open_console()
    async with aiohttp.ClientSession(timeout=PATIENCE) as session:
        top = Top(session, url, token)
        await top.look()
        if once or not console.is_terminal:
            console.print(top.render())
            return
        with LiveFigures(console, top.render):
            await top.go_on()
