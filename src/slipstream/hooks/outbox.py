"""What is still to be delivered, on disk: a file for each of the server's places for a worker.

Plain calls that wait for the disk; `Courier` makes them in a thread of its own. A worker and the
one that replaces it may have the same file open: both add to it, and whoever has the lock delivers.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import structlog

log = structlog.get_logger()

VERSION = 1
BUSY_S = 5.0  # that another process may take to add what it has
NAME = "outbox-{slot}.sqlite3"

_TABLE = """
CREATE TABLE IF NOT EXISTS message (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    at_s REAL NOT NULL,
    stream TEXT NOT NULL,
    event TEXT NOT NULL,
    content_type TEXT NOT NULL,
    body BLOB NOT NULL
)
"""


class Message(NamedTuple):
    """One event that somebody is to be told of."""

    id: str
    at_s: float
    """When it happened, in seconds since 1970."""
    stream: str
    """Whose order it keeps; of a connection that has named no stream, its application."""
    event: str
    content_type: str
    body: bytes


class Entry(NamedTuple):
    """A message's place in the outbox."""

    number: int
    """They grow, and are never used again."""
    stream: str
    event: str


class Outbox:
    """Call `open()` first and `close()` last, all in one thread.

    Args:
        folder: of all outboxes; it is made.
        slot: which one.
        max_waiting: messages that it holds; may be changed.

    Raises (all but `close`):
        sqlite3.Error: the disk does not do what it should.
        OSError: the same.
    """

    def __init__(self, folder: Path, slot: int, max_waiting: int) -> None:
        self.path = folder / NAME.format(slot=slot)
        self.max_waiting = max_waiting
        self._lock = -1
        self._database: sqlite3.Connection | None = None

    def open(self) -> None:
        """Make it, or find what is there; one that is damaged is put aside."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._database = self._connect()
        except sqlite3.OperationalError:  # locked, or the disk is full: it may be whole
            raise
        except sqlite3.DatabaseError as error:
            aside = self.path.with_suffix(".damaged")
            log.warning("hooks.outbox_damaged", error=str(error), kept_as=str(aside))
            self.path.replace(aside)
            for more in ("-wal", "-shm"):
                self.path.with_name(self.path.name + more).unlink(missing_ok=True)
            self._database = self._connect()

    def close(self) -> None:
        """Let others have it."""
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.close()
            self._database = None
        self.release()

    # Who delivers

    def take(self) -> bool:
        """Be the one who delivers, unless another process is."""
        if self._lock < 0:
            path = self.path.with_suffix(".lock")
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                return False
            self._lock = lock
        return True

    def release(self) -> None:
        """Let another process deliver."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    # What there is

    def add(self, messages: Sequence[Message]) -> int:
        """Keep them all, or none; the oldest make room. Returns how many those were."""
        with self._opened as database:
            database.executemany(
                "INSERT INTO message (id, at_s, stream, event, content_type, body)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                messages,
            )
            (count,) = database.execute("SELECT count(*) FROM message").fetchone()
            if count <= self.max_waiting:
                return 0
            excess = count - self.max_waiting + self.max_waiting // 10  # not with each one again
            database.execute(
                "DELETE FROM message WHERE number IN"
                " (SELECT number FROM message ORDER BY number LIMIT ?)",
                (excess,),
            )
            return int(excess)

    def entries(self, after: int) -> list[Entry]:
        """What has a higher number than `after`, in order."""
        rows = self._opened.execute(
            "SELECT number, stream, event FROM message WHERE number > ? ORDER BY number", (after,)
        )
        return [Entry(*row) for row in rows]

    def first(self) -> int:
        """The lowest number that there is; 0 if there is none."""
        (number,) = self._opened.execute("SELECT min(number) FROM message").fetchone()
        return int(number or 0)

    def read(self, number: int) -> Message | None:
        """The message with this number, if it is still there."""
        row = self._opened.execute(
            "SELECT id, at_s, stream, event, content_type, body FROM message WHERE number = ?",
            (number,),
        ).fetchone()
        return None if row is None else Message(*row)

    def remove(self, number: int) -> None:
        """It has been delivered, or never will be."""
        with self._opened as database:
            database.execute("DELETE FROM message WHERE number = ?", (number,))

    def adopt(self, workers: int, slot: int) -> int:
        """Take over what places have left that the server has no more. Returns how many messages.

        Args:
            workers: how many places there are now.
            slot: ours.
        """
        adopted = 0
        for path in sorted(self.path.parent.glob(NAME.format(slot="*"))):
            number = path.name.removeprefix("outbox-").removesuffix(".sqlite3")
            if not number.isdigit() or int(number) < workers or int(number) % workers != slot:
                continue
            other = Outbox(path.parent, int(number), self.max_waiting)
            if other.take():  # else its worker is still there
                try:
                    adopted += self._take_over(other)
                finally:
                    other.close()
        return adopted

    # Inside

    def _take_over(self, other: Outbox) -> int:
        other.open()
        messages = [other.read(entry.number) for entry in other.entries(0)]
        self.add([message for message in messages if message is not None])
        other.close()
        for name in (other.path.name, f"{other.path.name}-wal", f"{other.path.name}-shm"):
            other.path.with_name(name).unlink(missing_ok=True)
        other.path.with_suffix(".lock").unlink(missing_ok=True)
        return len(messages)

    @property
    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            raise sqlite3.ProgrammingError("the outbox is not open")
        return self._database

    def _connect(self) -> sqlite3.Connection:
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        database = sqlite3.connect(self.path, timeout=BUSY_S)
        try:
            _prepare(database)
        except BaseException:
            database.close()
            raise
        return database


def _prepare(database: sqlite3.Connection) -> None:
    # What is written outlives the process; of what the machine loses, the last moments.
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version not in (0, VERSION):
        raise sqlite3.DatabaseError(f"version {version}, not {VERSION}")
    with database:
        database.execute(_TABLE)
        database.execute(f"PRAGMA user_version = {VERSION}")
