"""The hidden digests, against blocks that FFmpeg and rtmpdump accept.

The bytes were made by a script of its own and tried on both programs: they take these digests
and signatures, and refuse them with one bit flipped.
"""

from __future__ import annotations

from hashlib import sha256

import pytest

from slipstream.rtmp.digest import Digest, Role, Schema, find_digest, put_digest, sign_answer


def filler(size: int, step: int, start: int) -> bytes:
    return bytes((step * i + start) % 256 for i in range(size))


C1 = bytes.fromhex("00000000 80000702") + filler(1528, 7, 3)
S1 = bytes.fromhex("00000000 04050001") + filler(1528, 11, 5)

CASES = [
    pytest.param(
        Schema.FIRST,
        66,
        "57558039f689da2cd14bff731a86b6af64501620e140ff7d2265d3260626b728",
        "1782efd82e21f26bc5cfc44ccefc974b1247ff22dfb0cdad3731a71c61bf3e8f",
        98,
        "7cb37cd4208ef4af898dc05914bdf50cdefb0698a4678bb98a88286382e508e2",
        "964220eb7debb562d9c3d9852e88448608975a7d4a0424be6cebfcb34508e89a",
        "8f7273bfde7c47dd2e91070b77e44df2085693385b5628630b46c1836eece090",
        id="first schema",
    ),
    pytest.param(
        Schema.SECOND,
        1014,
        "ee57cd4468042a4a1d0356c6fa2a54e53deff6e11afca7fc1e8b559bf25ec48e",
        "79e50da09f716866cd8b926b65cba36f1049df63a5043eae08064d71044627ff",
        982,
        "02dc9177e1ec6181c585e541cca3c6c26ce16c7bda28eaa9d95e73f039e61b9a",
        "c90539960d453a49e2239f723127d2a28e206d0c75f94988dc57739b6830b9df",
        "ec4e9941e74a51e6aed6a99faa7798ed47cb3d5bfcc2780b479ad9791fe53cd3",
        id="second schema",
    ),
]


@pytest.mark.parametrize(
    (
        "schema",
        "c1_offset",
        "c1_digest",
        "c1_sha256",
        "s1_offset",
        "s1_digest",
        "s2_tail",
        "c2_tail",
    ),
    CASES,
)
def test_a_whole_exchange(
    schema: Schema,
    c1_offset: int,
    c1_digest: str,
    c1_sha256: str,
    s1_offset: int,
    s1_digest: str,
    s2_tail: str,
    c2_tail: str,
) -> None:
    c1 = put_digest(C1, schema, Role.CLIENT)
    assert schema.offset(c1) == c1_offset
    assert sha256(c1).hexdigest() == c1_sha256
    assert find_digest(c1, Role.CLIENT) == Digest(schema, bytes.fromhex(c1_digest))
    assert find_digest(c1, Role.SERVER) is None

    s1 = put_digest(S1, schema, Role.SERVER)
    assert schema.offset(s1) == s1_offset
    assert find_digest(s1, Role.SERVER) == Digest(schema, bytes.fromhex(s1_digest))

    s2 = sign_answer(filler(1504, 13, 1), bytes.fromhex(c1_digest), Role.SERVER)
    assert s2 == filler(1504, 13, 1) + bytes.fromhex(s2_tail)
    c2 = sign_answer(filler(1504, 17, 9), bytes.fromhex(s1_digest), Role.CLIENT)
    assert c2 == filler(1504, 17, 9) + bytes.fromhex(c2_tail)


@pytest.mark.parametrize("schema", list(Schema))
@pytest.mark.parametrize("at", [0, 7, 500, 1535])
def test_one_wrong_byte_anywhere_hides_the_digest(schema: Schema, at: int) -> None:
    block = bytearray(put_digest(C1, schema, Role.CLIENT))
    block[at] ^= 1
    assert find_digest(bytes(block), Role.CLIENT) is None


@pytest.mark.parametrize("byte", [0x00, 0xB6, 0xFF])
def test_the_offset_stays_inside_the_block(byte: int) -> None:
    block = bytes([byte]) * 1536
    for schema in Schema:
        signed = put_digest(block, schema, Role.SERVER)
        assert len(signed) == 1536
        found = find_digest(signed, Role.SERVER)
        assert found is not None
