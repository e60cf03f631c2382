"""What a slate shows: a card, or a film fitted into the shape. Runs in a child process.

Whatever is missing is filled: a film that is sound alone is heard over the card, one without
sound comes with silence, a single picture stands still. Pictures come at the shape's rate and
size, with black beside them where the proportions differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

import av
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.filter import Graph
from av.frame import Frame
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from slipstream.transcode.canvas import Canvas
from slipstream.transcode.card import draw_card
from slipstream.transcode.encoders import gop
from slipstream.transcode.encoding import Encoding, Pictures
from slipstream.transcode.order import CARD, Order
from slipstream.transcode.shape import MIN_SIDE, PictureShape

GAP_S = Fraction(1, 10)  # a shorter gap in the sound is no gap
LAG_S = 2  # a track that is further behind the other one has a gap, which is filled
STEP_S = Fraction(1, 2)  # of what is filled in at the end, track by track
BT601, UNKNOWN_COLOURS = (5, 6), 2  # as FFmpeg counts the ways to make colours of numbers
SD_HEIGHT = 576  # a picture that is no higher, and says nothing of its colours, has the old ones
USUAL_RATE = 25  # of pictures that say nothing


def fill(encoding: Encoding, order: Order) -> None:
    """Encode the card or a file, once.

    Raises:
        OSError: the file cannot be opened or read.
        ValueError: there is neither picture nor sound in it.
    """
    still = None if encoding.pictures is None else card_picture(encoding.pictures, order.text)
    screening = _Screening(encoding, still, order)
    if order.source != CARD:
        # Nothing else than a file, whatever the name looks like to FFmpeg.
        with av.open(f"file:{order.source}") as file:
            screening.show(file)
    screening.finish()


def card_picture(pictures: Pictures, text: str) -> VideoFrame:
    """Return the card, as the encoder takes it."""
    width, height = pictures.shape.width, pictures.shape.height
    frame = VideoFrame(width, height, "yuv420p")
    planes = frame.planes
    canvas = Canvas(width, height, (planes[0].line_size, planes[1].line_size))
    draw_card(canvas, text)
    for plane, data in zip(planes, (canvas.luma, canvas.blue, canvas.red), strict=True):
        plane.update(bytes(data).ljust(plane.buffer_size, b"\0"))
    return frame.reformat(format=pictures.pix_fmt)


class _Screening:
    """Keeps picture and sound side by side, whatever of them the film has."""

    def __init__(self, encoding: Encoding, still: VideoFrame | None, order: Order) -> None:
        self._encoding = encoding
        self._max_s = order.max_s
        self._max_bytes = order.max_bytes
        self._picture = still  # what is seen until another picture comes
        self._fitter = None if encoding.pictures is None else _Fitter(encoding.pictures)
        self._shown = self._heard = 0  # frames of the film

    def show(self, file: InputContainer) -> None:
        """Take the film in, as far as there is room."""
        streams = [stream for stream in (_best(file, "video"), _best(file, "audio")) if stream]
        if not streams:
            raise ValueError("has neither picture nor sound")
        wanted = [
            stream
            for stream in streams
            if (self._encoding.sounds if stream.type == "audio" else self._encoding.pictures)
        ]
        begin_s = Fraction(file.start_time or 0, av.time_base)
        for frame in _decoded(file, wanted) if wanted else ():
            if isinstance(frame, VideoFrame):
                self._take_picture(frame, begin_s)
            elif isinstance(frame, AudioFrame):
                self._take_sound(frame, begin_s)
            if self._is_full():
                return
        if wanted and not self._shown + self._heard:
            raise ValueError("nothing in it can be decoded")

    def finish(self) -> None:
        """Make all tracks equally long, and end them."""
        pictures, sounds = self._encoding.pictures, self._encoding.sounds
        if pictures is None:
            end_s = sounds.seconds if sounds and self._heard else Fraction(2)
        elif self._shown > 1 or self._heard:
            last_s = pictures.seconds + 1 / pictures.shape.rate * bool(self._shown)
            end_s = max(last_s, sounds.seconds if sounds else Fraction(0))
        else:
            end_s = gop(pictures.shape) / pictures.shape.rate
        for step in range(1, ceil(end_s / STEP_S) + 1):  # side by side
            until_s = min(step * STEP_S, end_s)
            self._hold_picture(until_s)
            if sounds is not None:
                sounds.send_silence(until_s)
        self._encoding.finish()

    def _take_picture(self, frame: VideoFrame, begin_s: Fraction) -> None:
        pictures = self._encoding.pictures
        assert pictures is not None
        assert self._fitter is not None
        if frame.pts is None or frame.time_base is None:
            at_s = Fraction(self._shown, USUAL_RATE)
        else:
            at_s = frame.pts * frame.time_base - begin_s
        if self._shown:
            self._hold_picture(at_s - 1 / pictures.shape.rate / 2)  # to the nearest place
        self._picture = self._fitter.fit(frame)
        self._shown += 1
        if self._encoding.sounds is not None:
            self._fill_sound(pictures.seconds - LAG_S)

    def _take_sound(self, frame: AudioFrame, begin_s: Fraction) -> None:
        sounds = self._encoding.sounds
        assert sounds is not None
        self._heard += 1
        if frame.pts is not None and frame.time_base is not None:
            at_s = frame.pts * frame.time_base - begin_s
            if at_s > sounds.seconds + GAP_S:
                self._fill_sound(at_s)
            elif at_s < sounds.seconds - GAP_S:
                return  # it comes after what was filled in its place
        if sounds.seconds < self._max_s:
            sounds.send(frame)
        if self._encoding.pictures is not None:
            self._hold_picture(sounds.seconds - LAG_S)

    def _hold_picture(self, until_s: Fraction) -> None:
        """Show the present picture up to a time."""
        pictures = self._encoding.pictures
        if pictures is None:
            return
        assert self._picture is not None
        while pictures.seconds < min(until_s, Fraction(self._max_s)):
            pictures.send(self._picture)

    def _fill_sound(self, until_s: Fraction) -> None:
        sounds = self._encoding.sounds
        assert sounds is not None
        sounds.send_silence(min(until_s, Fraction(self._max_s)))

    def _is_full(self) -> bool:
        tracks = (self._encoding.pictures, self._encoding.sounds)
        return self._encoding.bytes >= self._max_bytes or all(
            track.seconds >= self._max_s for track in tracks if track is not None
        )


class _Fitter:
    """Brings pictures into the shape's size, with black beside or above them."""

    def __init__(self, pictures: Pictures) -> None:
        self._shape = pictures.shape
        self._pix_fmt = pictures.pix_fmt
        self._form: tuple[object, ...] = ()
        self._graph: Graph | None = None

    def fit(self, frame: VideoFrame) -> VideoFrame:
        """Return the picture as the encoder takes it."""
        form = (frame.width, frame.height, frame.format.name)
        if self._graph is None or form != self._form:
            self._graph, self._form = self._make_graph(frame), form
        self._graph.vpush(frame)
        return self._graph.vpull()

    def _make_graph(self, frame: VideoFrame) -> Graph:
        shape = self._shape
        width, height = fitted(shape, frame.width, frame.height)
        x, y = (shape.width - width) // 4 * 2, (shape.height - height) // 4 * 2
        graph = Graph()
        nodes = [
            graph.add_buffer(
                width=frame.width,
                height=frame.height,
                format=frame.format,
                time_base=Fraction(1, 1000),
            ),
            graph.add("scale", f"{width}:{height}:out_range=tv:{_colours(frame)}"),
            graph.add("pad", f"{shape.width}:{shape.height}:{x}:{y}"),
            graph.add("format", self._pix_fmt),
            graph.add("buffersink"),
        ]
        graph.link_nodes(*nodes).configure()
        return graph


