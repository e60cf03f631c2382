"""An encoder that sends the same over several links, for tests of merging."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from slipstream.hub import Publication
from slipstream.media import Frame, Kind
from tests.hub.stage import HubStage, audio_config, inter, key, sound, video_config

CONFIGS = (video_config(), audio_config())
PICTURE_MS = 40
SOUND_MS = 21


def film(pictures: int, *, gop: int = 5, silence: Iterable[int] = ()) -> list[Frame]:
    """What the encoder sends: pictures and sounds by time, all different but for the silence.

    Args:
        pictures: how many.
        gop: a keyframe each so many.
        silence: numbers of the sounds that are silent, and so all alike.
    """
    silent = set(silence)
    frames = []
    for number in range(pictures):
        make = inter if number % gop else key
        frames.append(make(number * PICTURE_MS, b"picture %16d" % number))
    for number in range(pictures * PICTURE_MS // SOUND_MS):
        mark = b"" if number in silent else b"sound %16d" % number
        frames.append(sound(5 + number * SOUND_MS, mark))
    return sorted(frames, key=lambda frame: frame.dts_ms)


def rebased(frames: Sequence[Frame], by_ms: int) -> list[Frame]:
    """The same on another clock."""
    return [frame._replace(dts_ms=(frame.dts_ms + by_ms) % 2**32) for frame in frames]


def shuffled(frames: Sequence[Frame], chance: random.Random) -> list[Frame]:
    """The same, with neighbours of different kinds exchanged here and there."""
    frames = list(frames)
    for index in range(len(frames) - 1):
        if frames[index].kind is not frames[index + 1].kind and chance.random() < 0.3:
            frames[index], frames[index + 1] = frames[index + 1], frames[index]
    return frames


@dataclass
class Wire:
    """One link: what of the encoder's frames it brings, and how far it has.

    An encoder sends over a link when that has been accepted, so nothing that it sends from
    then on comes over another one before: `accept()` all links in time.
    """

    stage: HubStage
    frames: list[Frame]
    start: int
    end: int
    cut_any_time: bool = False  # or only when it is known to bring what the others do
    publication: Publication | None = None
    sent: int = 0

    def __post_init__(self) -> None:
        self.sent = self.start

    def accept(self) -> None:
        """Let the encoder in, and take its greeting."""
        if self.publication is None:
            self.publication = self.stage.publish()
            self.stage.send(self.publication, *CONFIGS)

    def bring(self, count: int) -> None:
        """Bring some more; after the last frame the link is cut, if it may be."""
        assert self.publication is not None
        some = self.frames[self.sent : min(self.sent + count, self.end)]
        self.sent += len(some)
        if some:
            self.stage.send(self.publication, *some)
        if self.sent >= self.end and (self.cut_any_time or self.publication.in_step):
            self.publication.close(self.stage.now)


def media(frames: Iterable[Frame]) -> list[tuple[Kind, bytes]]:
    """What can be compared: times are made anew by the stream."""
    return [(frame.kind, frame.body) for frame in frames if not frame.config]


def two_links() -> tuple[HubStage, list[Frame], list[Frame], list[Wire]]:
    """A stage, what has come out, what the encoder sends, and its two links, both let in."""
    stage = HubStage(on_second_publisher="merge")
    came = stage.record()
    sent = film(200)
    wires = [Wire(stage, sent, 0, len(sent)), Wire(stage, sent, 0, len(sent))]
    for wire in wires:
        wire.accept()
    return stage, came, sent, wires
