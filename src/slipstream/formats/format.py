"""What all wire forms of a stream share: frames in, one batch of log entries out.

A format wraps each frame's tag body in its own header and trailer, once for all viewers.
It knows how to greet a newcomer: with the metadata and codec configurations in force at the
sync point where that one starts. It opens no socket and knows no viewer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from slipstream.formats.segments import USUAL_SHAPE, Shape
from slipstream.log import SYNC, Batch, Log
from slipstream.log.segment import Buffer
from slipstream.media import Codec, Frame, Kind, player_frame

Greeting = tuple[Frame, ...]  # metadata and configurations, in the order they are sent


class Flag:
    """What the index of a log says of an entry, beside `SYNC`; plain ints, 10x cheaper to join."""

    AUDIO = 0x02
    VIDEO = 0x04
    DATA = 0x08
    KEYFRAME = 0x10
    CONFIG = 0x20
    DISPOSABLE = 0x40  # nothing refers to it
    END = 0x80  # of a media segment


_PICTURES = bytes(flags & (Flag.VIDEO | Flag.CONFIG) == Flag.VIDEO for flags in range(256))

PICTURELESS_AFTER_MS = 5_000  # of sound since the last picture: newcomers start with sound alone
KIND_ORDER = {Kind.DATA: 0, Kind.AUDIO: 1, Kind.VIDEO: 2}  # of a greeting (players expect it)
KIND_FLAGS = {Kind.AUDIO: Flag.AUDIO, Kind.VIDEO: Flag.VIDEO, Kind.DATA: Flag.DATA}

# First octets of bodies that players may have to get otherwise than the publisher sent them:
# packet types metadata (4), multitrack (6 video, 5 audio) and ModEx (7) of Enhanced RTMP v2.
UNUSUAL = {
    Kind.VIDEO: frozenset(0x80 | high << 4 | low for high in range(8) for low in (4, 6, 7)),
    Kind.AUDIO: frozenset((0x95, 0x97)),
    Kind.DATA: frozenset[int](),
}


class Format:
    """One wire form of one stream. Subclasses say how a frame is wrapped and a newcomer greeted.

    Args:
        log: where the entries go.
        shape: how it is cut, if the format is one that is.
    """

    name: ClassVar[str]
    multitrack: ClassVar[bool] = False  # False: the default tracks only, in their plain form

    def __init__(self, log: Log, shape: Shape = USUAL_SHAPE) -> None:
        self.log = log
        self.shape = shape

    def append(self, frames: Sequence[Frame], syncs: Sequence[tuple[int, Greeting]]) -> None:
        """Add frames to the log.

        Args:
            frames: in order, with steady times.
            syncs: for each frame where a newcomer may start, its index and the greeting.

        Raises:
            OSError: the machine is out of memory.
        """
        batch = Batch()
        parts, greetings = batch.parts, dict(syncs)
        for index, frame in enumerate(frames):
            kind, time_ms = frame.kind, frame.dts_ms
            if frame.track or frame.body[0] in UNUSUAL[kind]:
                shown = self.shown(frame)
                if shown is None:
                    continue
                frame = shown
            flags = KIND_FLAGS[kind]
            if index in greetings:
                greeting = self.begin(frames, index, greetings[index])
                if greeting is not None:
                    flags |= SYNC
                    batch.greetings.append(greeting)
            if frame.keyframe:
                flags |= Flag.KEYFRAME
            elif frame.config:
                flags |= Flag.CONFIG
            elif frame.disposable:
                flags |= Flag.DISPOSABLE
            size = self.wrap(parts, frame, time_ms)
            if size:
                batch.flags.append(flags)
                batch.times.append(time_ms)
                batch.sizes.append(size)
        self.log.append(batch)

    def flush(self) -> None:
        """Add what has been held back: nothing more comes, or something else.

        Raises:
            OSError: the machine is out of memory.
        """

    def shown(self, frame: Frame) -> Frame | None:
        """The frame as viewers of this format get it; None if they do not."""
        return player_frame(frame, multitrack=self.multitrack)

    def greet(self, greeting: Greeting, at_ms: int, *, again: bool = False) -> list[bytes]:
        """What a newcomer gets before the first byte of the log, at the time `at_ms`.

        Metadata has the time 0: with another, FFmpeg takes it for a stream of subtitles. One that
        is greeted `again`, after a jump, gets the configurations alone.
        """
        messages = []
        for frame in greeting:
            shown = None if again and frame.kind == Kind.DATA else self.shown(frame)
            if shown is not None:
                parts: list[Buffer] = []
                time_ms = 0 if shown.kind == Kind.DATA else at_ms
                self.wrap(parts, shown, time_ms)
                messages.append(b"".join(parts))
        return messages

    def frame_rate(self) -> float | None:
        """Pictures per second, over what is kept (2 µs a segment); None: there is no telling."""
        segments = [segment for segment in self.log.segments if segment.times]
        span_ms = segments[-1].times[-1] - segments[0].times[0] if segments else 0
        if span_ms <= 0:
            return None
        pictures = sum(segment.flags.translate(_PICTURES).count(1) for segment in segments)
        return (pictures - 1) * 1000 / span_ms if pictures > 1 else None

    @property
    def is_missing(self) -> bool:
        """Whether nothing that it shows has come of what is on air."""
        return False

    @classmethod
    def left_out(cls, greeting: Greeting) -> list[Codec]:  # noqa: ARG003 - others look
        """Which of the codecs that a greeting announces this format cannot carry."""
        return []

    def begin(
        self,
        frames: Sequence[Frame],  # noqa: ARG002
        index: int,  # noqa: ARG002
        greeting: Greeting,
    ) -> Greeting | None:
        """Newcomers may start at `frames[index]`, which is wrapped next, with the greeting that is
        returned. None: not here.

        What is wrapped then is never empty.
        """
        return greeting

    def wrap(self, parts: list[Buffer], frame: Frame, time_ms: int) -> int:
        """Add one frame's bytes to `parts`; return how many they are; 0: it has no entry."""
        raise NotImplementedError
