"""The dashboard for Grafana asks for metrics that there are, by labels that they have."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from slipstream.control.metrics.detail import APPS, STREAMS
from slipstream.control.metrics.metrics import METRICS

DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana" / "slipstream.json"
LABELS: dict[str, set[str]] = {
    **{metric.full_name: {metric.label} - {""} for metric in METRICS},
    **{detail.full_name: set(detail.labels) for detail in (*APPS, *STREAMS)},
}


def dashboard() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return content


def targets() -> list[tuple[str, str]]:
    """What is asked for, and how it is called."""
    return [
        (target["expr"], target["legendFormat"])
        for panel in dashboard()["panels"]
        for target in panel.get("targets", [])
    ]


@pytest.mark.parametrize(("expression", "legend"), targets())
def test_every_query_names_metrics_and_labels_that_there_are(expression: str, legend: str) -> None:
    names = re.findall(r"slipstream_\w+", expression)
    assert names
    assert set(names) <= LABELS.keys()
    labels = set.union(*(LABELS[name] for name in names))
    assert set(re.findall(r"{{(\w+)}}", legend)) <= labels
    assert set(re.findall(r"(\w+)=~?\"", expression)) <= labels


def test_counters_are_asked_for_as_rates_and_gauges_are_not() -> None:
    for expression, _ in targets():
        for name in re.findall(r"slipstream_\w+", expression):
            is_rate = f"rate({name}" in expression
            assert is_rate == name.endswith("_total"), expression


def test_the_list_of_streams_is_of_a_metric_that_each_has() -> None:
    (stream,) = (one for one in dashboard()["templating"]["list"] if one["name"] == "stream")
    match = re.fullmatch(r"label_values\((\w+), stream\)", stream["query"])
    assert match is not None
    assert "stream" in LABELS[match[1]]


def test_panels_have_places_of_their_own() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {
            (place["x"] + column, place["y"] + line)
            for column in range(place["w"])
            for line in range(place["h"])
        }
        assert not taken & cells, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
