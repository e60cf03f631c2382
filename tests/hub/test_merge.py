"""One encoder over several links: each message once and in order, whichever link is cut when."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from slipstream.hub import PublisherState, Rank
from slipstream.hub.link import WINDOW_S
from slipstream.media import Frame, Kind
from tests.hub.links import CONFIGS, Wire, film, media, rebased, shuffled, two_links
from tests.hub.stage import HubStage, key, video_config

OVERLAP = 12  # frames that two links have in common at least; some of them are pictures


def run(stage: HubStage, wires: list[Wire], order: list[tuple[int, int]]) -> None:
    """Let the links bring what they have: (which, how many frames), then all the rest."""
    some = len(wires[0].frames) // 7 + 1
    rest = [(number, 7) for number in range(len(wires)) for _ in range(some)]
    for number, count in [*order, *rest]:
        stage.now += 0.001
        bringing = wires[number % len(wires)]
        for wire in wires:
            if wire.start < bringing.sent + count:
                wire.accept()
        bringing.accept()
        bringing.bring(count)


def assert_whole(came: list[Frame], sent: list[Frame]) -> None:
    """Each message once and in order, from the first keyframe put out to the last one sent."""
    first = media(sent).index(media(came)[0])
    assert sent[first].keyframe
    assert media(came) == media(sent)[first:]
    for kind in (Kind.VIDEO, Kind.AUDIO):
        times = [frame.dts_ms for frame in came if frame.kind is kind]
        assert times == sorted(times)


orders = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 30)), max_size=40)
silences = st.sets(st.integers(0, 200), max_size=150)


@st.composite
def spans(draw: st.DrawFn, length: int) -> list[tuple[int, int]]:
    """Where links begin and end, so that there is always one that goes on."""
    spans = [(draw(st.integers(0, 20)), draw(st.integers(40, length)))]
    while spans[-1][1] < length:
        start = draw(st.integers(0, spans[-1][1] - OVERLAP))
        end = draw(st.integers(spans[-1][1], length))
        spans.append((start, end if len(spans) < 3 else length))
    if len(spans) == 1:
        spans.append((draw(st.integers(0, length - OVERLAP)), length))
    return spans


@given(data=st.data(), order=orders, silence=silences)
@settings(max_examples=150, deadline=None)
def test_any_cut_at_any_lag_leaves_the_stream_whole(
    data: st.DataObject, order: list[tuple[int, int]], silence: set[int]
) -> None:
    stage = HubStage(on_second_publisher="merge")
    came = stage.record()
    sent = film(80, silence=silence)
    wires = [Wire(stage, sent, start, end) for start, end in data.draw(spans(len(sent)))]
    run(stage, wires, order)
    assert_whole(came, sent)


@given(data=st.data(), order=orders, silence=silences)
@settings(max_examples=150, deadline=None)
def test_while_one_link_brings_everything_the_others_may_come_and_go(
    data: st.DataObject, order: list[tuple[int, int]], silence: set[int]
) -> None:
    stage = HubStage(on_second_publisher="merge")
    came = stage.record()
    sent = film(80, silence=silence)
    wires = [Wire(stage, sent, 0, len(sent))]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(sent) - 1))
        end = data.draw(st.integers(start + 1, len(sent)))
        wires.append(Wire(stage, sent, start, end, cut_any_time=True))
    run(stage, wires, order)
    assert_whole(came, sent)


@given(data=st.data(), order=orders, silence=silences, base_ms=st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_links_that_begin_at_times_of_their_own_are_recognised_by_what_they_bring(
    data: st.DataObject, order: list[tuple[int, int]], silence: set[int], base_ms: int
) -> None:
    stage = HubStage(on_second_publisher="merge")
    came = stage.record()
    sent = film(80, silence=silence)
    cut = data.draw(st.integers(60, len(sent)))
    start = data.draw(st.integers(20, cut - 30))
    wires = [
        Wire(stage, sent, 0, cut),
        Wire(stage, rebased(sent, base_ms), start, len(sent)),
    ]
    run(stage, wires, [(0, 20), *order])
    assert_whole(came, sent)


@given(data=st.data(), order=orders, silence=silences)
@settings(max_examples=100, deadline=None)
def test_links_that_interleave_their_tracks_otherwise_bring_each_track_whole(
    data: st.DataObject, order: list[tuple[int, int]], silence: set[int]
) -> None:
    stage = HubStage(on_second_publisher="merge")
    came = stage.record()
    sent = film(80, silence=silence)
    chance = random.Random(data.draw(st.integers()))
    orders_sent = [shuffled(sent, chance), shuffled(sent, chance)]
    cut = data.draw(st.integers(60, len(sent)))
    start = data.draw(st.integers(20, cut - 30))
    wires = [Wire(stage, orders_sent[0], 0, cut), Wire(stage, orders_sent[1], start, len(sent))]
    run(stage, wires, [(0, 20), *order])
    for kind in (Kind.VIDEO, Kind.AUDIO):
        bodies = [body for k, body in media(sent) if k is kind]
        arrived = [body for k, body in media(came) if k is kind]
        assert arrived == bodies[-len(arrived) :]
        assert len(arrived) > len(bodies) - 20  # what a picture that starts it can come behind of


@given(data=st.data(), order=orders, jump_ms=st.integers(-(2**31) + 1, 2**31 - 1))
@settings(max_examples=100, deadline=None)
def test_an_encoder_whose_clock_jumps_is_merged_as_well(
    data: st.DataObject, order: list[tuple[int, int]], jump_ms: int
) -> None:
    stage = HubStage(on_second_publisher="merge")
    came = stage.record()
    sent = film(80)
    jump = data.draw(st.integers(60, 180))
    sent = [*sent[:jump], *rebased(sent[jump:], jump_ms)]
    cut = data.draw(st.integers(60, len(sent)))
    wires = [Wire(stage, sent, 0, cut), Wire(stage, sent, 0, len(sent))]
    run(stage, wires, [(0, 20), (1, 20), *order])
    assert_whole(came, sent)


def test_who_is_first_is_put_out_and_the_copy_is_not() -> None:
    stage, came, sent, (first, second) = two_links()
    first.bring(30)
    assert len(media(came)) == 30
    second.bring(40)
    assert media(came) == media(sent)[:40]
    first.bring(20)
    assert media(came) == media(sent)[:50]
    assert stage.hub.totals.merged_frames == 40


def test_links_are_told_from_whoever_is_on_air() -> None:
    stage, _, _, (first, second) = two_links()
    first.bring(20)
    assert first.publication is not None
    assert second.publication is not None
    assert second.publication.state is PublisherState.STANDBY
    second.bring(20)
    assert [p.state for p in stage.stream.publications()] == ["on air", "link"]
    assert stage.stream.publications()[0] is first.publication
    first.publication.close(stage.now)
    assert [p.state for p in stage.stream.publications()] == ["on air"]
    assert second.publication.on_air
    assert stage.hub.totals.filled_holes == 1


def test_nobody_is_sent_away_and_nothing_begins_anew_when_a_link_is_cut() -> None:
    stage, came, sent, (first, second) = two_links()
    first.bring(40)
    second.bring(30)
    assert first.publication is not None
    first.publication.close(stage.now)
    assert stage.stream.is_live
    second.bring(30)
    assert media(came) == media(sent)[:60]
    assert [frame for frame in came if frame.config] == came[:2]
    assert [frame.dts_ms for frame in came[2:]] == [frame.dts_ms for frame in sent[:60]]


def test_what_one_link_left_out_the_other_one_has() -> None:
    stage, came, sent, (first, second) = two_links()
    first.bring(30)
    second.bring(50)
    first.sent += 10  # the encoder has dropped them on this link
    first.bring(40)
    assert media(came) == media(sent)[:80]
    assert stage.hub.totals.filled_holes == 2, "in either track"


def test_what_one_link_left_out_of_a_silence_does_not_confuse_it() -> None:
    stage, came, sent, (first, second) = two_links()
    sent[:] = film(200, silence=range(1_000))
    first.bring(30)
    second.bring(50)
    first.sent += 10
    first.bring(40)
    assert second.publication is not None
    second.publication.close(stage.now)
    first.bring(20)
    assert media(came) == media(sent)[:100]


def test_what_comes_when_later_frames_have_been_put_out_is_left_out() -> None:
    _, came, sent, (first, second) = two_links()
    first.bring(30)
    second.bring(25)
    first.sent += 10
    first.bring(10)
    second.bring(45)
    assert media(came) == media([*sent[:30], *sent[40:70]])


def test_a_new_configuration_comes_once_and_where_it_was_sent() -> None:
    _, came, sent, (first, second) = two_links()
    first.frames = second.frames = [*sent[:60], video_config(0, b"NEW"), *sent[60:]]
    first.bring(50)
    second.bring(70)
    first.bring(30)
    assert [index for index, frame in enumerate(came) if b"NEW" in frame.body] == [62]


def test_a_link_that_lags_for_seconds_goes_on_where_the_other_one_was_cut() -> None:
    stage, came, sent, (first, second) = two_links()
    first.bring(20)
    second.bring(10)
    for _ in range(80):  # 8 s
        stage.now += 0.1
        first.bring(2)
        second.bring(1)
    assert first.publication is not None
    first.publication.close(stage.now)
    second.bring(200)
    assert media(came) == media(sent)[:290]


def test_what_has_been_put_out_is_remembered_for_a_while_only() -> None:
    stage, _, _, (first, _) = two_links()
    for _ in range(100):
        stage.now += 1
        first.bring(3)
    merge = stage.stream.merge
    assert merge is not None
    assert sum(len(track.entries) for track in merge._tracks.values()) <= 3 * (WINDOW_S + 1)


def test_a_link_that_comes_back_waits_until_the_other_one_has_caught_up() -> None:
    """The first is cut while the second lags, and comes back ahead of both."""
    stage, came, sent, (first, second) = two_links()
    first.bring(40)
    second.bring(10)
    assert first.publication is not None
    first.publication.close(stage.now)
    back = Wire(stage, sent, 60, len(sent))
    back.accept()
    back.bring(40)
    assert media(came) == media(sent)[:40]
    second.bring(54)
    assert media(came) == media(sent)[:100], "a picture and a sound of both are the same"


def test_after_a_slate_the_picture_returns_at_a_keyframe_not_where_it_was_cut() -> None:
    stage, came, sent, (first, second) = two_links()
    first.bring(40)
    assert first.publication is not None
    first.publication.close(stage.now)
    slate = stage.publish(credential="slate", rank=Rank.SLATE)
    stage.send(slate, *CONFIGS, key(0, b"slate"))
    second.bring(60)
    after = media(came)[41:]
    assert after == media(sent)[sent.index(next(f for f in sent if f.keyframe)) :][:60]


def test_who_is_ahead_waits_a_second_for_a_link_that_may_close_the_gap() -> None:
    for lag_s, closed in ((0.5, True), (1.5, False)):
        stage, came, sent, (first, second) = two_links()
        first.bring(40)
        assert first.publication is not None
        first.publication.close(stage.now)
        back = Wire(stage, sent, 60, len(sent))
        back.accept()
        for _ in range(50):  # there are keyframes among them
            stage.now += lag_s / 50
            back.bring(1)
        second.bring(70)
        assert (media(came) == media(sent)[:110]) is closed
        assert len(media(came)) > 40


def test_configurations_with_which_a_link_begins_are_no_holes() -> None:
    stage, came, sent, (first, second) = two_links()
    second.frames = [*sent[:10], CONFIGS[1], *sent[10:]]  # the sound's comes late
    first.bring(20)
    second.bring(30)
    first.bring(20)
    assert media(came) == media(sent)[:40]
    assert stage.hub.totals.filled_holes == 0


def test_what_was_put_out_before_the_stream_had_another_home_is_forgotten() -> None:
    stage, came, sent, (first, second) = two_links()
    for wire in (first, second):
        wire.bring(40)
        assert wire.publication is not None
        wire.publication.close(stage.now)
    stage.stream.located(stage.now, elsewhere=True)
    again = Wire(stage, sent, 30, len(sent))
    again.accept()
    again.bring(40)
    first_again = next(f for f in sent[30:] if f.keyframe)
    assert media(came)[40] == (first_again.kind, first_again.body)
