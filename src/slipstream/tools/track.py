"""One stream of a file on its way into FLV: as it is, or encoded anew.

`copied_track()` says whether RTMP can carry it, by the FourCCs of Enhanced RTMP where FLV's
own numbers do not suffice; `encoded_track()` makes H.264 or AAC of anything that FFmpeg decodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Protocol

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.format import Flags
from av.frame import Frame
from av.packet import Packet
from av.stream import Stream
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from slipstream.media import Codec
from slipstream.tools.wording import codec_name, sound_words

COPIED = {  # by FFmpeg's names
    "h264": Codec.H264,
    "hevc": Codec.H265,
    "av1": Codec.AV1,
    "vp9": Codec.VP9,
    "aac": Codec.AAC,
    "mp3": Codec.MP3,
    "opus": Codec.OPUS,
    "flac": Codec.FLAC,
    "ac3": Codec.AC3,
    "eac3": Codec.EAC3,
}
MP3_RATES = frozenset((11_025, 22_050, 44_100, 48_000))  # Hz; FFmpeg's FLV has no others

KEYFRAME_S = 2
USUAL_FRAME_RATE = 25  # where the file does not say
BITS_PER_DOT = Fraction(1, 10)  # at most: 720p30 gets 2.8 Mbit/s
X264 = {"preset": "veryfast", "tune": "zerolatency", "profile": "high", "crf": "23"}
SAMPLE_RATE = 48_000
SOUND_BITS_PER_S = 128_000


class Track(Protocol):
    """What becomes of one stream."""

    description: str

    def take(self, packet: Packet[Stream], offset_s: Fraction) -> Iterator[Packet[Stream]]:
        """Return what a packet of the file becomes, `offset_s` later than it says."""

    def finish(self) -> Iterator[Packet[Stream]]:
        """Return what has been held back, when nothing more comes."""


def copied_track(stream: Stream, output: OutputContainer) -> Track | None:
    """Return a track that copies, or None if the stream cannot be carried as it is."""
    codec = stream.codec_context.codec.canonical_name
    if codec not in COPIED:
        return None
    if isinstance(stream, AudioStream) and codec == "mp3" and stream.rate not in MP3_RATES:
        return None
    # Without times, the order in which pictures are shown is known to a decoder only.
    if isinstance(stream, VideoStream) and _has_no_times(stream):
        return None
    return _CopiedTrack(stream, output)


def encoded_track(stream: Stream, output: OutputContainer) -> Track:
    """Return a track that decodes and encodes."""
    if isinstance(stream, VideoStream):
        return _EncodedTrack(stream, _h264_stream(stream, output))
    return _EncodedTrack(stream, _aac_stream(output))


class _CopiedTrack:
    def __init__(self, stream: Stream, output: OutputContainer) -> None:
        self.description = f"{_describe(stream)}, copied"
        self._stream = output.add_stream_from_template(stream, opaque=True)

    def take(self, packet: Packet[Stream], offset_s: Fraction) -> Iterator[Packet[Stream]]:
        """Return the packet itself."""
        if not packet.size:  # the sign that the file has ended
            return
        shift = round(offset_s / packet.time_base)
        assert packet.dts is not None
        assert packet.pts is not None
        packet.dts += shift
        packet.pts += shift
        packet.stream = self._stream
        yield packet

    def finish(self) -> Iterator[Packet[Stream]]:
        """Nothing is held back."""
        return iter(())


class _EncodedTrack:
    def __init__(self, stream: Stream, encoder: VideoStream | AudioStream) -> None:
        made = "H.264" if isinstance(encoder, VideoStream) else "AAC"
        self.description = f"{_describe(stream)}, encoded to {made}"
        self._encoder = encoder
        self._has_no_times = _has_no_times(stream)
        self._count = 0

    def take(self, packet: Packet[Stream], offset_s: Fraction) -> Iterator[Packet[Stream]]:
        """Return what the encoder makes of the packet's frames."""
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            return  # players go on behind damage, too
        for frame in frames:
            if isinstance(frame, VideoFrame):
                frame.pict_type = PictureType.NONE  # what it was is nothing to the encoder
            if isinstance(frame, (VideoFrame, AudioFrame)):
                self._place(frame, offset_s)
                yield from self._encode(frame)

    def finish(self) -> Iterator[Packet[Stream]]:
        """Return what the encoder has held back."""
        return iter(self._encode(None))

    def _place(self, frame: Frame, offset_s: Fraction) -> None:
        """Put a frame where it belongs: by its time, or one behind the other."""
        if self._has_no_times and isinstance(self._encoder, VideoStream):
            frame.time_base = 1 / self._encoder.codec_context.framerate
            frame.pts = self._count
            self._count += 1
        elif frame.pts is not None and frame.time_base is not None:
            frame.pts += round(offset_s / frame.time_base)

    def _encode(self, frame: VideoFrame | AudioFrame | None) -> list[Packet[Stream]]:
        # The encoder is for the one or for the other, which no annotation can say.
        return self._encoder.encode(frame)  # type: ignore[arg-type]


def _has_no_times(stream: Stream) -> bool:
    return bool(Flags.no_timestamps & Flags(stream.container.format.flags))


def _h264_stream(source: VideoStream, output: OutputContainer) -> VideoStream:
    rate = source.average_rate or source.guessed_rate or Fraction(USUAL_FRAME_RATE)
    width, height = source.width // 2 * 2, source.height // 2 * 2
    bits_per_s = str(int(width * height * rate * BITS_PER_DOT))
    options = {"g": str(round(KEYFRAME_S * rate)), "maxrate": bits_per_s, "bufsize": bits_per_s}
    stream = output.add_stream("libx264", rate=rate, options={**X264, **options})
    assert isinstance(stream, VideoStream)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.codec_context.time_base = Fraction(1, 1000)  # as FLV has it
    return stream


def _aac_stream(output: OutputContainer) -> AudioStream:
    stream = output.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
    assert isinstance(stream, AudioStream)
    stream.bit_rate = SOUND_BITS_PER_S
    return stream


def _describe(stream: Stream) -> str:
    codec = stream.codec_context.codec
    known = COPIED.get(codec.canonical_name)
    name = codec_name(known) if known else codec.long_name
    if isinstance(stream, VideoStream):
        rate = stream.average_rate or stream.guessed_rate
        pace = f" at {float(rate):.4g} fps" if rate else ""
        return f"{name} {stream.width}x{stream.height}{pace}"
    assert isinstance(stream, AudioStream)
    return f"{name} {sound_words(stream.rate, stream.channels)}"
