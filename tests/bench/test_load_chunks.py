"""The load's chunk stream: the specification's examples first, then there and back."""

from hypothesis import given
from hypothesis import strategies as st

from bench.load.chunks import (
    AUDIO,
    VIDEO,
    ChunkReader,
    Message,
    build_delta_message,
    build_message,
)

SET_CHUNK_SIZE_256 = bytes.fromhex("02000000000004010000000000000100")


def read(*parts: bytes) -> list[Message]:
    reader = ChunkReader()
    return [message for part in parts for message in reader.receive_data(part)]


def test_four_audio_messages_of_the_specification() -> None:
    # RTMP 1.0 §5.3.2.1: types 0, 2, 3, 3 on one chunk stream, 20 ms apart.
    body = bytes(32)
    wire = bytes.fromhex("040003e80000200839300000") + body
    wire += bytes.fromhex("84000014") + body + b"\xc4" + body + b"\xc4" + body
    assert read(wire) == [Message(time, AUDIO, 12345, body) for time in (1000, 1020, 1040, 1060)]


def test_a_long_video_message_of_the_specification() -> None:
    # RTMP 1.0 §5.3.2.2: 307 bytes in chunks of 128.
    body = bytes(index % 251 for index in range(307))
    message = Message(1000, VIDEO, 12346, body)
    header = bytes.fromhex("060003e8000133093a300000")
    wire = header + body[:128] + b"\xc6" + body[128:256] + b"\xc6" + body[256:]
    assert read(wire) == [message]
    assert build_message(6, message, 128) == wire


def test_an_extended_timestamp_is_repeated_in_continuations() -> None:
    # RTMP 1.0 §5.3.1.3: 16777216 ms does not fit into three bytes.
    body = bytes(200)
    wire = bytes.fromhex("06ffffff0000c8090100000001000000") + body[:128]
    wire += bytes.fromhex("c601000000") + body[128:]
    assert read(wire) == [Message(16777216, VIDEO, 1, body)]


def test_messages_of_two_chunk_streams_interleave() -> None:
    video, audio = bytes(200), b"\xaf\x01sound"
    wire = bytes.fromhex("06000000") + b"\x00\x00\xc8\x09\x01\x00\x00\x00" + video[:128]
    wire += build_message(4, Message(0, AUDIO, 1, audio), 128) + SET_CHUNK_SIZE_256
    wire += b"\xc6" + video[128:]
    assert [message.type_id for message in read(wire)] == [AUDIO, 1, VIDEO]


def test_long_chunk_stream_ids_are_read() -> None:
    body = b"x"
    for basic_header in ("00ff", "01ffff"):
        wire = bytes.fromhex(basic_header + "000005" + "000001" + "08" + "01000000") + body
        assert read(wire) == [Message(5, AUDIO, 1, body)]


@given(
    sizes=st.lists(st.integers(1, 700), min_size=1, max_size=5),
    chunk_size=st.integers(1, 300),
    cut=st.integers(1, 50),
)
def test_reader_and_writer_agree_wherever_the_bytes_are_cut(
    sizes: list[int], chunk_size: int, cut: int
) -> None:
    bodies = [bytes(index % 256 for index in range(size)) for size in sizes]
    wire = bytes.fromhex("020000000000040100000000") + chunk_size.to_bytes(4, "big")
    wire += build_message(6, Message(7, VIDEO, 1, b"first"), chunk_size)
    for body in bodies:
        wire += build_delta_message(6, 10, VIDEO, body, chunk_size)
    _, _, *messages = read(*(wire[at : at + cut] for at in range(0, len(wire), cut)))
    expected = [Message(17 + 10 * at, VIDEO, 1, body) for at, body in enumerate(bodies)]
    assert messages == expected
