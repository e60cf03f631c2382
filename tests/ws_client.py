"""A viewer over WebSocket-FLV, with a client that others have written.

with WsClient(server, "/live/a.flv") as viewer:
    viewer.take(3)          # tags, of one message each
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from websockets.sync.client import connect

from slipstream.media import FlvParser, FlvTag
from tests.server import PATIENCE_S, RunningServer
from tests.tls.stage import trusting_anybody


class WsClient:
    """Connects at once; use it in a `with` statement.

    Args:
        server: to ask.
        path: with its query.
        origin: the page on which the player would be.
        tls: whether to ask over HTTPS.
        bearer: the token to show.

    Raises:
        websockets.exceptions.InvalidStatus: the server refuses.
    """

    def __init__(
        self,
        server: RunningServer,
        path: str,
        *,
        origin: str = "",
        tls: bool = False,
        bearer: str = "",
    ) -> None:
        url = f"ws://{server.host}:{server.http_port}{path}"
        if tls:
            url = f"wss://{server.host}:{server.https_port}{path}"
        self.parser = FlvParser()
        headers = {"Origin": origin, "Authorization": f"Bearer {bearer}" if bearer else ""}
        self._opening = connect(
            url,
            additional_headers={name: text for name, text in headers.items() if text},
            ssl=trusting_anybody() if tls else None,
            compression=None,
            open_timeout=PATIENCE_S,
            proxy=None,
            max_size=None,
            ping_interval=None,
        )
        self.connection = self._opening.__enter__()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._opening.__exit__(kind, error, at)

    def take(self, count: int) -> list[FlvTag]:
        """Wait for so many tags, one message each, and take them."""
        tags: list[FlvTag] = []
        while len(tags) < count:
            message = self.connection.recv(PATIENCE_S)
            assert isinstance(message, bytes)
            found = self.parser.receive_data(message)
            assert len(found) == (message[:3] != b"FLV"), "not one tag in one message"
            tags += found
        return tags
