"""Some tracks of a stream in any format: `name@v1a0` is its picture track 1 and sound track 0.

What is chosen is shown as if the publisher sent nothing else, so that players that know of one
picture and one sound can play any of several qualities and languages, or the sound alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

from slipstream.errors import BadNameError
from slipstream.formats.format import (
    KIND_FLAGS,
    KIND_ORDER,
    PICTURELESS_AFTER_MS,
    Format,
    Greeting,
)
from slipstream.formats.segments import USUAL_SHAPE, Shape
from slipstream.log import Log
from slipstream.media import (
    Codec,
    ConfigRole,
    Frame,
    Kind,
    Role,
    config_role,
    metadata_of_tracks,
    plain_track,
)

MARK = "@"  # never part of a stream's name
MAX_TRACK = 15
CONFIGURED = frozenset((Codec.H264, Codec.H265, Codec.H266, Codec.AAC, Codec.FLAC))
_PICKED = re.compile(r"(?:v([0-9]{1,2}))?(?:a([0-9]{1,2}))?", re.ASCII).fullmatch


class Selection(NamedTuple):
    """Which tracks; None: none of that kind."""

    video: int | None
    audio: int | None

    def __str__(self) -> str:
        """As it stands behind the mark."""
        video = "" if self.video is None else f"v{self.video}"
        return video if self.audio is None else f"{video}a{self.audio}"

    @property
    def leading(self) -> Kind:
        """Whose frames newcomers start with."""
        return Kind.AUDIO if self.video is None else Kind.VIDEO

    def choose(self, frame: Frame) -> Frame | None:
        """The frame as that of the only track of its kind; None if it is not chosen."""
        if frame.kind is Kind.DATA:
            return metadata_of_tracks(frame, *self)
        number = self.video if frame.kind is Kind.VIDEO else self.audio
        return None if number is None else plain_track(frame, number)


def split_selection(name: str) -> tuple[str, Selection | None]:
    """Return a stream's name, and which tracks of it are meant; None: as it comes.

    Raises:
        BadNameError: no such tracks can be meant.
    """
    stream, mark, tracks = name.partition(MARK)
    if not mark:
        return name, None
    found = _PICKED(tracks)
    numbers = [None if n is None else int(n) for n in found.groups()] if found else []
    if all(n is None for n in numbers) or any(n is not None and n > MAX_TRACK for n in numbers):
        raise BadNameError(
            f"{tracks[:16]!r}: behind '@' stands a track, v0 to v{MAX_TRACK}, a0 to a{MAX_TRACK}, "
            "or one of each"
        )
    return stream, Selection(*numbers)


class SelectedFormat(Format):
    """Another format that gets what is chosen, with places to start of its own.

    Nothing leaves before the first of these, and configurations.
    """

    form: ClassVar[type[Format]]
    selection: ClassVar[Selection]

    def __init__(self, log: Log, shape: Shape = USUAL_SHAPE) -> None:
        super().__init__(log, shape)
        self._form = self.form(log, shape)
        self._source: Greeting | None = None  # what the configurations were learnt from last
        self._configs: dict[ConfigRole, Frame] = {}
        self._greeting: Greeting | None = None  # of these; None: they have changed
        self._has_begun = False
        self._picture_ms = 0  # the newest one

    def append(self, frames: Sequence[Frame], syncs: Sequence[tuple[int, Greeting]]) -> None:
        """See `Format`."""
        greetings = dict(syncs)
        chosen: list[Frame] = []
        chosen_syncs: list[tuple[int, Greeting]] = []
        for index, frame in enumerate(frames):
            greeting = greetings.get(index)
            if greeting is not None and greeting is not self._source:
                self._learn(greeting)
            shown = self.selection.choose(frame)
            if shown is None:
                continue
            if shown.config:
                self._configs[config_role(shown)] = shown
                self._greeting = None
            elif self._may_start(shown):
                self._has_begun = True
                chosen_syncs.append((len(chosen), self._greet_with_all()))
            if shown.kind is Kind.VIDEO:
                self._picture_ms = shown.dts_ms
            if self._has_begun or shown.config:
                chosen.append(shown)
        self._form.append(chosen, chosen_syncs)

    def flush(self) -> None:
        """See `Format`."""
        self._form.flush()
        self._has_begun = False
        self._source = None
        self._learn(())

    def greet(self, greeting: Greeting, at_ms: int, *, again: bool = False) -> list[bytes]:
        """See `Format`."""
        return self._form.greet(greeting, at_ms, again=again)

    @property
    def is_missing(self) -> bool:
        """See `Format`: sound alone is not what was asked for, if pictures were."""
        wanted = KIND_FLAGS[self.selection.leading]
        return not any(flags & wanted for flags in self.log.flags_since(self.log.era))

    @classmethod
    def left_out(cls, greeting: Greeting) -> list[Codec]:
        """See `Format`."""
        return cls.form.left_out(greeting)

    def _learn(self, greeting: Greeting) -> None:
        """These configurations are in force, as far as they are chosen, and no others."""
        self._source = greeting
        shown = filter(None, map(self.selection.choose, greeting))
        self._configs = {config_role(frame): frame for frame in shown}
        self._greeting = None

    def _greet_with_all(self) -> Greeting:
        if self._greeting is None:
            self._greeting = _in_order(self._configs.values())
        return self._greeting

    def _may_start(self, frame: Frame) -> bool:
        """Whether a newcomer may start here: at a keyframe, or where there are no pictures."""
        if frame.kind is Kind.AUDIO and frame.kind is not self.selection.leading:
            silent_ms = frame.dts_ms - self._picture_ms
            return self._has_begun and silent_ms > PICTURELESS_AFTER_MS
        if not frame.keyframe and frame.kind is not Kind.AUDIO:
            return False
        role = ConfigRole(frame.kind, 0, Role.CODEC)
        return frame.codec not in CONFIGURED or role in self._configs


def _in_order(configs: Iterable[Frame]) -> Greeting:
    return tuple(
        sorted(configs, key=lambda frame: (KIND_ORDER[frame.kind], config_role(frame).order))
    )


_made: dict[tuple[str, Selection], type[Format]] = {}  # at most 288 of each format


def selected(form: type[Format], selection: Selection) -> type[Format]:
    """The format of a stream of which only some tracks are seen."""
    key = form.name, selection
    if key not in _made:
        _made[key] = type(
            f"Selected{form.__name__}",
            (SelectedFormat,),
            {"name": f"{form.name}{MARK}{selection}", "form": form, "selection": selection},
        )
    return _made[key]
