"""Connections of all kinds come and go."""

from soak import churn
from soak.settings import Settings


def test_nothing_is_left_of_connections_that_came_and_went() -> None:
    report = churn.run(Settings(short=True))
    assert report.kept, report.missed()
    assert churn.pictures(report)["churn"].count("<polyline") == 5
