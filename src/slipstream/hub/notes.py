"""What a stream must remember for newcomers: the greeting, and where they may start.

A newcomer starts at a keyframe of the default track, and gets the metadata and configurations in
force there before. Where that has no pictures (any more), any sound will do, and a keyframe of any
track.
"""

from __future__ import annotations

from collections.abc import Sequence

from slipstream.formats import KIND_ORDER, PICTURELESS_AFTER_MS, Greeting
from slipstream.media import Frame, Kind, config_role

_AUDIO, _VIDEO = Kind.AUDIO, Kind.VIDEO  # to reach a member by its class takes 5 times as long


class Notes:
    """`take()` them of each batch, `begin()` anew with each publisher."""

    def __init__(self) -> None:
        self.greeting: Greeting = ()
        self.pictures = 0
        self.gop_ms = 0  # between the two newest keyframes
        self.audio_only = False
        self._picture_ms = 0  # time of the newest picture
        self._sync_ms: int | None = None

    def begin(self, *, audio_only: bool) -> None:
        """Another publisher is on air: its configurations are yet to come."""
        self.greeting = ()
        self.audio_only = audio_only
        self._sync_ms = None

    def take(self, frames: Sequence[Frame]) -> tuple[Sequence[Frame], list[tuple[int, Greeting]]]:
        """Leave out configurations merely repeated.

        Args:
            frames: in order, with steady times.

        Returns:
            The frames that are left; and where newcomers may start: index, and greeting.
        """
        syncs: list[tuple[int, Greeting]] = []
        repeated: list[int] = []
        for index, frame in enumerate(frames):
            if frame.config:
                if not self._remember(frame):
                    repeated.append(index)
            elif frame.kind is _VIDEO:
                if frame.track == 0:
                    self.pictures += 1
                    self._picture_ms = frame.dts_ms
                    if frame.keyframe:
                        self.audio_only = False
                        self._note_keyframe(frame.dts_ms)
                        syncs.append((index - len(repeated), self.greeting))
                elif frame.keyframe and frame.dts_ms - self._picture_ms > PICTURELESS_AFTER_MS:
                    syncs.append((index - len(repeated), self.greeting))
            elif self.audio_only and frame.kind is _AUDIO:
                syncs.append((index - len(repeated), self.greeting))
        if repeated:
            frames = [frame for index, frame in enumerate(frames) if index not in repeated]
        if frames and frames[-1].dts_ms - self._picture_ms > PICTURELESS_AFTER_MS:
            self.audio_only = True
        return frames, syncs

    def since_keyframe_ms(self, newest_ms: int) -> int:
        """How much of the stream there has been since its newest keyframe, so far."""
        return 0 if self._sync_ms is None else max(newest_ms - self._sync_ms, 0)

    def _remember(self, config: Frame) -> bool:
        """Put a configuration into the greeting. False if it is there already."""
        role = config_role(config)
        others = []
        for frame in self.greeting:
            if config_role(frame) != role:
                others.append(frame)
            elif frame.body == config.body:
                return False
        self.greeting = (*sorted((*others, config), key=_greeting_order),)
        return True

    def _note_keyframe(self, dts_ms: int) -> None:
        if self._sync_ms is not None:
            self.gop_ms = dts_ms - self._sync_ms
        self._sync_ms = dts_ms


def _greeting_order(frame: Frame) -> tuple[int, int, int]:
    return KIND_ORDER[frame.kind], frame.track, config_role(frame).order
