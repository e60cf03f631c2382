"""Which streams are sent to other servers and fetched from them, and which these may be."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from slipstream.errors import BadNameError, SlipstreamError
from slipstream.hub import stream_name
from slipstream.rtmp import parse_rtmp_url

ANY = "*"  # in the name of a stream: any letters
PLACES = ("{app}", "{name}")  # in a URL, for the two parts of the stream's name
_HOST = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")


def _pattern(pattern: str) -> str:
    app, _, name = pattern.replace(ANY, "x").partition("/")
    try:
        stream_name(app, name)
    except BadNameError as error:
        raise PydanticCustomError("stream", "{reason}", {"reason": str(error)}) from error
    return pattern


def _url(url: str) -> str:
    plain = url
    for place in PLACES:
        plain = plain.replace(place, "x")
    host = url.partition("://")[2].partition("/")[0]
    if set("{}") & {*plain, *host}:
        places = " and ".join(PLACES)
        raise PydanticCustomError("url", "may have {places}, behind the host", {"places": places})
    try:
        parse_rtmp_url(plain)
    except SlipstreamError as error:
        reason = str(error).rpartition(" is not of ")[2]  # without the URL: it may hold secrets
        raise PydanticCustomError("url", "must be of {reason}", {"reason": reason}) from error
    return url


def _host(host: str) -> str:
    try:
        ip_network(host)
    except ValueError as error:
        if not _HOST.fullmatch(host) or "/" in host:
            raise PydanticCustomError(
                "host", "must be a host's name, an address or a network such as 10.0.0.0/8"
            ) from error
    return host.lower()


class PushSettings(BaseModel):
    """One push: `[[relays.push]]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stream: Annotated[str, AfterValidator(_pattern)] = Field(
        description="Which streams, `app/name`; `*` stands for any letters."
    )
    url: Annotated[str, Field(max_length=2_048), AfterValidator(_url)] = Field(
        description="Where to: rtmp://HOST/APP/NAME; `{app}` and `{name}` are the stream's."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if ANY in self.stream and "{name}" not in self.url:
            raise PydanticCustomError(
                "url", "several streams cannot have one address: put {{name}} into it"
            )
        return self


class PullSettings(PushSettings):
    """One pull: `[[relays.pull]]`."""

    url: Annotated[str, Field(max_length=2_048), AfterValidator(_url)] = Field(
        description="Where from: rtmp://HOST/APP/NAME; `{app}` and `{name}` are the stream's."
    )
    on_demand: bool = Field(
        default=False, description="Only while somebody watches; needed if `stream` has a `*`."
    )

    @model_validator(mode="after")
    def _check_demand(self) -> Self:
        if ANY in self.stream and not self.on_demand:
            raise PydanticCustomError(
                "on_demand", "nobody knows which streams there are: set on_demand = true"
            )
        return self


class RelaySettings(BaseModel):
    """What is relayed, and with whom."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    push: list[PushSettings] = Field(
        default=[],
        description="Streams that are sent on to other servers, each a table [[relays.push]] with "
        "`stream` and `url`.",
    )
    pull: list[PullSettings] = Field(
        default=[],
        description="Streams that are fetched from other servers, each a table [[relays.pull]] "
        "with `stream`, `url` and, if it is fetched only while somebody watches, `on_demand`.",
    )
    allowed_hosts: list[Annotated[str, AfterValidator(_host)]] = Field(
        default=[],
        description="Hosts that relays may reach besides public addresses: names, addresses, "
        'networks such as "10.0.0.0/8".',
    )
    max_retry_s: Annotated[float, Field(ge=0.1, le=3_600)] = Field(
        default=30,
        description="Longest pause, in seconds, before a relay that failed is tried again; the "
        "first ones are shorter.",
    )
    linger_s: Annotated[float, Field(ge=0, le=3_600)] = Field(
        default=10,
        description="How long a pull on demand goes on, in seconds, when the last viewer has gone.",
    )
