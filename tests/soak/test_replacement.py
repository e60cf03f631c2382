"""A new generation of workers takes over under load."""

from soak import replacement
from soak.settings import Settings


def test_nobody_is_refused_or_cut_off_by_a_replacement() -> None:
    report = replacement.run(Settings(short=True))
    assert report.kept, report.missed()
