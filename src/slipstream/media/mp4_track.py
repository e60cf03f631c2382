"""A track of MP4, made of a codec's configuration: what `mp4` and playlists have to know of it.

Pictures count in 1/90000 s, in which every millisecond is whole; sounds count in samples, so that
no length is ever rounded.
"""

from __future__ import annotations

from dataclasses import dataclass

from slipstream.media.frame import Kind

VIDEO_TIMESCALE = 90_000

Data = bytes | memoryview


@dataclass(frozen=True, slots=True)
class Mp4Track:
    """One track, of one codec in one configuration. Equal ones need no new description."""

    kind: Kind
    timescale: int  # units in a second
    codec_string: str  # RFC 6381
    sample_entry: bytes  # the box that stands in the track's description
    width: int = 0  # of pictures, in pixels
    height: int = 0
    sample_rate: int = 0  # of sound, in Hz, as a decoder gives it out
    channels: int = 0
    frame_samples: int = 0  # in each frame of sound; 0 where frames differ

    def samples_per_frame(self, data: Data) -> int:  # noqa: ARG002
        """How long a frame of sound is, in units of the timescale; 0 of a picture.

        Raises:
            MediaError: it cannot be read.
        """
        return self.frame_samples

    def payload(self, data: Data) -> Data:
        """One frame as it stands in MP4: nearly always as it stands in FLV."""
        return data
