"""Some tracks of a stream in any format: `name@v1a0` is its picture track 1 and sound track 0.

What is chosen is shown as if the publisher sent nothing else, so that players that know of one
picture and one sound can play any of several qualities and languages, or the sound alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from slipstream.errors import BadNameError
from slipstream.formats.format import Format, Greeting
from slipstream.media import (
    ConfigRole,
    Frame,
    Kind,
    Role,
    config_role,
    plain_track,
)

MARK = "@"  # never part of a stream's name
MAX_TRACK = 15
_PICKED = re.compile(r"(?:v([0-9]{1,2}))?(?:a([0-9]{1,2}))?").fullmatch


class Selection(NamedTuple):
    """Which tracks; None: none of that kind."""

    video: int | None
    audio: int | None

    def __str__(self) -> str:
        """As it stands behind the mark."""
        video = "" if self.video is None else f"v{self.video}"
        return video if self.audio is None else f"{video}a{self.audio}"

    def number(self, kind: Kind) -> int | None:
        """The track of that kind."""
        return self.video if kind is Kind.VIDEO else self.audio


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
    """What the classes that `selected()` makes have in common; they come before the format."""

    selection: Selection

    _chosen_configs: dict[ConfigRole, Frame]

    def append(self, frames: Sequence[Frame], syncs: Sequence[tuple[int, Greeting]]) -> None:
        """See `Format`: what is chosen, with places to start of its own."""
        if not hasattr(self, "_chosen_configs"):
            self._chosen_configs = {}
        starts = dict(syncs)
        chosen: list[Frame] = []
        chosen_syncs: list[tuple[int, Greeting]] = []
        for index, frame in enumerate(frames):
            if index in starts:
                self._learn_chosen(starts[index])
            shown = self._choose(frame)
            if shown is None:
                continue
            if shown.config:
                self._chosen_configs[config_role(shown)] = shown
            elif shown.keyframe or (self.selection.video is None and shown.kind is Kind.AUDIO):
                chosen_syncs.append((len(chosen), self._chosen_greeting()))
            chosen.append(shown)
        super().append(chosen, chosen_syncs)

    def _learn_chosen(self, greeting: Greeting) -> None:
        """These configurations are in force, and no others."""
        shown = filter(None, map(self._choose, greeting))
        self._chosen_configs = {config_role(frame): frame for frame in shown}

    def _choose(self, frame: Frame) -> Frame | None:
        """The frame as that of the only track of its kind; None if it is not chosen."""
        kind = frame.kind
        if kind is Kind.DATA:  # what it says of the stream would not hold for one kind alone
            return None if None in self.selection else frame
        number = self.selection.number(kind)
        return None if number is None else plain_track(frame, number)

    def _chosen_greeting(self) -> Greeting:
        return tuple(
            sorted(
                self._chosen_configs.values(), key=lambda frame: (_ORDER[frame.kind], _role(frame))
            )
        )


_ORDER = {Kind.DATA: 0, Kind.AUDIO: 1, Kind.VIDEO: 2}


def _role(frame: Frame) -> Role:
    return config_role(frame).order


_made: dict[tuple[str, Selection], type[Format]] = {}  # at most 288 of each format


def selected(form: type[Format], selection: Selection) -> type[Format]:
    """The format of a stream of which only some tracks are seen."""
    key = form.name, selection
    if key not in _made:
        _made[key] = type(
            f"Selected{form.__name__}",
            (SelectedFormat, form),
            {"name": f"{form.name}{MARK}{selection}", "selection": selection, "multitrack": False},
        )
    return _made[key]
