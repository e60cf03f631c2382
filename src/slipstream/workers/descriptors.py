"""Packets with descriptors, closed when another program is started.

`socket.recv_fds` of Python 3.11 and 3.12 pays no attention to its flags, so theirs would be
inherited by every child process.
"""

from __future__ import annotations

import socket
from array import array

# Where packets are put first. Each in a buffer of its own would take three system calls more, as
# malloc maps pages from 128 KiB on: 30 us.
_buffer = memoryview(bytearray(1 << 18))
MAX_BYTES = len(_buffer)


def receive(sock: socket.socket, max_bytes: int, max_fds: int) -> tuple[bytes, list[int]]:
    """Return one packet and its descriptors; nothing at the end.

    Args:
        sock: of packets.
        max_bytes: of a packet, at most `MAX_BYTES`.
        max_fds: that come with it.

    Raises:
        OSError: there is none now (BlockingIOError), or the connection is broken.
    """
    fds = array("i")
    space = socket.CMSG_SPACE(max_fds * fds.itemsize)
    size, ancillary, _, _ = sock.recvmsg_into([_buffer[:max_bytes]], space, socket.MSG_CMSG_CLOEXEC)
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
    return bytes(_buffer[:size]), fds.tolist()
