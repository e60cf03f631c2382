"""The server as a whole."""

from __future__ import annotations

from collections.abc import Iterable

from slipstream.control.api.route import Call, Route
from slipstream.control.reports.overview import Overview
from slipstream.control.reports.server_report import ServerReport


class Server:
    """See the module.

    Args:
        overview: asks all workers.
    """

    def __init__(self, overview: Overview) -> None:
        self._overview = overview

    def routes(self) -> Iterable[Route]:
        """All of them."""
        return (
            Route("GET", "/api/v1/server", "The server as a whole", self._server, ServerReport),
        )

    async def _server(self, _: Call) -> object:
        return await self._overview.server()
