"""Orders: what the worker writes, the child reads."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from slipstream.media import Codec
from slipstream.transcode.order import Order
from slipstream.transcode.shape import Shape
from tests.transcode.stage import SMALL, STEREO

SHAPES = [
    Shape(SMALL, STEREO),
    Shape(replace(SMALL, rate=Fraction(30_000, 1001), deep=True, codec=Codec.AV1), None),
    Shape(None, STEREO),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_an_order_arrives_as_it_was_given(shape: Shape) -> None:
    order = Order('/films/Ünïcode "quoted".mp4', "Back\nsoon", shape, max_s=7, max_bytes=9)
    assert Order.from_json(order.to_json()) == order


def test_equal_orders_are_for_the_same_reel() -> None:
    orders = {Order("card", "a", shape) for shape in SHAPES for _ in range(2)}
    assert len(orders) == len(SHAPES)
    assert Order("card", "b", SHAPES[0]) not in orders
