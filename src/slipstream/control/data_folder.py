"""The data folder's version, and how a folder of an older program becomes one of ours.

The file `version` holds a number; a folder without it is of version 0. `MIGRATIONS[n]` takes a
folder from version n to n + 1, whatever of its files is there, and may be cut off and begin again.
A folder is never taken back: one that is newer than the program is refused.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from slipstream.errors import SlipstreamError

VERSION_FILE = "version"
MAX_DIGITS = 9

Migration = Callable[[Path], None]


def _number_it(_: Path) -> None:
    """To version 1: `publish.key` and `api.token` stay as they are, and `version` is new."""


MIGRATIONS: Sequence[Migration] = (_number_it,)


def open_data_folder(folder: Path, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Make the folder if there is none, and bring it to our version.

    Raises:
        SlipstreamError: it is newer than this program, or cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        version = check_data_folder(folder, migrations)
        for number, migrate in enumerate(migrations[version:], version + 1):
            migrate(folder)
            _write(folder / VERSION_FILE, f"{number}\n")
    except OSError as error:
        place = error.filename or folder
        raise SlipstreamError(
            f"cannot use the data folder {folder}: {place}: {error.strerror}"
        ) from error


def check_data_folder(folder: Path, migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """The version of a folder, which is left as it is.

    Raises:
        SlipstreamError: it is newer than this program, or the version cannot be read.
    """
    path = folder / VERSION_FILE
    try:
        text = path.read_bytes()[: MAX_DIGITS + 2].decode("ascii", "replace").strip()
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise SlipstreamError(f"cannot read {path}: {error.strerror}") from error
    if not text.isdigit() or len(text) > MAX_DIGITS:
        raise SlipstreamError(f"{path} holds no version: expected a number such as 1")
    version = int(text)
    if version > len(migrations):
        raise SlipstreamError(
            f"the data folder {folder} has version {version}, this program knows versions up to "
            f"{len(migrations)}: it was used by a newer Slipstream; use that one, or another folder"
        )
    return version


def _write(path: Path, text: str) -> None:
    """Write a file, whole or not at all."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
