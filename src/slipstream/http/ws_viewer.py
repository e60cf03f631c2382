"""A viewer over a WebSocket: as over HTTP, but it may be spoken to, and says goodbye."""

from __future__ import annotations

from slipstream.http.viewer import HttpViewer
from slipstream.http.websocket import (
    CloseCode,
    ControlReader,
    Opcode,
    WebSocketError,
    build_close,
    build_control,
)
from slipstream.hub import EndReason
from slipstream.net.link import Link

_CLOSE_CODES = {
    EndReason.SHUTDOWN: CloseCode.GOING_AWAY,
    EndReason.FULL: CloseCode.TRY_AGAIN_LATER,
}


class WsViewer(HttpViewer):
    """See `HttpViewer`."""

    __slots__ = ("_reader",)

    def take_over(self, link: Link, head: bytes, left_out: str = "") -> None:
        """See `HttpViewer`; from now on it may be spoken to."""
        self._reader = ControlReader()
        super().take_over(link, head, left_out)

    def farewell(self, reason: EndReason) -> bytes:
        """A close frame."""
        return build_close(_CLOSE_CODES.get(reason, CloseCode.NORMAL), str(reason))

    def received(self, data: bytes) -> None:
        """Answer pings, and who says goodbye."""
        link = self._link
        assert link is not None
        try:
            for opcode, payload in self._reader.feed(data):
                if opcode == Opcode.PING:
                    link.write(build_control(Opcode.PONG, payload))
                elif opcode == Opcode.CLOSE:
                    self._leave(build_control(Opcode.CLOSE, payload[:2]), "closed by the peer")
                    return
        except WebSocketError as error:
            self._leave(build_close(error.code, str(error)), str(error))

    def _leave(self, last: bytes, reason: str) -> None:
        link = self._link
        assert link is not None
        link.write(last)
        self.close(reason)
        link.close()
