"""The server's end of an RTMP connection: what clients ask for, and what they are told.

Clients connect, create message streams, and publish or play on them. Whether they may is the
application's to say: it gets a question as an event and answers it here when it likes, while
everything else goes on. Media of accepted publications comes out as it came in; what players
watch does not pass through here at all, but for the odd client (`send_media`).

Source: RTMP 1.0 §7.2 and Enhanced RTMP v2; where clients differ, what they wait for is noted.
"""

from __future__ import annotations

from collections.abc import Callable

from slipstream.rtmp import answers
from slipstream.rtmp.events import PlayRequested
from slipstream.rtmp.legality import ConnectionInput, Effect, StreamInput, Use
from slipstream.rtmp.limits import ServerLimits
from slipstream.rtmp.messages import (
    Message,
    UserEvent,
    build_set_chunk_size,
    build_set_peer_bandwidth,
    build_user_control,
    build_window_ack_size,
)
from slipstream.rtmp.outbox import OUT_CHUNK_SIZE
from slipstream.rtmp.server_receiver import ServerReceiver
from slipstream.rtmp.status import Code, Level, status_message
from slipstream.rtmp.streams import MessageStream, advance

DEFAULT_LIMITS = ServerLimits()


class ServerConnection(ServerReceiver):
    """One client's connection, without its socket.

    Give `receive_data()` what the socket gave, act on the events, then write what
    `data_to_send()` returns. Questions (`...Requested` of connect, publish and play) are
    answered with one of the methods below, which return False when the client has taken its
    question back in the meantime: that was, or will be, told by an event.

    Attributes:
        commands_ignored: commands that made no sense where they came.
        understands_reconnect: the client announced that it obeys `send_reconnect_request`.

    Args:
        random_bytes: makes so many random bytes, for the handshake.
        limits: what this client may have us hold and do.
    """

    __slots__ = ()

    def __init__(
        self, *, random_bytes: Callable[[int], bytes], limits: ServerLimits = DEFAULT_LIMITS
    ) -> None:
        super().__init__(random_bytes=random_bytes, limits=limits)

    def accept_connect(self) -> bool:
        """Let the client go on. This order has satisfied all clients since Flash."""
        if self._advance(ConnectionInput.ACCEPT_CONNECT) is Effect.IGNORE:
            return False
        self._send(build_window_ack_size(answers.ACK_WINDOW))
        self._send(build_set_peer_bandwidth(answers.ACK_WINDOW))
        self._send(build_set_chunk_size(OUT_CHUNK_SIZE))
        self._outbox.chunk_size = OUT_CHUNK_SIZE
        transaction = self._connect_transaction
        self._send(answers.connect_accepted(transaction, enhanced=self._client_enhanced))
        self._send(answers.bandwidth_done())
        return True

    def reject_connect(
        self, description: str, code: str = Code.CONNECT_REJECTED, *, redirect: str = ""
    ) -> bool:
        """Turn the client away. It may ask again: close the connection when it had time to read.

        Args:
            description: for its user; FFmpeg and OBS look for authentication schemes in it.
            code: what happened.
            redirect: a tcUrl to go to, which only Flash obeyed.
        """
        if self._advance(ConnectionInput.REJECT_CONNECT) is Effect.IGNORE:
            return False
        transaction = self._connect_transaction
        self._send(answers.connect_rejected(transaction, code, description, redirect))
        return True

    def accept_publish(self, stream_id: int) -> bool:
        """Let the client send media, under the wider limits. All publishers wait for this.

        GStreamer fails unless Publish.Start is the first status on exactly this stream.
        """
        stream = self._decided(stream_id, StreamInput.ACCEPT_PUBLISH)
        if stream is None:
            return False
        self._authorise()
        self._decoder.limits = self._limits.chunks
        self._send(build_user_control(UserEvent.STREAM_BEGIN, stream_id))
        if self._notice_asked:
            self._notice_asked = False
            self._send(answers.publish_notice(stream.name))
        self._send_status(stream_id, Code.PUBLISH_START, "Publishing has started.")
        return True

    def reject_publish(
        self, stream_id: int, code: str = Code.PUBLISH_BAD_NAME, description: str = ""
    ) -> bool:
        """Refuse a publication. OBS tries for ever unless the code is BadName or Denied."""
        return self._refuse(stream_id, StreamInput.REJECT_PUBLISH, code, description)

    def end_publish(
        self, stream_id: int, code: str, description: str, level: str = Level.ERROR
    ) -> bool:
        """End an accepted publication. OBS reads nothing while it streams: close as well."""
        if self._decided(stream_id, StreamInput.END_PUBLISH) is None:
            return False
        self.send_status(stream_id, level, code, description)
        return True

    def accept_play(self, stream_id: int) -> bool:
        """Say that media follows. All players wait for Play.Start."""
        stream = self._streams.find(stream_id)
        request = stream.request if stream else None
        if self._decided(stream_id, StreamInput.ACCEPT_PLAY) is None:
            return False
        self._authorise()
        self._send(build_user_control(UserEvent.STREAM_BEGIN, stream_id))
        if isinstance(request, PlayRequested) and request.reset:
            self._send_status(stream_id, Code.PLAY_RESET, "Playing and resetting.")
        self._send_status(stream_id, Code.PLAY_START, "Playing has started.")
        self._send(answers.sample_access(stream_id))
        return True

    def reject_play(
        self, stream_id: int, code: str = Code.PLAY_STREAM_NOT_FOUND, description: str = ""
    ) -> bool:
        """Refuse to play. All players give up at this."""
        return self._refuse(stream_id, StreamInput.REJECT_PLAY, code, description)

    def end_play(self, stream_id: int) -> bool:
        """Say that no more media follows. FFmpeg ends at Play.Stop, GStreamer at StreamEOF."""
        if self._decided(stream_id, StreamInput.END_PLAY) is None:
            return False
        self._send(build_user_control(UserEvent.STREAM_EOF, stream_id))
        self._send_status(stream_id, Code.PLAY_STOP, "Playing has ended.")
        self._send_status(stream_id, Code.PLAY_UNPUBLISH_NOTIFY, "The publisher has gone.")
        return True

    def confirm_pause(self, stream_id: int, paused: bool) -> None:
        """Say that a player's pause has begun or ended."""
        if paused:
            self._send_status(stream_id, Code.PAUSE_NOTIFY, "Paused.")
            self._send(build_user_control(UserEvent.STREAM_EOF, stream_id))
        else:
            self._send_status(stream_id, Code.UNPAUSE_NOTIFY, "Playing again.")
            self._send(build_user_control(UserEvent.STREAM_BEGIN, stream_id))

    def send_status(self, stream_id: int, level: str, code: str, description: str) -> None:
        """Tell the client something. FFmpeg gives up at every level of "error"."""
        self._send(status_message(stream_id, level, code, description))

    def send_media(self, stream_id: int, kind: int, timestamp: int, payload: bytes) -> None:
        """Send one message to this client alone: the slow way, for those who want their own.

        Args:
            stream_id: that the client plays on.
            kind: the message's type: 8, 9 or 18.
            timestamp: ms, below 2**32.
            payload: the body.
        """
        if self.error is None:
            self._outbox.put_media(Message(timestamp, kind, stream_id, payload))

    def send_reconnect_request(self, tc_url: str = "", description: str = "") -> bool:
        """Ask the client to connect anew, at once or at its next keyframe; it is served till then.

        Returns False, with nothing sent, if the client does not know what that is.
        """
        if self.understands_reconnect:
            self._send(answers.reconnect_request(tc_url, description))
        return self.understands_reconnect

    # Inside

    def _decided(self, stream_id: int, decision: StreamInput) -> MessageStream | None:
        """Take a decision on a message stream; None if it comes too late to mean anything."""
        stream = self._streams.find(stream_id)
        if advance(stream, decision) is Effect.IGNORE:
            return None
        if stream is not None:
            stream.request = None
            if stream.use is Use.IDLE:
                stream.early_metadata = None
        return stream

    def _refuse(self, stream_id: int, decision: StreamInput, code: str, description: str) -> bool:
        if self._decided(stream_id, decision) is None:
            return False
        self.send_status(stream_id, Level.ERROR, code, description)
        return True

    def _authorise(self) -> None:
        self._budget.authorise()
        self._max_unread = self._limits.unread
