"""Pictures and sound of a shape, encoded into FLV: `Encoding` is what a film or a card fills.

Encoders are opened at once, so that one that is missing, or refuses the shape, is replaced by
H.264 or AAC before anything is written. Runs in a child process.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import av
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream

from slipstream.media import Codec
from slipstream.transcode.encoders import (
    ANY_PICTURE,
    ANY_SOUND,
    PICTURE_ENCODERS,
    SOUND_BITS_PER_S,
    SOUND_ENCODERS,
    bits_per_s,
    gop,
    threads,
)
from slipstream.transcode.pipe import reason_of
from slipstream.transcode.reel import frame_samples
from slipstream.transcode.scheduling import be_ordinary
from slipstream.transcode.shape import PictureShape, Shape, SoundShape

Tell = Callable[[str], None]
OpenOutput = Callable[[], OutputContainer]


class EncoderError(ValueError):
    """There is no encoder for this codec, or it does not do what is wanted."""

    def __init__(self, codec: Codec, reason: str) -> None:
        super().__init__(f"{codec} cannot be encoded: {reason}")
        self.codec = codec


def open_encoding(shape: Shape, open_output: OpenOutput, tell: Tell) -> Encoding:
    """Return encoders for the shape, or for one that can be encoded instead, which is told.

    Raises:
        EncoderError: not even H.264 or AAC can be made.
    """
    while True:
        output = open_output()
        try:
            return Encoding(shape, output)
        except EncoderError as error:
            output.close()  # nothing has been written yet
            instead = _without(shape, error.codec)
            if instead == shape:
                raise
            tell(str(error))
            shape = instead


def _without(shape: Shape, codec: Codec) -> Shape:
    picture, sound = shape.picture, shape.sound
    if picture and picture.codec is codec:
        picture = replace(picture, codec=ANY_PICTURE, deep=False)
    if sound and sound.codec is codec:
        sound = replace(sound, codec=ANY_SOUND)
    return Shape(picture, sound)


class Encoding:
    """Give it pictures and sounds in the order of time, then `finish()`.

    Args:
        shape: of what comes out.
        output: nothing has been written to it.

    Attributes:
        pictures: where pictures go; None if there are none in the shape.
        sounds: where sound goes; None if there is none in the shape.
        bytes: encoded so far.
    """

    def __init__(self, shape: Shape, output: OutputContainer) -> None:
        self.bytes = 0
        self._output = output
        self.pictures = Pictures(self, shape.picture) if shape.picture else None
        self.sounds = Sounds(self, shape.sound) if shape.sound else None

    def finish(self) -> None:
        """Write what the encoders have held back."""
        for track in (self.pictures, self.sounds):
            if track is not None:
                track.finish()
        self._output.close()

    def add_stream(self, name: str, rate: Fraction | int, options: dict[str, str]) -> Stream:
        """Add a track to the output."""
        return self._output.add_stream(name, rate=rate, options=options)

    def mux(self, packet: Packet[Stream], at: int) -> None:
        """Write a packet whose time is `at`, whatever the encoder says.

        Some begin before 0. What counts is the order, as a reel is played without its times.
        """
        packet.pts = packet.dts = at
        self.bytes += packet.size
        self._output.mux_one(packet)


class Pictures:
    """The pictures of an encoding.

    Attributes:
        shape: of them, as they come out.
        pix_fmt: in which they must go in.
    """

    def __init__(self, encoding: Encoding, shape: PictureShape) -> None:
        encoder = PICTURE_ENCODERS.get(shape.codec)
        if encoder is None:
            raise EncoderError(shape.codec, "there is no encoder")
        self.shape = replace(shape, deep=shape.deep and encoder.deep)
        self.pix_fmt = "yuv420p10le" if self.shape.deep else "yuv420p"
        self._encoding = encoding
        self._given = self._encoded = 0
        try:
            options = dict(encoder.options(self.shape))
            stream = encoding.add_stream(encoder.name, shape.rate, options)
            assert isinstance(stream, VideoStream)
            self._stream = stream
            self._open()
        except (av.FFmpegError, ValueError) as error:
            raise EncoderError(shape.codec, reason_of(error)) from error

    def _open(self) -> None:
        stream, shape = self._stream, self.shape
        stream.width, stream.height, stream.pix_fmt = shape.width, shape.height, self.pix_fmt
        context = stream.codec_context
        context.time_base = 1 / shape.rate
        context.gop_size = gop(shape)
        context.max_b_frames = 0
        context.thread_count = threads()
        if shape.codec is Codec.VP9:
            context.bit_rate = bits_per_s(shape)
        context.color_range = ColorRange.MPEG
        context.colorspace = Colorspace.ITU709
        context.color_primaries = ColorPrimaries.BT709
        context.color_trc = ColorTrc.BT709
        context.open()
        be_ordinary()

    @property
    def seconds(self) -> Fraction:
        """How much has come."""
        return self._given / self.shape.rate

    def send(self, picture: VideoFrame) -> None:
        """Encode a picture of the shape's size."""
        picture.pict_type = PictureType.NONE  # what it was is nothing to the encoder
        picture.time_base = 1 / self.shape.rate
        picture.pts = self._given
        self._given += 1
        self._encode(picture)

    def finish(self) -> None:
        """Nothing more comes."""
        self._encode(None)

    def _encode(self, picture: VideoFrame | None) -> None:
        for packet in self._stream.encode(picture):
            self._encoding.mux(packet, self._encoded)
            self._encoded += 1


