"""The data folder's version."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipstream.access import load_keys
from slipstream.cli import main
from slipstream.control.data_folder import (
    MIGRATIONS,
    VERSION_FILE,
    check_data_folder,
    open_data_folder,
)
from slipstream.errors import SlipstreamError


def version(folder: Path) -> str:
    return (folder / VERSION_FILE).read_text()


def test_a_new_folder_has_our_version(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    open_data_folder(folder)
    assert version(folder) == f"{len(MIGRATIONS)}\n"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_before_gets_it_and_keeps_its_keys(tmp_path: Path) -> None:
    keys = load_keys(tmp_path)
    open_data_folder(tmp_path)
    assert version(tmp_path) == f"{len(MIGRATIONS)}\n"
    assert load_keys(tmp_path) == keys


def test_each_step_is_done_once_and_an_interrupted_one_again(tmp_path: Path) -> None:
    done: list[int] = []

    def third(_: Path) -> None:
        done.append(3)
        if len(done) == 3:
            raise OSError(28, "No space left on device")

    ladder = [lambda _: done.append(1), lambda _: done.append(2), third]
    with pytest.raises(SlipstreamError, match="No space left on device"):
        open_data_folder(tmp_path, ladder)
    assert version(tmp_path) == "2\n"
    open_data_folder(tmp_path, ladder)
    open_data_folder(tmp_path, ladder)
    assert done == [1, 2, 3, 3]
    assert version(tmp_path) == "3\n"


def test_a_newer_folder_is_refused_and_left_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / VERSION_FILE).write_text("99\n")
    assert main(["serve", "--data-dir", str(tmp_path), "--rtmp", ":0", "--http", ":0"]) == 1
    told = capsys.readouterr().err
    assert f"the data folder {tmp_path} has version 99, this program knows versions up to" in told
    assert [path.name for path in tmp_path.iterdir()] == [VERSION_FILE]


@pytest.mark.parametrize("text", ["", "one", "-1", "1" * 20, "\xff"])
def test_what_is_no_version_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / VERSION_FILE).write_bytes(text.encode("latin-1"))
    with pytest.raises(SlipstreamError, match="holds no version"):
        check_data_folder(tmp_path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SlipstreamError, match="cannot use the data folder"):
        open_data_folder(tmp_path / "file")
