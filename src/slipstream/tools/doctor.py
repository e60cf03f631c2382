"""Looks at the machine as a server would find it, and says what to do about what is wrong.

Each check is a function from a `Patient` to findings. Nothing is changed and nothing is started;
a check that cannot look says so instead of guessing.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

import orjson

from slipstream.net.admissions import RESERVED_DESCRIPTORS
from slipstream.net.listener import BACKLOG, parse_address

MIN_DESCRIPTORS = 4096  # what a box for a few thousand viewers wants at least
MIN_FREE_BYTES = 64 << 20
WANTED_SEND_BUFFER = 1 << 20
LEAST_KERNEL = (5, 3)  # pidfd_open, which several workers need
CLOCK_IS_OFF = 5  # what adjtimex returns when nothing keeps the clock right
TIMEX_BYTES = 256  # more than any kernel's `struct timex`
SOON_DAYS = 14


class Level(StrEnum):
    """How bad it is."""

    GOOD = "good"
    NOTE = "note"
    """It serves, but could serve better or for longer."""
    BAD = "bad"
    """It will not serve, or not for long."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what to do."""

    subject: str
    level: Level
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """The server that is to be: what its configuration says.

    Attributes:
        addresses: where it listens: what it speaks there, and HOST:PORT.
        data_dir: its data folder.
        workers: how many there will be.
        serving: the process that serves from this folder now; None: none does.
        certificates: files, in PEM.
    """

    addresses: Sequence[tuple[str, str]]
    data_dir: Path
    workers: int
    serving: int | None = None
    certificates: Sequence[Path] = ()


Check = Callable[[Patient], Iterator[Finding]]


def examine(patient: Patient) -> list[Finding]:
    """Make every check."""
    return [finding for check in CHECKS for finding in check(patient)]


