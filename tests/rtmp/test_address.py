"""Addresses as people paste them and encoders send them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import BadNameError, SlipstreamError
from slipstream.rtmp.address import (
    MAX_NAME_LENGTH,
    MAX_URL_LENGTH,
    RtmpUrl,
    parse_app,
    parse_rtmp_url,
    parse_stream_name,
)


@pytest.mark.parametrize(
    ("sent", "name", "query"),
    [
        ("key", "key", ""),
        ("key?token=a?b&x=%2F", "key", "token=a?b&x=%2F"),
        ("/key", "key", ""),
        ("//key", "/key", ""),
        ("key/", "key", ""),
        (" 'key' \r\n", "key", ""),
        ("mp4:folder/film.mp4", "folder/film.mp4", ""),
        ("flv:key?x", "key", "x"),
        ("/mp3:key", "key", ""),
        ("mp5:key", "mp5:key", ""),
        ("a/b c", "a/b c", ""),
    ],
)
def test_stream_names_are_cleaned_up(sent: str, name: str, query: str) -> None:
    assert parse_stream_name(sent) == (name, query)


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "/",
        "?token=x",
        " ",
        "mp4:",
        "a\0b",
        "a\nb",
        "a\x7f",
        "a\udcff",
        "key?to\nken",
        "k\u202ey",
    ],
)
def test_what_could_never_be_a_name_is_refused(sent: str) -> None:
    with pytest.raises(BadNameError):
        parse_stream_name(sent)


def test_names_are_as_long_as_the_limit_and_no_longer() -> None:
    assert parse_stream_name("n" * MAX_NAME_LENGTH + "?" + "q" * 999).name == "n" * MAX_NAME_LENGTH
    for length in (MAX_NAME_LENGTH + 1, 60_000):
        with pytest.raises(BadNameError, match=f"{length} characters"):
            parse_stream_name("n" * length)


@pytest.mark.parametrize(
    ("app", "tc_url", "name", "query"),
    [
        ("live", "rtmp://h/live", "live", ""),
        ("live/", "", "live", ""),
        ("live/_definst_", "", "live", ""),
        ("live/_definst_/", "", "live", ""),
        ('"live" ', "", "live", ""),
        ("live/instance", "", "live/instance", ""),
        ("live?token=a", "rtmp://h/live?token=b", "live", "token=a"),
        ("live", "rtmp://h/live?token=b", "live", "token=b"),
        ("", "rtmp://h:1935/live?token=b", "live", "token=b"),
        ("?a=1", "rtmp://h/live/x", "live/x", "a=1"),
        ("", "rtmp://h", "", ""),
        ("", "", "", ""),
        ("", "no url", "", ""),
    ],
)
def test_applications_are_cleaned_up(app: str, tc_url: str, name: str, query: str) -> None:
    assert parse_app(app, tc_url) == (name, query)


def test_absurd_applications_are_refused() -> None:
    assert parse_app("live", "rtmp://h/" + "x" * (MAX_URL_LENGTH - 9)) == ("live", "")
    with pytest.raises(BadNameError, match="2049"):
        parse_app("live", "x" * (MAX_URL_LENGTH + 1))
    for app in ("li\0ve", "a" * (MAX_NAME_LENGTH + 1)):
        with pytest.raises(BadNameError):
            parse_app(app, "")


@pytest.mark.parametrize(
    ("url", "host", "port", "app", "name"),
    [
        ("rtmp://h/live/key", "h", 1935, "live", "key"),
        ("rtmp://h:1936/live/key?a=b", "h", 1936, "live", "key?a=b"),
        ("RTMPS://H/live/key", "h", 443, "live", "key"),
        ("rtmp://user:pass@h/live/key", "h", 1935, "live", "key"),
        ("rtmp://[::1]:1935/live/key", "::1", 1935, "live", "key"),
        # FFmpeg's rule, and what it makes of queries and of Flash's file names.
        ("rtmp://h/app/instance/key", "h", 1935, "app/instance", "key"),
        ("rtmp://h/app/instance/folder/key", "h", 1935, "app/instance", "folder/key"),
        ("rtmp://h/app/mp4:folder/key", "h", 1935, "app", "mp4:folder/key"),
        ("rtmp://h/live?token=abc/key", "h", 1935, "live?token=abc", "key"),
        ("rtmp://h/live/key?sign=a/b", "h", 1935, "live", "key?sign=a/b"),
        (" 'rtmp://h/live/key' ", "h", 1935, "live", "key"),
    ],
)
def test_urls_are_split(url: str, host: str, port: int, app: str, name: str) -> None:
    parsed = parse_rtmp_url(url)
    assert (parsed.host, parsed.port, parsed.app, parsed.name) == (host, port, app, name)
    assert parsed.tls == ("s:" in url.lower())


@pytest.mark.parametrize(
    "url",
    ["", "h/live/key", "http://h/live/key", "rtmp:///live/key", "rtmp://h", "rtmp://h/live",
     "rtmp://h/live/", "rtmp://h:port/live/key", "rtmp://h:99999/live/key", "rtmp://[::1/live/key",
     "rtmp://\N{DOUBLE QUESTION MARK}\r\x1c/live/key"],
)  # fmt: skip
def test_what_is_no_rtmp_url_is_told_in_one_line(url: str) -> None:
    with pytest.raises(SlipstreamError) as told:
        parse_rtmp_url(url)
    assert str(told.value).isprintable()


@pytest.mark.parametrize(
    ("url", "tc_url"),
    [
        (RtmpUrl("h", 1935, False, "live", "key"), "rtmp://h/live"),
        (RtmpUrl("h", 1936, False, "live?a=b", "key"), "rtmp://h:1936/live?a=b"),
        (RtmpUrl("::1", 443, True, "live", "key"), "rtmps://[::1]/live"),
    ],
)
def test_the_url_of_the_application_has_no_password_and_no_name(url: RtmpUrl, tc_url: str) -> None:
    assert url.tc_url == tc_url


@given(st.text(), st.text())
def test_any_text_is_an_address_or_refused(one: str, other: str) -> None:
    with suppress(BadNameError):
        assert parse_stream_name(one).name
    with suppress(BadNameError):
        address = parse_app(one, other)
        assert (address.name + address.query).isprintable()
    with suppress(SlipstreamError):
        assert parse_rtmp_url(one).name


def test_user_and_password_are_taken_out_of_a_url() -> None:
    url = parse_rtmp_url("rtmp://ann:p%40ss@host/live/key")
    assert (url.user, url.password) == ("ann", "p@ss")
    assert url.tc_url == "rtmp://host/live"
    assert parse_rtmp_url("rtmp://host/live/key").user == ""
