"""Very many viewers come at once, and leave at once."""

from soak import handshakes, storm
from soak.settings import Settings


def test_a_viewer_who_was_there_before_does_not_notice_a_storm() -> None:
    report = storm.run(Settings(short=True))
    assert report.kept, report.missed()


def test_nor_if_all_of_them_shake_hands_first() -> None:
    report = handshakes.run(Settings(short=True))
    assert report.kept, report.missed()
