"""Answers of HTTP as the load reads them, however they are cut."""

import socket
import threading

import pytest

from bench.load.client import ClientError, Target
from bench.load.http_answers import KeptConnection

BODY = b"#EXTM3U\n" * 2000
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: x\r\ncontent-length: %d\r\n\r\n" % len(BODY)


def answered(answer: bytes, *, wanted: bool, cut: int) -> KeptConnection:
    """A connection that has been sent this, in two pieces, and read it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = KeptConnection(Target("127.0.0.1", 0, "live", server.getsockname()[1]))
        peer, _ = server.accept()
        with peer:
            connection.ask(connection.request("/x"), wanted=wanted)
            assert peer.recv(4096).startswith(b"GET /x HTTP/1.1\r\n")
            connection.socket.setblocking(True)
            peer.sendall(answer[:cut])
            rest = threading.Timer(0.05, peer.sendall, (answer[cut:],))
            rest.start()
            while not connection.receive():
                pass
            rest.join()
        connection.close()
    return connection


@pytest.mark.parametrize("cut", [1, len(HEAD) - 2, len(HEAD), len(HEAD) + 5, 9000, 15_000])
@pytest.mark.parametrize("wanted", [True, False])
def test_an_answer_is_whole_when_its_length_has_come(cut: int, wanted: bool) -> None:
    connection = answered(HEAD + BODY, wanted=wanted, cut=cut)
    assert connection.size == connection.total_bytes == len(BODY)
    if wanted:
        assert connection.body == BODY


def test_a_refusal_is_an_error() -> None:
    with pytest.raises(ClientError, match="404"):
        answered(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", wanted=True, cut=100)
