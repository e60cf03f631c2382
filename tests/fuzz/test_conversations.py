"""Changed conversations against a whole server, in a minute; the long form is a command."""

from __future__ import annotations

import os

from fuzz.conversations import run

SEED = os.environ.get("FUZZ_SEED", "ci")
MAX_GAP_S = 2.0  # a blocked server shows, a busy machine does not


def test_nothing_that_clients_say_harms_the_server_or_others() -> None:
    report = run(SEED, range(300), max_gap_s=MAX_GAP_S)
    assert report.findings == [], f"seed {SEED}: {report}"
    assert report.conversations == 300
    assert report.bystander.messages > 50
    assert report.counted["publications"] > 50
    assert report.counted["subscriptions"] > 20
