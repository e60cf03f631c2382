"""A client's connection: what a server may send, in any order, to a publisher or a player.

An input is a script, as in `server`. Its first byte is the client's goal, and when it says so.
"""

from __future__ import annotations

from functools import partial

from fuzz.peer import Peer, Twins
from fuzz.script import Script
from slipstream.rtmp import ClientConnection, Code

ALLOWED = ()  # what peers do wrong is in `error`
MAX_BYTES = 300

COMMANDS = (
    "_result", "_error", "onStatus", "onBWDone", "onFCPublish", "close", "connect", "publish",
    "onMetaData", "onPlayStatus", "",
)  # fmt: skip
CODES = tuple(Code)


def run(data: bytes) -> None:
    """Play the script to two connections."""
    script = Script(data)
    goal = script.number(1)
    pursue, later = _publish if goal & 1 else _play, goal & 2 != 0
    twins = Twins(_connection, script.number(2), script.number(1))
    if not later:
        twins.tell(pursue)
    peer = Peer(script, COMMANDS, CODES)
    said = b""
    while not script.at_end:
        step = script.number(1)
        match step & 7:
            case 0:
                said += peer.raw()
            case 1 | 2:
                said += peer.message()
            case 3 | 4 | 5 | 6:
                said += peer.command()
            case 7:
                twins.receive(said)
                said = b""
                if step & 0x80 and later:
                    later = False
                    twins.tell(pursue)
                twins.tell(partial(_act, step))
    twins.receive(said)
    twins.assert_same_sent()


def _connection() -> ClientConnection:
    return ClientConnection("live", "rtmp://h/live", random_bytes=bytes)


def _publish(connection: ClientConnection) -> None:
    connection.publish("film")


def _play(connection: ClientConnection) -> None:
    connection.play("film")


def _act(step: int, connection: ClientConnection) -> None:
    match step >> 3 & 7:
        case 0:
            connection.send_media(9, 0xFFFFFFFF, bytes(200))
        case 1:
            connection.ping(step)
        case 2:
            connection.close()
