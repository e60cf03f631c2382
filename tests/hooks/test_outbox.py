from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipstream.hooks.outbox import Message, Outbox


def message(number: int, stream: str = "live/a") -> Message:
    return Message(f"m{number}", 1e9 + number, stream, "publish", "text/plain", b"%d" % number)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "hooks", 0, 10)
    box.open()
    yield box
    box.close()


def test_what_is_added_is_there_in_order_after_a_restart(tmp_path: Path, outbox: Outbox) -> None:
    assert outbox.add([message(1), message(2, "live/b")]) == 0
    again = Outbox(tmp_path / "hooks", 0, 10)
    again.open()
    entries = again.entries(0)
    assert [entry.stream for entry in entries] == ["live/a", "live/b"]
    assert again.read(entries[0].number) == message(1)
    again.close()


def test_numbers_are_never_used_again(outbox: Outbox) -> None:
    outbox.add([message(1)])
    (entry,) = outbox.entries(0)
    outbox.remove(entry.number)
    outbox.add([message(2)])
    assert outbox.entries(0)[0].number > entry.number


def test_the_oldest_make_room(outbox: Outbox) -> None:
    outbox.add([message(number) for number in range(10)])
    assert outbox.add([message(10)]) == 2
    left = [outbox.read(entry.number) for entry in outbox.entries(0)]
    assert left == [message(number) for number in range(2, 11)]
    assert outbox.first() == outbox.entries(0)[0].number


def test_one_at_a_time_delivers(tmp_path: Path, outbox: Outbox) -> None:
    successor = Outbox(tmp_path / "hooks", 0, 10)
    successor.open()
    assert outbox.take()
    assert not successor.take()
    successor.add([message(1)])
    assert len(outbox.entries(0)) == 1
    outbox.release()
    assert successor.take()
    assert not outbox.take()
    successor.close()


def test_a_place_that_is_no_more_is_taken_over_by_one_that_is(
    tmp_path: Path, outbox: Outbox
) -> None:
    old = Outbox(tmp_path / "hooks", 3, 10)
    old.open()
    assert old.take()
    old.add([message(1), message(2)])
    assert outbox.adopt(1, 0) == 0  # its worker is still there
    old.close()
    assert outbox.adopt(1, 0) == 2
    assert [outbox.read(entry.number) for entry in outbox.entries(0)] == [message(1), message(2)]
    assert outbox.adopt(1, 0) == 0
    assert not old.path.exists()


def test_a_damaged_file_is_put_aside(tmp_path: Path, outbox: Outbox) -> None:
    outbox.close()
    for left in tmp_path.glob("hooks/outbox-0.sqlite3-*"):
        left.unlink()
    outbox.path.write_bytes(b"no database" * 1000)
    outbox.open()
    outbox.add([message(1)])
    assert len(outbox.entries(0)) == 1
    assert (tmp_path / "hooks" / "outbox-0.damaged").read_bytes().startswith(b"no database")


def test_nobody_else_may_read_it(outbox: Outbox) -> None:
    assert stat.S_IMODE(outbox.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(outbox.path.parent.stat().st_mode) == 0o700


def test_an_outbox_of_another_version_is_put_aside(tmp_path: Path, outbox: Outbox) -> None:
    outbox.close()
    with sqlite3.connect(outbox.path) as database:
        database.execute("PRAGMA user_version = 99")
    outbox.open()
    assert (tmp_path / "hooks" / "outbox-0.damaged").exists()
