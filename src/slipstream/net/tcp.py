"""What the kernel knows of a TCP connection's way to its peer (`TCP_INFO`, tcp(7))."""

from __future__ import annotations

import socket
from struct import Struct
from typing import NamedTuple

# `struct tcp_info` of <linux/tcp.h>, which only ever grows: 8 bytes, then numbers of 32 bits, with
# `tcpi_rtt` at 68 and `tcpi_total_retrans` at 100; since Linux 4.2 `tcpi_segs_out` at 136.
_INFO = Struct("=68xI28xI32xI")
_OPTION: int | None = getattr(socket, "TCP_INFO", None)


class TcpState(NamedTuple):
    """How a connection is doing."""

    rtt_ms: float
    """To the peer and back, smoothed."""
    retransmits: int
    """Segments that were sent again, since the connection began."""
    segments: int
    """Segments sent."""


def tcp_state(sock: socket.socket) -> TcpState | None:
    """Ask the kernel (1.5 µs); None: it does not tell, or there is no TCP."""
    if _OPTION is None or sock.family == socket.AF_UNIX:
        return None
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, _OPTION, _INFO.size)
    except OSError:
        return None
    if len(info) < _INFO.size:
        return None
    rtt_us, retransmits, segments = _INFO.unpack(info)
    return TcpState(rtt_us / 1000, retransmits, segments)
