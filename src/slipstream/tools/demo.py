"""`slipstream demo`: a server and its own test picture in one command.

The server runs in this process, as `slipstream serve` would run it, and is published to over
RTMP, as by any encoder: what is shown is the whole way. How a server is made, the caller knows.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from slipstream.net.listener import format_address, open_listening_socket
from slipstream.net.rtmp_client import RtmpClient
from slipstream.rtmp import RtmpUrl
from slipstream.tools import TEST
from slipstream.tools.publication import Publication
from slipstream.tools.screen import LiveFigures, open_console, run_until_stopped
from slipstream.tools.source import Source

APP, NAME = "live", "demo"
EVERYWHERE = frozenset(("0.0.0.0", "[::]"))  # noqa: S104 (to recognise it)
USUAL_PORT = "1935"  # of RTMP: it may be left out of a URL


class Server(Protocol):
    """What is demonstrated."""

    async def start(self) -> None:
        """Begin to serve."""

    async def stop(self) -> None:
        """Accept nobody any more, and end what there is."""


Sockets: TypeAlias = Sequence[socket.socket]
MakeServer: TypeAlias = Callable[[Sockets, Sockets], Server]


def run(make_server: MakeServer, publish_key: str, rtmp: str, http: str) -> None:
    """Serve and publish until Ctrl-C.

    Args:
        make_server: called in the running loop, with the listening sockets of RTMP and HTTP.
        publish_key: that the server will want to see.
        rtmp: where RTMP is spoken, as HOST:PORT.
        http: where HTTP is spoken.

    Raises:
        SlipstreamError: an address cannot be used, or the test picture not be made.
    """
    listening = open_listening_socket(rtmp), open_listening_socket(http)
    run_until_stopped(_demonstrate(make_server, publish_key, *listening))


async def _demonstrate(
    make_server: MakeServer, publish_key: str, rtmp: socket.socket, http: socket.socket
) -> None:
    console = open_console()
    rtmp_place, http_place = _place(rtmp), _place(http)
    host, _, port = rtmp_place.rpartition(":")
    url = RtmpUrl(host.strip("[]"), int(port), tls=False, app=APP, name=f"{NAME}?key={publish_key}")
    server = make_server([rtmp], [http])
    await server.start()
    try:
        async with Source(TEST) as source:
            tags = await source.read()
            async with await RtmpClient.open(url) as client:
                await client.publish()
                console.print(_greeting(rtmp_place, http_place))
                publication = Publication(source, client)
                with LiveFigures(console, publication.render):
                    await publication.run(tags)
    finally:
        await server.stop()


def _place(sock: socket.socket) -> str:
    """An address of the socket that can be connected to from here."""
    host, _, port = format_address(sock).rpartition(":")
    return f"{'localhost' if host in EVERYWHERE else host}:{port}"


def _greeting(rtmp: str, http: str) -> str:
    over_rtmp = f"rtmp://{rtmp.removesuffix(f':{USUAL_PORT}')}/{APP}/{NAME}"
    over_http = f"http://{http}/{APP}/{NAME}.flv"
    return f"""\
Slipstream is on air with a test picture and sound of its own. Ctrl-C ends it.

  Page      http://{http}/watch/{APP}/{NAME}

  Watch     {over_rtmp}
            {over_http}

  With      ffplay {over_rtmp}
            mpv {over_http}
            vlc {over_http}

  Look      slipstream probe {over_rtmp}
            slipstream play {over_rtmp}
"""
