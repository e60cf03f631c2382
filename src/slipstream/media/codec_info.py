"""What is known of one track, for people and for playlists: codec, profile, size, rates."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from slipstream.media.frame import Codec


@dataclass(frozen=True, slots=True)
class CodecInfo:
    """What a track's own bytes say; None where they do not."""

    codec: Codec
    codec_string: str | None = None  # RFC 6381
    profile: str | None = None
    level: str | None = None
    width: int | None = None
    height: int | None = None
    frame_rate: float | None = None  # pictures per second, as announced
    bit_depth: int | None = None
    sample_rate: int | None = None  # Hz
    channels: int | None = None

    def filled_from(self, other: CodecInfo) -> CodecInfo:
        """Return this with what only `other` knows."""
        missing = {
            field.name: getattr(other, field.name)
            for field in fields(self)
            if getattr(self, field.name) is None
        }
        return replace(self, **missing)
