"""The targets: one module for each parser, by the name of what it is given.

A target has `run(data)`, which raises nothing for any bytes: `ALLOWED` lists the errors that
its parser may raise, and which it takes; `MAX_BYTES` is how long an input may be. Targets
work without atheris, so that kept inputs can be replayed anywhere.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

VARIABLE = "FUZZ_TARGET"  # of the environment: names the target of a child process
CORPUS = Path(__file__).parents[1] / "corpus"
NAMES = (
    "handshake",
    "chunks",
    "amf0",
    "amf3",
    "messages",
    "server",
    "client",
    "tag",
    "codecs",
    "metadata",
    "timeline",
    "flv",
    "config",
    "names",
    "rtmp_url",
    "gate",
    "wish",
    "websocket",
    "proxy_protocol",
    "announcements",
    "shape",
    "ts",
    "mp4",
    "cmaf",
)
# Modules below a connection have targets of their own. To count them there as well, and what
# they do for the inputs' own making, would take three quarters of the time.
BELOW_CONNECTIONS = (
    *(f"slipstream.amf.{module}" for module in ("amf0", "amf3", "reader", "values", "writer")),
    *(
        f"slipstream.rtmp.{module}"
        for module in ("acknowledgement", "chunk_decoder", "chunk_encoder", "digest", "handshake")
    ),
    "slipstream.rtmp.outbox",
)
# Nor what frames are read with, and where packets are put: a third of the time.
BESIDE_PACKETS = (
    *(f"slipstream.log.{module}" for module in ("log", "segment")),
    *(f"slipstream.media.{module}" for module in ("enhanced_tag", "legacy_tag", "tag")),
    *(
        f"slipstream.media.codecs.{module}"
        for module in ("aac", "ac3", "avc", "bits", "hevc", "hevc_sps", "mp3", "opus", "vui")
    ),
)
NOT_COVERED = {
    "server": BELOW_CONNECTIONS,
    "client": BELOW_CONNECTIONS,
    "ts": BESIDE_PACKETS,
    "cmaf": BESIDE_PACKETS,
}


class Target(Protocol):
    """What each module offers."""

    MAX_BYTES: int

    def run(self, data: bytes) -> None:
        """Use the parser as its callers do; raise if it breaks its contract."""


def load(name: str) -> Target:
    """Import a target."""
    return cast(Target, import_module(f"fuzz.targets.{name}"))


def corpus(name: str) -> list[Path]:
    """The inputs that are kept for a target."""
    return sorted((CORPUS / name).glob("*"))
