"""A death is judged by whose connection was where."""

from __future__ import annotations

from dataclasses import replace

from soak.aftermath import Aftermath, Death, unserved
from soak.check import NO_GAP, Gap
from soak.encoder import EncoderState, Session
from soak.viewer import Visit

MS = 1_000_000
DEAD, ALIVE = 100, 200
AT_MS = 10_000
PUBLISHER, NEAR, FAR = 1, 2, 3  # ports
VISIT = Visit(
    viewer=1,
    stream="show",
    protocol="rtmp",
    port=FAR,
    asked_ns=1,
    began_ns=2,
    last_ns=AT_MS * MS,
    closed_ns=0,
    left=False,
    received=100,
    missing=0,
    doubled=0,
    worst_delay_ms=1.0,
    longest=NO_GAP,
)


def death(home: int) -> Death:
    whereabouts = {PUBLISHER: home, NEAR: DEAD, FAR: ALIVE}
    return Death(AT_MS * MS, DEAD, whereabouts, {"show": PUBLISHER})


def encoder(*sessions: Session) -> EncoderState:
    return EncoderState("show", PUBLISHER, list(sessions), [], 0.0)


def gap(from_ms: int, to_ms: int) -> Gap:
    return Gap(from_ms * MS, to_ms * MS, 0)


STAYED = encoder(Session(0, 1, 0))
RETURNED = encoder(Session(0, 1, AT_MS * MS), Session(600, (AT_MS + 1000) * MS, 0))


def test_a_viewer_of_the_dead_worker_may_be_cut_off_and_comes_back() -> None:
    after = Aftermath()
    gone = replace(VISIT, port=NEAR, closed_ns=(AT_MS + 1) * MS)
    back = replace(VISIT, port=9, asked_ns=(AT_MS + 500) * MS, began_ns=(AT_MS + 700) * MS)
    after.add(death(ALIVE), [STAYED], [gone, back])
    assert (after.cut_viewers, after.disconnected) == (1, 0)
    assert after.back_ms == [700]
    assert not after.faults


def test_a_viewer_of_a_living_worker_must_not_be_cut_off() -> None:
    after = Aftermath()
    after.add(death(ALIVE), [STAYED], [replace(VISIT, closed_ns=(AT_MS + 1) * MS)])
    assert after.disconnected == 1
    assert after.faults


def test_a_viewer_waits_for_its_publisher_s_return_and_one_picture_group() -> None:
    after = Aftermath()
    waited = replace(VISIT, gaps=[gap(AT_MS - 20, AT_MS + 2100)])
    after.add(death(DEAD), [RETURNED], [waited])
    assert after.gaps_ms == [2120]
    assert after.over_ms == [100]
    assert not after.calm_gaps_ms


def test_any_other_gap_has_no_excuse() -> None:
    after = Aftermath()
    after.add(death(DEAD), [RETURNED], [replace(VISIT, gaps=[gap(AT_MS + 3000, AT_MS + 3300)])])
    after.add(death(ALIVE), [STAYED], [replace(VISIT, gaps=[gap(AT_MS - 20, AT_MS + 130)])])
    assert after.calm_gaps_ms == [300, 150]


def test_faults_refusals_and_a_publisher_that_was_cut_off_are_told() -> None:
    after = Aftermath()
    visits = [replace(VISIT, faults=["broken"]), replace(VISIT, refusal="HTTP 404")]
    after.add(death(ALIVE), [RETURNED._replace(refusals=["BadName"])], visits)
    assert len(after.faults) == 4


def test_who_gets_nothing_is_known() -> None:
    now_ns = AT_MS * MS
    stale = replace(VISIT, viewer=2, last_ns=(AT_MS - 600) * MS)
    closed = replace(VISIT, viewer=3, closed_ns=5)
    came_back = [replace(closed, viewer=4), replace(VISIT, viewer=4)]
    found = unserved([STAYED._replace(port=0)], [VISIT, stale, closed, *came_back], now_ns, 500)
    assert list(found) == ["show", "viewer 2", "viewer 3"]
