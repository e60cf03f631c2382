"""Fields of log lines: what strangers send must neither break a line nor carry a secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.control.logs.fields import MAX_FIELD_BYTES, clean

KEY = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"cam?key={KEY}", "cam?key=***"),
        (f"cam?user=ann&key={KEY}&x=1", "cam?user=ann&key=***&x=1"),
        (f"KEY={KEY}", "KEY=***"),
        (f"rtmp://h/live?stream_key={KEY}#x", "rtmp://h/live?stream_key=***#x"),
        (f"api_token={KEY} and more", "api_token=*** and more"),
        (f"a%26key%3D{KEY}", "a%26key%3D***"),
        (f"{{'app': 'live?token={KEY}'}}", "{'app': 'live?token=***'}"),
        (f"Authorization: Bearer {KEY}", "Authorization: Bearer ***"),
        (f"authorization: basic {KEY}==", "authorization: basic ***"),
        ("rtmp://ann:pass@h/live", "rtmp://ann:***@h/live"),
        ("key=", "key="),
        ("monkey business, keyframe 3", "monkey business, keyframe 3"),
    ],
)
def test_keys_and_tokens_are_masked(text: str, shown: str) -> None:
    assert clean("query", text) == shown


def test_the_servers_own_secrets_are_masked_wherever_they_stand() -> None:
    assert clean("stream", f"live/{KEY}x", [KEY]) == "live/***x"


@pytest.mark.parametrize("name", ["key", "token", "authorization", "password", "secret"])
def test_a_field_that_is_a_secret_is_masked(name: str) -> None:
    assert clean(name, KEY) == "***"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\r\nlines", r"two\r\nlines"),
        ("\x1b[2Jgone\0\x7f", r"\x1b[2Jgone\x00\x7f"),
        ("\u202egnp.exe\u2028\x85", r"\u202egnp.exe\u2028\x85"),
        ("\udcff", r"\udcff"),
        ("Café 東京 🎥", "Café 東京 🎥"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_instead(text: str, shown: str) -> None:
    assert clean("name", text) == shown


@pytest.mark.parametrize("letter", ["x", "é", "🎥", "\0"])
@pytest.mark.parametrize("length", [511, 512, 513, 100_000])
def test_a_field_has_at_most_512_bytes(letter: str, length: int) -> None:
    shown = clean("name", letter * length)
    assert isinstance(shown, str)
    assert len(shown.encode()) <= MAX_FIELD_BYTES
    assert shown.endswith("…") or len(shown) == length


@pytest.mark.parametrize("value", [0, -5, 2**63 - 1, 1.5, True, None])
def test_numbers_stay_numbers(value: object) -> None:
    assert clean("count", value) is value


@pytest.mark.parametrize("value", [2**64, -(2**70), b"\xff\n", ["a", "\n"], object])
def test_everything_else_becomes_text(value: object) -> None:
    shown = clean("what", value)
    assert isinstance(shown, str)
    assert "\n" not in shown


@given(st.text())
def test_any_text_is_one_short_printable_line_without_secrets(text: str) -> None:
    shown = clean("what", f"{text}key={KEY}{text}", [KEY])
    assert isinstance(shown, str)
    assert shown.isprintable()
    assert len(shown.encode()) <= MAX_FIELD_BYTES
    assert KEY not in shown
