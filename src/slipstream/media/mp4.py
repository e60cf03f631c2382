"""Fragmented MP4 (ISO 14496-12, as CMAF, ISO 23000-19, has it): descriptions, and fragments.

In: tracks, and runs of their frames with their times. Out: the bytes of an initialization
segment, and of one fragment after the other, of which one with five pictures takes 14 µs
(bench/micro/mp4.py). Where fragments begin and end is for the caller to say; what a frame is for
each codec stands in `sample_entry`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from struct import Struct
from typing import NamedTuple

from slipstream.errors import MediaError
from slipstream.media.boxes import HEADER_SIZE, box, full_box
from slipstream.media.frame import Kind
from slipstream.media.mp4_track import Mp4Track

MOVIE_TIMESCALE = 1_000  # of a duration that is not said
MATRIX = Struct(">9I").pack(1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)  # as it is
ENABLED, IN_MOVIE, SELF_CONTAINED = 1, 2, 1
UNDETERMINED = 0x55C4  # the language
HANDLERS = {Kind.VIDEO: b"vide", Kind.AUDIO: b"soun"}
MEDIA_HEADERS = {
    Kind.VIDEO: full_box(b"vmhd", 0, 1, bytes(8)),
    Kind.AUDIO: full_box(b"smhd", 0, 0, bytes(4)),
}

DEFAULT_DURATION, DEFAULT_SIZE, DEFAULT_FLAGS, BASE_IS_MOOF = 0x08, 0x10, 0x20, 0x020000  # tfhd
TRACK_FLAGS = DEFAULT_DURATION | DEFAULT_SIZE | DEFAULT_FLAGS | BASE_IS_MOOF
HAS_OFFSET, HAS_FIRST_FLAGS = 0x01, 0x04  # trun
HAS_DURATIONS, HAS_SIZES, HAS_FLAGS, HAS_OFFSETS = 0x100, 0x200, 0x400, 0x800
ROW_COLUMNS = 0xF00
SYNC_SAMPLE = 0x02000000  # depends on no other
OTHER_SAMPLE = 0x01010000  # depends on others, and is no sync sample
SAMPLE_FLAGS = {True: SYNC_SAMPLE, False: OTHER_SAMPLE}
_FLAGS_BYTES = {sync: flags.to_bytes(4) for sync, flags in SAMPLE_FLAGS.items()}
VERSION_1 = 1 << 24

_MOVIE_FRAGMENT = Struct(">I4sI4sII")
_TRACK_FRAGMENT = Struct(">I4s I4sIIIII I4sIQ I4sIIi")
_FRAGMENT_SIZE, _TRACK_SIZE = _MOVIE_FRAGMENT.size, _TRACK_FRAGMENT.size
_TRACK_HEADER_SIZE, _DECODE_TIME_SIZE, _RUN_SIZE = 28, 20, 20  # bytes of tfhd, tfdt, trun
_DATA_OFFSET = _TRACK_SIZE - 4  # where a traf says where its data is
_pack_fragment, _pack_track = _MOVIE_FRAGMENT.pack_into, _TRACK_FRAGMENT.pack
_pack_offset = Struct(">i").pack_into
_pack_header = Struct(">I4s").pack
_TOLD = 5, 6, 12, 15, 16  # of its fields: track, usual duration, decode time, run's flags, count
HEAD_BYTES = 512  # of a fragment that tell of it: 30 samples of which everything varies


class Sample(NamedTuple):
    """A frame. A NamedTuple because the hot path makes thousands a second."""

    data: bytes | memoryview
    duration: int  # in units of the track's timescale
    offset: int  # when to show less when to decode, in the same units; may be negative
    sync: bool  # decoding can start here


class Run(NamedTuple):
    """What one fragment has of a track: one sample at least."""

    track_id: int  # 1 for the first track of the initialization segment
    decode_time: int  # of the first sample, in units of the track's timescale
    samples: Sequence[Sample]


def build_init(tracks: Mapping[int, Mp4Track]) -> bytes:
    """Build an initialization segment; `tracks` are by their numbers, 1 or more."""
    movie = full_box(
        b"mvhd",
        0,
        0,
        struct.pack(">8xIIIH10x", MOVIE_TIMESCALE, 0, 1 << 16, 1 << 8),
        MATRIX,
        bytes(24),
        (max(tracks, default=0) + 1).to_bytes(4),
    )
    boxes = [_track_box(number, track) for number, track in tracks.items()]
    extends = [
        full_box(b"trex", 0, 0, struct.pack(">IIIII", number, 1, 0, 0, 0)) for number in tracks
    ]
    return _file_type(len(tracks)) + box(b"moov", movie, *boxes, box(b"mvex", *extends))


def _file_type(count: int) -> bytes:
    """What a player has to know; CMAF has one track to a file (ISO 23000-19 §7.3.1)."""
    brands = (b"iso6", b"mp41", *((b"cmfc", b"cmf2") if count == 1 else ()))
    return box(b"ftyp", b"iso6", bytes(4), *brands)


def _track_box(number: int, track: Mp4Track) -> bytes:
    volume = (track.kind is Kind.AUDIO) << 8
    header = full_box(
        b"tkhd",
        0,
        ENABLED | IN_MOVIE,
        struct.pack(">8xI8x8x4xH2x", number, volume),
        MATRIX,
        struct.pack(">II", track.width << 16, track.height << 16),
    )
    media = struct.pack(">8xIIH2x", track.timescale, 0, UNDETERMINED)
    handler = full_box(b"hdlr", 0, 0, bytes(4), HANDLERS[track.kind], bytes(13))
    return box(
        b"trak",
        header,
        box(
            b"mdia",
            full_box(b"mdhd", 0, 0, media),
            handler,
            box(b"minf", MEDIA_HEADERS[track.kind], _data_information(), _sample_table(track)),
        ),
    )


def _data_information() -> bytes:
    """The media are in this file."""
    location = full_box(b"url ", 0, SELF_CONTAINED)
    return box(b"dinf", full_box(b"dref", 0, 0, b"\0\0\0\1", location))


def _sample_table(track: Mp4Track) -> bytes:
    """The description alone: all samples are in fragments."""
    return box(
        b"stbl",
        full_box(b"stsd", 0, 0, b"\0\0\0\1", track.sample_entry),
        full_box(b"stts", 0, 0, bytes(4)),
        full_box(b"stsc", 0, 0, bytes(4)),
        full_box(b"stsz", 0, 0, bytes(8)),
        full_box(b"stco", 0, 0, bytes(4)),
    )


def build_fragment(sequence: int, runs: Sequence[Run]) -> list[bytes | memoryview]:
    """Build a fragment.

    Args:
        sequence: its number; each is greater than the one before.
        runs: of a track each.

    Returns:
        Its head, and then the payloads of all samples, as they are.

    Raises:
        MediaError: a time or a size that MP4 has no room for.
    """
    head = bytearray(_FRAGMENT_SIZE)
    parts: list[bytes | memoryview] = [b""]
    places = []  # of the runs' data: where that is said, and which byte of all data it is
    total = 0
    try:
        for run in runs:
            data, durations, offsets, syncs = zip(*run.samples, strict=True)
            sizes = tuple(map(len, data))
            places.append((len(head) + _DATA_OFFSET, total))
            head += _track_fragment(run, durations, sizes, offsets, syncs)
            total += sum(sizes)
            parts += data
        size = len(head)
        _pack_fragment(head, 0, size, b"moof", _FRAGMENT_SIZE - HEADER_SIZE, b"mfhd", 0, sequence)
        for place, before in places:
            _pack_offset(head, place, size + HEADER_SIZE + before)
        parts[0] = bytes(head) + _pack_header(HEADER_SIZE + total, b"mdat")
    except struct.error:
        raise MediaError("MP4 fragment with a time or a size out of range") from None
    return parts


class Fragment(NamedTuple):
    """What the head of a fragment of one track says."""

    track_id: int
    decode_time: int  # of the first sample, in units of the track's timescale
    duration: int  # of all samples together


def parse_fragment(head: bytes) -> Fragment | None:
    """Read the head of a fragment that `build_fragment` made of one run.

    Args:
        head: the fragment's first bytes; `HEAD_BYTES` are nearly always enough.

    Returns:
        None, if they are not.
    """
    if len(head) < _FRAGMENT_SIZE + _TRACK_SIZE or len(head) < int.from_bytes(head[:4]):
        return None
    fields = _TRACK_FRAGMENT.unpack_from(head, _FRAGMENT_SIZE)
    track_id, usual, decode_time, run_flags, count = (fields[index] for index in _TOLD)
    if not run_flags & HAS_DURATIONS:
        return Fragment(track_id, decode_time, usual * count)
    step = 4 * (run_flags & ROW_COLUMNS).bit_count()
    first = _FRAGMENT_SIZE + _TRACK_SIZE + 4 * bool(run_flags & HAS_FIRST_FLAGS)
    rows = range(first, first + count * step, step)
    return Fragment(track_id, decode_time, sum(int.from_bytes(head[row : row + 4]) for row in rows))


def _track_fragment(
    run: Run,
    durations: tuple[int, ...],
    sizes: tuple[int, ...],
    offsets: tuple[int, ...],
    syncs: tuple[bool, ...],
) -> bytes:
    """A run without its place. Only what varies has a column."""
    count = len(sizes)
    flags, row, last, first_flags = HAS_OFFSET, "", syncs[-1], b""
    columns: list[Sequence[int]] = []
    if durations.count(durations[0]) != count:
        flags, row = flags | HAS_DURATIONS, row + "I"
        columns.append(durations)
    if sizes.count(sizes[0]) != count:
        flags, row = flags | HAS_SIZES, row + "I"
        columns.append(sizes)
    others = count - syncs.count(last)
    if others == 1 and syncs[0] != last:
        flags, first_flags = flags | HAS_FIRST_FLAGS, _FLAGS_BYTES[syncs[0]]
    elif others:
        flags, row = flags | HAS_FLAGS, row + "I"
        columns.append([SAMPLE_FLAGS[sync] for sync in syncs])
    if any(offsets):
        flags, row = flags | HAS_OFFSETS, row + "i"
        columns.append(offsets)
    rows = first_flags + _rows(row, columns, count)
    defaults = durations[0], sizes[0], SAMPLE_FLAGS[last]
    return _head(run, defaults, flags, len(rows), count) + rows


def _rows(row: str, columns: list[Sequence[int]], count: int) -> bytes:
    width = len(columns)
    if width == 1:
        return struct.pack(f">{count}{row}", *columns[0])
    numbers = [0] * (width * count)
    for index, column in enumerate(columns):
        numbers[index::width] = column
    return struct.pack(">" + row * count, *numbers)


def _head(
    run: Run, defaults: tuple[int, int, int], flags: int, rows_size: int, count: int
) -> bytes:
    """All of a run up to its rows; where its data is comes later."""
    return _pack_track(
        _TRACK_SIZE + rows_size,
        b"traf",
        _TRACK_HEADER_SIZE,
        b"tfhd",
        TRACK_FLAGS,
        run.track_id,
        *defaults,
        _DECODE_TIME_SIZE,
        b"tfdt",
        VERSION_1,
        run.decode_time,
        _RUN_SIZE + rows_size,
        b"trun",
        VERSION_1 | flags,
        count,
        0,
    )
