"""Both sides of the handshake, as real peers do it, cut anywhere."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipstream.errors import HandshakeError
from slipstream.rtmp.digest import Role, Schema, find_digest, put_digest, sign_answer
from slipstream.rtmp.handshake import BLOCK, ClientHandshake, ServerHandshake


def filler(size: int, step: int, start: int) -> bytes:
    return bytes((step * i + start) % 256 for i in range(size))


SIMPLE_C1 = bytes.fromhex("000003e8 00000000") + filler(1528, 7, 3)
FLASH_C1 = bytes.fromhex("00000000 80000702") + filler(1528, 7, 3)
FFMPEG_VERSION = bytes.fromhex("09007c02")
C2 = bytes(BLOCK)


def chance(size: int) -> bytes:
    """What chance gave for the published exchange: blocks 11i+5, answers 13i+1."""
    return filler(size, 11, 5) if size == 1528 else filler(size, 13, 1)


def server() -> ServerHandshake:
    return ServerHandshake(random_bytes=chance)


def answer_to(c1: bytes) -> tuple[bytes, bytes]:
    """S1 and S2 for a C1."""
    handshake = server()
    handshake.receive_data(b"\x03" + c1)
    sent = handshake.data_to_send()
    assert (sent[0], len(sent)) == (3, 1 + 2 * BLOCK)
    return sent[1 : 1 + BLOCK], sent[1 + BLOCK :]


def test_a_client_without_digest_gets_its_block_back() -> None:
    """OBS, librtmp and GStreamer leave the version zero; StreamPack compares every byte."""
    s1, s2 = answer_to(SIMPLE_C1)
    assert s1[:8] == bytes(8)  # FFmpeg takes a version from 3 up as the promise of a digest
    assert s1[8:] == filler(1528, 11, 5)
    assert s2 == SIMPLE_C1


@pytest.mark.parametrize(
    ("schema", "s1_digest", "s2_tail"),
    [
        (
            Schema.FIRST,
            "7cb37cd4208ef4af898dc05914bdf50cdefb0698a4678bb98a88286382e508e2",
            "964220eb7debb562d9c3d9852e88448608975a7d4a0424be6cebfcb34508e89a",
        ),
        (
            Schema.SECOND,
            "02dc9177e1ec6181c585e541cca3c6c26ce16c7bda28eaa9d95e73f039e61b9a",
            "c90539960d453a49e2239f723127d2a28e206d0c75f94988dc57739b6830b9df",
        ),
    ],
)
def test_a_client_with_digest_gets_one_in_the_same_place(
    schema: Schema, s1_digest: str, s2_tail: str
) -> None:
    s1, s2 = answer_to(put_digest(FLASH_C1, schema, Role.CLIENT))
    assert s1[:8].hex() == "0000000004050001"
    assert find_digest(s1, Role.SERVER) == (schema, bytes.fromhex(s1_digest))
    assert s2 == filler(1504, 13, 1) + bytes.fromhex(s2_tail)


def test_a_version_without_digest_is_answered_simply() -> None:
    c1 = bytes(4) + FFMPEG_VERSION + filler(1528, 7, 3)
    s1, s2 = answer_to(c1)
    assert s1[:8] == bytes(8)
    assert s2 == c1


def test_a_digest_without_version_is_answered_simply() -> None:
    """What looks like a digest there is chance: the version promises it."""
    c1 = put_digest(SIMPLE_C1, Schema.FIRST, Role.CLIENT)
    s1, s2 = answer_to(c1)
    assert s1[:8] == bytes(8)
    assert s2 == c1


def test_nothing_is_sent_before_the_client_s_block_is_whole() -> None:
    handshake = server()
    handshake.receive_data(b"\x03" + SIMPLE_C1[:-1])
    assert handshake.data_to_send() == b""
    handshake.receive_data(SIMPLE_C1[-1:])
    assert len(handshake.data_to_send()) == 1 + 2 * BLOCK
    assert handshake.data_to_send() == b""
    assert not handshake.done


@pytest.mark.parametrize("c2", [bytes(BLOCK), b"\xff" * BLOCK, SIMPLE_C1], ids=["0", "1", "C1"])
def test_whatever_c2_holds_ends_the_handshake(c2: bytes) -> None:
    handshake = server()
    handshake.receive_data(b"\x03" + SIMPLE_C1 + c2)
    assert handshake.done
    assert handshake.leftover == b""


def test_the_first_chunks_behind_c2_are_kept() -> None:
    """FFmpeg, OBS and GStreamer send C2 and `connect` in one segment."""
    handshake = server()
    handshake.receive_data(b"\x03" + SIMPLE_C1)
    handshake.receive_data(C2 + b"\x03\x00")
    handshake.receive_data(b"\x00")
    assert handshake.done
    assert handshake.leftover == b"\x03\x00\x00"


@settings(deadline=None)
@given(st.lists(st.integers(0, 3080), max_size=6))
def test_cuts_change_nothing(cuts: list[int]) -> None:
    stream = b"\x03" + put_digest(FLASH_C1, Schema.FIRST, Role.CLIENT) + C2 + b"chunks!"
    whole, cut = server(), server()
    whole.receive_data(stream)
    places = [0, *sorted(cuts), len(stream)]
    sent = b""
    for start, end in pairwise(places):
        cut.receive_data(memoryview(stream)[start:end])
        sent += cut.data_to_send()
    assert sent == whole.data_to_send()
    assert (cut.done, cut.leftover) == (whole.done, whole.leftover) == (True, b"chunks!")


def test_a_byte_at_a_time() -> None:
    handshake = server()
    for byte in b"\x03" + SIMPLE_C1 + C2:
        assert not handshake.done
        handshake.receive_data(bytes([byte]))
    assert handshake.done


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        pytest.param(b"GET / HTTP/1.1\r\n", "HTTP", id="HTTP"),
        pytest.param(b"POST /open/1 HTTP/1.1\r\n", "HTTP", id="RTMPT"),
        pytest.param(bytes.fromhex("16030100c8010000c4"), "TLS", id="TLS"),
        pytest.param(b"\x06" + bytes(BLOCK), "RTMPE", id="RTMPE"),
        pytest.param(b"\x08", "RTMPE", id="RTMPE with XTEA"),
        pytest.param(b"\x00", "version 0, expected 3", id="zero"),
        pytest.param(b"\xff", "version 255, expected 3", id="anything"),
    ],
)
def test_what_is_not_rtmp_is_refused_at_the_first_byte(data: bytes, complaint: str) -> None:
    with pytest.raises(HandshakeError, match=complaint):
        server().receive_data(data)


@settings(deadline=None)
@given(st.binary(max_size=4000))
def test_any_bytes_are_a_handshake_or_an_error(data: bytes) -> None:
    for handshake in (server(), ClientHandshake(random_bytes=chance, digest=True)):
        try:
            handshake.receive_data(data)
        except HandshakeError:
            assert data[0] != 3
        else:
            assert handshake.done == (len(data) >= 1 + 2 * BLOCK)


def test_a_simple_client_echoes() -> None:
    client = ClientHandshake(random_bytes=chance)
    assert client.data_to_send() == b"\x03" + bytes(8) + filler(1528, 11, 5)
    s1 = put_digest(bytes.fromhex("00000000 04050001") + bytes(1528), Schema.FIRST, Role.SERVER)
    client.receive_data(b"\x03" + s1)
    assert client.data_to_send() == s1
    assert not client.done
    client.receive_data(bytes(BLOCK) + b"more")
    assert client.done
    assert client.leftover == b"more"


@pytest.mark.parametrize("schema", list(Schema))
def test_a_client_with_digest_signs_its_answer(schema: Schema) -> None:
    client = ClientHandshake(random_bytes=chance, digest=True)
    c1 = client.data_to_send()[1:]
    assert find_digest(c1, Role.CLIENT) is not None
    s1 = put_digest(bytes.fromhex("00000000 04050001") + bytes(1528), schema, Role.SERVER)
    digest = find_digest(s1, Role.SERVER)
    assert digest is not None
    client.receive_data(b"\x03" + s1 + bytes(BLOCK))
    assert client.data_to_send() == sign_answer(filler(1504, 13, 1), digest.value, Role.CLIENT)


def test_a_client_with_digest_echoes_a_simple_server() -> None:
    client = ClientHandshake(random_bytes=chance, digest=True)
    client.data_to_send()
    client.receive_data(b"\x03" + SIMPLE_C1)
    assert client.data_to_send() == SIMPLE_C1


@pytest.mark.parametrize("digest", [False, True])
def test_client_and_server_of_ours_agree(digest: bool) -> None:
    client, listener = ClientHandshake(random_bytes=chance, digest=digest), server()
    for _ in range(2):
        listener.receive_data(client.data_to_send())
        client.receive_data(listener.data_to_send())
    assert client.done
    assert listener.done
