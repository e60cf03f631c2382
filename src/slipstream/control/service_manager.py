"""Tells systemd, or whoever has started the server so, how it is: sd_notify(3)."""

from __future__ import annotations

import os
import socket

READY = "READY=1"
STOPPING = "STOPPING=1"


def notify(state: str) -> None:
    """Tell a state, if anybody wants to know; who is gone is not told, and nobody suffers."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        try:
            sock.sendto(f"{state}\nMAINPID={os.getpid()}".encode(), address)
        except OSError:
            return
