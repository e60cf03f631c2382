"""Payloads of whole messages: control, user control, aggregates, commands and what they ask for.

The first two bytes are the message's type and a choice, the rest is its payload.
"""

from __future__ import annotations

from slipstream.errors import AmfError, BadNameError, ChunkError, CommandError
from slipstream.rtmp.aggregate import MAX_PARTS, split_aggregate
from slipstream.rtmp.commands import leading_text, parse_command
from slipstream.rtmp.messages import (
    Message,
    parse_control_number,
    parse_set_peer_bandwidth,
    parse_user_control,
)
from slipstream.rtmp.requests import parse_connect, parse_play, parse_play2, parse_publish
from slipstream.rtmp.status import parse_status

ALLOWED_IN_CONTROL = (ChunkError, CommandError)
ALLOWED_IN_COMMANDS = (AmfError, CommandError)
ALLOWED_IN_REQUESTS = (CommandError, BadNameError)
MAX_BYTES = 1024

CONTROL = {1: parse_control_number, 2: parse_control_number, 3: parse_control_number,
           4: parse_user_control, 5: parse_control_number, 6: parse_set_peer_bandwidth}  # fmt: skip
READERS = (
    parse_connect,
    lambda command: parse_publish(command, 1),
    lambda command: parse_play(command, 1, times_in_ms=True),
    lambda command: parse_play(command, 1, times_in_ms=False),
    lambda command: parse_play2(command, 1),
)


def run(data: bytes) -> None:
    """Read one message as its type demands; of a command, what it would ask for."""
    type_id, choice, payload = data[0] if data else 0, data[1] if len(data) > 1 else 0, data[2:]
    message = Message(0xFFFFFFF0, type_id, 1, payload)
    if type_id in CONTROL:
        try:
            CONTROL[type_id](message)
        except ALLOWED_IN_CONTROL:
            pass
    elif type_id == 22:
        try:
            parts = split_aggregate(message)
        except ALLOWED_IN_CONTROL:
            return
        assert len(parts) <= MAX_PARTS
        assert sum(len(part.payload) for part in parts) <= len(payload)
    else:
        _read_command(message, choice)


def _read_command(message: Message, choice: int) -> None:
    leading_text(message.payload)
    try:
        command = parse_command(message)
    except ALLOWED_IN_COMMANDS:
        return
    parse_status(command.argument(0))
    try:
        READERS[choice % len(READERS)](command)
    except ALLOWED_IN_REQUESTS:
        pass
