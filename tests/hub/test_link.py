"""Links of one encoder are known by what they bring, and other encoders are not taken for them."""

from __future__ import annotations

from slipstream.hub import PublisherState
from slipstream.hub.link import MAX_HELD_BYTES
from slipstream.media import Kind
from tests.hub.links import Wire, film, media, rebased, two_links
from tests.hub.stage import HubStage, audio_config, inter, sound


def test_another_encoder_with_the_same_key_stands_by() -> None:
    stage, came, sent, (first, _) = two_links()
    other = Wire(stage, [f._replace(body=f.body + b"other") for f in sent], 0, len(sent))
    other.accept()
    first.bring(5)
    for _ in range(60):
        stage.now += 0.2
        first.bring(5)
        other.bring(5)
    assert other.publication is not None
    assert other.publication.state is PublisherState.STANDBY
    assert media(came) == media(sent)[:305]
    assert not stage.hub.totals.merged_frames
    assert first.publication is not None
    first.publication.close(stage.now)
    other.bring(100)
    its_next = next(frame for frame in other.frames[300:] if frame.keyframe)
    assert media(came)[305:][0] == (its_next.kind, its_next.body)
    assert stage.hub.totals.switches == 1


def bring_in_turn(stage: HubStage, wires: list[Wire], seconds: float) -> None:
    """Let links bring what they should in this time, the last one a little ahead."""
    for wire in wires:
        wire.accept()
    wires[-1].bring(8)
    for _ in range(round(seconds / 0.1)):
        stage.now += 0.1
        for wire in wires:
            wire.bring(7)


def test_two_encoders_in_silence_are_not_taken_for_one() -> None:
    stage = HubStage(on_second_publisher="merge")
    came = stage.record()
    one = film(600, silence=range(2_000))
    two = [f._replace(body=f.body + b"2") if f.kind is Kind.VIDEO else f for f in one]
    first, second = Wire(stage, one, 0, len(one)), Wire(stage, two, 0, len(two))
    first.accept()
    first.bring(10)
    bring_in_turn(stage, [first, second], 15)
    assert second.publication is not None
    assert second.publication.state is PublisherState.STANDBY
    assert media(came) == media(one)[: len(media(came))]


def test_pictures_in_which_nothing_moves_say_nothing_of_another_clock() -> None:
    stage = HubStage(on_second_publisher="merge")
    came = stage.record()
    moving = film(600, silence=range(2_000))
    still = [
        f._replace(body=moving[0 if f.keyframe else 3].body) if f.kind is Kind.VIDEO else f
        for f in moving
    ]
    first = Wire(stage, still, 0, len(still))
    second = Wire(stage, rebased(still, 12_345), 0, len(still))
    first.accept()
    first.bring(10)
    bring_in_turn(stage, [first, second], 12)
    assert second.publication is not None
    assert second.publication.state is PublisherState.STANDBY
    assert len(media(came)) == first.sent


def test_links_that_have_stood_by_are_recognised_when_their_encoder_goes_on_air() -> None:
    stage = HubStage(on_second_publisher="merge")
    stage.record()
    ours = film(900)
    theirs = [f._replace(body=f.body + b"theirs") for f in ours]
    other = Wire(stage, theirs, 0, len(theirs))
    links = [Wire(stage, ours, 0, len(ours)), Wire(stage, ours, 0, len(ours))]
    other.accept()
    other.bring(10)
    bring_in_turn(stage, [other, *links], 15)
    assert [p.state for p in stage.stream.publications()] == ["on air", "standby", "standby"]
    assert other.publication is not None
    other.publication.close(stage.now)
    bring_in_turn(stage, links, 2)
    assert [p.state for p in stage.stream.publications()] == ["on air", "link"]


def test_one_frame_in_common_is_enough_when_nobody_else_is_left() -> None:
    stage, came, sent, (first, _) = two_links()
    last = next(number for number in range(40, 60) if sent[number].kind is Kind.VIDEO)
    second = Wire(stage, sent, last, len(sent))
    first.bring(30)
    second.accept()
    first.bring(last - 29)
    assert first.publication is not None
    first.publication.close(stage.now)
    stage.now += 0.1
    second.bring(10)
    assert media(came) == media(sent)[: last + 10]


def test_the_memory_for_links_that_are_not_in_step_is_bounded() -> None:
    stage, _, _, (first, second) = two_links()
    first.bring(20)
    publication = second.publication
    assert publication is not None
    assert publication.link is not None
    for number in range(40):
        stage.send(publication, inter(90_000 + number, bytes(1 << 20)))
    assert sum(len(frame.body) for frame in publication.link.held) <= MAX_HELD_BYTES
    stage.now += 11
    stage.send(publication, inter(99_000))
    assert not publication.link.held


def test_a_link_is_given_time_to_show_that_it_goes_on_where_another_one_was_cut() -> None:
    """It has times of its own, so that one picture is not enough to know."""
    stage, came, sent, (first, second) = two_links()
    second.frames = rebased(sent, 700_000)
    first.bring(30)
    assert first.publication is not None
    first.publication.close(stage.now)
    for _ in range(60):
        stage.now += 0.01
        second.bring(1)
    assert media(came) == media(sent)[:60]


def test_a_link_that_brings_something_else_after_all_stands_by() -> None:
    stage, came, sent, (first, second) = two_links()
    first.bring(20)
    second.bring(20)
    second.frames = [f._replace(body=f.body + b"other") for f in sent]
    for _ in range(90):  # 18 s: it is in doubt after 5, and has 10 to show that it is the same
        stage.now += 0.2
        first.bring(4)
        second.bring(4)
    assert second.publication is not None
    assert second.publication.state is PublisherState.STANDBY
    assert media(came) == media(sent)[:380]


def test_silence_of_two_encoders_at_the_same_times_says_nothing() -> None:
    """Sound alone, begun at the same moment."""
    stage = HubStage(on_second_publisher="merge")
    came = stage.record()
    publications = [stage.publish(), stage.publish()]
    for publication in publications:
        stage.send(publication, audio_config())
    for number in range(600):
        stage.now += 0.021
        for publication in reversed(publications):
            stage.send(publication, sound(number * 21))
    assert sorted(publication.state for publication in publications) == ["on air", "standby"]
    assert len(media(came)) > 500
    assert not stage.hub.totals.merged_frames


def test_links_of_a_picture_in_which_nothing_moves_are_known_by_the_same_times() -> None:
    stage, came, sent, (first, second) = two_links()
    still = sent[3].body
    sent[:] = [
        f._replace(body=still) if f.kind is Kind.VIDEO and not f.keyframe else f for f in sent
    ]
    first.bring(40)
    second.bring(20)
    first.bring(10)
    assert first.publication is not None
    first.publication.close(stage.now)
    second.bring(60)
    assert [f.dts_ms for f in came if not f.config] == [f.dts_ms for f in sent[:80]]
