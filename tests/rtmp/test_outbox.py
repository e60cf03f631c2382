"""The outbox: in order, in chunks of the size last announced, counted until taken."""

from __future__ import annotations

from slipstream.rtmp.messages import Message, MessageType
from slipstream.rtmp.outbox import Outbox
from tests.rtmp.wire import chunks


def test_each_kind_has_its_chunk_stream() -> None:
    box = Outbox()
    kinds = [
        (MessageType.SET_CHUNK_SIZE, 0, 2),
        (MessageType.USER_CONTROL, 0, 2),
        (MessageType.COMMAND, 0, 3),
        (MessageType.COMMAND, 1, 5),
        (MessageType.DATA, 1, 5),
        (MessageType.AUDIO, 1, 4),
        (MessageType.VIDEO, 7, 6),
    ]
    for type_id, stream_id, csid in kinds:
        message = Message(0, type_id, stream_id, b"1234")
        box.put(message)
        assert box.take() == chunks(message, csid)


def test_chunks_are_as_long_as_was_announced() -> None:
    box = Outbox()
    message = Message(0, MessageType.COMMAND, 0, bytes(300))
    box.put(message)
    box.chunk_size = 200
    box.put(message)
    assert box.take() == chunks(message, 3, 128) + chunks(message, 3, 200)


def test_answers_are_counted_until_they_are_taken_and_media_is_not() -> None:
    box = Outbox()
    assert (box.take(), box.unread) == (b"", 0)
    box.put_bytes(bytes(3073))
    box.put_media(Message(0, MessageType.VIDEO, 1, bytes(100)))
    assert box.unread == 0
    box.put(Message(0, MessageType.COMMAND, 0, bytes(100)))
    box.put(Message(0, MessageType.COMMAND, 0, bytes(100)))
    assert box.unread == 2 * 112
    assert len(box.take()) == 3073 + 3 * 112
    assert (box.take(), box.unread) == (b"", 0)
