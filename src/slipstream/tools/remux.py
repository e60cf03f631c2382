"""Files as they can be published: copied where RTMP can carry it, encoded where it cannot.

Runs in a child process (see `feed`). The best picture and the best sound are taken, and
whatever else is in the file is left. At the end of a loop the file is opened anew, and its
times go on where they were: the tracks stay what they are, only their input changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Protocol

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from slipstream.tools.encode import SoundEncoder, VideoEncoder, is_sound

VIDEO_COPIED = {"h264": "H.264", "hevc": "H.265", "av1": "AV1", "vp9": "VP9"}
AUDIO_COPIED = {
    "aac": "AAC",
    "mp3": "MP3",
    "opus": "Opus",
    "flac": "FLAC",
    "ac3": "AC-3",
    "eac3": "E-AC-3",
}
MP3_RATES = frozenset((11025, 22050, 44100, 48000))  # Hz; FLV's tags have no others

Tell = Callable[[str], None]


class Track(Protocol):
    """One stream of the file on its way to the output."""

    def take(self, packet: Packet[Stream], offset_s: Fraction) -> Iterator[Packet[Stream]]:
        """Return what a packet of the file becomes, `offset_s` later than it says."""

    def flush(self) -> Iterator[Packet[Stream]]:
        """Return what was still held back at the end of the file."""
