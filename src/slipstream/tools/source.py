"""What is published: a file or the test picture, as FLV tags out of a child process (`feed`)."""

from __future__ import annotations

from slipstream.tools import TEST
from slipstream.transcode.child import FlvChild

LENGTH = "length: "


class Source(FlvChild):
    """An asynchronous context manager that runs the child; `read()` until it returns nothing.

    Args:
        name: anything that FFmpeg's libraries can open, or "test".
        loop: begin again at the end.

    Attributes:
        notes: what is done with each track, a line each.
        length_s: how long it is; None if nobody knows, or without end.
    """

    def __init__(self, name: str, *, loop: bool = False) -> None:
        flags = ["--loop"] if loop else []
        super().__init__("slipstream.tools.feed", name, *flags, name=name)
        self.length_s: float | None = None

    @property
    def is_live(self) -> bool:
        """Whether it comes when it is made, and cannot be read ahead."""
        return self.name == TEST

    def hear(self, line: str) -> None:
        """Take in what the child says of itself."""
        if line.startswith(LENGTH):
            self.length_s = float(line.removeprefix(LENGTH))
        else:
            super().hear(line)
