"""What the machine tells about a running server: time on the processor, memory, connections.

Everything is read from /proc (see proc(5)) for a process and all that it has started, so that a
server with helpers is charged for them. Linux only.
"""

from __future__ import annotations

import os
import platform
import resource
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
STAT_TIMES = slice(11, 15)  # utime, stime, cutime, cstime, counted after the process's name


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core the server gets, and which the load; or, where both roam, which there are."""

    server: int
    load: int
    every: frozenset[int]


def choose_cores() -> Cores:
    """The last core for the server (interrupts tend to go to the first), the first for the load."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise SystemExit("the benchmark needs two cores: one for the server, one for the load")
    return Cores(server=allowed[-1], load=allowed[0], every=frozenset(allowed))


def raise_open_files() -> int:
    """Allow as many open files as the system lets us; children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def process_tree(pid: int) -> Iterator[int]:
    """`pid` and all its living descendants."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        found: list[str] = []
        with suppress(FileNotFoundError, ProcessLookupError):  # the thread has ended
            found = children.read_text().split()
        for child in found:
            yield from process_tree(int(child))


def cpu_s(pid: int) -> float:
    """Seconds of processor time, user and system, of the whole process tree since it began."""
    return sum(sum(_times(member)) for member in process_tree(pid)) / TICKS_PER_S


def running_s(pid: int) -> float:
    """The same of the living alone, to the ns (proc(5), schedstat)."""
    tasks = [
        task for member in process_tree(pid) for task in Path(f"/proc/{member}/task").iterdir()
    ]
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def _times(pid: int) -> list[int]:
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    return [int(word) for word in after_name.split()[STAT_TIMES]]


def pss_bytes(pid: int) -> int:
    """Memory of the process tree; pages shared by n processes count for an n-th in each."""
    return sum(_pss_bytes(member) for member in process_tree(pid))


def _pss_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) << 10
    return 0


def memory_file_bytes(pid: int) -> int:
    """Memory in the process tree's memfds, which PSS counts only where it is mapped."""
    sizes: dict[int, int] = {}
    for files in memory_files(pid):
        sizes |= files
    return sum(sizes.values())


def memory_files(pid: int) -> list[dict[int, int]]:
    """Of each process of the tree its memfds, by inode, with the memory in each, in bytes.

    A file that several processes hold has one inode.
    """
    return [_memory_files(member) for member in process_tree(pid)]


def _memory_files(pid: int) -> dict[int, int]:
    sizes: dict[int, int] = {}
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if not str(descriptor.readlink()).startswith("/memfd:"):
                continue
            status = descriptor.stat()
        except FileNotFoundError:  # closed while we looked
            continue
        if stat.S_ISREG(status.st_mode):
            sizes[status.st_ino] = status.st_blocks * 512
    return sizes


def core_busy_s(core: int) -> float:
    """Seconds that a core has worked, on whatever: interrupts and strangers included."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *times = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _iowait, *interrupts = map(int, times)
            return (user + nice + system + sum(interrupts[:2])) / TICKS_PER_S
    raise ValueError(f"/proc/stat has no core {core}")


def established_peers(server_port: int) -> set[int]:
    """Ports of the local clients that a server on 127.0.0.1 still holds open."""
    peers = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, *_ = line.split()
        if int(local.partition(":")[2], 16) == server_port and state == "01":  # ESTABLISHED
            peers.add(int(remote.partition(":")[2], 16))
    return peers


def describe() -> dict[str, str]:
    """What a reader of the figures wants to know about the machine."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "processor": f"{len(models)} x {models[0]}" if models else platform.processor(),
        "kernel": ".".join(platform.release().split(".")[:2]),
        "python": platform.python_version(),
        "open files": str(resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
    }
