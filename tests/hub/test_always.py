"""Formats that an application wants to be made whether anybody watches or not."""

from __future__ import annotations

from slipstream.formats import FlvFormat, RtmpFormat
from slipstream.hub.audience import FORMAT_UNUSED_S
from tests.behaviour.pictures import gop
from tests.hub.stage import HubStage, Watcher


def test_a_format_is_made_from_the_publications_first_frame_on() -> None:
    stage = HubStage(always=["flv"])
    publication = stage.publish()
    stage.send(publication, *gop(0))
    (form,) = stage.stream.forms()
    assert isinstance(form, FlvFormat)
    assert len(form.log.sync_points) == 1
    stage.send(publication, *gop(1_000))
    assert len(form.log.sync_points) == 2


def test_it_stays_while_somebody_publishes_and_others_do_not() -> None:
    stage = HubStage(always=["flv"], idle_s=3_600)
    publication = stage.publish()
    stage.send(publication, *gop(0))
    stage.watch(Watcher(), RtmpFormat).close()
    stage.wait(FORMAT_UNUSED_S + 2)
    assert [type(form) for form in stage.stream.forms()] == [FlvFormat]


def test_without_the_wish_nothing_is_made() -> None:
    stage = HubStage()
    stage.send(stage.publish(), *gop(0))
    assert not list(stage.stream.forms())
