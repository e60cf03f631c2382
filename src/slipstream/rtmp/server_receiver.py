"""The receiving half of a server's connection: commands become questions and news.

What a command may do when, the tables in `legality` say; what it asks for, `requests` reads.
Names of commands are joined with what is done for them at the end of this file. All others
get an empty result, so that clients of any dialect go on.

Source: RTMP 1.0 §7.2; where clients differ, what they send is noted.
"""

from __future__ import annotations

from collections.abc import Callable

from slipstream.errors import AmfError, BadNameError, CommandError
from slipstream.rtmp import answers
from slipstream.rtmp.address import parse_stream_name
from slipstream.rtmp.commands import Command, amf0_payload, leading_text, parse_command
from slipstream.rtmp.connection import Connection
from slipstream.rtmp.events import (
    BufferLengthSet,
    Event,
    MediaReceived,
    PauseRequested,
    PlayEnded,
    PlayRequested,
    PublishEnded,
    PublishRequested,
    ReceiveAudio,
    ReceiveVideo,
    SeekRequested,
)
from slipstream.rtmp.handshake import ServerHandshake
from slipstream.rtmp.legality import (
    CONNECTION_STEPS,
    STREAM_STEPS,
    ConnectionInput,
    Effect,
    Phase,
    StreamInput,
    Use,
)
from slipstream.rtmp.limits import CommandBudget, ServerLimits
from slipstream.rtmp.messages import Message, UserEvent
from slipstream.rtmp.requests import (
    counts_in_ms,
    parse_connect,
    parse_play,
    parse_play2,
    parse_publish,
    read_time_ms,
)
from slipstream.rtmp.status import Code, Level, status_message
from slipstream.rtmp.streams import MessageStream, MessageStreams, advance

# The table's row for media, which changes no state: every read of a publisher needs it.
_TAKES_MEDIA = frozenset(
    use for use in Use if STREAM_STEPS[use, StreamInput.MEDIA].effect is Effect.TELL
)

_METADATA = frozenset({b"@setDataFrame", b"onMetaData"})

# Some encoders send these in messages of the type of commands.
_DATA_IN_COMMANDS = _METADATA | {b"@clearDataFrame", b"onTextData", b"onCuePoint", b"onFI"}


