"""The handshake of both roles, in the simple form and with digests.

The last five bytes say which role, whether the peer's block gets a digest that is right, and
where the bytes are cut. The rest is what the peer sends.
"""

from __future__ import annotations

from collections.abc import Iterable

from fuzz.script import pieces, with_tail
from slipstream.errors import HandshakeError
from slipstream.rtmp.digest import Role, Schema, put_digest
from slipstream.rtmp.handshake import BLOCK, ClientHandshake, ServerHandshake

ALLOWED = (HandshakeError,)
MAX_BYTES = 3200

_NOISE = bytes((7 * i + 3) % 256 for i in range(BLOCK))


def run(data: bytes) -> None:
    """Shake hands with the bytes whole and cut: same answer, same rest, same complaint."""
    data, (kind, low, high, step, _) = with_tail(data, 5)
    by_server = kind & 1 == 0
    if kind & 2 and len(data) > BLOCK:
        schema = Schema.SECOND if kind & 4 else Schema.FIRST
        role = Role.CLIENT if by_server else Role.SERVER
        data = data[:1] + put_digest(data[1 : 1 + BLOCK], schema, role) + data[1 + BLOCK :]
    whole = _shake(kind, [data])
    assert _shake(kind, pieces(data, low | high << 8, step)) == whole
    sent, done, leftover, complaint = whole
    if complaint is None:
        assert done == (len(data) > 2 * BLOCK)
        assert leftover == data[1 + 2 * BLOCK :]
        assert len(sent) == _expected_size(by_server, len(data))


def _shake(kind: int, reads: Iterable[bytes]) -> tuple[bytes, bool, bytes, str | None]:
    handshake: ServerHandshake | ClientHandshake
    if kind & 1:
        handshake = ClientHandshake(random_bytes=_random_bytes, digest=kind & 8 != 0)
    else:
        handshake = ServerHandshake(random_bytes=_random_bytes)
    sent, complaint = handshake.data_to_send(), None
    for read in reads:
        try:
            handshake.receive_data(read)
        except ALLOWED as error:
            complaint = str(error)
            break
        sent += handshake.data_to_send()
    return sent, handshake.done, handshake.leftover, complaint


def _expected_size(by_server: bool, received: int) -> int:
    """Bytes to be sent: a server answers when it has the peer's block, a client speaks first."""
    answered = received > BLOCK
    return (1 + 2 * BLOCK) * answered if by_server else 1 + BLOCK + BLOCK * answered


def _random_bytes(count: int) -> bytes:
    return _NOISE[:count]
