"""Files as they can be published: copied where RTMP can carry it, encoded where it cannot.

Runs in a child process (see `feed`). The best picture and the best sound are taken, and
whatever else is in the file is left. To play it again it is opened anew, and its times go on
where they were: the tracks stay, and only their packets come from another opening.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Literal, TypeAlias

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Disposition, Stream

from slipstream.tools.track import Track, copied_track, encoded_track

OPEN_S, READ_S = 10.0, 10.0  # for inputs that come over a network
MAX_REORDERED = 64  # packets whose times are waited for; H.264 and H.265 reorder at most 16

Kind: TypeAlias = Literal["video", "audio"]
Tell: TypeAlias = Callable[[str], None]

KINDS: tuple[Kind, ...] = ("video", "audio")


def feed_file(path: str, output: OutputContainer, tell: Tell, *, loop: bool) -> None:
    """Write a file to `output`, once or without end, as fast as it can take it.

    Raises:
        OSError: the file cannot be opened, read, or decoded.
        ValueError: there is neither picture nor sound in it.
    """
    tracks: dict[int, Track] = {}
    offset_s = Fraction(0)
    while True:
        with av.open(path, timeout=(OPEN_S, READ_S)) as file:
            if not tracks:
                tracks = _make_tracks(file, output, tell)
                if file.duration and not loop:
                    tell(f"length: {file.duration / av.time_base:.3f}")
            length_s = _play_once(file, tracks, output, offset_s)
        if not loop:
            break
        if length_s <= 0:
            raise ValueError("has no length, so it cannot be played in a loop")
        offset_s += length_s
    for track in tracks.values():
        output.mux(list(track.finish()))


def _make_tracks(file: InputContainer, output: OutputContainer, tell: Tell) -> dict[int, Track]:
    """Return what to do with each stream of the file that is wanted."""
    tracks: dict[int, Track] = {}
    for kind in KINDS:
        stream = _best(file, kind)
        if stream is not None:
            track = copied_track(stream, output) or encoded_track(stream, output)
            tell(f"{kind}: {track.description}")
            tracks[stream.index] = track
    if not tracks:
        raise ValueError("has neither picture nor sound")
    return tracks


def _best(file: InputContainer, kind: Kind) -> Stream | None:
    stream = file.streams.best(kind)
    # The cover of a song is called video.
    if stream is None or stream.disposition & Disposition.attached_pic:
        return None
    return stream


def _play_once(
    file: InputContainer, tracks: dict[int, Track], output: OutputContainer, offset_s: Fraction
) -> Fraction:
    """Write the file, `offset_s` later than it says; return how long it is, in seconds."""
    streams = [file.streams[index] for index in tracks]
    begin_s: Fraction | None = None
    end_s = Fraction(0)
    timings = {stream.index: _Timing() for stream in streams}
    for read in file.demux(streams):
        for packet in timings[read.stream_index].take(read):
            if packet.dts is not None:
                start_s = packet.dts * packet.time_base
                begin_s = start_s if begin_s is None else min(begin_s, start_s)
                end_s = max(end_s, start_s + (packet.duration or 0) * packet.time_base)
            output.mux(list(tracks[packet.stream_index].take(packet, offset_s)))
    return end_s - (begin_s or 0)


class _Timing:
    """Gives decoding times to the packets of one stream that have none.

    Matroska does not say when to decode, and FFmpeg knows it only after the first few pictures
    that are shown out of order: these wait for the first time that is known, and are counted
    back from it. Streams without any times are counted from their start.
    """

    def __init__(self) -> None:
        self._waiting: list[Packet[Stream]] = []
        self._next: int | None = None

    def take(self, packet: Packet[Stream]) -> list[Packet[Stream]]:
        """Return the packets whose times are known now; an empty one is the last."""
        if not packet.size:
            return [*self._release(0), packet]
        if packet.dts is None and self._next is None and len(self._waiting) < MAX_REORDERED:
            self._waiting.append(packet)
            return []
        ready = [] if self._next is not None else self._release(packet.dts)
        self._stamp(packet)
        return [*ready, packet]

    def _release(self, then: int | None) -> list[Packet[Stream]]:
        """Return those that wait, the last of them ending at `then`, or else the first at 0."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            length = sum(packet.duration or 0 for packet in waiting)
            self._next = 0 if then is None else then - length
            for packet in waiting:
                self._stamp(packet)
        return waiting

    def _stamp(self, packet: Packet[Stream]) -> None:
        if packet.dts is None:
            packet.dts = self._next or 0
        if packet.pts is None:
            packet.pts = packet.dts
        self._next = packet.dts + (packet.duration or 0)
