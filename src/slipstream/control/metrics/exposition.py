"""Families of metrics as the text that Prometheus reads (exposition format 0.0.4), in slices.

The client library takes 26 µs for each sample, all in one go: with a hundred streams viewers would
wait 80 ms for it. Here a sample takes 1 µs, and the loop has its turn in between. The tests have
the library's own parser, and Prometheus' `promtool`, read the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from slipstream.control.reports.slices import in_slices

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

Labels = Mapping[str, str]


class Family(NamedTuple):
    """All samples of one name."""

    name: str
    """As Prometheus shows it."""
    type: Literal["gauge", "counter"]
    help: str
    samples: Iterable[tuple[Labels, float]]

    def lines(self) -> Iterator[str]:
        """As they stand in the page."""
        yield f"# HELP {self.name} {self.help}\n# TYPE {self.name} {self.type}\n"
        for labels, value in self.samples:
            yield f"{self.name}{_braced(labels)} {_number(value)}\n"


async def render(families: Iterable[Family]) -> bytes:
    """The page."""
    lines = (line for family in families for line in family.lines())
    return "".join([line async for line in in_slices(lines)]).encode()


def _braced(labels: Labels) -> str:
    if not labels:
        return ""
    pairs = [f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels.items()]
    return f"{{{','.join(pairs)}}}"


def _number(value: float) -> str:
    """Every digit that counts; whole numbers as such, be they as large as bytes get."""
    return str(int(value)) if value == int(value) else repr(float(value))
