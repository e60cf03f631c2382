"""The text that Prometheus reads, as its own client library's parser understands it."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from slipstream.control.metrics.detail import quantile
from slipstream.control.metrics.exposition import Family, render

NAMES = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 1 << 52)


@given(st.dictionaries(NAMES, NUMBERS, max_size=5))
def test_any_name_and_any_number_come_through(values: dict[str, float]) -> None:
    samples = [({"stream": name, "slot": "0"}, number) for name, number in values.items()]
    page = asyncio.run(render([Family("a_b", "gauge", "What it is.", samples)])).decode()
    (family,) = text_string_to_metric_families(page)
    assert (family.name, family.type, family.documentation) == ("a_b", "gauge", "What it is.")
    assert {one.labels["stream"]: one.value for one in family.samples} == values


async def test_a_counter_is_one_and_whole_numbers_are_exact() -> None:
    families = [Family("a_total", "counter", "A.", [({}, 9_007_199_254_740_991)])]
    assert await render(families) == (
        b"# HELP a_total A.\n# TYPE a_total counter\na_total 9007199254740991\n"
    )


async def test_others_have_their_turn_while_a_long_page_is_made() -> None:
    samples = [({"stream": f"live/{number}"}, 1.5) for number in range(30_000)]
    page = asyncio.ensure_future(render([Family("a", "gauge", "A.", samples)]))
    turns = 0
    while not page.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 5
    assert page.result().count(b"\n") == 30_002


@pytest.mark.parametrize(
    ("share", "expected"), [(0.01, 1), (0.05, 5), (0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100)]
)
def test_a_quantile_of_a_hundred_is_that_one(share: float, expected: int) -> None:
    assert quantile(range(1, 101), share) == expected


def test_a_quantile_of_few_is_one_of_them() -> None:
    assert [quantile([7], share) for share in (0.01, 0.5, 0.99)] == [7, 7, 7]
    assert [quantile([1, 2], share) for share in (0.01, 0.5, 0.51, 0.99)] == [1, 1, 2, 2]
