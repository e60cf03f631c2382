"""The ceiling of memory: where it lies, when it is reached, and that it is told once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from slipstream.control.configuration.settings import ServerSettings
from slipstream.control.memory import (
    MemoryGuard,
    given_memory,
    memory_ceiling,
    resident_bytes,
)
from slipstream.hub import NoticeKind, Notices

MACHINE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_publishers_are_refused_above_the_ceiling_and_let_in_well_below_it() -> None:
    guard = MemoryGuard(1000)
    for used, is_full in ((1000, False), (1001, True), (960, True), (949, False), (1000, False)):
        guard.note(used)
        assert guard.is_full is is_full
        assert bool(guard.refusal()) is is_full


def test_it_is_told_when_it_begins_and_when_it_ends() -> None:
    guard = MemoryGuard(1000)
    with capture_logs() as lines:
        for used in (500, 1500, 1600, 1500, 500, 500):
            guard.note(used)
    assert [(line["event"], line["used_bytes"]) for line in lines] == [
        ("memory.full", 1500),
        ("memory.free", 500),
    ]


def test_others_are_told_when_it_begins() -> None:
    notices, told = Notices(), []
    notices.listeners.append(told.append)
    guard = MemoryGuard(1000, notices)
    for used in (500, 1500, 1600, 500):
        guard.note(used)
    assert [(notice.kind, notice.detail["limit"]) for notice in told] == [
        (NoticeKind.LIMIT, "memory")
    ]


def test_without_a_ceiling_it_is_never_full() -> None:
    guard = MemoryGuard()
    guard.note(1 << 60)
    assert not guard.refusal()


def test_what_the_process_has_and_what_it_wrote_into_logs_is_counted() -> None:
    guard = MemoryGuard()
    guard.measure(1 << 40)
    assert 0 < guard.used_bytes - (1 << 40) < 1 << 40
    ballast = bytearray(os.urandom(64 << 20))
    before = guard.used_bytes
    guard.measure(1 << 40)
    assert guard.used_bytes - before > len(ballast) // 2
    assert resident_bytes() > len(ballast)


def test_what_is_set_is_the_ceiling_and_else_a_share_of_the_machine() -> None:
    assert memory_ceiling(ServerSettings(max_memory_mb=300), 4) == 300 << 20
    assert memory_ceiling(ServerSettings(), 4) == int(given_memory() * 0.8 / 4)


def groups(root: Path, lines: str, **files: str) -> Path:
    """A root with /proc/self/cgroup and limits of groups, by path with `__` for `/`."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(lines)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name.replace("__", "/").replace("-", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("lines", "files", "given"),
    [
        ("0::/a/b\n", {"a__b__memory.max": "1000\n"}, 1000),
        ("0::/a/b\n", {"a__b__memory.max": "max\n", "a__memory.max": "900\n"}, 900),
        ("0::/a/b\n", {"a__b__memory.max": "1000\n", "a__memory.max": "900\n"}, 900),
        ("0::/\n", {"memory.max": "max\n"}, MACHINE),
        (
            "4:cpu,memory:/x\n0::/\n",
            {"memory__x__memory.limit_in_bytes": "800\n"},
            800,
        ),
        # in a container the group's own folder is the root
        ("4:memory:/outside\n", {"memory__memory.limit_in_bytes": "700\n"}, 700),
        ("4:memory:/\n", {"memory__memory.limit_in_bytes": "9223372036854771712\n"}, MACHINE),
        ("3:cpu:/x\n", {"cpu__x__memory.limit_in_bytes": "1\n"}, MACHINE),
    ],
)
def test_a_control_group_gives_less_than_the_machine_has(
    tmp_path: Path, lines: str, files: dict[str, str], given: int
) -> None:
    assert given_memory(groups(tmp_path, lines, **files)) == given


def test_without_control_groups_it_is_the_machine_that_gives(tmp_path: Path) -> None:
    assert given_memory(tmp_path) == MACHINE
