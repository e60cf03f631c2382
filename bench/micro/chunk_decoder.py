"""What one message costs in the chunk decoder.

Messages of 1.6 KB (a publisher of 1 Mbit/s sends 77 a second), four to a read, as OBS and
FFmpeg chunk them; and what an attacker can make us do with chunks of one byte.

Run: python bench/micro/chunk_decoder.py
"""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter, process_time

from slipstream.rtmp.chunk_decoder import PUBLISHER, ChunkDecoder
from slipstream.rtmp.chunk_encoder import encode
from slipstream.rtmp.messages import Message, MessageType, build_set_chunk_size

MESSAGE_BYTES = 1_600
BATCH = 4  # messages in one read
ROUNDS = 20_000
UNLIMITED = replace(PUBLISHER, max_chunks_per_second=1 << 62)


def microseconds_per_message(chunk_size: int, *, view: bool, cut: bool = False) -> float:
    """Best of five passes over the same reads."""
    payload = bytes(range(256)) * (MESSAGE_BYTES // 256 + 1)
    messages = [
        Message(40 * i, MessageType.VIDEO, 1, payload[:MESSAGE_BYTES]) for i in range(BATCH)
    ]
    read = b"".join(type_1(message, chunk_size) for message in messages)
    decoder = ChunkDecoder(limits=UNLIMITED)
    decoder.receive_data(encode(build_set_chunk_size(chunk_size), 2, 128))
    decoder.receive_data(encode(messages[0], 6, chunk_size))
    if cut:
        decoder.receive_data(read[:1000])
        read = read[1000:] + read[:1000]
    data = memoryview(bytearray(read)) if view else read
    best = 1e9
    for _ in range(5):
        began = perf_counter()
        for _ in range(ROUNDS):
            got = decoder.receive_data(data)
        best = min(best, perf_counter() - began)
        assert len(got) == BATCH
    return best / ROUNDS / BATCH * 1e6


def type_1(message: Message, chunk_size: int) -> bytes:
    """The message as encoders send it in mid-stream: with a delta of 40 ms."""
    wire = encode(message._replace(timestamp=40), 6, chunk_size)
    return b"\x46" + wire[1:8] + wire[12:]


def seconds_for_one_byte_chunks(total: int) -> float:
    decoder = ChunkDecoder(limits=UNLIMITED)
    decoder.receive_data(encode(build_set_chunk_size(1), 2, 128))
    wire = encode(Message(0, MessageType.VIDEO, 1, bytes(total // 2)), 6, 1)
    began = process_time()
    for start in range(0, len(wire), 65536):
        decoder.receive_data(wire[start : start + 65536])
    assert decoder.error is None
    return process_time() - began


if __name__ == "__main__":
    for chunk_size in (4096, 128):
        for view in (False, True):
            kind = "memoryview" if view else "bytes"
            whole = microseconds_per_message(chunk_size, view=view)
            cut = microseconds_per_message(chunk_size, view=view, cut=True)
            print(f"chunk size {chunk_size:4}, {kind:10}: {whole:.2f} us, reads cut {cut:.2f} us")
    print(f"2.4 MB in one-byte chunks: {seconds_for_one_byte_chunks(2_400_000):.3f} s of CPU")
