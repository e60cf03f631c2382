"""The chunk stream: any bytes, whole and cut, the quick way and the general one.

The last five bytes choose the limits and where the bytes are cut. Messages, complaint and
what is remembered must not depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable

from fuzz.plain import plain
from fuzz.script import pieces, with_tail
from slipstream.errors import ChunkError
from slipstream.rtmp import (
    PUBLISHER,
    UNAUTHORISED,
    ChunkDecoder,
    ChunkLimits,
    Message,
    chunk_decoder,
)
from tests.rtmp.chunk_reader import GeneralDecoder

PlainDecoder = plain(chunk_decoder).ChunkDecoder
ALLOWED = (ChunkError,)  # kept in `error`, raised by the next call
MAX_BYTES = 600

LIMITS = (UNAUTHORISED, PUBLISHER, ChunkLimits(300, 500, 3, 20), ChunkLimits(4096, 1000, 8, 5_000))


def run(data: bytes) -> None:
    """Decode the bytes in ways that must make no difference."""
    data, (kind, low, high, step, _) = with_tail(data, 5)
    limits = LIMITS[kind % len(LIMITS)]
    cut = _decode(ChunkDecoder(limits=limits), pieces(data, low | high << 8, step))
    assert _decode(PlainDecoder(limits=limits), [data]) == cut
    messages, complaint, *_ = cut
    for message in messages:
        assert len(message.payload) <= limits.max_message_size
    # The quick way counts the chunks of a message when it is whole, the general one as they come.
    general_messages, general_complaint, *_ = _decode(GeneralDecoder(limits=limits), [data])
    assert general_messages == messages
    assert complaint == general_complaint or "chunks a second" in str(general_complaint)


def _decode(
    decoder: ChunkDecoder, reads: Iterable[bytes]
) -> tuple[list[Message], str | None, int, int]:
    messages: list[Message] = []
    for read in reads:
        messages += decoder.receive_data(read)
        if decoder.error is not None:
            try:
                decoder.receive_data(b"\x02")
            except ALLOWED:
                break
            raise AssertionError("a spent decoder takes more")
    complaint = None if decoder.error is None else str(decoder.error)
    return messages, complaint, decoder.dropped_messages, decoder.chunk_size
