"""What is printed at the start can be pasted as it stands."""

from __future__ import annotations

import ipaddress
import re

from slipstream.access import Keys
from slipstream.control.configuration.config import Config
from slipstream.control.welcome import welcome

KEYS = Keys("k" * 32, "t" * 32)


def text(rtmp: str = "192.0.2.7:1935", http: str = "192.0.2.7:8080", **access: str) -> str:
    config = Config.model_validate({"server": {"data_dir": "/var/lib/x"}, "access": access})
    return welcome(config, KEYS, rtmp, http)


def test_it_tells_server_stream_key_and_how_to_watch() -> None:
    lines = text().splitlines()
    assert "  Publish   server       rtmp://192.0.2.7/live" in lines
    assert f"            stream key   NAME?key={'k' * 32}" in lines
    assert "  Watch     rtmp://192.0.2.7/live/NAME" in lines
    assert "            http://192.0.2.7:8080/live/NAME.flv" in lines
    assert "  Page      http://192.0.2.7:8080/" in lines
    assert "  Data      /var/lib/x" in lines


def test_a_page_that_is_switched_off_is_not_told_of() -> None:
    config = Config.model_validate({"page": {"enabled": False}})
    told = welcome(config, KEYS, "192.0.2.7:1935", "192.0.2.7:8080")
    assert "Page" not in told
    assert "console" not in told


def test_operators_are_told_of_the_console_if_there_is_one() -> None:
    assert "  Look      http://192.0.2.7:8080/console\n" in text()
    config = Config.model_validate({"page": {"console": False}})
    told = welcome(config, KEYS, "192.0.2.7:1935", "192.0.2.7:8080")
    assert "  Look      http://192.0.2.7:8080/api/v1/streams\n" in told


def test_an_unusual_port_is_part_of_the_address() -> None:
    assert "rtmp://192.0.2.7:19350/live\n" in text(rtmp="192.0.2.7:19350")
    assert "rtmp://[::1]:19350/live\n" in text(rtmp="[::1]:19350")


def test_an_address_that_stands_for_all_is_replaced_by_one_that_can_be_used() -> None:
    for everywhere in ("0.0.0.0:1935", "[::]:1935"):
        found = re.search(r"server +rtmp://(\S+)/live", text(rtmp=everywhere))
        assert found
        assert found[1] == "localhost" or not ipaddress.ip_address(found[1]).is_unspecified


def test_anonymous_publishing_needs_no_key_and_says_so() -> None:
    told = text(publish="anonymous")
    assert "key=" not in told
    assert "Anybody may publish." in told


def test_without_certificates_nothing_speaks_tls() -> None:
    assert Config().encrypted() == ("", "")
    assert "rtmps://" not in text()
    assert "https://" not in text()


def test_with_certificates_their_addresses_are_told() -> None:
    config = Config.model_validate({"tls": {"certificates": "auto"}})
    assert config.encrypted() == (":1936", ":8443")
    places = [f"192.0.2.7:{port}" for port in (1935, 8080, 1936, 8443)]
    lines = welcome(config, KEYS, *places).splitlines()
    assert "            rtmps://192.0.2.7:1936/live/NAME" in lines
    assert "            https://192.0.2.7:8443/live/NAME.flv" in lines


def test_one_of_them_may_be_switched_off() -> None:
    config = Config.model_validate({"server": {"rtmps": ""}, "tls": {"certificates": "auto"}})
    told = welcome(config, KEYS, *(f"192.0.2.7:{port}" for port in (1935, 8080, 8443)))
    assert "https://192.0.2.7:8443/" in told
    assert "rtmps://" not in told


def test_the_token_is_not_shown_but_its_file_is() -> None:
    assert "t" * 32 not in text()
    assert "/var/lib/x/api.token" in text()