class Sounds:
    """The sound of an encoding: whatever comes is brought into its form."""

    def __init__(self, encoding: Encoding, shape: SoundShape) -> None:
        encoder = SOUND_ENCODERS.get(shape.codec)
        if encoder is None:
            raise EncoderError(shape.codec, "there is no encoder")
        self._encoding = encoding
        self._fifo = AudioFifo()
        self._resampler: AudioResampler | None = None
        self._form: tuple[str, str, int] | None = None  # of what goes into the resampler
        self._given = self._taken = self._encoded = 0  # samples
        rate = encoder.sample_rate(shape)
        try:
            stream = encoding.add_stream(encoder.name, rate, dict(encoder.options))
            assert isinstance(stream, AudioStream)
            stream.layout = encoder.layout(shape)
            stream.bit_rate = SOUND_BITS_PER_S * stream.layout.nb_channels
            stream.codec_context.open()
        except (av.FFmpegError, ValueError) as error:
            raise EncoderError(shape.codec, reason_of(error)) from error
        self._stream = stream
        self._samples = stream.codec_context.frame_size
        if self._samples != frame_samples(shape.codec, rate):
            raise EncoderError(shape.codec, f"it makes frames of {self._samples} samples")

    @property
    def seconds(self) -> Fraction:
        """How much has come."""
        return Fraction(self._given, self._stream.rate)

    def send(self, sound: AudioFrame) -> None:
        """Encode sound, of any form."""
        form = (sound.format.name, sound.layout.name, sound.sample_rate)
        if self._resampler is None or form != self._form:
            context = self._stream.codec_context
            self._resampler = AudioResampler(context.format, context.layout, context.rate)
            self._form = form
        sound.pts = None  # it follows what was before
        for part in self._resampler.resample(sound):
            self._take(part)

    def send_silence(self, until_s: Fraction) -> None:
        """Encode silence up to a time."""
        context = self._stream.codec_context
        while self.seconds < until_s:
            silence = AudioFrame(context.format.name, context.layout.name, self._samples)
            for plane in silence.planes:
                plane.update(bytes(plane.buffer_size))
            silence.sample_rate = context.rate
            self._take(silence)

    def finish(self) -> None:
        """Nothing more comes. What does not fill a frame is lost."""
        self._encode(None)

    def _take(self, sound: AudioFrame) -> None:
        sound.pts = None
        self._given += sound.samples
        self._fifo.write(sound)
        while (frame := self._fifo.read(self._samples)) is not None:
            frame.pts = self._taken
            frame.time_base = Fraction(1, self._stream.rate)
            self._taken += self._samples
            self._encode(frame)

    def _encode(self, frame: AudioFrame | None) -> None:
        for packet in self._stream.encode(frame):
            self._encoding.mux(packet, self._encoded)
            self._encoded += self._samples
