"""A reel: pictures and sounds that have been encoded once, and are played over and over.

A `Reel` grows while a child makes it; a `Playback` plays it from its first frame on, endlessly,
to whoever asks what is due. Times are not those of the child: every picture and every sound
has its place on a grid of its own that runs on for ever, so that no joint is seen in them. A
sound is the one that belongs to the picture then shown, to within its own length.

A reel that is not all there yet is played as far as it goes, and again from its beginning,
which has become longer meanwhile: a slow encoder is seen by that, and not by a picture that
stops.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import lcm

from slipstream.errors import MediaError
from slipstream.media import (
    Codec,
    FlvTag,
    Frame,
    Kind,
    coded_data,
    config_role,
    describe,
    parse_tag,
)
from slipstream.transcode.shape import USUAL_SAMPLE_RATE

READY_S = Fraction(1, 2)  # of a reel that is still growing: enough to begin with
OPUS_RATE = 48_000  # Hz, in which its frames are counted, whatever went in


def frame_samples(codec: Codec, sample_rate: int) -> int:
    """How many samples a frame of sound has, as our encoders make them."""
    if codec is Codec.MP3:
        return 1152 if sample_rate >= 32_000 else 576  # MPEG-1, MPEG-2
    return {Codec.OPUS: 960, Codec.AC3: 1536, Codec.EAC3: 1536, Codec.FLAC: 4608}.get(codec, 1024)


class Reel:
    """Call `add()` with what the child writes, then `finish()`.

    Args:
        rate: pictures per second.

    Attributes:
        configs: what a decoder needs first, and the metadata.
        complete: whether it is all there.
        failed: whether it will never be.
        has_pictures: whether there are any, or will be.
        has_sounds: the same for sound.
        sound_s: how long a frame of sound lasts, in seconds.
    """

    def __init__(self, rate: Fraction) -> None:
        self.rate = rate
        self.configs: list[Frame] = []
        self.pictures: list[Frame] = []
        self.sounds: list[Frame] = []
        self.bytes = 0
        self.complete = False
        self.failed = False
        self.has_pictures = False
        self.has_sounds = False
        self.sound_s = Fraction(0)

    @property
    def length_s(self) -> Fraction:
        """How much there is, in seconds: of pictures with their sound, or of sound alone."""
        pictures_s, sounds_s = len(self.pictures) / self.rate, len(self.sounds) * self.sound_s
        if not self.has_pictures:
            return sounds_s
        return pictures_s if self.complete or not self.has_sounds else min(pictures_s, sounds_s)

    @property
    def ready(self) -> bool:
        """Whether there is something to play."""
        return self.length_s > 0 and (self.complete or self.length_s >= READY_S)

    def add(self, tags: Iterable[FlvTag]) -> None:
        """Take in what has come. Tags that are none of ours are left out."""
        for tag in tags:
            try:
                frame = parse_tag(*tag)
            except MediaError:
                continue  # FFmpeg ends FLAC with an empty tag
            self.bytes += len(frame.body)
            self.has_pictures |= frame.kind is Kind.VIDEO
            self.has_sounds |= frame.kind is Kind.AUDIO
            if frame.config:
                self._add_config(frame)
            elif not coded_data(frame):
                continue  # the end of a sequence
            elif frame.kind is Kind.VIDEO:
                self.pictures.append(frame)
            elif frame.kind is Kind.AUDIO:
                self.sounds.append(frame)
                self.sound_s = self.sound_s or self._sound_s(frame)

    def finish(self) -> None:
        """Nothing more comes."""
        self.complete = True

    def _add_config(self, config: Frame) -> None:
        """Keep the first of each: FFmpeg's last one of FLAC says how long the reel is."""
        if config_role(config) not in map(config_role, self.configs):
            self.configs.append(config)

    def _sound_s(self, frame: Frame) -> Fraction:
        configs = [config for config in self.configs if config.kind is Kind.AUDIO]
        info = describe(*configs, frame)
        sample_rate = info.sample_rate or USUAL_SAMPLE_RATE
        if info.codec is Codec.OPUS:
            sample_rate = OPUS_RATE
        return Fraction(frame_samples(info.codec, sample_rate), sample_rate)


class Playback:
    """Plays a reel that is ready, from its beginning: call `due()` as time goes by.

    Times are counted in ticks, so short that a picture, a sound and a millisecond all have a
    whole number of them: no error adds up, at a tenth of what fractions cost.
    """

    def __init__(self, reel: Reel) -> None:
        self._reel = reel
        self._pictures = 0  # that have been played, in all
        self._sounds = 0
        self._before = 0  # pictures (or sounds, if there are only these) before this pass
        self._picture_ticks = self._sound_ticks = self._ms_ticks = 0

    def due(self, until_ms: int) -> list[Frame]:
        """Return all frames before this time that have not been returned yet, in order."""
        if not self._ms_ticks:
            self._measure()
        frames: list[Frame] = []
        until = until_ms * self._ms_ticks
        with_pictures, with_sounds = bool(self._reel.pictures), bool(self._reel.sounds)
        while True:
            picture_at = self._pictures * self._picture_ticks if with_pictures else until
            sound_at = self._sounds * self._sound_ticks if with_sounds else until
            at = min(picture_at, sound_at)
            if at >= until:
                return frames
            frame = self._next_picture() if picture_at <= sound_at else self._next_sound(sound_at)
            frames.append(frame._replace(dts_ms=(at + self._ms_ticks // 2) // self._ms_ticks))

    def _measure(self) -> None:
        reel = self._reel
        second = lcm(1000, reel.rate.numerator, reel.sound_s.denominator)
        self._ms_ticks = second // 1000
        self._picture_ticks = int(second / reel.rate)
        self._sound_ticks = int(second * reel.sound_s)

    def _next_picture(self) -> Frame:
        index = self._pictures - self._before
        if index and index >= self._playable():
            self._before, index = self._pictures, 0
        self._pictures += 1
        return self._reel.pictures[index]

    def _playable(self) -> int:
        """How many pictures there are, with their sound."""
        reel = self._reel
        count = len(reel.pictures)
        if reel.complete or not reel.has_sounds:
            return count
        return min(count, len(reel.sounds) * self._sound_ticks // self._picture_ticks)

    def _next_sound(self, at: int) -> Frame:
        sounds = self._reel.sounds
        if self._reel.pictures:
            index = (at - self._before * self._picture_ticks) // self._sound_ticks
            index = min(index, len(sounds) - 1)
        else:
            index = self._sounds - self._before
            if index >= len(sounds):
                self._before, index = self._sounds, 0
        self._sounds += 1
        return sounds[index]