class ServerReceiver(Connection):
    """What `ServerConnection` adds its answers to."""

    __slots__ = (
        "_budget",
        "_client_counts_in_ms",
        "_client_enhanced",
        "_connect_transaction",
        "_limits",
        "_notice_asked",
        "_phase",
        "_streams",
        "commands_ignored",
        "understands_reconnect",
    )

    def __init__(self, *, random_bytes: Callable[[int], bytes], limits: ServerLimits) -> None:
        super().__init__(
            ServerHandshake(random_bytes=random_bytes), limits.first_chunks, limits.first_unread
        )
        self.commands_ignored = 0
        self.understands_reconnect = False
        self._limits = limits
        self._budget = CommandBudget(limits)
        self._streams = MessageStreams(limits.streams)
        self._phase = Phase.OPEN
        self._connect_transaction = 1.0
        self._client_enhanced = False
        self._client_counts_in_ms = False
        self._notice_asked = False  # by FCPublish, and still due

    def _handshake_done(self) -> None:
        """The client speaks first."""

    def _handle_command(self, message: Message, now: float, events: list[Event]) -> None:
        if leading_text(amf0_payload(message)) in _DATA_IN_COMMANDS:
            self._take_data(message, events)
            return
        self._budget.spend(now)
        try:
            command = parse_command(message)
        except (AmfError, CommandError):
            # librtmp's set_playlist is malformed; that is no reason to end a session.
            if self._advance(ConnectionInput.UNREADABLE_COMMAND) is Effect.VIOLATION:
                raise
            self.commands_ignored += 1
            return
        obey = _COMMANDS.get(command.name)
        if obey is not None:
            obey(self, command, message.stream_id, events)
        else:
            self._answer_call(command)

    def _handle_data(self, message: Message, name: bytes, events: list[Event]) -> None:
        if name in _METADATA and len(message.payload) <= self._limits.metadata:
            stream = self._streams.find(message.stream_id)
            if stream and advance(stream, StreamInput.METADATA) is Effect.HOLD:
                stream.early_metadata = message
                return
        self._add_media(message, events)

    def _begin_media(self, stream_id: int) -> MediaReceived | None:
        stream = self._streams.find(stream_id)
        if stream is None or stream.use not in _TAKES_MEDIA:
            return None
        early, stream.early_metadata = stream.early_metadata, None
        return MediaReceived(stream.id, [] if early is None else [early])

    def _handle_user_event(self, event: int, values: tuple[int, ...], events: list[Event]) -> None:
        if event == UserEvent.SET_BUFFER_LENGTH:
            stream = self._streams.find(values[0])
            if stream is not None:
                events.append(BufferLengthSet(stream.id, values[1]))

    # NetConnection commands (§7.2.1)

    def _connect(self, command: Command, _: int, events: list[Event]) -> None:
        if CONNECTION_STEPS[self._phase, ConnectionInput.CONNECT].effect is Effect.REFUSE:
            self._send(answers.call_failed(command.transaction, self._phase.value))
            return
        try:
            request = parse_connect(command)
        except BadNameError as error:
            code = Code.CONNECT_INVALID_APP
            self._send(answers.connect_rejected(command.transaction, code, str(error)))
            return
        self._advance(ConnectionInput.CONNECT)
        self._connect_transaction = command.transaction
        self._client_enhanced = request.enhanced.announced
        self._client_counts_in_ms = counts_in_ms(request.flash_ver)
        self.understands_reconnect = request.enhanced.reconnect
        events.append(request)

    def _create_stream(self, command: Command, _: int, __: list[Event]) -> None:
        if self._advance(ConnectionInput.CREATE_STREAM) is Effect.REFUSE:
            self._send(answers.call_failed(command.transaction, self._phase.value))
        elif (stream := self._streams.create()) is None:
            complaint = f"more than {self._limits.streams} message streams"
            self._send(answers.call_failed(command.transaction, complaint))
        else:
            self._send(answers.stream_created(command.transaction, stream.id))

    def _delete_stream(self, command: Command, stream_id: int, events: list[Event]) -> None:
        for stream in self._to_delete(command, stream_id):
            self._leave(stream, events)
            self._streams.remove(stream)

    def _to_delete(self, command: Command, stream_id: int) -> list[MessageStream]:
        """The one by its id; GStreamer sends the name that it published under instead."""
        target = command.argument(0)
        if isinstance(target, str):
            return self._published_as(target) or self._streams.all()
        stream = self._streams.find(int(command.number(0, stream_id)))
        return [] if stream is None else [stream]

    def _fc_publish(self, command: Command, _: int, __: list[Event]) -> None:
        """Asks for `onFCPublish`: before `publish` as a rule, after it with some encoders."""
        self._answer_call(command)
        live = [s for s in self._published_as(command.text(0)) if s.use is Use.PUBLISHING]
        self._notice_asked = not live
        for stream in live:
            self._send(answers.publish_notice(stream.name))

    def _fc_unpublish(self, command: Command, _: int, events: list[Event]) -> None:
        """Says that a publication has ended; `deleteStream` follows, as a rule."""
        for stream in self._published_as(command.text(0)):
            self._send(answers.unpublish_notice(stream.name))
            self._leave(stream, events)
        self._answer_call(command)

    def _answer_call(self, command: Command) -> None:
        for message in answers.simple_answers(command):
            self._send(message)

    def _ignore(self, _: Command, __: int, ___: list[Event]) -> None:
        """An answer to a call, and we make none."""
        self.commands_ignored += 1

    # NetStream commands (§7.2.2)

    def _publish(self, command: Command, stream_id: int, events: list[Event]) -> None:
        stream = self._streams.find(stream_id)
        target_id = stream.id if stream else stream_id
        try:
            request = parse_publish(command, target_id)
        except BadNameError as error:
            self._send_error(target_id, Code.PUBLISH_BAD_NAME, str(error))
            return
        self._ask(StreamInput.PUBLISH, stream, request, events)

    def _play(self, command: Command, stream_id: int, events: list[Event]) -> None:
        stream = self._streams.find(stream_id)
        target_id = stream.id if stream else stream_id
        try:
            if command.name == "play2":
                request = parse_play2(command, target_id)
            else:
                request = parse_play(command, target_id, times_in_ms=self._client_counts_in_ms)
        except BadNameError as error:
            self._send_error(target_id, Code.PLAY_FAILED, str(error))
            return
        if self._streams.playing(besides=stream) >= self._limits.plays:
            complaint = f"more than {self._limits.plays} streams played at once"
            self._send_error(target_id, Code.PLAY_FAILED, complaint)
            return
        self._ask(StreamInput.PLAY, stream, request, events)

    def _ask(
        self,
        kind: StreamInput,
        stream: MessageStream | None,
        request: PublishRequested | PlayRequested,
        events: list[Event],
    ) -> None:
        """Put a question to the application, in place of what the message stream was used for."""
        old_use = stream.use if stream else Use.NONE
        effect = advance(stream, kind)
        if stream is None:
            code = Code.PUBLISH_BAD_NAME if kind is StreamInput.PUBLISH else Code.PLAY_FAILED
            self._send_error(request.stream_id, code, old_use.value)
            return
        if effect is Effect.REPLACE:
            self._end_use(stream, old_use, events)
        stream.name, stream.request = request.name, request
        events.append(request)

    def _close_stream(self, _: Command, stream_id: int, events: list[Event]) -> None:
        stream = self._streams.find(stream_id)
        if stream is not None:
            self._leave(stream, events)

    def _pause(self, command: Command, stream_id: int, events: list[Event]) -> None:
        stream = self._controlled(stream_id)
        if stream is not None:
            position_ms = read_time_ms(command.number(1, 0))
            events.append(PauseRequested(stream.id, command.flag(0, default=True), position_ms))

    def _seek(self, command: Command, stream_id: int, events: list[Event]) -> None:
        stream = self._controlled(stream_id)
        if stream is not None:
            events.append(SeekRequested(stream.id, read_time_ms(command.number(0, 0))))

    def _receive(self, command: Command, stream_id: int, events: list[Event]) -> None:
        """Flash also sent `receiveVideo` with a frame rate, which means yes."""
        stream = self._controlled(stream_id)
        if stream is not None:
            event = ReceiveAudio if command.name == "receiveAudio" else ReceiveVideo
            events.append(event(stream.id, command.flag(0, default=True)))

    # Inside

    def _advance(self, request: ConnectionInput) -> Effect:
        """Take the connection one step further, and return what is to be done."""
        effect, self._phase = CONNECTION_STEPS[self._phase, request]
        return effect

    def _controlled(self, stream_id: int) -> MessageStream | None:
        """The message stream if it plays, or is going to."""
        stream = self._streams.find(stream_id)
        if advance(stream, StreamInput.CONTROL) is Effect.TELL:
            return stream
        self.commands_ignored += 1
        return None

    def _published_as(self, name: str) -> list[MessageStream]:
        """What is published, or asked to be, under a name as the client writes it."""
        try:
            return self._streams.publishing(parse_stream_name(name).name)
        except BadNameError:
            return []

    def _leave(self, stream: MessageStream, events: list[Event]) -> None:
        """End what a message stream is used for. HaishinKit waits until it is told so."""
        old_use = stream.use
        if advance(stream, StreamInput.CLOSE) is Effect.IGNORE:
            return
        self._end_use(stream, old_use, events)
        if old_use is Use.PUBLISHING:
            self._send_status(stream.id, Code.UNPUBLISH_SUCCESS, "Publishing has ended.")
        elif old_use is Use.PLAYING:
            self._send_status(stream.id, Code.PLAY_STOP, "Playing has ended.")

    def _end_use(self, stream: MessageStream, old_use: Use, events: list[Event]) -> None:
        """Tell the application. A question that it has not seen yet is not asked at all: an
        answer can then only be meant for the newest one.
        """
        request, stream.request = stream.request, None
        stream.early_metadata = None
        for index, event in enumerate(events):
            if event is request:
                del events[index]
                return
        ended = PublishEnded if old_use in (Use.PUBLISH_ASKED, Use.PUBLISHING) else PlayEnded
        events.append(ended(stream.id))

    def _send_status(self, stream_id: int, code: Code, description: str) -> None:
        self._send(status_message(stream_id, Level.STATUS, code, description))

    def _send_error(self, stream_id: int, code: Code, description: str) -> None:
        self._send(status_message(stream_id, Level.ERROR, code, description))


_COMMANDS: dict[str, Callable[[ServerReceiver, Command, int, list[Event]], None]] = {
    "connect": ServerReceiver._connect,
    "createStream": ServerReceiver._create_stream,
    "deleteStream": ServerReceiver._delete_stream,
    "closeStream": ServerReceiver._close_stream,
    "FCPublish": ServerReceiver._fc_publish,
    "FCUnpublish": ServerReceiver._fc_unpublish,
    "publish": ServerReceiver._publish,
    "play": ServerReceiver._play,
    "play2": ServerReceiver._play,
    "pause": ServerReceiver._pause,
    "pauseRaw": ServerReceiver._pause,
    "seek": ServerReceiver._seek,
    "receiveAudio": ServerReceiver._receive,
    "receiveVideo": ServerReceiver._receive,
    "_result": ServerReceiver._ignore,
    "_error": ServerReceiver._ignore,
    "onStatus": ServerReceiver._ignore,
}
