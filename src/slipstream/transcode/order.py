"""What a child is told to make: one reel."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Self

from slipstream.transcode.shape import Shape

CARD = "card"  # a source: names the card where a file could stand
REEL_S = 60  # of a file that are taken
REEL_BYTES = 32 << 20  # encoded, likewise: 60 s of 4 Mbit/s
CARD_BYTES = 2 << 20  # a card is 2 s


@dataclass(frozen=True, slots=True)
class Order:
    """Two that are equal are for the same reel.

    Args:
        source: the path of a file, or "card".
        text: on the card.
        shape: of the stream in which it will be seen.
        max_s: of a file that are taken, in seconds.
        max_bytes: of what is encoded.
    """

    source: str
    text: str
    shape: Shape
    max_s: int = REEL_S
    max_bytes: int = REEL_BYTES

    def to_json(self) -> str:
        """As the child gets it."""
        return json.dumps({**asdict(self), "shape": self.shape.to_json()})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` wrote."""
        values = json.loads(text)
        return cls(**{**values, "shape": Shape.from_json(values["shape"])})
