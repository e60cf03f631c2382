"""Mistakes: where in the file a key stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.control.configuration.mistakes import Mistake, find_line

TEXT = """\
# server.rtmp = 1
top.of = 1

[server]   # with a comment
rtmp = ":1"
"http" = ":2"

[apps.live.streams]
grace_s = 1
[apps."a.b"]
access . publish = "key"
inline = { one = 1, two = 2 }
[[list]]
x = 1
"""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("top of", 2),
        ("server", 4),
        ("server rtmp", 5),
        ("server http", 6),
        ("apps live", 8),
        ("apps live streams grace_s", 9),
        ("apps a.b", 10),
        ("apps a.b access publish", 11),
        ("apps a.b inline two", 12),
        ("list x", 14),
        ("server missing", 4),
        ("apps live streams missing", 8),
    ],
)
def test_a_key_is_found_or_else_the_table_around_it(key: str, line: int) -> None:
    assert find_line(TEXT, tuple(key.split())) == line


def test_what_is_nowhere_has_no_line() -> None:
    assert find_line(TEXT, ("net", "x")) is None
    assert find_line("", ("net",)) is None


@given(st.text(alphabet='ab.=[]"\n \\#', max_size=60))
def test_any_text_is_searched(text: str) -> None:
    line = find_line(text, ("a", "b"))
    assert line is None or 1 <= line <= len(text.splitlines())


def test_a_mistake_reads_like_a_compilers() -> None:
    assert str(Mistake("x.toml", "is wrong", ("a", "b"), 3)) == "x.toml:3: a.b: is wrong"
    assert str(Mistake("x.toml", "is wrong")) == "x.toml: is wrong"


def test_a_mistake_is_one_line_whatever_its_key_is() -> None:
    mistake = Mistake("x.toml", "is wrong", ("apps", "a\nb\x1b[31m"), 3)
    assert str(mistake) == 'x.toml:3: apps."a\\nb\\u001b[31m": is wrong'


def test_a_mistake_is_one_line_whatever_its_reason_quotes() -> None:
    told = str(Mistake("a.toml", "there is no file /x\ny\r\x1b[31m\u2028é", ("slate", "source"), 3))
    assert told == r"a.toml:3: slate.source: there is no file /x\ny\r\x1b[31m\u2028é"
