"""MPEG-TS (ISO 13818-1): 188-byte packets, the tables PAT and PMT, and PES packets.

In: payloads of elementary streams with their times in ms. Out: whole packets. What a payload is
for each codec stands in `elementary`; when tables are due is for the caller to say. Nothing
here fails for any input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

PACKET_SIZE = 188
PAYLOAD_SIZE = 184  # of a packet without an adaptation field
SYNC_BYTE = 0x47
PAT_PID, PMT_PID, NULL_PID = 0x0000, 0x1000, 0x1FFF
TRANSPORT_STREAM_ID = PROGRAM_NUMBER = 1
TICKS_PER_MS = 90
CLOCK = 1 << 33  # ticks until times wrap, after 26.5 hours

START = 0x40  # in the second byte: a PES packet or a table begins
PAYLOAD, ADAPTATION = 0x10, 0x20  # in the fourth
DISCONTINUITY, RANDOM_ACCESS, WITH_PCR = 0x80, 0x40, 0x10  # in an adaptation field
ALIGNED = 0x84  # a PES packet's payload begins with an access unit (§2.4.3.7)
WITH_PTS, WITH_PTS_DTS = 0x80, 0xC0
MAX_PES_LENGTH = 0xFFFF  # of a longer one, which only a picture may be, the length is not said

_PMT_HEAD = bytes((SYNC_BYTE, START | PMT_PID >> 8, PMT_PID & 0xFF))

CRC_POLYNOMIAL = 0x04C11DB7


class ElementaryInfo(NamedTuple):
    """What a PMT says of an elementary stream, and what its packets say of themselves."""

    stream_type: int
    pid: int
    stream_id: int  # of its PES packets
    descriptors: bytes = b""


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        crc = byte << 24
        for _ in range(8):
            crc = crc << 1 ^ (CRC_POLYNOMIAL if crc & 0x80000000 else 0)
        table.append(crc & 0xFFFFFFFF)
    return table


_CRC_TABLE = _crc_table()


def crc32_mpeg(data: bytes) -> int:
    """The CRC of a table (annex A); over a table with its CRC it is 0."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc << 8 ^ _CRC_TABLE[crc >> 24 ^ byte]) & 0xFFFFFFFF
    return crc


def build_pat() -> bytes:
    """The table that says where the one programme's table is, as the payload of a packet."""
    program = PROGRAM_NUMBER.to_bytes(2) + (0xE000 | PMT_PID).to_bytes(2)
    return _section(0x00, TRANSPORT_STREAM_ID, 0, program)


def build_pmt(version: int, pcr_pid: int, streams: Sequence[ElementaryInfo]) -> bytes:
    """The table that says what the programme consists of, as the payload of a packet.

    Args:
        version: modulo 32; another one for another content.
        pcr_pid: where the clock is.
        streams: few enough for one packet, which six are.
    """
    body = (0xE000 | pcr_pid).to_bytes(2) + b"\xf0\0"
    for stream in streams:
        body += bytes((stream.stream_type,)) + (0xE000 | stream.pid).to_bytes(2)
        body += (0xF000 | len(stream.descriptors)).to_bytes(2) + stream.descriptors
    return _section(0x02, PROGRAM_NUMBER, version, body)


def newest_version(packets: bytes) -> int | None:
    """The version of the last PMT in whole packets; None if there is none."""
    at = len(packets)
    while (at := packets.rfind(_PMT_HEAD, 0, at)) >= 0:
        if at % PACKET_SIZE == 0:
            table = at + 5  # behind the pointer
            if packets[at + 3] & ADAPTATION:
                table += packets[at + 4] + 1
            return packets[table + 5] >> 1 & 31
    return None


def _section(table_id: int, number: int, version: int, body: bytes) -> bytes:
    head = bytes((table_id,)) + (0xB000 | len(body) + 9).to_bytes(2) + number.to_bytes(2)
    table = head + bytes((0xC1 | (version & 31) << 1, 0, 0)) + body
    table += crc32_mpeg(table).to_bytes(4)
    return (b"\0" + table).ljust(PAYLOAD_SIZE, b"\xff")


def build_pes(stream_id: int, payload: bytes, dts: int, pts: int) -> bytes:
    """A PES packet.

    Args:
        stream_id: says what kind of stream it is.
        payload: one access unit.
        dts: in ticks, of any size.
        pts: the same; where they are equal, it stands alone.
    """
    if dts == pts:
        flags, times = WITH_PTS, _time(0x21, pts)
    else:
        flags, times = WITH_PTS_DTS, _time(0x31, pts) + _time(0x11, dts)
    length = len(payload) + len(times) + 3
    if length > MAX_PES_LENGTH:
        length = 0
    head = b"\0\0\1" + bytes((stream_id, length >> 8, length & 0xFF, ALIGNED, flags, len(times)))
    return head + times + payload


