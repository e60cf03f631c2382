"""The relays that the operator has added at run time, in a file of the data folder.

The file is the truth, for all workers: whoever changes it holds a lock, and replaces it whole.
It is for its owner's eyes only, since URLs hold keys.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import structlog

from slipstream.errors import SlipstreamError
from slipstream.net.link import describe
from slipstream.relays.rule import Rule, read_rule

log = structlog.get_logger()

FILE = "relays.json"
MAX_RULES = 1_000


class StoreError(SlipstreamError):
    """The file cannot be read or written."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the file says."""

    rules: tuple[Rule, ...] = ()
    stopped: frozenset[str] = frozenset()
    """Ids of relays that are stopped, be they from here or from the configuration."""


class RelayStore:
    """Call `read()` as often as you like: the file is only read when it has changed.

    Args:
        folder: the server's data folder.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._kept = Kept()
        self._mark: tuple[int, int] | None = None  # of the file that was read

    def read(self) -> Kept:
        """What is kept; what was kept last, if the file cannot be read."""
        try:
            mark = self._look()
            if mark != self._mark:
                self._mark = mark
                self._kept = Kept() if mark is None else _parse(self._path.read_bytes())
        except (OSError, ValueError) as error:
            log.warning("relays.not_read", file=str(self._path), reason=type(error).__name__)
        return self._kept

    def change(self, change: Callable[[Kept], Kept]) -> None:
        """Put what `change` makes of it in the place of what is kept.

        Raises:
            StoreError: the file cannot be read or written; nothing has changed.
            SlipstreamError: there would be too many.
        """
        try:
            with self._locked():
                before = Kept() if self._look() is None else _parse(self._path.read_bytes())
                after = change(before)
                if len(after.rules) > MAX_RULES:
                    raise SlipstreamError(f"there are {MAX_RULES} relays, the limit")
                if after != before:
                    self._write(after)
        except (OSError, ValueError) as error:
            reason = describe(error) if isinstance(error, OSError) else "it is no list of relays"
            raise StoreError(f"{self._path} cannot be changed: {reason}") from error

    def _look(self) -> tuple[int, int] | None:
        """What tells one state of the file from another; None: there is none."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other workers from changing it."""
        lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, kept: Kept) -> None:
        draft = self._path.with_suffix(".draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(_build(kept))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)


def _parse(data: bytes) -> Kept:
    """Read the file.

    Raises:
        ValueError: it is not what we write.
    """
    content = orjson.loads(data)
    if not isinstance(content, dict):
        raise ValueError("no object")  # noqa: TRY004 - all that is wrong is a ValueError
    rules = tuple(read_rule(values) for values in content.get("relays", []))
    return Kept(rules, frozenset(map(str, content.get("stopped", []))))


def _build(kept: Kept) -> bytes:
    content = {
        "relays": [rule.values for rule in kept.rules],
        "stopped": sorted(kept.stopped),
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2)
