"""MP4 read back by the letter of ISO 14496-12, without any code of the server's.

`read_init()` says which tracks an initialization segment describes, `read_fragments()` what the
fragments behind it hold; both fail where boxes do not fit together. Only what a live stream
needs is read: fragments with their data behind them, places counted from the `moof` on.
"""

from __future__ import annotations

from struct import unpack_from
from typing import NamedTuple

TRACK_DEFAULTS = {0x08: "duration", 0x10: "size", 0x20: "flags"}  # of tfhd, in their order
COLUMNS = {0x100: "duration", 0x200: "size", 0x400: "flags", 0x800: "offset"}  # of trun
BASE_IS_MOOF, DATA_OFFSET, FIRST_FLAGS = 0x020000, 0x01, 0x04
NOT_SYNC, DEPENDS, INDEPENDENT = 0x010000, 1, 2
ENTRY_SIZES = {b"vide": 78, b"soun": 28}  # bytes of a sample entry before its boxes


class Box(NamedTuple):
    """A box, and where it begins."""

    kind: bytes
    data: bytes
    start: int


class Track(NamedTuple):
    """What an initialization segment says of a track."""

    track_id: int
    handler: bytes
    timescale: int
    entry: bytes  # the kind of its sample entry
    width: int  # of the entry, as are all that follow
    height: int
    channels: int
    sample_rate: int
    records: dict[bytes, bytes]  # the boxes in it, by kind


class FoundSample(NamedTuple):
    """A sample of a fragment; times in units of the track's timescale."""

    data: bytes
    duration: int
    offset: int
    sync: bool


class FoundRun(NamedTuple):
    """What a fragment holds of a track."""

    track_id: int
    decode_time: int
    samples: list[FoundSample]

    @property
    def duration(self) -> int:
        """Of all samples."""
        return sum(sample.duration for sample in self.samples)


class Fragment(NamedTuple):
    """A fragment, and how many bytes it takes."""

    sequence: int
    runs: list[FoundRun]
    size: int


def read_boxes(data: bytes) -> list[Box]:
    """The boxes of one level."""
    boxes = []
    index = 0
    while index < len(data):
        size, kind = unpack_from(">I4s", data, index)
        start, end = index + 8, index + size
        if size == 1:
            (size,) = unpack_from(">Q", data, start)
            start, end = index + 16, index + size
        assert start <= end <= len(data), f"{kind!r} from {index} to {end} of {len(data)}"
        boxes.append(Box(kind, data[start:end], index))
        index = end
    return boxes


def one(data: bytes, *path: bytes) -> bytes:
    """What is in the only box at a path."""
    for kind in path:
        (data,) = [box.data for box in read_boxes(data) if box.kind == kind]
    return data


def read_init(data: bytes) -> list[Track]:
    """The tracks of an initialization segment; media data behind it may be there or not."""
    first, *_ = read_boxes(data)
    assert first.kind == b"ftyp"
    movie = one(data, b"moov")
    tracks = [_read_track(box.data) for box in read_boxes(movie) if box.kind == b"trak"]
    if any(box.kind == b"mvex" for box in read_boxes(movie)):
        extended = [box.data for box in read_boxes(one(movie, b"mvex")) if box.kind == b"trex"]
        assert [unpack_from(">I", trex, 4)[0] for trex in extended] == [t.track_id for t in tracks]
        (next_track,) = unpack_from(">I", one(movie, b"mvhd")[-4:])
        assert next_track > max((t.track_id for t in tracks), default=0)
    return tracks