def fitted(shape: PictureShape, width: int, height: int) -> tuple[int, int]:
    """The largest even size with these proportions that the shape has room for."""
    scale = min(Fraction(shape.width, width), Fraction(shape.height, height))
    return tuple(  # type: ignore[return-value]
        min(max(round(side * scale) // 2 * 2, MIN_SIDE), room)
        for side, room in ((width, shape.width), (height, shape.height))
    )


def _colours(frame: VideoFrame) -> str:
    """Which colours go in, so that those of BT.709 come out; others cost 20 ms for 1080p."""
    if frame.format.is_rgb:
        return "out_color_matrix=bt709"
    is_old = frame.colorspace in BT601 or (
        frame.colorspace == UNKNOWN_COLOURS and frame.height <= SD_HEIGHT
    )
    return f"in_color_matrix={'bt601' if is_old else 'bt709'}:out_color_matrix=bt709"


def _best(file: InputContainer, kind: str) -> Stream | None:
    return file.streams.best(kind)  # type: ignore[arg-type]


def _decoded(file: InputContainer, streams: list[Stream]) -> Iterator[Frame]:
    for stream in streams:
        if isinstance(stream, VideoStream):
            stream.thread_count = 1
    for packet in file.demux(streams):
        try:
            yield from packet.decode()  # type: ignore[misc]
        except av.InvalidDataError:
            continue  # players go on behind damage, too
