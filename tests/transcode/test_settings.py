"""Settings of slates: what is wrong is told before anybody misses a slate."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from slipstream.control.configuration.config import load_config
from slipstream.control.configuration.mistakes import ConfigError
from slipstream.transcode.settings import SlateSettings


def test_there_is_none_unless_it_is_asked_for() -> None:
    settings = SlateSettings()
    assert (settings.source, settings.after_s) == ("", 2)
    assert settings.text


def test_a_card_or_a_file_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.mp4").touch()
    assert SlateSettings(source="card").source == "card"
    assert SlateSettings(source=str(tmp_path / "a.mp4")).source == str(tmp_path / "a.mp4")
    monkeypatch.chdir(tmp_path)
    assert SlateSettings(source="a.mp4").source == str(tmp_path / "a.mp4")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert SlateSettings(source="~/a.mp4").source == str(tmp_path / "a.mp4")


@pytest.mark.parametrize("place", ["none.mp4", ".", "http://example.org/a.mp4"])
def test_what_is_no_file_is_refused(tmp_path: Path, place: str) -> None:
    with pytest.raises(ValidationError, match="there is no file"):
        SlateSettings(source=str(tmp_path / place))


def test_letters_that_cannot_be_drawn_are_named() -> None:
    assert SlateSettings(text="À bientôt, Grüße!").text == "À bientôt, Grüße!"
    with pytest.raises(ValidationError, match="not in our font: Щ"):
        SlateSettings(text="щ")


@pytest.mark.parametrize("wrong", [{"after_s": -1}, {"after_s": 3601}, {"text": "x" * 201}])
def test_what_is_out_of_range_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SlateSettings.model_validate(wrong)


def test_an_application_has_its_own(tmp_path: Path) -> None:
    path = tmp_path / "slipstream.toml"
    path.write_text('[slate]\nsource = "card"\n[apps.school]\nslate.text = "Break"\n')
    config = load_config(path)
    assert config.slate_settings("live/a") == SlateSettings(source="card")
    assert config.slate_settings("school/a") == SlateSettings(source="card", text="Break")


def test_a_missing_file_is_a_mistake_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "slipstream.toml"
    path.write_text(f'[apps.school]\nslate.after_s = 3\nslate.source = "{tmp_path}/none.mp4"\n')
    with pytest.raises(ConfigError) as error:
        load_config(path)
    assert str(error.value) == (
        f'{path}:3: apps.school.slate.source: must be "card", "" or the path of a file; '
        f"there is no file {tmp_path}/none.mp4"
    )
