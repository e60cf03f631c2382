"""The picture: processor time over latency, one panel for each load, one dot for each server.

Down and to the left is better. The latency's axis is logarithmic, because servers that gather
messages are tens of times later than those that do not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

WIDTH, HEIGHT, MARGIN, GAP = 500, 300, 56, 20  # px: of a panel's plot, around it, between two
LATENCIES_MS = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)
COLOURS = ("#d1495b", "#00798c", "#edae49", "#30638e", "#6a4c93", "#3d9970")
LABEL_APART = 14  # px between two labels' lines
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" '
    'font-family="sans-serif" font-size="12" fill="#222">'
)


class Dot(NamedTuple):
    """One server under one load."""

    case: str
    server: str
    latency_ms: float
    cpu_s_per_gb: float


def draw(dots: Sequence[Dot]) -> str:
    """The picture as SVG."""
    cases = list(dict.fromkeys(dot.case for dot in dots))
    servers = list(dict.fromkeys(dot.server for dot in dots))
    colours = {name: COLOURS[at % len(COLOURS)] for at, name in enumerate(servers)}
    width = (WIDTH + MARGIN + GAP) * len(cases) + GAP
    parts = [HEAD.format(w=width, h=HEIGHT + 2 * MARGIN)]
    parts.append('<rect width="100%" height="100%" fill="white"/>')
    for at, case in enumerate(cases):
        shown = [dot for dot in dots if dot.case == case]
        offset = MARGIN + at * (WIDTH + MARGIN + GAP)
        parts.append(f'<g transform="translate({offset},{MARGIN})">{_panel(shown, colours)}</g>')
    return "\n".join([*parts, "</svg>\n"])


def _panel(dots: Sequence[Dot], colours: dict[str, str]) -> str:
    top = max(dot.cpu_s_per_gb for dot in dots) * 1.15
    parts = [_text(0, -16, dots[0].case, 'font-weight="bold"'), *_grid(top)]
    places = sorted((_y(dot.cpu_s_per_gb, top), _x(dot.latency_ms), dot) for dot in dots)
    label_y = -math.inf
    for y, x, dot in places:
        label_y = max(y + 4, label_y + LABEL_APART)  # labels of near neighbours must not overlap
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colours[dot.server]}"/>')
        label = f"{dot.server}: {dot.cpu_s_per_gb:.2f} s/GB, {dot.latency_ms:.1f} ms"
        anchor, shift = ("end", -9) if x > WIDTH / 2 else ("start", 9)
        parts.append(_text(x + shift, label_y, label, f'text-anchor="{anchor}"'))
    return "".join(parts)


def _grid(top: float) -> list[str]:
    step = 10 ** math.floor(math.log10(top))
    step = next(step * part for part in (0.2, 0.5, 1, 2) if top / (step * part) <= 7)
    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#888"/>']
    for count in range(int(top / step) + 1):
        y = _y(count * step, top)
        parts.append(f'<path d="M0 {y:.1f}H{WIDTH}" stroke="#ddd"/>')
        parts.append(_text(-6, y + 4, f"{count * step:g}", 'text-anchor="end"'))
    for latency_ms in LATENCIES_MS:
        x = _x(latency_ms)
        parts.append(f'<path d="M{x:.1f} 0V{HEIGHT}" stroke="#eee"/>')
        parts.append(_text(x, HEIGHT + 16, f"{latency_ms:g}", 'text-anchor="middle"'))
    parts.append(
        _text(WIDTH / 2, HEIGHT + 36, "median latency, ms (logarithmic)", 'text-anchor="middle"')
    )
    turned = f'text-anchor="middle" transform="rotate(-90)" x="{-HEIGHT / 2}" y="-38"'
    return [*parts, f"<text {turned}>CPU seconds per delivered GB</text>"]


def _text(x: float, y: float, text: str, attributes: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{escape(text)}</text>'


def _x(latency_ms: float) -> float:
    low, high = math.log(LATENCIES_MS[0]), math.log(LATENCIES_MS[-1])
    share = (math.log(max(latency_ms, 1e-3)) - low) / (high - low)
    return WIDTH * min(1.0, max(0.0, share))


def _y(cpu_s_per_gb: float, top: float) -> float:
    return HEIGHT * (1 - cpu_s_per_gb / top)