def _time(marker: int, ticks: int) -> bytes:
    """33 bits in five bytes; a marker bit ends each of three pieces."""
    ticks %= CLOCK
    return bytes(
        (
            marker | ticks >> 29 & 0x0E,
            ticks >> 22 & 0xFF,
            ticks >> 14 & 0xFE | 1,
            ticks >> 7 & 0xFF,
            ticks << 1 & 0xFE | 1,
        )
    )


class Packetizer:
    """Cuts tables and PES packets into packets, and counts those of each PID.

    Args:
        goes_on: with what another one has begun: the first packet of each PID says that it does
            not go on with the count (§2.4.3.5).
    """

    def __init__(self, *, goes_on: bool = False) -> None:
        self._goes_on = goes_on
        self._counters: dict[int, int] = {}  # of the next packet
        self._heads: dict[int, list[bytes]] = {}  # by PID: of packets that are all payload

    def table(self, pid: int, payload: bytes) -> bytes:
        """One packet with a table, which is shorter than a packet."""
        if self._breaks(pid):
            field = _adaptation(bytes((DISCONTINUITY,)), 2)
            return self._head(pid, START, PAYLOAD | ADAPTATION) + field + payload[: -len(field)]
        return self._head(pid, START, PAYLOAD) + payload

    def clock(self, pid: int, pcr: int) -> bytes:
        """One packet with nothing but the clock, in ticks; it does not count (§2.4.3.3)."""
        counter = self._counters.get(pid, 0) - 1 & 15
        head = bytes((SYNC_BYTE, pid >> 8, pid & 0xFF, ADAPTATION | counter))
        return head + _adaptation(_clock_field(self._breaks(pid), pcr), PAYLOAD_SIZE)

    def pes(
        self, pid: int, data: bytes, pcr: int | None = None, *, random_access: bool = False
    ) -> bytes:
        """A PES packet in as many packets as it takes, the last one stuffed.

        Args:
            pid: of its stream.
            data: all of it.
            pcr: the clock, in ticks, if it is due.
            random_access: decoding can start here.
        """
        field = b""
        flags = RANDOM_ACCESS * random_access | self._breaks(pid)
        if pcr is not None or flags:
            field = _clock_field(flags, pcr)
        room = PAYLOAD_SIZE - (len(field) + 1 if field else 0)
        if len(data) <= room:
            adaptation = _adaptation(field, PAYLOAD_SIZE - len(data))
        else:
            adaptation = _adaptation(field, PAYLOAD_SIZE - room)
        first = room if len(data) > room else len(data)
        control = PAYLOAD | (ADAPTATION if adaptation else 0)
        parts = [self._head(pid, START, control), adaptation, data[:first]]
        self._add_rest(parts, pid, data, first)
        return b"".join(parts)

    def _add_rest(self, parts: list[bytes], pid: int, data: bytes, start: int) -> None:
        """Add the packets after the first one."""
        count, left = divmod(len(data) - start, PAYLOAD_SIZE)
        end = start + count * PAYLOAD_SIZE
        if count:
            counter = self._counters[pid]
            heads = self._full_heads(pid)
            for index in range(start, end, PAYLOAD_SIZE):
                parts += (heads[counter], data[index : index + PAYLOAD_SIZE])
                counter = counter + 1 & 15
            self._counters[pid] = counter
        if left:
            adaptation = _adaptation(b"", PAYLOAD_SIZE - left)
            parts += (self._head(pid, 0, PAYLOAD | ADAPTATION), adaptation, data[end:])

    def _breaks(self, pid: int) -> int:
        """The flag that the next packet needs if its counter does not go on."""
        return DISCONTINUITY if self._goes_on and pid not in self._counters else 0

    def _full_heads(self, pid: int) -> list[bytes]:
        heads = self._heads.get(pid)
        if heads is None:
            heads = self._heads[pid] = [
                bytes((SYNC_BYTE, pid >> 8, pid & 0xFF, PAYLOAD | counter)) for counter in range(16)
            ]
        return heads

    def _head(self, pid: int, start: int, control: int) -> bytes:
        """The four bytes that a packet with payload begins with."""
        counter = self._counters.get(pid, 0)
        self._counters[pid] = counter + 1 & 15
        return bytes((SYNC_BYTE, start | pid >> 8, pid & 0xFF, control | counter))


def _clock_field(flags: int, pcr: int | None) -> bytes:
    """What an adaptation field says, without its length: flags, and a clock."""
    if pcr is None:
        return bytes((flags,))
    # 33 bits of ticks, 6 reserved ones, and 9 bits of 27 MHz that we leave at 0.
    return bytes((flags | WITH_PCR,)) + (pcr % CLOCK << 15 | 0x7E00).to_bytes(6)


def _adaptation(field: bytes, size: int) -> bytes:
    """An adaptation field of `size` bytes in all, stuffed; none for 0."""
    if size == 0:
        return b""
    if size > 1 and not field:
        field = b"\0"
    return bytes((size - 1,)) + field.ljust(size - 1, b"\xff")
