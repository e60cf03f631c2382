"""Failover as the long run has it, in its short form."""

from __future__ import annotations

from soak import failover
from soak.settings import Settings


def test_encoders_are_hit_and_links_cut_and_viewers_get_all_that_can_be_had() -> None:
    report = failover.run(Settings(short=True, seed=7))
    assert report.kept, report.missed()
