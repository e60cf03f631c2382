"""Who is told of what happens, and who is asked. Each application may set its own."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from slipstream.hooks.command import check_command

SECRET_PREFIX = "whsec_"  # noqa: S105 - what secrets begin with, by the standard
SECRET_BYTES = range(24, 65)

EventName = Literal[
    "connect",
    "disconnect",
    "publish",
    "publish_done",
    "play",
    "play_done",
    "refused",
    "stream_up",
    "stream_down",
    "limit",
    "alert",
    "error",
]
# Not what strangers can cause by the thousand: it would push out what counts.
USUAL_EVENTS: tuple[EventName, ...] = (
    "publish",
    "publish_done",
    "play",
    "play_done",
    "stream_up",
    "stream_down",
    "limit",
    "alert",
    "error",
)


def _url(url: str) -> str:
    if not url:
        return url
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or not url.isascii() or any(letter.isspace() for letter in url):
        raise PydanticCustomError("url", "must be an address such as https://example.com/hooks")
    return url


def _secret(secret: str) -> str:
    if secret:
        try:
            size = len(secret_key(secret))
        except (ValueError, binascii.Error):
            size = 0
        if size not in SECRET_BYTES:
            raise PydanticCustomError(
                "secret", "must be whsec_ and then 24 to 64 bytes in base64"
            )  # and is not shown
    return secret


def secret_key(secret: str) -> bytes:
    """The key in a secret.

    Raises:
        ValueError: it is none.
    """
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError(f"a secret that does not begin with {SECRET_PREFIX}")
    return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)


def _command(words: list[str]) -> list[str]:
    try:
        check_command(words)
    except ValueError as error:
        raise PydanticCustomError("command", "{reason}", {"reason": str(error)}) from error
    return words


Url = Annotated[str, Field(max_length=2_000), AfterValidator(_url)]
Command = Annotated[list[str], AfterValidator(_command)]


class HookSettings(BaseModel):
    """What holds for the streams of an application."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Url = Field(
        default="", description="Where events are posted, http:// or https://; empty: nowhere."
    )
    urls: dict[EventName, Url] = Field(
        default={},
        description="Where single events are posted instead, whether or not `events` has them, as "
        '{ publish_done = "https://example.com/done" }.',
    )
    events: list[EventName] = Field(
        default=list(USUAL_EVENTS), description="Which events are posted to `url`."
    )
    form: Literal["json", "nginx-rtmp", "srs"] = Field(
        default="json",
        description='What is posted: "json" is our own form, the others are what those servers '
        "post, and the answers are read as they read them.",
    )
    secret: Annotated[str, AfterValidator(_secret)] = Field(
        default="",
        description="Signs what is posted: whsec_ and then 24 to 64 bytes in base64; empty: it is "
        "not signed.",
    )
    timeout_s: Annotated[float, Field(gt=0, le=60)] = Field(
        default=10, description="How long the answer to an event may take, in seconds."
    )
    max_age_s: Annotated[int, Field(ge=1, le=2_592_000)] = Field(
        default=86_400,
        description="How long delivery of an event is tried, in seconds, before it is dropped.",
    )
    max_waiting: Annotated[int, Field(ge=10, le=1_000_000)] = Field(
        default=10_000,
        description="Events that each worker keeps for delivery, of all applications together; "
        "beyond it the oldest tenth is dropped.",
    )
    ask_publish: Url = Field(
        default="",
        description='Who is asked whether somebody may publish, where `access.publish` has "hook".',
    )
    ask_play: Url = Field(
        default="",
        description='Who is asked whether somebody may play, where `access.play` has "hook".',
    )
    ask_connect: Url = Field(
        default="",
        description="Who is asked whether somebody may connect over RTMP, before all else; empty: "
        "nobody, and anybody may.",
    )
    ask_update: Url = Field(
        default="",
        description="Who is asked, every `update_s`, whether those who publish or play may go on; "
        "empty: nobody.",
    )
    update_s: Annotated[float, Field(ge=1, le=86_400)] = Field(
        default=30, description="Seconds between two of these questions."
    )
    ask_timeout_s: Annotated[float, Field(gt=0, le=30)] = Field(
        default=3, description="How long an answer may take, in seconds, from first to last."
    )
    ask_default: Literal["deny", "allow"] = Field(
        default="deny",
        description="What counts as the answer when there is none: the asked server is slow, "
        "fails, redirects, or has failed so often that it is left alone for a while.",
    )
    commands: dict[EventName, list[Command]] = Field(
        default={},
        description="Programs that are started on events, each a list of a path and its arguments, "
        'as { stream_up = [["/usr/local/bin/started", "{stream}"]] }. {event}, {stream}, {app}, '
        "{name}, {address} and {id} stand for what they say.",
    )
    max_commands: Annotated[int, Field(ge=1, le=256)] = Field(
        default=4,
        description="Programs that run at a time in each worker, of all applications together; the "
        "others wait for their turn.",
    )
    command_timeout_s: Annotated[float, Field(gt=0, le=86_400)] = Field(
        default=60, description="How long a program may run, in seconds, before it is ended."
    )
    server_id: Annotated[str, Field(max_length=64)] = Field(
        default="",
        description="What this server calls itself in what is posted; empty: its host name.",
    )

    def url_of(self, event: str) -> str:
        """Where an event is posted; empty: nowhere."""
        for name, url in self.urls.items():
            if name == event:
                return url
        if event not in self.events or event in self._asked_instead():
            return ""
        return self.url

    def commands_of(self, event: str) -> Sequence[Sequence[str]]:
        """The programs that an event starts."""
        return [words for name in self.commands if name == event for words in self.commands[name]]

    def asked_about(self, action: str) -> str:
        """Who is asked about an action: `connect`, `publish`, `play` or `update`; empty: nobody."""
        return {
            "connect": self.ask_connect,
            "publish": self.ask_publish,
            "play": self.ask_play,
            "update": self.ask_update,
        }.get(action, "")

    def _asked_instead(self) -> set[str]:
        """What the other servers tell only by asking."""
        if self.form == "json":
            return set()
        return {action for action in ("connect", "publish", "play") if self.asked_about(action)}
