"""A player of HLS over one kept connection: asks for what a test wants, and keeps what it gets.

with HlsClient(server, "live/a") as player:
    player.get("live/a.m3u8").text
    player.playlist("v0")        # read; `player.playlist("v0", "_HLS_msn=7")` waits
    later = player.begin("/live/a@v0.m3u8?_HLS_msn=8&_HLS_part=0")
    later.answer()               # waited for
"""

from __future__ import annotations

import gzip
import http.client
from dataclasses import dataclass
from typing import Self

from tests.formats.hls_reader import Playlist, read_playlist
from tests.server import PATIENCE_S, RunningServer
from tests.tls.stage import trusting_anybody


@dataclass(frozen=True)
class Answer:
    """What came, whole."""

    status: int
    headers: dict[str, str]  # names in small letters
    body: bytes

    @property
    def text(self) -> str:
        """A text, unpacked."""
        assert self.status == 200, self
        packed = self.headers.get("content-encoding") == "gzip"
        return (gzip.decompress(self.body) if packed else self.body).decode()


class HlsClient:
    """Use it in a `with` statement.

    Args:
        server: that it asks.
        stream: `app/name`.
        source: the address to come from; who comes from another one is another viewer.
        agent: the same.
        tls: whether to ask over HTTPS.
    """

    def __init__(
        self,
        server: RunningServer,
        stream: str,
        *,
        source: str = "127.0.0.1",
        agent: str = "test",
        tls: bool = False,
    ) -> None:
        self.stream = stream
        self.agent = agent
        common = {"timeout": PATIENCE_S, "source_address": (source, 0)}
        self.connection = (
            http.client.HTTPSConnection(
                server.host, server.https_port, context=trusting_anybody(), **common
            )
            if tls
            else http.client.HTTPConnection(server.host, server.http_port, **common)
        )
        self.connection.connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def begin(self, path: str, *, method: str = "GET", **headers: str) -> Self:
        """Ask, and do not wait."""
        fields = {name.replace("_", "-"): text for name, text in headers.items()}
        self.connection.request(method, path, headers={"User-Agent": self.agent, **fields})
        return self

    def answer(self) -> Answer:
        """Wait for the answer to what was asked last."""
        response = self.connection.getresponse()
        fields = {name.lower(): text for name, text in response.getheaders()}
        return Answer(response.status, fields, response.read())

    def get(self, path: str, **headers: str) -> Answer:
        """Ask for a path below the application's, or for a whole one."""
        return self.begin(self.path(path), **headers).answer()

    def path(self, name: str) -> str:
        """The whole path of what playlists name."""
        app = self.stream.rpartition("/")[0]
        return name if name.startswith("/") else f"/{app}/{name}"

    def playlist_path(self, track: str, query: str = "") -> str:
        """Where the playlist of a track is."""
        return f"/{self.stream}@{track}.m3u8{'?' * bool(query)}{query}"

    def playlist(self, track: str, query: str = "") -> Playlist:
        """A media playlist."""
        return read_playlist(self.get(self.playlist_path(track, query)).text)
