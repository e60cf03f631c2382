"""Workers are killed while people publish and watch."""

from soak import kills
from soak.settings import Settings


def test_a_worker_that_dies_takes_only_its_own_connections() -> None:
    report = kills.run(Settings(short=True))
    assert report.kept, report.missed()
