"""Acknowledgements: telling the peer how much of its stream has come.

A sender may stop after one window without any, so they are always sent. What the peer
acknowledges of ours is not read: OBS's Windows socket loop sends none, librtmp counts the
handshake and goes by bandwidth instead of window, others count what they sent themselves.

Source: RTMP 1.0 §5.4.3 and §5.4.4.
"""

from __future__ import annotations

DEFAULT_INTERVAL = 1_250_000  # bytes, while the peer has named no window
MIN_INTERVAL = 64 << 10  # bytes; a window of 0 or 1 would have us answer every read


class Acknowledger:
    """Says when an acknowledgement is due."""

    __slots__ = ("_acknowledged", "_interval")

    def __init__(self) -> None:
        self._acknowledged = 0
        self._interval = DEFAULT_INTERVAL

    def use_window(self, window: int) -> None:
        """The peer wants to hear from us at least every `window` bytes: do so twice as often."""
        self._interval = max(window // 2, MIN_INTERVAL)

    def is_due(self, bytes_received: int) -> bool:
        """Whether to acknowledge now; the caller then does."""
        if bytes_received - self._acknowledged < self._interval:
            return False
        self._acknowledged = bytes_received
        return True