def run(patient: Patient, *, as_json: bool = False) -> bool:
    """Print the findings; return whether nothing is bad."""
    findings = examine(patient)
    if as_json:
        rows = [
            {"subject": f.subject, "level": f.level, "text": f.text, "advice": f.advice}
            for f in findings
        ]
        sys.stdout.write(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        width = max(len(finding.subject) for finding in findings)
        for finding in findings:
            sys.stdout.write(f"{finding.level:4}  {finding.subject:{width}}  {finding.text}\n")
            if finding.advice:
                sys.stdout.write(f"{'':{6 + width}}  -> {finding.advice}\n")
    return all(finding.level is not Level.BAD for finding in findings)


def _system(patient: Patient) -> Iterator[Finding]:
    version = sys.version.split()[0]
    if sys.platform.startswith("linux"):
        release = os.uname().release
        numbers = tuple(int(part) for part in release.split("-")[0].split(".")[:2])
        if patient.workers > 1 and numbers < LEAST_KERNEL:
            yield Finding("system", Level.BAD, f"Linux {release}", "several workers need 5.3")
        else:
            yield Finding("system", Level.GOOD, f"Linux {release}, Python {version}")
    else:
        advice = "Linux serves more viewers per core, and by several workers"
        yield Finding("system", Level.NOTE, f"{sys.platform}, Python {version}", advice)


def _loop(_: Patient) -> Iterator[Finding]:
    if find_spec("uvloop") is not None:
        yield Finding("uvloop", Level.GOOD, "installed")
    else:
        yield Finding("uvloop", Level.NOTE, "not installed", "pip install uvloop: cheaper by half")


def _cores(patient: Patient) -> Iterator[Finding]:
    cores = os.cpu_count() or 1
    if sys.platform.startswith("linux"):
        cores = len(os.sched_getaffinity(0))
    text = f"{patient.workers} for {cores} cores"
    if patient.workers > cores:
        yield Finding("workers", Level.NOTE, text, "more workers than cores only share them")
    else:
        yield Finding("workers", Level.GOOD, text)


def _descriptors(patient: Patient) -> Iterator[Finding]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    connections = max(min(soft * 4 // 5, soft - RESERVED_DESCRIPTORS), 0) * patient.workers
    text = f"{soft} per process: {connections} connections in all"
    if soft >= MIN_DESCRIPTORS:
        yield Finding("open files", Level.GOOD, text)
    else:
        more = min(65_536, hard) if hard != resource.RLIM_INFINITY else 65_536
        advice = f"ulimit -n {more}, or LimitNOFILE=65536 in the systemd unit"
        yield Finding("open files", Level.NOTE, text, advice)


def _kernel(_: Patient) -> Iterator[Finding]:
    backlog = _number("/proc/sys/net/core/somaxconn")
    if backlog is not None and backlog < BACKLOG:
        advice = f"sysctl net.core.somaxconn={BACKLOG}"
        yield Finding("backlog", Level.NOTE, f"{backlog} connections may wait", advice)
    elif backlog is not None:
        yield Finding("backlog", Level.GOOD, f"{backlog} connections may wait")
    largest = _number("/proc/sys/net/ipv4/tcp_wmem", -1)
    if largest is not None and largest < WANTED_SEND_BUFFER:
        advice = 'sysctl net.ipv4.tcp_wmem="4096 16384 4194304"'
        yield Finding("send buffers", Level.NOTE, f"{largest} bytes at most", advice)


def _clock(_: Patient) -> Iterator[Finding]:
    year = datetime.now(UTC).year
    if year < 2025:
        yield Finding("clock", Level.BAD, f"it is {year}", "set it: names of segments are times")
        return
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    except (OSError, AttributeError):
        state = -1
    if state == CLOCK_IS_OFF:
        advice = "install chrony or systemd-timesyncd: players compare clocks"
        yield Finding("clock", Level.NOTE, "nothing keeps it right", advice)
    elif state < 0:
        yield Finding("clock", Level.NOTE, "it cannot be seen whether anything keeps it right")
    else:
        yield Finding("clock", Level.GOOD, "kept right")


def _folder(patient: Patient) -> Iterator[Finding]:
    folder = patient.data_dir
    place = folder
    while not place.exists():
        place = place.parent
    if not os.access(place, os.W_OK | os.X_OK):
        advice = f"make {folder} and give it to the user who serves"
        yield Finding("data folder", Level.BAD, f"{place} cannot be written to", advice)
        return
    free = shutil.disk_usage(place).free
    level = Level.GOOD if free >= MIN_FREE_BYTES else Level.BAD
    yield Finding("data folder", level, f"{folder}, {free >> 20} MiB free")
    for path in sorted(folder.glob("*.key")) + sorted(folder.glob("*.token")):
        if path.stat().st_mode & 0o077:
            advice = f"chmod 600 {path}"
            yield Finding("secrets", Level.BAD, f"others may read {path}", advice)


def _addresses(patient: Patient) -> Iterator[Finding]:
    for spoken, address in patient.addresses:
        error = _bind_error(address)
        if error == 0:
            yield Finding(spoken, Level.GOOD, f"{address} is free")
        elif error == errno.EADDRINUSE and patient.serving is not None:
            text = f"{address} is served by process {patient.serving}"
            yield Finding(spoken, Level.GOOD, text)
        elif error == errno.EADDRINUSE:
            advice = "see who: ss -ltnp"
            yield Finding(spoken, Level.BAD, f"another program has {address}", advice)
        elif error == errno.EACCES:
            advice = "ports below 1024 need CAP_NET_BIND_SERVICE (AmbientCapabilities= in systemd)"
            yield Finding(spoken, Level.BAD, f"{address} may not be used", advice)
        else:
            yield Finding(spoken, Level.BAD, f"{address}: {os.strerror(error)}")


def _certificates(patient: Patient) -> Iterator[Finding]:
    for path in patient.certificates:
        try:
            end = _expiry(path)
        except (OSError, ValueError) as error:
            yield Finding("certificate", Level.BAD, f"{path}: {error}")
            continue
        days = (end - datetime.now(UTC)).days
        text = f"{path} ends on {end:%Y-%m-%d}, in {days} days"
        if days < 0:
            yield Finding("certificate", Level.BAD, text, "renew it; no restart is needed")
        elif days < SOON_DAYS:
            yield Finding("certificate", Level.NOTE, text, "renew it; no restart is needed")
        else:
            yield Finding("certificate", Level.GOOD, text)


CHECKS: Sequence[Check] = (
    _system,
    _loop,
    _cores,
    _descriptors,
    _kernel,
    _clock,
    _folder,
    _addresses,
    _certificates,
)


def _number(path: str, index: int = 0) -> int | None:
    """One of the numbers in a file of the kernel's; None: there is no such file."""
    try:
        return int(Path(path).read_text().split()[index])
    except (OSError, ValueError, IndexError):
        return None


def _bind_error(address: str) -> int:
    """Why an address cannot be listened on; 0 if it can."""
    host, port = parse_address(address)
    try:
        infos = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except socket.gaierror:
        return errno.EADDRNOTAVAIL
    last = 0
    for family, kind, protocol, _, place in infos:
        try:
            with socket.socket(family, kind, protocol) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.bind(place)
                sock.listen(1)
        except OSError as error:
            if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                return error.errno or errno.EINVAL
            last = error.errno
        else:
            return 0
    return last


def _expiry(path: Path) -> datetime:
    """When the first certificate in a file ends.

    Raises:
        OSError: it cannot be read.
        ValueError: it holds no certificate.
    """
    from cryptography import x509

    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
