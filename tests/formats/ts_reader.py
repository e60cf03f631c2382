"""MPEG-TS read back by the letter of ISO 13818-1, without any code of the server's.

`read_ts()` says what a stream holds and fails where it breaks a rule: packets of 188 bytes,
counters that go on, tables with the right CRC, clocks that do not go back, PES packets whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

PACKET = 188
POLYNOMIAL = 0x104C11DB7


class Stream(NamedTuple):
    """An elementary stream as a PMT announces it."""

    stream_type: int
    pid: int
    descriptors: bytes


class Programme(NamedTuple):
    """A PMT."""

    version: int
    pcr_pid: int
    streams: tuple[Stream, ...]


class Unit(NamedTuple):
    """A PES packet."""

    pid: int
    stream_id: int
    pts: int
    dts: int
    random_access: bool
    payload: bytes


@dataclass
class Content:
    """All that is in a stream."""

    programmes: list[Programme] = field(default_factory=list)  # every PMT
    units: list[Unit] = field(default_factory=list)
    clocks: list[int] = field(default_factory=list)  # in 27 MHz
    pids: list[int] = field(default_factory=list)  # of each packet
    gaps: int = 0  # in counters
    breaks: list[int] = field(default_factory=list)  # PIDs of packets that announce a gap

    def of(self, pid: int) -> list[Unit]:
        """The PES packets of one PID."""
        return [unit for unit in self.units if unit.pid == pid]


def crc_of(data: bytes) -> int:
    """The remainder, bit by bit; 0 for a table with its CRC."""
    number = int.from_bytes(data) << 32 ^ 0xFFFFFFFF << 8 * len(data)
    for shift in range(8 * len(data) - 1, -1, -1):
        if number >> shift + 32 & 1:
            number ^= POLYNOMIAL << shift
    return number


def read_ts(data: bytes, *, gaps_allowed: bool = False, goes_on: bool = False) -> Content:
    """Read whole packets that begin with tables; of a stream that goes on, the whole frames."""
    assert len(data) % PACKET == 0
    reader = _Reader()
    for start in range(0, len(data), PACKET):
        reader.take(data[start : start + PACKET])
    if not goes_on:
        reader.end()
    assert gaps_allowed or not reader.content.gaps
    return reader.content


class _Reader:
    def __init__(self) -> None:
        self.content = Content()
        self._pending: dict[int, tuple[bytearray, bool]] = {}
        self._counters: dict[int, int] = {}
        self._pmt_pid = -1

    def take(self, packet: bytes) -> None:
        """Read one packet."""
        assert packet[0] == 0x47
        assert not packet[1] & 0xA0  # no error, no priority
        pid = (packet[1] & 0x1F) << 8 | packet[2]
        control, counter = packet[3] >> 4, packet[3] & 15
        assert control in (1, 2, 3)  # not scrambled; something is in it
        self.content.pids.append(pid)
        at, flags = 4, 0
        if control & 2:
            flags = _read_adaptation(packet, self.content, only=control == 2)
            at = 5 + packet[4]
        announced = bool(flags & 0x80)
        if not control & 1:
            assert at == PACKET
            return
        if announced:
            self.content.breaks.append(pid)
        elif counter != self._counters.get(pid, counter - 1) + 1 & 15:
            self.content.gaps += 1
        self._counters[pid] = counter
        assert at < PACKET
        self._take_payload(pid, packet[at:], bool(packet[1] & 0x40), bool(flags & 0x40))

    def end(self) -> None:
        """Nothing follows."""
        for pid in list(self._pending):
            self._finish(pid)

    def _take_payload(self, pid: int, payload: bytes, begins: bool, random_access: bool) -> None:
        content, pending = self.content, self._pending
        if pid == 0:
            self._pmt_pid = _read_pat(_table(payload))
        elif pid == self._pmt_pid:
            content.programmes.append(_read_pmt(_table(payload)))
        else:
            assert pid in {s.pid for s in content.programmes[-1].streams}, hex(pid)
            if begins:
                if pid in pending:
                    self._finish(pid)
                pending[pid] = (bytearray(), random_access)
            data = pending[pid][0]
            data += payload
            length = int.from_bytes(data[4:6])
            if length and len(data) >= length + 6:
                self._finish(pid)

    def _finish(self, pid: int) -> None:
        self.content.units.append(_read_pes(pid, *self._pending.pop(pid)))


def _read_adaptation(packet: bytes, content: Content, *, only: bool) -> int:
    """Take a clock; return the flags."""
    length = packet[4]
    assert length == 183 if only else length <= 182
    if not length:
        return 0
    flags, at = packet[5], 6
    assert not flags & 0x2F  # none but discontinuity, random access and clock
    if flags & 0x10:
        number = int.from_bytes(packet[6:12])
        content.clocks.append((number >> 15) * 300 + (number & 0x1FF))
        assert number >> 9 & 0x3F == 0x3F
        at = 12
    assert set(packet[at : 5 + length]) <= {0xFF}
    return flags


def _table(payload: bytes) -> bytes:
    assert payload[0] == 0
    length = int.from_bytes(payload[2:4]) & 0xFFF
    table = payload[1 : 4 + length]
    assert crc_of(table) == 0
    assert set(payload[4 + length :]) <= {0xFF}
    assert payload[2] >> 4 == 0xB
    assert table[5] & 1  # in force now
    assert table[6:8] == b"\0\0"
    return table


def _read_pat(table: bytes) -> int:
    assert table[0] == 0
    assert len(table) == 16  # one programme
    assert table[8:10] == b"\0\1"
    return int.from_bytes(table[10:12]) & 0x1FFF


def _read_pmt(table: bytes) -> Programme:
    assert table[0] == 2
    assert table[3:5] == b"\0\1"
    streams, at = [], 12 + (int.from_bytes(table[10:12]) & 0xFFF)
    while at < len(table) - 4:
        end = at + 5 + (int.from_bytes(table[at + 3 : at + 5]) & 0xFFF)
        pid = int.from_bytes(table[at + 1 : at + 3]) & 0x1FFF
        streams.append(Stream(table[at], pid, table[at + 5 : end]))
        at = end
    assert at == len(table) - 4
    pcr_pid = int.from_bytes(table[8:10]) & 0x1FFF
    return Programme(table[5] >> 1 & 31, pcr_pid, tuple(streams))


def _read_pes(pid: int, data: bytearray, random_access: bool) -> Unit:
    assert data[:3] == b"\0\0\1"
    length = int.from_bytes(data[4:6])
    assert length == len(data) - 6 or (length == 0 and data[3] == 0xE0)
    assert data[6] == 0x84  # aligned
    pts = _time(data[9:14], 0x20 if data[7] == 0x80 else 0x30)
    dts = pts if data[7] == 0x80 else _time(data[14:19], 0x10)
    assert data[8] == (5 if data[7] == 0x80 else 10)
    return Unit(pid, data[3], pts, dts, random_access, bytes(data[9 + data[8] :]))


def _time(data: bytes, prefix: int) -> int:
    assert data[0] & 0xF1 == prefix | 1
    assert data[2] & 1
    assert data[4] & 1
    high, middle, low = data[0] >> 1 & 7, int.from_bytes(data[1:3]), int.from_bytes(data[3:5])
    return high << 30 | middle >> 1 << 15 | low >> 1
