"""Status: how a server tells a client what has become of its requests.

An `onStatus` carries one object with a level, a code and a description; `_result` and `_error`
carry the same object. Clients act on the code, FFmpeg on the level too: it gives up at every
"error". The object must be a plain one: FFmpeg does not find the code in an ECMA array, nor
behind an undefined value.

Source: RTMP 1.0 §7.2.2, and what FFmpeg, OBS, librtmp and GStreamer act on.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from slipstream.amf import Value
from slipstream.rtmp.commands import command_message, read_text
from slipstream.rtmp.messages import Message


class Level(StrEnum):
    """How bad it is."""

    STATUS = "status"
    WARNING = "warning"
    ERROR = "error"


class Code(StrEnum):
    """What happened; the codes that are sent or acted upon here and by our applications."""

    CONNECT_SUCCESS = "NetConnection.Connect.Success"
    CONNECT_REJECTED = "NetConnection.Connect.Rejected"
    CONNECT_INVALID_APP = "NetConnection.Connect.InvalidApp"
    CONNECT_CLOSED = "NetConnection.Connect.Closed"
    RECONNECT_REQUEST = "NetConnection.Connect.ReconnectRequest"
    CALL_FAILED = "NetConnection.Call.Failed"
    PUBLISH_START = "NetStream.Publish.Start"
    PUBLISH_BAD_NAME = "NetStream.Publish.BadName"
    PUBLISH_DENIED = "NetStream.Publish.Denied"
    PUBLISH_IDLE = "NetStream.Publish.Idle"
    UNPUBLISH_SUCCESS = "NetStream.Unpublish.Success"
    PLAY_RESET = "NetStream.Play.Reset"
    PLAY_START = "NetStream.Play.Start"
    PLAY_STOP = "NetStream.Play.Stop"
    PLAY_COMPLETE = "NetStream.Play.Complete"
    PLAY_FAILED = "NetStream.Play.Failed"
    PLAY_STREAM_NOT_FOUND = "NetStream.Play.StreamNotFound"
    PLAY_PUBLISH_NOTIFY = "NetStream.Play.PublishNotify"
    PLAY_UNPUBLISH_NOTIFY = "NetStream.Play.UnpublishNotify"
    PAUSE_NOTIFY = "NetStream.Pause.Notify"
    UNPAUSE_NOTIFY = "NetStream.Unpause.Notify"
    SEEK_FAILED = "NetStream.Seek.Failed"


class Status(NamedTuple):
    """A status as a client reads it."""

    level: str
    code: str
    description: str
    redirect: str = ""  # the tcUrl that the server wants us to use instead
    tc_url: str = ""  # where a reconnect request sends us


def status_object(level: str, code: str, description: str, **details: Value) -> dict[str, Value]:
    """Return the object; `details` come behind the three members that all of them have."""
    return {"level": str(level), "code": str(code), "description": description, **details}


def status_message(stream_id: int, level: str, code: str, description: str) -> Message:
    """Return an `onStatus` for a message stream, 0 being the connection itself."""
    information = status_object(level, code, description)
    return command_message(stream_id, "onStatus", 0, None, information)


def parse_status(information: Value) -> Status:
    """Read a status object leniently: what is missing or no text comes out empty."""
    members = information if isinstance(information, dict) else {}
    extra = members.get("ex")
    redirect = extra.get("redirect") if isinstance(extra, dict) else None
    return Status(
        read_text(members.get("level")),
        read_text(members.get("code")),
        read_text(members.get("description")),
        read_text(redirect),
        read_text(members.get("tcUrl")),
    )
