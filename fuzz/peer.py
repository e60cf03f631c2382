"""What a peer sends, made from a fuzz input: messages of every kind in valid chunks.

`Peer` turns instructions of a script into bytes; `Twins` are two connections that get the same
bytes, one in one piece and one cut, and must not differ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from fuzz.script import Script, pieces
from slipstream.amf import Value, build_amf0
from slipstream.errors import AmfError
from slipstream.rtmp import (
    ChunkDecoder,
    ChunkLimits,
    Connected,
    ConnectRequested,
    Event,
    HandshakeDone,
    MediaReceived,
    Message,
    MessageType,
    PlayEnded,
    PlayRequested,
    PublishEnded,
    PublishRequested,
    encode,
)
from slipstream.rtmp.connection import Connection

TYPES = (20, 18, 9, 8, 4, 17, 15, 22, 1, 2, 3, 5, 6, 16, 19, 0)
TEXTS = ("", "film", "key?a=b", "live", "append", "rtmp://h/live", "é\udc80", "a/../b", "x" * 300)
MAX_PAYLOAD = 600  # bytes: four chunks before the size is changed
MAX_PIECES = 6  # of one read
HANDSHAKE = b"\x03" + bytes(3072)

AConnection = TypeVar("AConnection", bound=Connection)

_NUMBERS = (-2.0, -1.0, 0.0, 1.0, 1e300, float("nan"), float("inf"), -2000.0)


class Peer:
    """Makes bytes out of a script.

    Args:
        script: what to send.
        commands: names to choose from.
        codes: of status objects, likewise.
    """

    def __init__(self, script: Script, commands: Sequence[str], codes: Sequence[str] = ()) -> None:
        self._script = script
        self._commands = commands
        self._codes = codes
        self._chunk_size = 128

    def raw(self) -> bytes:
        """Bytes as they stand in the input."""
        return self._script.take(self._script.number(1))

    def message(self) -> bytes:
        """A message whose payload stands in the input."""
        script = self._script
        choice = script.number(1)
        timestamp = script.number(4) if choice & 0x80 else 40 * (choice >> 4)
        stream_id, size = script.number(1) % 5, script.number(2) % MAX_PAYLOAD
        payload = script.take(size)
        if choice & 0x40:
            payload = payload.ljust(size, b"\xaf")
        return self._chunks(Message(timestamp, TYPES[choice % 16], stream_id, payload))

    def command(self) -> bytes:
        """A command of a known name with any arguments."""
        script = self._script
        name = self._commands[script.number(1) % len(self._commands)]
        choice = script.number(1)
        stream_id, count = choice & 3, choice >> 2 & 7
        values = [self._value(depth=0) for _ in range(count)]
        type_id = MessageType.COMMAND_AMF3 if choice & 0x40 else MessageType.COMMAND
        body = b"\0" * (choice >> 6 & 1) + build_amf0(name, *values)
        return self._chunks(Message(0, type_id, stream_id, body))

    def _value(self, depth: int) -> Value:
        script = self._script
        choice = script.number(1)
        kind, more = choice & 7, choice >> 3
        match kind:
            case 0:
                return None
            case 1:
                return float(more)
            case 2:
                return TEXTS[more % len(TEXTS)]
            case 3:
                return script.take(more).decode(errors="surrogateescape")
            case 4:
                return more & 1 == 1
            case 5:
                return _NUMBERS[more % len(_NUMBERS)]
            case 6 if depth < 2:
                return {self._key(): self._value(depth + 1) for _ in range(more % 6)}
            case 7 if self._codes:
                return {"level": TEXTS[more % 2], "code": self._codes[more % len(self._codes)]}
        return [] if depth > 1 else [self._value(depth + 1) for _ in range(more % 4)]

    def _key(self) -> str:
        keys = ("app", "tcUrl", "flashVer", "capsEx", "fourCcList", "streamName", "start", "code",
                "level", "ex", "redirect", "videoFourCcInfoMap", "vp09", "*")  # fmt: skip
        return keys[self._script.number(1) % len(keys)]

    def _chunks(self, message: Message) -> bytes:
        data = encode(message, 3 + message.type_id % 8, self._chunk_size)
        if message.type_id == MessageType.SET_CHUNK_SIZE and len(message.payload) == 4:
            size = int.from_bytes(message.payload)
            if 1 <= size < 1 << 31:  # otherwise the end
                self._chunk_size = size
        return data


class Twins(Generic[AConnection]):
    """Two connections that must not differ, whatever they are given and told.

    Args:
        make: makes a connection.
        at: where the second one's bytes are cut, see `pieces`.
        step: likewise.

    The handshake is done when they are made.
    """

    def __init__(self, make: Callable[[], AConnection], at: int, step: int) -> None:
        self.whole, self.cut = make(), make()
        self._at, self._step = at, step
        self._now = 0.0
        self._sent_whole, self._sent_cut = bytearray(), bytearray()
        for connection in (self.whole, self.cut):  # cut in the target of its own
            assert connection.receive_data(HANDSHAKE) == [HandshakeDone()]

    def receive(self, data: bytes) -> list[Event]:
        """Give both the same bytes; what came of it. A second passes before."""
        self._now += 1
        events = told(self.whole.receive_data(data, self._now))
        piecewise: list[Event] = []
        for piece in pieces(data, self._at, self._step, MAX_PIECES):
            piecewise += self.cut.receive_data(piece, self._now)
        assert shown(told(piecewise)) == shown(events)
        assert str(self.cut.error) == str(self.whole.error)
        if self.whole.error is None:
            assert self.cut.messages_dropped == self.whole.messages_dropped
        self.send()
        return events

    def tell(self, decide: Callable[[AConnection], object]) -> None:
        """Have both do the same."""
        assert decide(self.whole) == decide(self.cut)
        self.send()

    def send(self) -> None:
        """Take what both have to send."""
        self._sent_whole += self.whole.data_to_send()
        self._sent_cut += self.cut.data_to_send()

    def assert_same_sent(self) -> None:
        """Both have sent the same, but for acknowledgements: these depend on the reads."""
        if self._sent_cut != self._sent_whole:
            assert _answers(self._sent_cut) == _answers(self._sent_whole)


def told(events: Sequence[Event]) -> list[Event]:
    """Events in a form that does not depend on how many reads they came of.

    A question that is taken back in the same read is not asked at all; media is gathered.
    """
    kept: list[Event] = []
    for event in events:
        asked = _question_taken_back(event, kept)
        if asked is not None:
            del kept[asked]
        else:
            kept.append(event)
    merged: list[Event] = []
    for event in kept:
        last = merged[-1] if merged else None
        if (
            isinstance(event, MediaReceived)
            and isinstance(last, MediaReceived)
            and last.stream_id == event.stream_id
        ):
            merged[-1] = MediaReceived(last.stream_id, last.messages + event.messages)
        else:
            merged.append(event)
    return merged


def shown(events: Sequence[Event]) -> list[object]:
    """Events in a form that can be compared, as text: a NaN is not equal to itself.

    Values of AMF are written again: they may contain themselves, or one value a thousand times.
    """
    return [_shown(event) for event in events]


def _shown(event: Event) -> object:
    if isinstance(event, ConnectRequested):
        fields = (event.app, event.query, event.tc_url, event.flash_ver, event.enhanced)
        return str(fields), _written(dict(event.properties), *event.arguments)
    if isinstance(event, Connected):
        return str(event.enhanced), _written(dict(event.properties), dict(event.information))
    return str(event)


def _written(*values: Value) -> bytes | str:
    try:
        return build_amf0(*values)
    except AmfError as error:
        return str(error)


def _question_taken_back(event: Event, before: list[Event]) -> int | None:
    """Where the question is that this event takes back, if it was asked in the same read."""
    if not isinstance(event, PublishEnded | PlayEnded):
        return None
    kind = PublishRequested if isinstance(event, PublishEnded) else PlayRequested
    for index in reversed(range(len(before))):
        question = before[index]
        if isinstance(question, kind) and question.stream_id == event.stream_id:
            return index
    return None


def _answers(sent: bytearray) -> list[Message]:
    decoder = ChunkDecoder(limits=ChunkLimits(1 << 24, 1 << 24, 64, 1 << 24))
    messages = decoder.receive_data(sent[len(HANDSHAKE) :])
    assert decoder.error is None
    return [message for message in messages if message.type_id != MessageType.ACKNOWLEDGEMENT]
