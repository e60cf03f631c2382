from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from slipstream.control.service_manager import READY, notify


def manager(address: str, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    """What a service manager listens with."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(address.replace("@", "\0", 1))
    sock.settimeout(1)
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    return sock


@pytest.mark.parametrize("abstract", [True, False])
def test_it_is_told_the_state_and_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool
) -> None:
    address = f"@slipstream-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with manager(address, monkeypatch) as sock:
        notify(READY)
        assert sock.recv(999).decode() == f"READY=1\nMAINPID={os.getpid()}"


def test_nobody_needs_to_listen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    notify(READY)
    monkeypatch.delenv("NOTIFY_SOCKET")
    notify(READY)
