"""The configuration is reloaded again and again under load, now right, now wrong."""

from soak import reload
from soak.settings import Settings


def test_nobody_notices_reloads_and_nothing_stays_behind() -> None:
    report = reload.run(Settings(short=True))
    assert report.kept, report.missed()
