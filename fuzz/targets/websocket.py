"""What a WebSocket viewer says: the same frames however the bytes are cut, and never too many."""

from __future__ import annotations

from collections.abc import Iterable

from fuzz.script import pieces, with_tail
from slipstream.http.websocket import (
    MAX_CONTROL,
    ControlReader,
    Opcode,
    WebSocketError,
    build_close,
    build_control,
)

ALLOWED = ()
MAX_BYTES = 1024


def run(data: bytes) -> None:
    """Read the bytes whole, and again in pieces; answer as a viewer does."""
    data, (at, step) = with_tail(data, 2)
    whole = _read([data])
    assert whole == _read(pieces(data, at, step))
    assert sum(len(payload) for _, payload in whole[0]) <= len(data)


def _read(parts: Iterable[bytes]) -> tuple[list[tuple[Opcode, bytes]], str]:
    reader = ControlReader()
    found: list[tuple[Opcode, bytes]] = []
    try:
        for part in parts:
            for opcode, payload in reader.feed(part):
                assert opcode >= Opcode.CLOSE
                assert len(payload) <= MAX_CONTROL
                assert build_control(Opcode.PONG, payload).endswith(payload)
                found.append((opcode, payload))
    except WebSocketError as error:
        assert build_close(error.code, str(error))
        return found, str(error)
    return found, ""
