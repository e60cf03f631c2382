"""What one read of a publisher costs, from the socket to the stream that nobody watches.

Real sessions over socket pairs, and no waiting: all of them are given the bytes of so many
messages, then each link is read once, as a sweep does. Two messages in five are pictures of
3 KB, the others sounds of 600 bytes: about 1 Mbit/s at 77 messages a second. At 100
publishers a sweep every 50 ms finds four messages.

Run: python bench/micro/ingest.py [PUBLISHERS [CHUNK_SIZE [MESSAGES_PER_READ]]]
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import time
from collections.abc import Iterator

import structlog

from slipstream.access import AccessSettings, Gate
from slipstream.hub import Hub, StreamSettings
from slipstream.net.intake import Intake
from slipstream.net.link import NOBODY, Link
from slipstream.net.listener import Admissions
from slipstream.net.pace import Pace
from slipstream.net.pump import Pump
from slipstream.net.rtmp_session import RtmpSession
from slipstream.net.services import Services
from slipstream.net.settings import NetSettings
from slipstream.rtmp import ClientConnection, Message, encode

READS = 75
USUAL = (100, 4096, 4)

AUDIO, VIDEO = 8, 9
CSIDS = {AUDIO: 4, VIDEO: 6}
KEYFRAME = b"\x17\x01\0\0\0" + (2_999).to_bytes(4) + b"\x65" + os.urandom(2_998)
PICTURE = b"\x27\x01\0\0\0" + (2_999).to_bytes(4) + b"\x41" + os.urandom(2_998)
SOUND = b"\xaf\x01" + os.urandom(600)
CONFIGS = (
    Message(0, VIDEO, 1, bytes.fromhex("1700000000 014d400a ffe10004 674d400a 01000468ce0fc8")),
    Message(0, AUDIO, 1, bytes.fromhex("af001210")),
)


def services() -> Services:
    """What a worker has, without a listener and with nobody who sweeps."""
    loop = asyncio.get_running_loop()
    pump = Pump(loop, Pace())
    return Services(
        loop=loop,
        hub=Hub(lambda _: StreamSettings(), pump.wake),
        pump=pump,
        intake=Intake(loop),
        gate=Gate(lambda _: AccessSettings(publish="anonymous"), "no key is needed"),
        admissions=Admissions(),
        settings=NetSettings(),
    )


def publish(parts: Services, name: str, chunk_size: int) -> tuple[RtmpSession, socket.socket]:
    """A session that publishes, and the encoder's end of its link."""
    near, far = socket.socketpair()
    far.setblocking(False)
    parts.admissions.opened("127.0.0.1")
    session = RtmpSession(parts, Link(near, "127.0.0.1", NOBODY, parts.loop))
    client = ClientConnection("live", "rtmp://127.0.0.1/live", random_bytes=os.urandom)
    client.publish(name)
    while not session.publishers:
        far.sendall(client.data_to_send())
        session.link.read()
        client.receive_data(far.recv(1 << 16))
    session.link.stop_watching()
    far.sendall(encode(Message(0, 1, 0, chunk_size.to_bytes(4)), 2, 4096))
    for config in CONFIGS:
        far.sendall(encode(config, CSIDS[config.type_id], chunk_size))
    session.link.read()
    return session, far


def reads(chunk_size: int, messages_per_read: int) -> Iterator[bytes]:
    """What each link is given for each read: a keyframe about every two seconds."""
    chunks = bytearray()
    for number in range(READS * messages_per_read):
        picture = KEYFRAME if number % 150 == 0 else PICTURE
        type_id, body = (VIDEO, picture) if number % 5 < 2 else (AUDIO, SOUND)
        message = Message(13 * number, type_id, 1, body)
        chunks += encode(message, CSIDS[type_id], chunk_size)
        if number % messages_per_read == messages_per_read - 1:
            yield bytes(chunks)
            chunks.clear()


async def main(publishers: int, chunk_size: int, messages_per_read: int) -> None:
    """Measure and print."""
    parts = services()
    links = [publish(parts, f"s{number}", chunk_size) for number in range(publishers)]
    parts.intake.stop()
    spent_s = 0.0
    for data in reads(chunk_size, messages_per_read):
        for _, far in links:
            far.sendall(data)
        began_s = time.process_time()
        for session, _ in links:
            session.link.read()
        spent_s += time.process_time() - began_s
    on_air = parts.hub.streams["live/s0"].on_air
    assert on_air is not None
    assert on_air.frames_received == READS * messages_per_read + len(CONFIGS)
    each_us = spent_s / READS / publishers * 1e6
    print(
        f"{publishers} publishers, chunk size {chunk_size}, {messages_per_read} messages to a read:"
        f" {each_us:.1f} us per read, {each_us / messages_per_read:.2f} us per message"
    )


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    given = [int(argument) for argument in sys.argv[1:]]
    asyncio.run(main(*given, *USUAL[len(given) :]))
