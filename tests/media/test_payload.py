"""What is behind the headers, and which configuration is which."""

from __future__ import annotations

import pytest

from slipstream.media.frame import Kind
from slipstream.media.payload import ConfigRole, Role, coded_data, config_data, config_role
from slipstream.media.tag import parse_tag

AUDIO, VIDEO, DATA = 8, 9, 18

PAYLOADS = [
    (VIDEO, "2701000028 0000000241 9a", "0000000241 9a"),
    (VIDEO, "1700000000 014d400a", "014d400a"),
    (VIDEO, "1702000000", ""),
    (VIDEO, "1702", ""),
    (VIDEO, "5700", "00"),
    (VIDEO, "12 00008400", "00008400"),
    (VIDEO, "a168766331 000028 0102", "0102"),
    (VIDEO, "a368766331 0102", "0102"),
    (VIDEO, "9068766331 0101", "0101"),
    (VIDEO, "9161763031 1200", "1200"),
    (VIDEO, "9261763031", ""),
    (VIDEO, "d468766331 020009", "020009"),
    (VIDEO, "d1 00", ""),
    (VIDEO, "96 01 68766331 01 000028 0102", "0102"),
    (VIDEO, "96 11 68766331 01 000005 000028 0102 00 000003 000028", "0102"),
    (AUDIO, "af01 2110", "2110"),
    (AUDIO, "af00 1210", "1210"),
    (AUDIO, "2f fffb", "fffb"),
    (AUDIO, "914f707573 fcfffe", "fcfffe"),
    (AUDIO, "9061632d33", ""),
    (AUDIO, "97 02 07a120 01 4f707573 fcfffe", "fcfffe"),
    (DATA, "02000161 05", "02000161 05"),
]


@pytest.mark.parametrize(("type_id", "body", "payload"), PAYLOADS)
def test_the_payload_is_what_follows_the_header(type_id: int, body: str, payload: str) -> None:
    frame = parse_tag(type_id, 0, bytes.fromhex(body))
    assert coded_data(frame) == bytes.fromhex(payload)
    assert coded_data(frame).obj is frame.body
    assert config_data(frame) == bytes.fromhex(payload)


ROLES = [
    (VIDEO, "1700000000 014d400a", 0, Role.CODEC),
    (VIDEO, "9068766331 0101", 0, Role.CODEC),
    (VIDEO, "9561763031 80048100 0c00", 0, Role.CODEC),
    (VIDEO, "8468766331 020009", 0, Role.COLOUR),
    (VIDEO, "96 04 68766331 03 020009", 3, Role.COLOUR),
    (VIDEO, "96 00 68766331 03 0101", 3, Role.CODEC),
    (AUDIO, "af00 1210", 0, Role.CODEC),
    (AUDIO, "904f707573", 0, Role.CODEC),
    (AUDIO, "944f707573 010200000003", 0, Role.CHANNELS),
    (AUDIO, "95 04 4f707573 02 010200000003", 2, Role.CHANNELS),
    (DATA, "02000a6f6e4d65746144617461 03 000161 0101 000009", 0, Role.METADATA),
]


@pytest.mark.parametrize(("type_id", "body", "track", "role"), ROLES)
def test_a_configuration_replaces_those_of_the_same_role(
    type_id: int, body: str, track: int, role: Role
) -> None:
    frame = parse_tag(type_id, 0, bytes.fromhex(body))
    assert config_role(frame) == ConfigRole(Kind(type_id), track, role)


def test_players_expect_the_codec_before_what_belongs_to_it() -> None:
    assert Role.METADATA < Role.CODEC < Role.CHANNELS < Role.COLOUR
