"""Curves."""

from __future__ import annotations

from xml.etree import ElementTree

from soak.picture import Curve, draw


def test_each_curve_has_a_point_for_each_moment_inside_its_panel() -> None:
    picture = ElementTree.fromstring(
        draw([0, 1, 2], [Curve("up & down", [1, 5, 2]), Curve("nothing", [0, 0, 0])])
    )
    lines = picture.findall(".//{*}polyline")
    points = [
        [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
        for line in lines
    ]
    assert [len(line) for line in points] == [3, 3]
    assert all(0 <= x <= 760 and 0 <= y <= 110 for line in points for x, y in line)
    assert points[0][1][1] < points[0][2][1] < points[0][0][1]


def test_nothing_measured_is_no_error() -> None:
    ElementTree.fromstring(draw([], [Curve("nothing", [])]))
