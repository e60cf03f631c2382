"""The RTMP handshake, both sides: the 3073 bytes in each direction before the first chunk.

Each side sends a version byte and two blocks of 1536 bytes: its own, and an answer to the
peer's. Both forms in use are spoken: the simple one of RTMP 1.0 §5.2, and Adobe's with hidden
digests (`digest.py`). Blocks are told apart by counting bytes, never by what is in them, and
what the peer answers is not verified: FFmpeg and OBS echo where Adobe would have them sign.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from slipstream.errors import HandshakeError
from slipstream.rtmp.digest import DIGEST_SIZE, Role, Schema, find_digest, put_digest, sign_answer

VERSION = 3  # of the protocol without encryption (§5.2.2)
ENCRYPTED = (6, 8, 9)  # RTMPE in its variants
TLS_HANDSHAKE = 0x16  # the first byte of a TLS connection
BLOCK = 1536  # bytes (§5.2.3)
NO_TIME = bytes(4)  # nobody looks at the times in the blocks
NO_VERSION = bytes(4)  # "I know no digests": FFmpeg and librtmp then check nothing
SERVER_VERSION = bytes.fromhex("04050001")  # from 3 up FFmpeg expects a digest
CLIENT_VERSION = bytes.fromhex("80000702")  # what Flash Player sends


class _Handshake(ABC):
    """What both sides share: a version, a block to answer, and a block to let pass."""

    def __init__(self, *, random_bytes: Callable[[int], bytes]) -> None:
        self.done = False  # the peer has sent all of its handshake
        self.leftover = b""  # what came behind it: the first chunks
        self._random_bytes = random_bytes
        self._received = bytearray()
        self._to_send = b""
        self._answered = False

    def receive_data(self, data: bytes | bytearray | memoryview) -> None:
        """Take what the peer sent, cut anywhere.

        Raises:
            HandshakeError: this is not RTMP, or a kind of it that is not supported.
        """
        if self.done:
            self.leftover += data
            return
        self._received += data
        if not self._received:
            return
        _check_version(self._received[0])
        if not self._answered and len(self._received) >= 1 + BLOCK:
            self._to_send += self._answer(bytes(self._received[1 : 1 + BLOCK]))
            self._answered = True
        if len(self._received) >= 1 + 2 * BLOCK:
            self.leftover = bytes(self._received[1 + 2 * BLOCK :])
            self._received.clear()
            self.done = True

    def data_to_send(self) -> bytes:
        """Return what must be sent to the peer now, once."""
        data, self._to_send = self._to_send, b""
        return data

    @abstractmethod
    def _answer(self, block: bytes) -> bytes:
        """Return what is sent when the peer's own block has come."""

    def _block(self, version: bytes) -> bytes:
        return NO_TIME + version + self._random_bytes(BLOCK - 8)

    def _signed(self, peer_digest: bytes, role: Role) -> bytes:
        return sign_answer(self._random_bytes(BLOCK - DIGEST_SIZE), peer_digest, role)


class ServerHandshake(_Handshake):
    """Waits for the client's block, then sends version, block and answer together.

    Together, because OBS sends its own answer before it reads ours, and FFmpeg only when it
    has all of ours. A client whose block has a digest gets one; any other gets its block back
    unchanged, all of it: StreamPack hangs up over a single byte.

    Args:
        random_bytes: returns so many bytes that nobody can foresee.
    """

    def _answer(self, block: bytes) -> bytes:
        version = bytes((VERSION,))
        digest = find_digest(block, Role.CLIENT) if block[4:8] != NO_VERSION else None
        if digest is None:
            return version + self._block(NO_VERSION) + block
        own = put_digest(self._block(SERVER_VERSION), digest.schema, Role.SERVER)
        return version + own + self._signed(digest.value, Role.SERVER)


class ClientHandshake(_Handshake):
    """Has version and block to send at once, and its answer when the server's block has come.

    Args:
        random_bytes: returns so many bytes that nobody can foresee.
        digest: send a digest, and sign the answer if the server sends one too.
    """

    def __init__(self, *, random_bytes: Callable[[int], bytes], digest: bool = False) -> None:
        super().__init__(random_bytes=random_bytes)
        self._digest = digest
        block = self._block(CLIENT_VERSION if digest else NO_VERSION)
        if digest:
            block = put_digest(block, Schema.FIRST, Role.CLIENT)
        self._to_send = bytes((VERSION,)) + block

    def _answer(self, block: bytes) -> bytes:
        digest = find_digest(block, Role.SERVER) if self._digest else None
        return block if digest is None else self._signed(digest.value, Role.CLIENT)


def _check_version(version: int) -> None:
    if version == VERSION:
        return
    hint = ""
    if version in ENCRYPTED:
        hint = ": RTMPE is not supported, use RTMPS"
    elif version == TLS_HANDSHAKE:
        hint = ": TLS on the port of plain RTMP"
    elif chr(version) in "CDGHOPT":  # CONNECT, DELETE, GET, HEAD, OPTIONS, POST, TRACE
        hint = ": HTTP on the port of RTMP"
    raise HandshakeError(f"RTMP version {version}, expected {VERSION}{hint}")
