"""What a server's and a client's connection have in common: bytes in, events and bytes out.

Handshake and chunks are taken in by their own modules, and what comes out of them is sorted
here: media is gathered, aggregates are split, pings are answered, what has come is
acknowledged. Commands, and whose media is welcome, are left to the two that build on this.

Source: RTMP 1.0 §5 to §7; "§" cites it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from slipstream.errors import ProtocolError
from slipstream.rtmp.acknowledgement import Acknowledger
from slipstream.rtmp.aggregate import split_aggregate
from slipstream.rtmp.chunk_decoder import ChunkDecoder, ChunkLimits
from slipstream.rtmp.commands import amf0_payload, leading_text
from slipstream.rtmp.events import Event, HandshakeDone, MediaReceived, PongReceived
from slipstream.rtmp.handshake import ClientHandshake, ServerHandshake
from slipstream.rtmp.messages import (
    Message,
    MessageType,
    UserEvent,
    build_acknowledgement,
    build_user_control,
    parse_control_number,
    parse_user_control,
)
from slipstream.rtmp.outbox import Outbox

_SOUND_AND_PICTURE = frozenset({int(MessageType.AUDIO), int(MessageType.VIDEO)})
_MEDIA = _SOUND_AND_PICTURE | {MessageType.DATA, MessageType.DATA_AMF3}

# Known, and nothing to be done: the decoder has obeyed the first two, the others only tell.
_NEWS = frozenset(
    {
        MessageType.SET_CHUNK_SIZE,
        MessageType.ABORT,
        MessageType.ACKNOWLEDGEMENT,
        MessageType.SET_PEER_BANDWIDTH,
    }
)


class Connection(ABC):
    """One end of one connection.

    Give `receive_data()` what the socket gave, act on the events, then write what
    `data_to_send()` returns. Once `error` is set, write what is left and close.

    Attributes:
        error: what the peer did wrong, or None. Events before it are good.
        bytes_received: handshake included.
        messages_dropped: media and data that could not be read or belonged to no stream,
            and messages of types that nobody here knows.
    """

    __slots__ = (
        "_acknowledger",
        "_decoder",
        "_handshake",
        "_max_unread",
        "_outbox",
        "bytes_received",
        "error",
        "messages_dropped",
    )

    def __init__(
        self, handshake: ServerHandshake | ClientHandshake, limits: ChunkLimits, max_unread: int
    ) -> None:
        self.error: ProtocolError | None = None
        self.bytes_received = 0
        self.messages_dropped = 0
        self._handshake: ServerHandshake | ClientHandshake | None = handshake
        self._decoder = ChunkDecoder(limits=limits)
        self._acknowledger = Acknowledger()
        self._outbox = Outbox()
        self._max_unread = max_unread

    def receive_data(self, data: bytes | bytearray | memoryview, now: float = 0.0) -> list[Event]:
        """Return what these bytes bring about. Never raises: see `error`.

        Args:
            data: cut anywhere; not kept beyond the call.
            now: seconds, of a clock that never goes back.
        """
        events: list[Event] = []
        if self.error is not None:
            return events
        self.bytes_received += len(data)
        try:
            if self._handshake is not None:
                data = self._shake_hands(self._handshake, data, events)
            if data:
                self._handle_messages(self._decoder.receive_data(data, now), now, events)
        except ProtocolError as error:
            self.error = error
        if self.error is None:
            self.error = self._decoder.error
        if self._acknowledger.is_due(self.bytes_received):
            self._send(build_acknowledgement(self.bytes_received))
        return events

    def data_to_send(self) -> bytes:
        """Return what is to be written to the peer, in order; empty if there is nothing."""
        return self._outbox.take()

    def ping(self, timestamp_ms: int) -> None:
        """Ask the peer whether it is there; one that reads answers with `PongReceived`.

        OBS reads nothing while it streams: silence proves nothing.
        """
        self._send(build_user_control(UserEvent.PING_REQUEST, timestamp_ms))

    # For those that build on this

    @abstractmethod
    def _handshake_done(self) -> None:
        """Messages may be sent from now on."""

    @abstractmethod
    def _handle_command(self, message: Message, now: float, events: list[Event]) -> None:
        """Obey a message of type 20 or 17."""

    @abstractmethod
    def _handle_data(self, message: Message, name: bytes, events: list[Event]) -> None:
        """Take a data message, of type 18 whatever it came as, that begins with `name`."""

    @abstractmethod
    def _begin_media(self, stream_id: int) -> MediaReceived | None:
        """Return the event that this stream's media is to be added to; None: it is unwanted."""

    @abstractmethod
    def _handle_user_event(self, event: int, values: tuple[int, ...], events: list[Event]) -> None:
        """Take what is neither ping nor pong."""

    def _send(self, message: Message) -> None:
        """Send a message, unless the connection is over.

        A peer that has us answer and does not read is found out here.
        """
        if self.error is not None:
            return
        self._outbox.put(message)
        if self._outbox.unread > self._max_unread:
            unread = self._outbox.unread
            self.error = ProtocolError(
                f"{unread} bytes of answers unread, limit {self._max_unread}"
            )

    def _gather(self, stream_id: int, events: list[Event]) -> list[Message] | None:
        """Return the list to add this stream's media to, or None if it is unwanted."""
        begun = self._begin_media(stream_id)
        if begun is None:
            return None
        if events:
            last = events[-1]
            if isinstance(last, MediaReceived) and last.stream_id == begun.stream_id:
                last.messages.extend(begun.messages)
                return last.messages
        events.append(begun)
        return begun.messages

    def _add_media(self, message: Message, events: list[Event]) -> None:
        """Hand out one message with its stream's media, or drop it."""
        gathered = self._gather(message.stream_id, events)
        if gathered is None:
            self.messages_dropped += 1
        else:
            gathered.append(message)

    # Inside

    def _shake_hands(
        self,
        handshake: ServerHandshake | ClientHandshake,
        data: bytes | bytearray | memoryview,
        events: list[Event],
    ) -> bytes:
        """Go on with the handshake; return the bytes that come after it."""
        handshake.receive_data(data)
        self._outbox.put_bytes(handshake.data_to_send())
        if not handshake.done:
            return b""
        self._handshake = None
        events.append(HandshakeDone())
        self._handshake_done()
        return handshake.leftover

    def _handle_messages(self, messages: list[Message], now: float, events: list[Event]) -> None:
        """Gather media, and hand everything else to where it belongs."""
        dropped: list[Message] = []
        gathered, gathered_id = dropped, -1  # where media goes, and of which stream; -1: ask
        for message in messages:
            _, type_id, stream_id, _ = message
            if type_id in _SOUND_AND_PICTURE:
                if stream_id != gathered_id:
                    gathered_id = stream_id
                    wanted = self._gather(stream_id, events)
                    gathered = dropped if wanted is None else wanted
                gathered.append(message)
                continue
            self._handle(message, now, events)
            gathered_id = -1
            if self.error is not None:
                break
        if dropped:
            self.messages_dropped += len(dropped)

    def _handle(self, message: Message, now: float, events: list[Event]) -> None:
        """Take one message that is no media."""
        match message.type_id:
            case MessageType.DATA | MessageType.DATA_AMF3:
                self._take_data(message, events)
            case MessageType.COMMAND | MessageType.COMMAND_AMF3:
                self._handle_command(message, now, events)
            case MessageType.USER_CONTROL:
                self._take_user_control(message, events)
            case MessageType.WINDOW_ACK_SIZE:
                self._acknowledger.use_window(parse_control_number(message))
            case MessageType.AGGREGATE:
                self._take_aggregate(message, now, events)
            case type_id if type_id not in _NEWS:
                self.messages_dropped += 1

    def _take_data(self, message: Message, events: list[Event]) -> None:
        """FFmpeg sends time codes of four raw octets as data: what has no name is dropped."""
        payload = amf0_payload(message)
        name = leading_text(payload)
        if name is None:
            self.messages_dropped += 1
            return
        data = message._replace(type_id=int(MessageType.DATA), payload=payload)
        self._handle_data(data, name, events)

    def _take_user_control(self, message: Message, events: list[Event]) -> None:
        event, values = parse_user_control(message)
        if event == UserEvent.PING_REQUEST:  # RootEncoder sends them to measure round trips
            self._send(build_user_control(UserEvent.PING_RESPONSE, values[0]))
        elif event == UserEvent.PING_RESPONSE:
            events.append(PongReceived(values[0]))
        else:
            self._handle_user_event(event, values, events)

    def _take_aggregate(self, message: Message, now: float, events: list[Event]) -> None:
        try:
            parts = split_aggregate(message)
        except ProtocolError:
            self.messages_dropped += 1
            return
        # Commands have no business in there, and would not be counted.
        media = [part for part in parts if part.type_id in _MEDIA]
        self.messages_dropped += len(parts) - len(media)
        self._handle_messages(media, now, events)