def _read_track(data: bytes) -> Track:
    header, media = one(data, b"tkhd"), one(data, b"mdia")
    (track_id,) = unpack_from(">I", header, 20 if header[0] else 12)
    media_header, handler = one(media, b"mdhd"), one(media, b"hdlr")[8:12]
    (timescale,) = unpack_from(">I", media_header, 20 if media_header[0] else 12)
    description = one(media, b"minf", b"stbl", b"stsd")
    assert unpack_from(">II", description) == (0, 1)
    (entry,) = read_boxes(description[8:])
    width, height = unpack_from(">HH", entry.data, 24) if handler == b"vide" else (0, 0)
    channels, rate = unpack_from(">H6xH", entry.data, 16) if handler == b"soun" else (0, 0)
    records = {box.kind: box.data for box in read_boxes(entry.data[ENTRY_SIZES[handler] :])}
    sizes = width, height, channels, rate
    return Track(track_id, handler, timescale, entry.kind, *sizes, records)


def read_fragments(data: bytes) -> list[Fragment]:
    """The fragments, of which each is a `moof` and the `mdat` behind it, and nothing else is there.

    An initialization segment may stand before them.
    """
    boxes = [box for box in read_boxes(data) if box.kind not in (b"ftyp", b"moov", b"styp")]
    fragments = []
    for moof, mdat in zip(boxes[::2], boxes[1::2], strict=True):
        assert (moof.kind, mdat.kind) == (b"moof", b"mdat")
        header, *tracks = read_boxes(moof.data)
        assert header.kind == b"mfhd"
        (sequence,) = unpack_from(">I", header.data, 4)
        start = mdat.start - moof.start + 8
        runs = []
        for track in tracks:
            assert track.kind == b"traf"
            run, start = _read_run(track.data, data[moof.start :], start)
            runs.append(run)
        size = mdat.start + 8 + len(mdat.data) - moof.start
        assert start == size  # nothing in the mdat that no run speaks of
        fragments.append(Fragment(sequence, runs, size))
    return fragments


def _read_run(data: bytes, file: bytes, expected_start: int) -> tuple[FoundRun, int]:
    """One track's run, and where its data ends; `file` begins with the moof."""
    kinds = [box.kind for box in read_boxes(data)]
    assert kinds == [b"tfhd", b"tfdt", b"trun"]
    header, times, run = (box.data for box in read_boxes(data))
    header_flags, track_id = unpack_from(">II", header)
    assert header_flags & ~sum(TRACK_DEFAULTS) == BASE_IS_MOOF
    defaults: dict[str, int] = {"offset": 0}
    index = 8
    for flag, name in TRACK_DEFAULTS.items():
        if header_flags & flag:
            (defaults[name],) = unpack_from(">I", header, index)
            index += 4
    assert index == len(header)
    assert len(times) == 12
    version, decode_time = unpack_from(">B3xQ", times)
    assert version == 1
    rows, start = _read_rows(run, defaults)
    assert start == expected_start
    samples = []
    for row in rows:
        end = start + row["size"]
        assert end <= len(file)
        samples.append(_sample(row, file[start:end]))
        start = end
    return FoundRun(track_id, decode_time, samples), start


def _read_rows(run: bytes, defaults: dict[str, int]) -> tuple[list[dict[str, int]], int]:
    """The rows of a run, filled with the defaults, and where its data is."""
    version_flags, count, start = unpack_from(">IIi", run)
    version, flags = version_flags >> 24, version_flags & 0xFFFFFF
    assert flags & DATA_OFFSET
    assert not flags & ~(DATA_OFFSET | FIRST_FLAGS | sum(COLUMNS))
    index = 12
    first: dict[str, int] = {}
    if flags & FIRST_FLAGS:
        assert not flags & 0x400
        (first["flags"],) = unpack_from(">I", run, index)
        index += 4
    rows = []
    for number in range(count):
        row = defaults | (first if number == 0 else {})
        for flag, name in COLUMNS.items():
            if flags & flag:
                signed = name == "offset" and version == 1
                (row[name],) = unpack_from(">i" if signed else ">I", run, index)
                index += 4
        rows.append(row)
    assert index == len(run)
    return rows, start


def _sample(row: dict[str, int], data: bytes) -> FoundSample:
    flags = row["flags"]
    sync = not flags & NOT_SYNC
    assert flags >> 24 & 3 == (INDEPENDENT if sync else DEPENDS)
    return FoundSample(data, row["duration"], row["offset"], sync)
