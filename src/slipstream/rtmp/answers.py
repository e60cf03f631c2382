"""What a server says: the messages that clients wait for, and those that do no harm.

FFmpeg and RootEncoder end the session at an `_error` that they do not expect, so calls that
nobody here knows are answered with a `_result` of nothing. Values are of the few kinds that
FFmpeg's reader knows, and null is sent where Adobe's servers send undefined.

Source: RTMP 1.0 §7.2; onBWDone, FCPublish and its kin are Adobe's and in no specification.
"""

from __future__ import annotations

from typing import Final

from slipstream.amf import Value, build_amf0
from slipstream.rtmp.capabilities import FORWARDS_EVERYTHING, build_capabilities
from slipstream.rtmp.commands import Command, command_message
from slipstream.rtmp.messages import Message, MessageType
from slipstream.rtmp.status import Code, Level, status_object

ACK_WINDOW = 2_500_000  # bytes; SRS, FFmpeg and gortmplib announce the same

# Version and capabilities that clients have seen since Flash Media Server 3.0.
_SERVER: Final[dict[str, Value]] = {"fmsVer": "FMS/3,0,1,123", "capabilities": 31, "mode": 1}
_SAMPLE_ACCESS = build_amf0("|RtmpSampleAccess", True, True)


def connect_accepted(transaction: float, *, enhanced: bool) -> Message:
    """The result of `connect`. GStreamer wants two objects, the second with Success in it.

    If it is to be `enhanced`, what we can do is in both, for clients disagree where it belongs.
    Only those that told us are told: all others get what Adobe's servers send.
    """
    # Built twice: the same list in both would be sent as a reference, which FFmpeg cannot read.
    properties, extra = (
        build_capabilities(FORWARDS_EVERYTHING) if enhanced else {} for _ in range(2)
    )
    information = status_object(
        Level.STATUS, Code.CONNECT_SUCCESS, "Connection succeeded.", objectEncoding=0, **extra
    )
    return _result(transaction, {**_SERVER, **properties}, information)


def connect_rejected(
    transaction: float, code: str, description: str, redirect: str = ""
) -> Message:
    """The error for `connect`; with a tcUrl where to go, in the form that Flash obeyed."""
    information = status_object(Level.ERROR, code, description)
    if redirect:
        information["ex"] = {"code": 302, "redirect": redirect}
    return command_message(0, "_error", transaction, None, information)


def bandwidth_done() -> Message:
    """What old FMLE and Flash wait for after `connect`."""
    return command_message(0, "onBWDone", 0, None)


def stream_created(transaction: float, stream_id: int) -> Message:
    """The result of `createStream`. FFmpeg wants exactly null and a number."""
    return _result(transaction, None, stream_id)


def call_failed(transaction: float, description: str) -> Message:
    """The error for a call that ends the session anyway."""
    information = status_object(Level.ERROR, Code.CALL_FAILED, description)
    return command_message(0, "_error", transaction, None, information)


def publish_notice(name: str) -> Message:
    """`onFCPublish`, for those that asked with FCPublish."""
    return _notice("onFCPublish", Code.PUBLISH_START, f"{name} is now published.")


def unpublish_notice(name: str) -> Message:
    """`onFCUnpublish`, for those that took leave with FCUnpublish."""
    return _notice("onFCUnpublish", Code.UNPUBLISH_SUCCESS, f"{name} is no longer published.")


def reconnect_request(tc_url: str, description: str) -> Message:
    """The request to connect elsewhere; empty: the same URL again (Enhanced RTMP v2)."""
    members = {"level": str(Level.STATUS), "code": str(Code.RECONNECT_REQUEST)}
    optional = {"tcUrl": tc_url, "description": description}
    given = {key: text for key, text in optional.items() if text}
    return command_message(0, "onStatus", 0, None, {**members, **given})


def sample_access(stream_id: int) -> Message:
    """Flash plays nothing that it may not read; others ignore this."""
    return Message(0, MessageType.DATA, stream_id, _SAMPLE_ACCESS)


def simple_answers(command: Command) -> list[Message]:
    """The answers to a call that changes nothing, known to us or not."""
    answers: list[Message] = []
    if command.transaction:
        # Zero seconds: a live stream has no length.
        value = 0 if command.name == "getStreamLength" else None
        answers.append(_result(command.transaction, None, value))
    if command.name == "FCSubscribe":
        information = status_object(Level.STATUS, Code.PLAY_START, "Started playing.")
        answers.append(command_message(0, "onFCSubscribe", 0, None, information))
    return answers


def _result(transaction: float, properties: Value, information: Value) -> Message:
    return command_message(0, "_result", transaction, properties, information)


def _notice(name: str, code: Code, description: str) -> Message:
    information: Value = {"code": str(code), "description": description}
    return command_message(0, name, 0, None, information)
