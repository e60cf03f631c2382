"""Whether somebody received what somebody else sent."""

from __future__ import annotations

from collections.abc import Sequence

from tests.clips import Content, Packet

ROUNDING_MS = 1  # GStreamer counts in ns


def compare(received: Content, sent: Content, *, misses_start: bool = False) -> None:
    """All packets from a keyframe on, each once, in order, with their times.

    Sound that belongs before that keyframe may come or not: programs interleave differently.
    """
    assert received.packets, "nothing came"
    begin = _first_keyframe(sent.packets)
    if misses_start:
        digest = _first_keyframe(received.packets).digest
        begin = next(packet for packet in sent.packets if packet.digest == digest)
        assert begin.keyframe
    for kind in {packet.kind for packet in sent.packets}:
        wanted = [packet for packet in sent.packets if packet.kind == kind]
        came = [packet for packet in received.packets if packet.kind == kind]
        missing = wanted[: len(wanted) - len(came)]
        assert [p.digest for p in came] == [p.digest for p in wanted[len(missing) :]], kind
        assert all(_may_be_missing(packet, begin) for packet in missing), kind
        _compare_times(came, wanted[len(missing) :])
    assert received.configs == sent.configs


def _first_keyframe(packets: Sequence[Packet]) -> Packet:
    """The first picture that one can start with; the first sound where there are no pictures."""
    pictures = [packet for packet in packets if packet.kind == "video" and packet.keyframe]
    return (pictures or packets)[0]


def _may_be_missing(packet: Packet, begin: Packet) -> bool:
    if packet.kind == begin.kind:
        return packet.dts_ms < begin.dts_ms
    return packet.dts_ms <= begin.dts_ms


def _compare_times(came: Sequence[Packet], sent: Sequence[Packet]) -> None:
    """The same but for a shift of all."""
    shift_ms = came[0].dts_ms - sent[0].dts_ms
    for packet, original in zip(came, sent, strict=True):
        assert abs(packet.dts_ms - original.dts_ms - shift_ms) <= ROUNDING_MS
        assert abs(packet.pts_ms - original.pts_ms - shift_ms) <= ROUNDING_MS
