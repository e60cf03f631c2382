"""Packets between workers and supervisor: whole, in order, with their descriptors."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from slipstream.workers.channel import Channel
from slipstream.workers.messages import Answer, Forget, Message, Move, Pulse
from slipstream.workers.packets import Packet


@pytest.fixture
def channels() -> Iterator[tuple[Channel, Channel]]:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pair = Channel(near), Channel(far)
    yield pair
    for channel in pair:
        channel.close()


def received(channel: Channel) -> list[Message]:
    return [packet.message for packet in channel.receive() or []]


def test_messages_come_in_order(channels: tuple[Channel, Channel]) -> None:
    near, far = channels
    sent = [Pulse(), Forget("live/ä"), Answer(3, {"a": [1, None]})]
    for message in sent:
        near.send(message)
    assert received(far) == sent


def test_a_body_and_a_descriptor_come_along(channels: tuple[Channel, Channel]) -> None:
    near, far = channels
    read, write = os.pipe()
    near.send(Move(2, "live/a", "192.0.2.1", "rtmp-1-7"), body=b"\0\xff" * 100, fd=write)
    os.close(write)
    (packet,) = far.receive() or []
    assert packet.body == b"\0\xff" * 100
    os.write(packet.fd, b"x")
    assert os.read(read, 1) == b"x"
    assert not os.get_inheritable(packet.fd)
    os.close(packet.fd)
    os.close(read)


@pytest.mark.parametrize("size", [47_000, 49_000, 5_000_000])
def test_large_ones_come_whole(channels: tuple[Channel, Channel], size: int) -> None:
    near, far = channels
    read, write = os.pipe()
    descriptors = len(os.listdir("/proc/self/fd"))
    near.send(Answer(1, "x" * size), body=b"tail", fd=write)
    (packet,) = far.receive() or []
    assert packet == Packet(Answer(1, "x" * size), b"tail", packet.fd)
    os.close(packet.fd)
    assert len(os.listdir("/proc/self/fd")) == descriptors
    os.close(read)
    os.close(write)


def test_what_finds_no_room_waits(channels: tuple[Channel, Channel]) -> None:
    near, far = channels
    for number in range(2000):
        near.send(Answer(number, "x" * 1000))
    assert near.blocked
    numbers: list[int] = []
    while near.blocked:
        numbers += [message.ticket for message in received(far)]  # type: ignore[union-attr]
        near.flush()
    while more := far.receive():
        numbers += [packet.message.ticket for packet in more]  # type: ignore[union-attr]
    assert numbers == list(range(2000))


def test_what_was_said_before_the_end_is_heard(channels: tuple[Channel, Channel]) -> None:
    near, far = channels
    near.send(Pulse())
    near.close()
    assert received(far) == [Pulse()]
    assert far.receive() is None


def test_who_has_gone_is_no_error(channels: tuple[Channel, Channel]) -> None:
    near, far = channels
    far.close()
    near.send(Pulse())
    assert not near.blocked


@pytest.mark.parametrize("data", [b"\1", b'\0\0\0\5["X"]', b"\0\0\0\2[]", b"\xff\xff\xff\xff{}"])
def test_another_versions_messages_are_told(data: bytes) -> None:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    near.send(data)
    channel = Channel(far)
    with pytest.raises(ValueError, match="version"):
        channel.receive()
    near.close()
    channel.close()
