"""The client's end of an RTMP connection: publish to a server, or play from it.

One connection, one stream. What servers send differs more than what they should, and little
of it matters: only the results of `connect` and `createStream` and the status that starts
the stream are waited for, as FFmpeg and librtmp do. nginx-rtmp, SRS, FFmpeg's listener and
this project's own server are known to satisfy it.

Source: RTMP 1.0 §7.2 and Enhanced RTMP v2; where servers differ, what they send is noted.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import NamedTuple

from slipstream.amf import Value, parse_amf0
from slipstream.errors import AmfError, CommandError
from slipstream.rtmp.capabilities import (
    NOTHING_ENHANCED,
    EnhancedCapabilities,
    build_capabilities,
    parse_capabilities,
)
from slipstream.rtmp.chunk_decoder import PUBLISHER, ChunkLimits
from slipstream.rtmp.commands import Command, command_message, parse_command
from slipstream.rtmp.connection import Connection
from slipstream.rtmp.events import (
    Connected,
    Ended,
    Event,
    MediaReceived,
    PlayStarted,
    PublishKind,
    PublishStarted,
    ReconnectRequested,
    StatusReceived,
    StreamCreated,
)
from slipstream.rtmp.handshake import ClientHandshake
from slipstream.rtmp.messages import (
    Message,
    UserEvent,
    build_set_chunk_size,
    build_user_control,
    build_window_ack_size,
)
from slipstream.rtmp.outbox import OUT_CHUNK_SIZE
from slipstream.rtmp.status import Code, Level, Status, parse_status

ACK_WINDOW = 2_500_000  # bytes; FFmpeg and rtmpdump ask for the same
BUFFER_LENGTH_MS = 3_000  # a hint to the server, as FFmpeg gives it
MAX_UNREAD = 256 << 10  # bytes of answers to the server's pings that may wait to be sent
CONNECT_TRANSACTION = 1  # always (§7.2.1.1)

FLASH_VER = "FMLE/3.0 (compatible; Slipstream)"  # what encoders call themselves to this day

_ENDINGS = frozenset(
    {
        Code.CONNECT_CLOSED,
        Code.PLAY_STOP,
        Code.PLAY_COMPLETE,
        Code.PLAY_UNPUBLISH_NOTIFY,
        Code.UNPUBLISH_SUCCESS,
    }
)
_PLAY_STARTS = frozenset({Code.PLAY_START, Code.PLAY_PUBLISH_NOTIFY})  # as librtmp sees it

_ABOUT_THE_STREAM = frozenset({b"|RtmpSampleAccess", b"onStatus"})  # data, but not part of it


class _Progress(Enum):
    """What is being waited for."""

    CONNECTING = auto()
    CONNECTED = auto()
    CREATING = auto()
    ASKED = auto()
    RUNNING = auto()
    ENDED = auto()


class _Goal(NamedTuple):
    """What the connection is for."""

    name: str
    command: str  # "publish" or "play"
    argument: Value  # behind the name
    starts: frozenset[Code]  # any of which says that it has begun
    started: type[PublishStarted | PlayStarted]


class ClientConnection(Connection):
    """A connection to a server, without its socket.

    Call `publish()` or `play()` once, at any time. Write what `data_to_send()` returns, from the
    beginning on, and give `receive_data()` what the socket gave. `PublishStarted` says that
    `send_media()` may be called, `PlayStarted` that `MediaReceived` will follow, `Ended` that
    neither goes on.

    Args:
        app: with its query, as in `RtmpUrl`.
        tc_url: the URL of the application.
        random_bytes: makes so many random bytes, for the handshake.
        capabilities: what we can do, to be announced.
        flash_ver: what we call ourselves.
        limits: what the server may have us hold and do.
    """

    __slots__ = ("_connect_properties", "_goal", "_progress", "_stream_id", "_transaction")

    def __init__(
        self,
        app: str,
        tc_url: str,
        *,
        random_bytes: Callable[[int], bytes],
        capabilities: EnhancedCapabilities = NOTHING_ENHANCED,
        flash_ver: str = FLASH_VER,
        limits: ChunkLimits = PUBLISHER,
    ) -> None:
        handshake = ClientHandshake(random_bytes=random_bytes)
        super().__init__(handshake, limits, MAX_UNREAD)
        self._progress = _Progress.CONNECTING
        self._goal: _Goal | None = None
        self._stream_id = 0
        self._transaction = CONNECT_TRANSACTION  # of the latest call: its answer is awaited
        self._connect_properties: dict[str, Value] = {
            "app": app,
            "type": "nonprivate",
            "flashVer": flash_ver,
            "tcUrl": tc_url,
            "fpad": False,
            "capabilities": 15,
            "audioCodecs": 4071,  # all, as FFmpeg has it
            "videoCodecs": 252,
            "videoFunction": 1,
            **build_capabilities(capabilities),
        }
        self._outbox.put_bytes(handshake.data_to_send())

    def publish(self, name: str, kind: PublishKind = "live") -> None:
        """Publish under this name, which may carry a query."""
        starts = frozenset({Code.PUBLISH_START})
        self._pursue(_Goal(name, "publish", kind, starts, PublishStarted))

    def play(self, name: str, start_s: float = -2) -> None:
        """Play this name.

        Args:
            name: may carry a query.
            start_s: seconds into a recording; -1: live only; -2: live, or else recorded.
        """
        self._pursue(_Goal(name, "play", start_s, _PLAY_STARTS, PlayStarted))

    def send_media(self, kind: int, timestamp: int, payload: bytes) -> None:
        """Send one message of what is published; nothing unless that has begun and goes on.

        Args:
            kind: the message's type: 8, 9 or 18.
            timestamp: ms, below 2**32.
            payload: the body.
        """
        if self._progress is _Progress.RUNNING and self.error is None:
            self._outbox.put_media(Message(timestamp, kind, self._stream_id, payload))

    def close(self) -> None:
        """Take leave. Write what this leaves to be sent, then close the socket."""
        if self._progress in (_Progress.ASKED, _Progress.RUNNING) and self._goal:
            if self._goal.command == "publish":
                self._call("FCUnpublish", None, self._goal.name)
            self._call("deleteStream", None, self._stream_id)
        self._progress = _Progress.ENDED

    # The server's side

    def _handshake_done(self) -> None:
        # FFmpeg's listener wants this to be the very first message.
        connect = command_message(0, "connect", CONNECT_TRANSACTION, self._connect_properties)
        self._send(connect)

    def _handle_command(self, message: Message, _now: float, events: list[Event]) -> None:
        try:
            command = parse_command(message)
        except (AmfError, CommandError):
            self.messages_dropped += 1
            return
        # Others ask nothing of us: onBWDone, onFCPublish (FFmpeg's without arguments) and more.
        if self._progress is _Progress.ENDED:
            return
        if command.name == "_result" and command.transaction == self._transaction:
            self._succeeded(command, events)
        elif command.name == "_error" and command.transaction == self._transaction:
            self._end(parse_status(command.argument(0)), events)
        elif command.name == "onStatus":
            self._take_status(parse_status(command.argument(0)), message.stream_id, events)
        elif command.name == "close":
            self._end(Status(Level.STATUS, Code.CONNECT_CLOSED, "closed by the server"), events)

    def _handle_data(self, message: Message, name: bytes, events: list[Event]) -> None:
        if name == b"onPlayStatus":
            self._take_play_status(message, events)
        elif name not in _ABOUT_THE_STREAM:
            self._add_media(message, events)

    def _handle_user_event(self, event: int, values: tuple[int, ...], events: list[Event]) -> None:
        """Servers tell the same with a status, which is what all clients go by."""

    def _begin_media(self, _stream_id: int) -> MediaReceived | None:
        """Whatever id the media comes with, as with FFmpeg: there is one stream only."""
        if self._progress is _Progress.RUNNING and self._goal and self._goal.command == "play":
            return MediaReceived(self._stream_id, [])
        return None

    # Steps

    def _succeeded(self, command: Command, events: list[Event]) -> None:
        """Go on behind the answer to our latest call."""
        if self._progress is _Progress.CONNECTING:
            self._connected(command, events)
        elif self._progress is _Progress.CREATING:
            self._stream_id = _parse_stream_id(command)
            events.append(StreamCreated(self._stream_id))
            self._ask()
        elif self._progress is _Progress.ASKED:  # instead of the status, from some servers
            self._started(events)

    def _connected(self, command: Command, events: list[Event]) -> None:
        properties, information = (
            value if isinstance(value, dict) else {}
            for value in (command.target, command.argument(0))
        )
        # The specification leaves open which of the two they belong in.
        enhanced = parse_capabilities({**properties, **information})
        events.append(Connected(properties, information, enhanced))
        self._progress = _Progress.CONNECTED
        self._send(build_window_ack_size(ACK_WINDOW))
        self._send(build_set_chunk_size(OUT_CHUNK_SIZE))
        self._outbox.chunk_size = OUT_CHUNK_SIZE
        if self._goal:
            self._create(self._goal)

    def _pursue(self, goal: _Goal) -> None:
        assert self._goal is None, "one connection carries one stream"
        self._goal = goal
        if self._progress is _Progress.CONNECTED:
            self._create(goal)

    def _create(self, goal: _Goal) -> None:
        """Ask for a message stream; releaseStream and FCPublish are what encoders always send."""
        if goal.command == "publish":
            self._call("releaseStream", None, goal.name)
            self._call("FCPublish", None, goal.name)
        self._call("createStream", None)
        self._progress = _Progress.CREATING

    def _ask(self) -> None:
        goal = self._goal
        assert goal is not None, "nothing is created without a goal"
        self._call(goal.command, None, goal.name, goal.argument, stream_id=self._stream_id)
        if goal.command == "play":
            length = (self._stream_id, BUFFER_LENGTH_MS)
            self._send(build_user_control(UserEvent.SET_BUFFER_LENGTH, *length))
        self._progress = _Progress.ASKED

    def _started(self, events: list[Event]) -> None:
        assert self._goal is not None, "nothing is asked without a goal"
        self._progress = _Progress.RUNNING
        events.append(self._goal.started(self._stream_id))

    def _take_status(self, status: Status, stream_id: int, events: list[Event]) -> None:
        if status.code == Code.RECONNECT_REQUEST:
            events.append(ReconnectRequested(status.tc_url, status.description))
        elif self._progress is _Progress.ASKED and self._goal and status.code in self._goal.starts:
            self._started(events)
        # SRS redirects with a status, others with the error for `connect`.
        elif status.level == Level.ERROR or status.code in _ENDINGS or status.redirect:
            self._end(status, events)
        else:
            level, code, description, *_ = status
            events.append(StatusReceived(stream_id, level, code, description))

    def _take_play_status(self, message: Message, events: list[Event]) -> None:
        """The end of a recording comes as data."""
        try:
            values = parse_amf0(message.payload)
        except AmfError:
            self.messages_dropped += 1
            return
        status = parse_status(values[-1])
        if status.code == Code.PLAY_COMPLETE and self._progress is _Progress.RUNNING:
            self._end(status, events)

    def _end(self, status: Status, events: list[Event]) -> None:
        self._progress = _Progress.ENDED
        events.append(Ended(status.code, status.description, status.redirect))

    def _call(self, name: str, *arguments: Value, stream_id: int = 0) -> None:
        self._transaction += 1
        self._send(command_message(stream_id, name, self._transaction, *arguments))


def _parse_stream_id(command: Command) -> int:
    stream_id = int(command.number(0, 0))
    if not 0 < stream_id < 2**32:
        raise CommandError(f"createStream answered with id {stream_id}")
    return stream_id
