"""Curves over time as SVG: one panel below the other, one axis of time for all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

WIDTH, HEIGHT, MARGIN, GAP = 760, 110, 60, 34  # px: of a panel's plot, around all, between two
COLOURS = ("#00798c", "#d1495b", "#6a4c93", "#3d9970", "#30638e", "#edae49")
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" '
    'font-family="sans-serif" font-size="12" fill="#222">'
)


class Curve(NamedTuple):
    """One panel."""

    title: str
    values: Sequence[float]  # one for each moment


def draw(minutes: Sequence[float], curves: Sequence[Curve]) -> str:
    """The picture.

    Args:
        minutes: the moments.
        curves: from top to bottom.
    """
    last = max(minutes, default=0) or 1
    height = (HEIGHT + GAP) * len(curves) + 2 * MARGIN - GAP
    parts = [HEAD.format(w=WIDTH + 2 * MARGIN, h=height)]
    parts.append('<rect width="100%" height="100%" fill="white"/>')
    for at, curve in enumerate(curves):
        panel = _panel(minutes, curve, last, COLOURS[at % len(COLOURS)])
        top = MARGIN + at * (HEIGHT + GAP)
        parts.append(f'<g transform="translate({MARGIN},{top})">{panel}</g>')
    bottom = height - MARGIN + 32
    parts.append(_text(MARGIN + WIDTH / 2, bottom, "minutes", 'text-anchor="middle"'))
    return "\n".join([*parts, "</svg>\n"])


def _panel(minutes: Sequence[float], curve: Curve, last: float, colour: str) -> str:
    top = max(curve.values, default=0) * 1.1 or 1
    parts = [_text(0, -8, curve.title, 'font-weight="bold"')]
    parts.append(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#888"/>')
    for value in _ticks(top):
        y = HEIGHT * (1 - value / top)
        parts.append(f'<path d="M0 {y:.1f}H{WIDTH}" stroke="#eee"/>')
        parts.append(_text(-6, y + 4, f"{value:g}", 'text-anchor="end"'))
    for minute in _ticks(last):
        x = WIDTH * minute / last
        parts.append(f'<path d="M{x:.1f} 0V{HEIGHT}" stroke="#eee"/>')
        parts.append(_text(x, HEIGHT + 15, f"{minute:g}", 'text-anchor="middle"'))
    points = " ".join(
        f"{WIDTH * minute / last:.1f},{HEIGHT * (1 - value / top):.1f}"
        for minute, value in zip(minutes, curve.values, strict=True)
    )
    parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}"/>')
    return "".join(parts)


def _ticks(top: float) -> list[float]:
    """Round numbers from 0 up to `top`, at most six."""
    step = 10 ** math.floor(math.log10(top))
    step = next(step * part for part in (0.2, 0.5, 1, 2) if top / (step * part) <= 6)
    return [count * step for count in range(int(top / step) + 1)]


def _text(x: float, y: float, text: str, attributes: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{escape(text)}</text>'
