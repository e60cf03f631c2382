"""Keys: made once, kept private, and clear words when they cannot be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from slipstream.access import (
    API_TOKEN_FILE,
    PUBLISH_KEY_FILE,
    SIGNING_KEY_FILE,
    Keys,
    live_secrets,
    load_keys,
)
from slipstream.errors import SlipstreamError


def test_the_first_start_makes_two_different_keys_of_128_bits(tmp_path: Path) -> None:
    keys = load_keys(tmp_path / "data")
    assert re.fullmatch("[0-9a-f]{32}", keys.publish_key)
    assert re.fullmatch("[0-9a-f]{32}", keys.api_token)
    assert keys.publish_key != keys.api_token


def test_later_starts_read_them(tmp_path: Path) -> None:
    assert load_keys(tmp_path) == load_keys(tmp_path)


def test_only_the_owner_can_read_them(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "slipstream"
    load_keys(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_else_is_left_in_the_folder(tmp_path: Path) -> None:
    load_keys(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        PUBLISH_KEY_FILE,
        API_TOKEN_FILE,
        SIGNING_KEY_FILE,
    }


def test_a_key_may_be_written_by_hand(tmp_path: Path) -> None:
    (tmp_path / PUBLISH_KEY_FILE).write_text("  My_own-key.2026~x \r\n")
    assert load_keys(tmp_path).publish_key == "My_own-key.2026~x"


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"short", b"0" * 129, b"two words of it here", b"\xff" * 20, b"a&b" * 9]
)
@pytest.mark.parametrize("name", [PUBLISH_KEY_FILE, API_TOKEN_FILE])
def test_an_empty_or_garbled_file_is_told_in_one_line(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SlipstreamError) as caught:
        load_keys(tmp_path)
    message = str(caught.value)
    assert str(tmp_path / name) in message
    assert "delete the file" in message
    assert "\n" not in message


def test_a_folder_that_is_a_file_is_told_in_one_line(tmp_path: Path) -> None:
    place = tmp_path / "data"
    place.write_text("")
    with pytest.raises(SlipstreamError, match=r"cannot keep keys in .*data.*: File exists"):
        load_keys(place)


def test_a_folder_that_cannot_be_written_is_told_in_one_line() -> None:
    with pytest.raises(SlipstreamError, match="cannot keep keys in the data folder /proc/self/x"):
        load_keys(Path("/proc/self/x"))  # nobody can write there, not even root


def test_keys_do_not_show_in_a_traceback() -> None:
    assert "secret" not in repr(Keys("secret" * 4, "secret" * 5))


def test_a_running_server_goes_by_what_the_files_say_now(tmp_path: Path) -> None:
    keys, changes = load_keys(tmp_path), []
    publish_key, api_token = live_secrets(tmp_path, keys, changes.append)
    assert (publish_key(), api_token()) == (keys.publish_key, keys.api_token)
    (tmp_path / API_TOKEN_FILE).write_text("another-token-of-ours\n")
    assert api_token() == "another-token-of-ours"
    assert publish_key() == keys.publish_key
    assert changes == ["another-token-of-ours"]


def test_a_file_that_is_gone_or_garbled_leaves_the_server_with_what_it_knew(
    tmp_path: Path,
) -> None:
    keys = load_keys(tmp_path)
    publish_key, _ = live_secrets(tmp_path, keys, lambda _: None)
    for content in (b"", b"short", b"\xff" * 20):
        (tmp_path / PUBLISH_KEY_FILE).write_bytes(content)
        assert publish_key() == keys.publish_key
    (tmp_path / PUBLISH_KEY_FILE).unlink()
    assert publish_key() == keys.publish_key
    (tmp_path / PUBLISH_KEY_FILE).write_text("written-once-more\n")
    assert publish_key() == "written-once-more"
