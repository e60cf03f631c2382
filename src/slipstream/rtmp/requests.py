"""What clients ask for: `connect`, `publish` and `play`, read into the application's questions.

Source: RTMP 1.0 §7.2.1.1, §7.2.2.1, §7.2.2.6; where clients differ, what they send is noted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from slipstream.amf import Value
from slipstream.errors import CommandError
from slipstream.rtmp.address import parse_app, parse_stream_name
from slipstream.rtmp.capabilities import parse_capabilities
from slipstream.rtmp.commands import Command, read_number, read_text
from slipstream.rtmp.events import (
    ConnectRequested,
    PlayMode,
    PlayRequested,
    PlayStart,
    PublishKind,
    PublishRequested,
)

MAX_TIME_MS = 2**32 - 1  # what an RTMP timestamp can hold

_KINDS: dict[str, PublishKind] = {kind: kind for kind in get_args(PublishKind)}


def parse_connect(command: Command) -> ConnectRequested:
    """Read `connect`.

    Raises:
        CommandError: it has no properties.
        BadNameError: the application's name could never be one.
    """
    properties = command.target
    if not isinstance(properties, dict):
        raise CommandError("connect without properties")
    # The spec's own table and gortmplib's older versions spell them in lower case.
    tc_url = _text(properties, "tcUrl", "tcurl").strip("\"'")
    app, query = parse_app(_text(properties, "app"), tc_url)
    return ConnectRequested(
        app,
        query,
        tc_url,
        _text(properties, "flashVer", "flashver"),
        properties,
        parse_capabilities(properties),
        command.arguments,
    )


def parse_publish(command: Command, stream_id: int) -> PublishRequested:
    """Read `publish`. An unknown kind is "live", as a missing one is.

    Raises:
        BadNameError: the stream's name could never be one.
    """
    name, query = parse_stream_name(command.text(0))
    return PublishRequested(stream_id, name, query, _KINDS.get(command.text(1), "live"))


def parse_play(command: Command, stream_id: int, *, times_in_ms: bool) -> PlayRequested:
    """Read `play`; its times are in seconds (§7.2.2.1) or, from FFmpeg and librtmp, in ms.

    Raises:
        BadNameError: the stream's name could never be one.
    """
    name, query = parse_stream_name(command.text(0))
    start = _parse_start(command.number(1, -2), times_in_ms)
    duration_ms = _parse_duration(command.number(2, -1), times_in_ms)
    reset = _parse_reset(command.argument(3))
    return PlayRequested(stream_id, name, query, start, duration_ms, reset)


def parse_play2(command: Command, stream_id: int) -> PlayRequested:
    """Read `play2`, which switches to another stream: as a `play` of it (§7.2.2.2).

    Raises:
        BadNameError: the stream's name could never be one.
    """
    options = command.argument(0)
    members = options if isinstance(options, dict) else {}
    name, query = parse_stream_name(read_text(members.get("streamName")))
    start = _parse_start(read_number(members.get("start"), -2), times_in_ms=False)
    duration_ms = _parse_duration(read_number(members.get("len"), -1), times_in_ms=False)
    return PlayRequested(stream_id, name, query, start, duration_ms, reset=True)


def counts_in_ms(flash_ver: str) -> bool:
    """Whether a client by this name gives times in ms: FFmpeg and librtmp play as "LNX 9,0"."""
    return flash_ver.startswith("LNX")


def read_time_ms(value: float) -> int:
    """A time within what a timestamp can hold."""
    return int(min(max(value, 0), MAX_TIME_MS))


def _parse_start(value: float, times_in_ms: bool) -> PlayStart:
    """-2 is any, -1 live (§7.2.2.1); FFmpeg and librtmp send -2000 and -1000."""
    if value >= 0:
        return PlayStart(PlayMode.RECORDED, _in_ms(value, times_in_ms))
    if value == -1 or -1500 < value <= -100:
        return PlayStart(PlayMode.LIVE)
    return PlayStart(PlayMode.ANY)


def _parse_duration(value: float, times_in_ms: bool) -> int | None:
    return _in_ms(value, times_in_ms) if value >= 0 else None


def _in_ms(value: float, times_in_ms: bool) -> int:
    return read_time_ms(value if times_in_ms else value * 1000)


def _parse_reset(value: Value) -> bool:
    """A boolean; old Flash code also sends 0 to 3, where only 1 and 3 clear the playlist."""
    if isinstance(value, bool):
        return value
    return read_number(value, 1) in (1, 3)


def _text(properties: Mapping[str, Value], *keys: str) -> str:
    return next((text for key in keys if (text := read_text(properties.get(key)))), "")
