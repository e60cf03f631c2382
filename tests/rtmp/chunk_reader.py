"""ChunkDecoder run in all the ways that must not make a difference."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from slipstream.rtmp import chunk_decoder
from slipstream.rtmp.chunk_decoder import PUBLISHER, ChunkDecoder, ChunkLimits
from slipstream.rtmp.messages import Message
from tests.rtmp.chunk_writer import slices

# A compiled class has no interpreted heirs: from the source it can always be inherited.
_spec = spec_from_file_location(
    "interpreted_chunk_decoder", Path(chunk_decoder.__file__).with_name("chunk_decoder.py")
)
assert _spec is not None
assert _spec.loader is not None
_interpreted = sys.modules[_spec.name] = module_from_spec(_spec)
_spec.loader.exec_module(_interpreted)


class GeneralDecoder(_interpreted.ChunkDecoder):  # type: ignore[name-defined, misc]
    """Without the quick way, which must make no difference but in time."""

    def _take_whole_messages(
        self, buffer: bytes, position: int, messages: list[Message]
    ) -> tuple[int, bool]:
        return position, position == len(buffer)


def read_all(decoder: ChunkDecoder, *reads: bytes) -> tuple[list[Message], bool]:
    """Every message that comes out, and whether the bytes were refused in the end."""
    messages: list[Message] = []
    for data in reads:
        shared = bytearray(data)
        messages += decoder.receive_data(memoryview(shared))
        shared[:] = bytes(len(shared))  # the buffer of the next read
        if decoder.error is not None:
            break
    return messages, decoder.error is not None


def decode(*reads: bytes, limits: ChunkLimits = PUBLISHER) -> list[Message]:
    """Read legal bytes, and the same again in other ways that must not matter."""
    messages, refused = read_all(ChunkDecoder(limits=limits), *reads)
    assert not refused
    stream = b"".join(reads)
    for decoder in (ChunkDecoder(limits=limits), GeneralDecoder(limits=limits)):
        assert read_all(decoder, stream) == (messages, False)
    for decoder in (ChunkDecoder(limits=limits), GeneralDecoder(limits=limits)):
        assert read_all(decoder, *slices(stream, 1)) == (messages, False)
    return messages


def refusal(data: bytes, limits: ChunkLimits = PUBLISHER) -> str:
    """The complaint about bytes that must be refused, whole and a byte at a time."""
    decoder = ChunkDecoder(limits=limits)
    messages = decoder.receive_data(data)
    assert decoder.error is not None
    for other in (ChunkDecoder(limits=limits), GeneralDecoder(limits=limits)):
        assert read_all(other, *slices(data, 1)) == (messages, True)
        assert str(other.error) == str(decoder.error)
    return str(decoder.error)
