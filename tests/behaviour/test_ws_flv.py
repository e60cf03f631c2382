"""WebSocket-FLV: what players in browsers get that open `ws://HOST/{app}/{name}.flv`."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.behaviour.conftest import OpenServer
from tests.behaviour.pictures import CONFIGS, GOP_MS, bodies, gop
from tests.behaviour.visits import OnAir, on_air
from tests.flv_client import FlvClient
from tests.rtmp_client import RtmpClient
from tests.server import PATIENCE_S, RunningServer
from tests.ws_client import WsClient

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
UNMASKED = b"\x82\x01x"
TOO_LONG = b"\x82\xff" + (1 << 20).to_bytes(8) + bytes(4)
LONG_PING = b"\x89\xfe\x00\xff" + bytes(4)
RESERVED = b"\xc2\x80" + bytes(4)
CONTINUED_NOTHING = b"\x80\x80" + bytes(4)


@pytest.fixture
def station(server: RunningServer, stream: str) -> Iterator[OnAir]:
    """Publishes the stream of this test; a first GOP is out."""
    with on_air(server, stream) as station:
        yield station


def closing(viewer: WsClient) -> ConnectionClosed:
    """How the connection ends, whatever comes before."""
    while True:
        try:
            viewer.connection.recv(PATIENCE_S)
        except ConnectionClosed as closed:
            return closed


def ask(server: RunningServer, path: str, **headers: str) -> tuple[int, str]:
    """The status and head of the answer to a request for a WebSocket."""
    fields = {
        "Host": f"{server.host}:{server.http_port}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": KEY,
        **{name.replace("_", "-"): text for name, text in headers.items()},
    }
    lines = "".join(f"{name}: {text}\r\n" for name, text in fields.items())
    with socket.create_connection((server.host, server.http_port), PATIENCE_S) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
    return int(head.split()[1]), head.partition(b"\r\n\r\n")[0].decode()


def test_every_tag_is_one_message_and_all_are_those_of_http_flv(
    server: RunningServer, stream: str, station: OnAir
) -> None:
    path = f"/{stream}.flv"
    with WsClient(server, path) as viewer, FlvClient(server, path) as other:
        server.wait_for_viewers(stream, 3, started=True)
        big = gop(GOP_MS, filling=70_000)  # beyond what two octets of a size can say
        station.send(*big, *gop(2 * GOP_MS))
        count = len(CONFIGS) + 3 * len(gop(0))
        assert viewer.take(count) == other.take(count)


def test_a_viewer_may_come_before_the_publisher(server: RunningServer, stream: str) -> None:
    with ThreadPoolExecutor() as pool:
        coming = pool.submit(WsClient, server, f"/{stream}.flv")
        server.wait_for_viewers(stream, 1, started=False)
        with RtmpClient.publishing(server.publish_url(stream)) as publisher:
            publisher.send(*CONFIGS, *gop(0))
            with coming.result() as viewer:
                tags = viewer.take(len(CONFIGS) + len(gop(0)))
    assert [tag.body for tag in tags] == bodies([*CONFIGS, *gop(0)])


def test_pings_are_answered_between_tags(
    server: RunningServer, stream: str, station: OnAir
) -> None:
    with WsClient(server, f"/{stream}.flv") as viewer:
        viewer.take(len(CONFIGS) + len(gop(0)))  # its client stops at 16 that nobody has taken
        for number in range(1, 20):
            pong = viewer.connection.ping(f"ping {number}")
            station.send(*gop(number * GOP_MS))
            viewer.take(len(gop(0)))
            assert pong.wait(PATIENCE_S)


@pytest.mark.usefixtures("station")
def test_who_says_goodbye_is_answered_and_forgotten(server: RunningServer, stream: str) -> None:
    with WsClient(server, f"/{stream}.flv") as viewer:
        viewer.take(3)
        server.wait_for_viewers(stream, 2)
        viewer.connection.close(1000)
        assert viewer.connection.close_code == 1000
    server.wait_for_viewers(stream, 1)


def test_the_publishers_end_is_told_with_a_close_frame(open_server: OpenServer) -> None:
    server = open_server(settings="[streams]\ngrace_s = 0")
    with ExitStack() as stack:
        with on_air(server, "live/a"):
            viewer = stack.enter_context(WsClient(server, "/live/a.flv"))
            viewer.take(3)
        closed = closing(viewer)
    assert closed.rcvd is not None
    assert closed.rcvd.code == 1000
    assert closed.rcvd.reason == "the publisher went and did not come back"


def test_who_watches_when_the_server_stops_is_told_that_it_goes_away(
    open_server: OpenServer,
) -> None:
    server = open_server()
    with on_air(server, "live/a"), WsClient(server, "/live/a.flv") as viewer:
        viewer.take(3)
        server.process.terminate()
        closed = closing(viewer)
    assert closed.rcvd is not None
    assert closed.rcvd.code == 1001


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (UNMASKED, 1002),
        (TOO_LONG, 1009),
        (LONG_PING, 1002),
        (RESERVED, 1002),
        (CONTINUED_NOTHING, 1002),
    ],
    ids=["unmasked", "too long", "long ping", "reserved bit", "continues nothing"],
)
def test_nonsense_ends_the_connection_with_its_code(
    said: bytes, code: int, server: RunningServer, stream: str, station: OnAir
) -> None:
    with WsClient(server, f"/{stream}.flv") as viewer, WsClient(server, f"/{stream}.flv") as other:
        viewer.take(3)
        viewer.connection.socket.sendall(said)
        closed = closing(viewer)
        assert closed.rcvd is not None
        assert closed.rcvd.code == code
        other.take(len(CONFIGS) + len(gop(0)))
        station.send(*gop(GOP_MS))
        assert [tag.body for tag in other.take(len(gop(0)))] == bodies(gop(GOP_MS))


def test_a_chatty_viewer_is_listened_to_and_loses_nothing(
    server: RunningServer, stream: str, station: OnAir
) -> None:
    with WsClient(server, f"/{stream}.flv") as viewer:
        for size in (0, 1, 125, 126, 16_000):
            viewer.connection.send(bytes(size))
        viewer.connection.send(["in ", "parts"])
        station.send(*gop(GOP_MS))
        viewer.take(len(CONFIGS) + 2 * len(gop(0)))


@pytest.mark.usefixtures("station")
def test_any_page_may_play_by_default(server: RunningServer, stream: str) -> None:
    with WsClient(server, f"/{stream}.flv", origin="https://elsewhere.example") as viewer:
        viewer.take(3)


def test_pages_that_are_not_listed_may_not(open_server: OpenServer) -> None:
    server = open_server(settings='[net]\nallowed_origins = ["https://tv.example"]')
    with on_air(server, "live/a"):
        for origin in ("https://elsewhere.example", "http://tv.example", "null"):
            with pytest.raises(InvalidStatus) as refused:
                WsClient(server, "/live/a.flv", origin=origin)
            assert refused.value.response.status_code == 403
        own = f"http://{server.host}:{server.http_port}"
        for origin in ("https://tv.example", own, ""):
            with WsClient(server, "/live/a.flv", origin=origin) as viewer:
                viewer.take(3)
        _, head = ask(server, "/live/none.flv?wait=0", Upgrade="no", Origin="https://tv.example")
        assert "Access-Control-Allow-Origin: https://tv.example" in head
        assert "Vary: Origin" in head


@pytest.mark.usefixtures("station")
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_WebSocket_Version": "8"},
        {"Sec_WebSocket_Key": "short"},
        {"Sec_WebSocket_Key": "!" * 24},
    ],
    ids=["version", "short key", "no base64"],
)
def test_a_request_that_is_none_is_told_why(
    headers: dict[str, str], server: RunningServer, stream: str
) -> None:
    status, head = ask(server, f"/{stream}.flv", **headers)
    assert status == 400
    assert "Sec-WebSocket-Version: 13" in head


@pytest.mark.usefixtures("station")
def test_the_answer_proves_that_the_key_was_read(server: RunningServer, stream: str) -> None:
    status, head = ask(server, f"/{stream}.flv")
    assert status == 101
    assert "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head  # RFC 6455, 1.3


def test_viewers_are_listed_with_their_protocol(
    server: RunningServer, stream: str, station: OnAir
) -> None:
    with WsClient(server, f"/{stream}.flv") as viewer:
        viewer.take(3)
        station.send(*gop(GOP_MS))
        assert sorted(v["protocol"] for v in server.api(f"streams/{stream}")["viewers"]) == [
            "rtmp",
            "ws-flv",
        ]
