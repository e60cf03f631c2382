"""Manifests as somebody else's parser understands them: segments with their times on the clock."""

from __future__ import annotations

from typing import NamedTuple
from xml.etree import ElementTree

from mpd_inspector import MPDInspector, MPDParser

NAMESPACE = "{urn:mpeg:dash:schema:mpd:2011}"


class Listed(NamedTuple):
    """A segment, as the manifest lists it."""

    url: str
    init_url: str
    number: int
    time: int  # in units of the timescale
    start_s: float  # since 1970
    duration_s: float


class Representation(NamedTuple):
    """A track, with what stands in its element."""

    attributes: dict[str, str]
    template: dict[str, str]
    segments: list[Listed]


class Period(NamedTuple):
    """A period; its sets hold representations by their names."""

    id: str
    start_s: float
    sets: list[dict[str, Representation]]

    @property
    def tracks(self) -> dict[str, Representation]:
        """All of them."""
        return {name: one for members in self.sets for name, one in members.items()}


def read_manifest(text: str) -> list[Period]:
    """The periods of a manifest."""
    root = ElementTree.fromstring(text)
    read = MPDInspector(MPDParser.from_string(text))
    return [
        Period(
            element.attrib["id"],
            period.start_time.timestamp(),
            [
                {
                    track.id: _representation(of_track, track)
                    for of_track, track in zip(
                        of_set.findall(f"{NAMESPACE}Representation"),
                        members.representations,
                        strict=True,
                    )
                }
                for of_set, members in zip(
                    element.findall(f"{NAMESPACE}AdaptationSet"),
                    period.adaptation_sets,
                    strict=True,
                )
            ],
        )
        for element, period in zip(root.findall(f"{NAMESPACE}Period"), read.periods, strict=True)
    ]


def _representation(element: ElementTree.Element, track: object) -> Representation:
    template = element.find(f"{NAMESPACE}SegmentTemplate")
    assert template is not None
    segments = [
        Listed(
            *one.urls,
            *one.init_urls,
            one.number,
            one.time,
            one.start_time.timestamp(),
            one.duration,
        )
        for one in track.segment_information.segments  # type: ignore[attr-defined]
    ]
    return Representation(dict(element.attrib), dict(template.attrib), segments)
