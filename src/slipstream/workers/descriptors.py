"""Packets with descriptors, closed when another program is started.

`socket.recv_fds` of Python 3.11 and 3.12 pays no attention to its flags, so theirs would be
inherited by every child process.
"""

from __future__ import annotations

import socket
from array import array


def receive(sock: socket.socket, max_bytes: int, max_fds: int) -> tuple[bytes, list[int]]:
    """Return one packet and its descriptors; nothing at the end.

    Raises:
        OSError: there is none now (BlockingIOError), or the connection is broken.
    """
    fds = array("i")
    data, ancillary, _, _ = sock.recvmsg(
        max_bytes, socket.CMSG_SPACE(max_fds * fds.itemsize), socket.MSG_CMSG_CLOEXEC
    )
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
    return data, fds.tolist()
