"""A server's connection: commands, media, control and garbage in any order, any decisions.

An input is a script. Its first bytes say where reads are cut; each step adds a message to the
next read, or ends the read and has the application decide. The same bytes whole and cut must
give the same events and answers.
"""

from __future__ import annotations

from functools import partial

from fuzz.peer import Peer, Twins
from fuzz.script import Script
from slipstream.rtmp import (
    ConnectRequested,
    Event,
    PlayRequested,
    PublishRequested,
    ServerConnection,
)

ALLOWED = ()  # what peers do wrong is in `error`
MAX_BYTES = 300

COMMANDS = (
    "connect", "createStream", "deleteStream", "closeStream", "releaseStream", "FCPublish",
    "FCUnpublish", "publish", "play", "play2", "pause", "pauseRaw", "seek", "receiveAudio",
    "receiveVideo", "_result", "_error", "onStatus", "_checkbw", "getStreamLength",
    "FCSubscribe", "@setDataFrame", "onMetaData", "", "call",
)  # fmt: skip


def run(data: bytes) -> None:
    """Play the script to two connections."""
    script = Script(data)
    twins = Twins(_connection, script.number(2), script.number(1))
    peer = Peer(script, COMMANDS)
    said = b""
    while not script.at_end:
        step = script.number(1)
        match step & 7:
            case 0:
                said += peer.raw()
            case 1 | 2:
                said += peer.message()
            case 3 | 4 | 5:
                said += peer.command()
            case 6:  # whatever was asked is granted, or refused
                events = twins.receive(said)
                twins.tell(partial(_answer, events, step & 0x80 == 0))
                said = b""
            case 7:
                twins.receive(said)
                twins.tell(partial(_decide, step))
                said = b""
    twins.receive(said)
    twins.assert_same_sent()


def _connection() -> ServerConnection:
    return ServerConnection(random_bytes=bytes)


def _answer(events: list[Event], yes: bool, connection: ServerConnection) -> list[bool]:
    decisions = []
    for event in events:
        match event:
            case ConnectRequested():
                done = connection.accept_connect() if yes else connection.reject_connect("no")
            case PublishRequested(stream_id):
                accept, reject = connection.accept_publish, connection.reject_publish
                done = accept(stream_id) if yes else reject(stream_id)
            case PlayRequested(stream_id):
                accept, reject = connection.accept_play, connection.reject_play
                done = accept(stream_id) if yes else reject(stream_id)
            case _:
                continue
        decisions.append(done)
    return decisions


def _decide(step: int, connection: ServerConnection) -> bool | None:
    """Do one of all that an application may do, asked or not."""
    stream_id = step >> 3 & 3
    match step >> 5 | (step & 0x18) << 1 & 8:
        case 0:
            return connection.accept_publish(stream_id)
        case 1:
            return connection.accept_play(stream_id)
        case 2:
            return connection.end_publish(stream_id, "code", "why")
        case 3:
            return connection.end_play(stream_id)
        case 4:
            connection.confirm_pause(stream_id, step & 8 == 0)
        case 5:
            connection.send_media(stream_id, 9, 0xFFFFFF, bytes(200))
        case 6:
            return connection.send_reconnect_request("rtmp://h/live", "move")
        case 7:
            connection.ping(step)
        case 8:
            return connection.reject_connect("no", redirect="rtmp://h/live")
        case _:
            return connection.accept_connect()
    return None
