"""One end of a TLS connection, against the standard library's other end."""

from __future__ import annotations

import os
import ssl
import warnings

import pytest

from slipstream.tls import TlsConnection, TlsError
from slipstream.tls.certificates import read
from slipstream.tls.connection import RECORD_BYTES
from tests.tls.stage import ForeignEnd, make_pair, shake_hands, trusting_anybody


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return read(make_pair(tmp_path_factory.mktemp("pair"), "example.test")).context


@pytest.fixture
def ends(context: ssl.SSLContext) -> tuple[TlsConnection, ForeignEnd]:
    server, client = TlsConnection(context), ForeignEnd(trusting_anybody())
    shake_hands(server, client)
    return server, client


def test_bytes_arrive_both_ways(ends: tuple[TlsConnection, ForeignEnd]) -> None:
    server, client = ends
    data = os.urandom(5 * RECORD_BYTES + 7)
    assert server.receive_data(client.say(data)) == data
    assert client.hear(server.encrypt(data)) == data


def test_records_may_come_a_byte_at_a_time(context: ssl.SSLContext) -> None:
    server, client = TlsConnection(context), ForeignEnd(trusting_anybody())
    client.hear(b"")
    while not (server.is_established and client.is_established):
        for byte in client.say():
            server.receive_data(bytes((byte,)))
        client.hear(server.data_to_send())
    records = client.say(b"hello")
    heard = [server.receive_data(bytes((byte,))) for byte in records]
    assert heard == [b""] * (len(records) - 1) + [b"hello"]


def test_what_comes_with_the_last_step_of_the_handshake_is_not_lost(
    context: ssl.SSLContext,
) -> None:
    server, client = TlsConnection(context), ForeignEnd(trusting_anybody())
    client.hear(b"")
    server.receive_data(client.say())
    client.hear(server.data_to_send())
    assert server.receive_data(client.say(b"at once")) == b"at once"
    assert server.is_established


def test_connections_whose_records_come_in_turns_do_not_mix(context: ssl.SSLContext) -> None:
    pairs = [(TlsConnection(context), ForeignEnd(trusting_anybody())) for _ in range(3)]
    for server, client in pairs:
        shake_hands(server, client)
    records = [client.say(b"%d" % number * 1000) for number, (_, client) in enumerate(pairs)]
    heard = [b""] * 3
    for start in range(0, max(map(len, records)), 100):
        for number, (server, _) in enumerate(pairs):
            heard[number] += server.receive_data(records[number][start : start + 100])
    assert heard == [b"%d" % number * 1000 for number in range(3)]


def test_the_end_is_told_and_noticed(ends: tuple[TlsConnection, ForeignEnd]) -> None:
    server, client = ends
    with pytest.raises(ssl.SSLWantReadError):
        client.tls.unwrap()
    assert server.receive_data(client.say()) == b""
    assert server.has_ended
    client.hear(server.close())
    assert client.has_ended


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n\r\n", b"\x03" + bytes(1536), bytes(range(256)) * 4]
)
def test_who_does_not_speak_tls_is_an_error(context: ssl.SSLContext, data: bytes) -> None:
    server = TlsConnection(context)
    with pytest.raises(TlsError):
        server.receive_data(data)
    good, client = TlsConnection(context), ForeignEnd(trusting_anybody())
    shake_hands(good, client)  # nothing of it is left for others
    assert good.receive_data(client.say(b"well")) == b"well"


def test_a_record_that_was_changed_on_the_way_is_an_error(
    ends: tuple[TlsConnection, ForeignEnd],
) -> None:
    server, client = ends
    records = bytearray(client.say(b"pay 10"))
    records[-1] ^= 1
    with pytest.raises(TlsError, match="bad record mac"):
        server.receive_data(bytes(records))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_these_versions_are_spoken(context: ssl.SSLContext, version: ssl.TLSVersion) -> None:
    theirs = trusting_anybody()
    theirs.minimum_version = theirs.maximum_version = version
    server = TlsConnection(context)
    shake_hands(server, ForeignEnd(theirs))
    assert server.version == version.name.replace("_", ".")


def test_tls_1_1_is_refused(context: ssl.SSLContext) -> None:
    theirs = trusting_anybody()
    theirs.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        theirs.minimum_version = theirs.maximum_version = ssl.TLSVersion.TLSv1_1
    client = ForeignEnd(theirs)
    client.hear(b"")
    with pytest.raises(TlsError, match="unsupported protocol"):
        TlsConnection(context).receive_data(client.say())


def test_http_1_1_is_agreed_to_with_those_who_offer_it(context: ssl.SSLContext) -> None:
    theirs = trusting_anybody()
    theirs.set_alpn_protocols(["h2", "http/1.1"])
    client = ForeignEnd(theirs)
    shake_hands(TlsConnection(context), client)
    assert client.tls.selected_alpn_protocol() == "http/1.1"


def test_a_client_of_ours_wants_a_certificate_that_is_trusted(
    context: ssl.SSLContext,
) -> None:
    server = TlsConnection(context)
    client = TlsConnection(ssl.create_default_context(), "example.test")
    client.receive_data(b"")
    server.receive_data(client.data_to_send())
    with pytest.raises(TlsError, match="not trusted: self-signed certificate"):
        client.receive_data(server.data_to_send())


def test_no_tickets_are_given_that_other_workers_could_not_read(context: ssl.SSLContext) -> None:
    server, client = TlsConnection(context), ForeignEnd(trusting_anybody())
    shake_hands(server, client)
    client.hear(server.encrypt(b"something"))  # tickets would have come before it
    assert client.tls.session is None or not client.tls.session.has_ticket
