"""Limits and intervals of the connections that carry media."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from slipstream.access.settings import Network

Origin = Annotated[str, Field(pattern=r"^(\*|https?://[^/]+)$")]


class NetSettings(BaseModel):
    """What holds for every connection of the server."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    handshake_s: Annotated[float, Field(gt=0)] = Field(
        default=5,
        description="Seconds from the connection's start until the RTMP handshake is done.",
    )
    connect_s: Annotated[float, Field(gt=0)] = Field(
        default=5, description="Seconds that `connect` may take after that."
    )
    request_s: Annotated[float, Field(gt=0)] = Field(
        default=10,
        description="Seconds until a connection publishes or plays something, after that.",
    )
    max_pending: Annotated[int, Field(ge=1)] = Field(
        default=512, description="Connections that may not yet have said what they want, in total."
    )
    max_pending_per_address: Annotated[int, Field(ge=1)] = Field(
        default=32, description="The same for one address; loopback and trusted proxies are exempt."
    )
    max_unread: Annotated[int, Field(ge=4 << 10)] = Field(
        default=256 << 10,
        description="Bytes of answers that a peer may leave unread before it is closed.",
    )
    trusted_proxies: list[Network] = Field(
        default=[],
        description="Addresses and networks of proxies, as 10.0.0.0/8, that are believed who is "
        "behind them: by the PROXY protocol, and over HTTP by X-Forwarded-For or Forwarded.",
    )
    allowed_origins: list[Origin] = Field(
        default=["*"],
        description="Web pages that may play from here, as https://example.com; * is any.",
    )
    gather_viewers: Annotated[int, Field(ge=0)] = Field(
        default=16,
        description="RTMP viewers of a stream that would be fewer than this in one worker go on in "
        "that which has the publisher, unless it is fuller by far. 0: all stay where they are.",
    )
    pump_interval: Literal["auto"] | Annotated[float, Field(ge=0, le=1000)] = Field(
        default="auto",
        description="Milliseconds between two rounds of sending; 0 sends at once, auto adapts.",
    )
