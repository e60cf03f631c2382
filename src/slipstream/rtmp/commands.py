"""RTMP commands: the calls that the two sides make, and how their arguments are read.

A command is a name, a transaction number, a command object and arguments, in AMF0 (type 20).
Type 17 is the same behind one selector octet; Flash could switch to AMF3 there. Clients leave
arguments out, send undefined for null and numbers as strings, so arguments are asked for with
what to take in their place. What a command means is decided elsewhere.

Source: RTMP 1.0 §7.1.1 and §7.2; "§" cites it.
"""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

from slipstream.amf import COMMAND_LIMITS, Value, build_amf0, parse_amf0
from slipstream.errors import CommandError
from slipstream.rtmp.messages import Message, MessageType

MAX_COMMAND_SIZE = 64 << 10  # bytes; a `connect` with long tokens is below 8 KiB
MAX_QUOTED = 64  # characters of a peer's text in one of our messages

_TEXT = b"\2"  # AMF0's marker for it, which two bytes of length follow
_SELECTORS = (0, 3)  # AMF0 and AMF3: values begin with AMF0 in both, and may switch


class Command(NamedTuple):
    """One call (§7.2)."""

    name: str
    transaction: float  # 0: no answer is expected
    target: Value  # the command object: the properties of `connect`, otherwise null
    arguments: list[Value]

    def argument(self, index: int) -> Value:
        """The argument at `index`, or None where the peer left it out."""
        return self.arguments[index] if index < len(self.arguments) else None

    def text(self, index: int) -> str:
        """The argument at `index` if it is text, otherwise nothing."""
        value = self.argument(index)
        return value if isinstance(value, str) else ""

    def number(self, index: int, default: float) -> float:
        """The argument at `index` if it is a number, otherwise `default`."""
        return read_number(self.argument(index), default)

    def flag(self, index: int, *, default: bool) -> bool:
        """The argument at `index` if it is a boolean, otherwise `default`."""
        value = self.argument(index)
        return value if isinstance(value, bool) else default


def parse_command(message: Message) -> Command:
    """Read a message of type 20 or 17.

    Raises:
        CommandError: it is too long, or does not begin with a name.
        AmfError: its values cannot be read, or are too many.
    """
    if len(message.payload) > MAX_COMMAND_SIZE:
        raise CommandError(f"command of {len(message.payload)} bytes, limit {MAX_COMMAND_SIZE}")
    values = parse_amf0(amf0_payload(message), limits=COMMAND_LIMITS)
    if not values or not isinstance(values[0], str):
        raise CommandError("a command that does not begin with its name")
    transaction = read_number(values[1], 0) if len(values) > 1 else 0
    return Command(values[0], transaction, values[2] if len(values) > 2 else None, values[3:])


def build_command(name: str, transaction: float, *arguments: Value) -> bytes:
    """Return the payload of a message of type 20: `arguments` begin with the command object."""
    return build_amf0(name, transaction, *arguments)


def command_message(stream_id: int, name: str, transaction: float, *arguments: Value) -> Message:
    """Return a command as a message, of time 0 as all of them are."""
    return Message(0, MessageType.COMMAND, stream_id, build_command(name, transaction, *arguments))


def amf0_payload(message: Message) -> bytes:
    """The payload without the selector octet that types 15 and 17 begin with.

    Some encoders forget it, so it is looked for: AMF0 text, which must come first, begins
    with an octet of 2.
    """
    payload = message.payload
    if message.type_id in (MessageType.DATA_AMF3, MessageType.COMMAND_AMF3):
        return payload[1:] if payload[:1] and payload[0] in _SELECTORS else payload
    return payload


def leading_text(payload: bytes) -> bytes | None:
    """The text that AMF0 begins with, which names a command or a data message, if it does.

    The rest is not looked at, so this is cheap and says nothing of it.
    """
    end = 3 + int.from_bytes(payload[1:3])
    return payload[3:end] if payload[:1] == _TEXT and len(payload) >= end else None


def read_number(value: Value, default: float) -> float:
    """A number, or one written as text; `default` for all else, infinities included."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return default
    if isinstance(value, int | float) and isfinite(value):
        return float(value)
    return default


def read_text(value: Value) -> str:
    """Text, or nothing where the peer sent something else."""
    return value if isinstance(value, str) else ""


def quoted(text: str) -> str:
    """A peer's text, fit for our messages: cut, and without control characters."""
    return repr(text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}...")
