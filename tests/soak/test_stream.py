"""Messages that know their place."""

from __future__ import annotations

import pytest

from bench.load.chunks import AUDIO, VIDEO, Message
from slipstream.media import Kind, parse_tag
from soak.stream import (
    DamagedError,
    build_body,
    is_keyframe,
    kind_of,
    next_keyframe,
    read_stamp,
)


def message(number: int, session: int = 0, body: bytes | None = None) -> Message:
    body = build_body(session, number, 123) if body is None else body
    return Message(number * 20, kind_of(number), 1, body)


@pytest.mark.parametrize("number", [0, 1, 2, 49, 50, 51, 99_999])
def test_a_message_tells_its_place(number: int) -> None:
    assert read_stamp(message(number, session=7)) == (7, number, 123)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_any_other_byte_is_noticed(number: int) -> None:
    body = build_body(0, number, 123)
    start = 1 if number % 2 == 0 else 2  # before are the first octets, which the server reads
    for position in range(start + 60, len(body), 97):
        wrong = bytearray(body)
        wrong[position] ^= 1
        with pytest.raises(DamagedError):
            read_stamp(message(number, body=bytes(wrong)))


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_message_cut_short_is_noticed(number: int) -> None:
    body = build_body(0, number, 123)
    for length in range(2, len(body), 101):
        with pytest.raises(DamagedError):
            read_stamp(message(number, body=body[:length]))


def test_a_message_of_the_other_kind_is_noticed() -> None:
    sound = message(1)
    with pytest.raises(DamagedError):
        read_stamp(sound._replace(type_id=VIDEO))


def test_configurations_have_no_place() -> None:
    assert read_stamp(Message(0, VIDEO, 1, b"\x17\x00\x00\x00\x00")) is None
    assert read_stamp(Message(0, AUDIO, 1, b"\xaf\x00\x11\x90")) is None


def test_pictures_begin_with_a_keyframe_every_second() -> None:
    assert [number for number in range(101) if is_keyframe(number)] == [0, 50, 100]
    assert [next_keyframe(number) for number in (0, 1, 50, 51)] == [0, 50, 50, 100]


def test_the_server_takes_them_for_what_they_are() -> None:
    keyframe, sound, picture = (
        parse_tag(Kind(kind_of(number)), 0, build_body(0, number, 123)) for number in (0, 1, 2)
    )
    assert keyframe.keyframe
    assert not picture.keyframe
    assert not picture.disposable
    assert sound.kind == Kind.AUDIO
