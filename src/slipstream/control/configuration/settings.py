"""What the server as a whole can be told: where it listens, where it keeps things, its log."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from slipstream.errors import SlipstreamError
from slipstream.net.listener import parse_address


def _address(address: str) -> str:
    try:
        parse_address(address)
    except SlipstreamError as error:
        raise PydanticCustomError("address", "{reason}", {"reason": str(error)}) from error
    return address


def _address_or_none(address: str) -> str:
    return _address(address) if address else ""


def _folder(place: object) -> object:
    if not isinstance(place, str | Path):
        return place  # told to be wrong by the library
    try:
        return Path(place).expanduser()
    except RuntimeError as error:
        raise PydanticCustomError(
            "folder", "no home folder is known for '~': give a whole path"
        ) from error


def check_workers(count: int, platform: str = sys.platform) -> int:
    """Refuse what this system cannot do.

    Raises:
        PydanticCustomError: with the reason.
    """
    if count > 1 and not platform.startswith("linux"):
        raise PydanticCustomError("workers", "must be 1 on this system: several workers need Linux")
    return count


def cores(platform: str = sys.platform) -> int:
    """How many workers have a core of their own here."""
    return len(os.sched_getaffinity(0)) if platform.startswith("linux") else 1


def default_data_dir() -> Path:
    """Where a program of this user keeps its state (XDG Base Directory 0.8)."""
    return Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state") / "slipstream"


class ServerSettings(BaseModel):
    """Where the server is found, and where it keeps what it must remember."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rtmp: Annotated[str, AfterValidator(_address)] = Field(
        default=":1935",
        description="Where RTMP is spoken: HOST:PORT, or :PORT on all addresses.",
    )
    http: Annotated[str, AfterValidator(_address)] = Field(
        default=":8080",
        description="Where HTTP is spoken (HTTP-FLV, API, metrics, health): HOST:PORT, or :PORT "
        "on all addresses.",
    )
    rtmps: Annotated[str, AfterValidator(_address_or_none)] = Field(
        default=":1936",
        description="Where RTMPS is spoken once there are certificates: HOST:PORT, :PORT, or "
        "nothing. Players take 443 for it where an address has no port.",
    )
    https: Annotated[str, AfterValidator(_address_or_none)] = Field(
        default=":8443",
        description="Where HTTPS is spoken once there are certificates: HOST:PORT, :PORT, or "
        "nothing.",
    )
    data_dir: Annotated[Path, BeforeValidator(_folder)] = Field(
        default_factory=default_data_dir,
        validate_default=True,
        description="The folder that holds the publishing key and the API token. The default is "
        "$XDG_STATE_HOME/slipstream where that variable is set.",
    )
    workers: (
        Literal["auto"] | Annotated[int, Field(ge=1, le=256), AfterValidator(check_workers)]
    ) = Field(
        default="auto",
        description="Processes that share the work; auto is one for each core. More than one "
        "needs Linux.",
    )
    max_memory_mb: Annotated[int, Field(ge=0)] = Field(
        default=0,
        description="Memory of one worker, in MiB, beyond which nobody new may publish to it. 0 is "
        "80 % of what the machine or its control group has, divided by the workers.",
    )
    stop_s: Annotated[float, Field(ge=0, le=3_600)] = Field(
        default=30, description="How long viewers may stay, in seconds, when the server is stopped."
    )
    drain_s: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=600,
        description="How long workers that have been replaced serve those who are there, in "
        "seconds.",
    )
    open_metrics: bool = Field(
        default=False,
        description="Whether /metrics answers without the API token.",
    )
    metrics_streams: Annotated[int, Field(ge=0, le=5_000)] = Field(
        default=100,
        description="Most streams of which /metrics tells one by one, those that have been there "
        "longest; the others count in their application.",
    )

    @property
    def worker_count(self) -> int:
        """How many workers there are."""
        return cores() if self.workers == "auto" else self.workers


class LogSettings(BaseModel):
    """How the log is written to standard error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["text", "json"] = Field(
        default="text", description='"text" is for people, "json" is one object per line.'
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least important lines that are written."
    )
