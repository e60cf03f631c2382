"""Films fitted into a shape: scaled, filled up, side by side with their sound, cut at limits."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from math import pi, sin
from pathlib import Path

import av
import pytest

from slipstream.media import Codec, FlvParser
from slipstream.transcode.encoding import open_encoding
from slipstream.transcode.film import fill, fitted
from slipstream.transcode.order import Order
from slipstream.transcode.pipe import OPTIONS
from slipstream.transcode.reel import Playback, Reel
from slipstream.transcode.shape import Shape, SoundShape
from tests.transcode.stage import SMALL, SMALL_SHAPE, STEREO, Decoded, decoded, flv_of, tags_of

CARD_LUMA, BLACK, WHITE = 30, 16, 235


def film(
    path: Path,
    *,
    pictures: int = 25,
    sound_s: float = 1.0,
    rate: int = 25,
    size: tuple[int, int] = (128, 96),
    sound_from_s: float = 0.0,
) -> Path:
    """A file whose pictures are white, and whose sound is a loud tone."""
    with av.open(str(path), "w") as out:
        picture = sound = None
        if pictures:
            picture = out.add_stream("mpeg4", rate=rate)
            picture.width, picture.height, picture.pix_fmt = *size, "yuv420p"
            picture.bit_rate = 2_000_000
        if sound_s:
            sound = out.add_stream("pcm_s16le", rate=48_000, layout="mono")
        for number in range(pictures):
            frame = av.VideoFrame(*size, "yuv420p")
            for plane, value in zip(frame.planes, (WHITE, 128, 128), strict=True):
                plane.update(bytes((value,)) * plane.buffer_size)
            frame.pts = number
            out.mux(picture.encode(frame))
        for number in range(round(sound_s * 10)):
            tone = av.AudioFrame("s16", "mono", 4800)
            samples = [int(20_000 * sin(2 * pi * 440 * n / 48_000)) for n in range(4800)]
            tone.planes[0].update(
                b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples).ljust(
                    tone.planes[0].buffer_size, b"\0"
                )
            )
            tone.sample_rate, tone.time_base = 48_000, Fraction(1, 48_000)
            tone.pts = round(sound_from_s * 48_000) + number * 4800
            out.mux(sound.encode(tone))
        for stream in (picture, sound):
            if stream is not None:
                out.mux(stream.encode(None))
    return path


def reel_of(source: Path | str, shape: Shape = SMALL_SHAPE, **limits: int) -> Reel:
    data = io.BytesIO()
    told: list[str] = []
    encoding = open_encoding(shape, lambda: av.open(data, "w", "flv", OPTIONS), told.append)
    fill(encoding, Order(str(source), "soon", shape, **limits))
    assert not told
    reel = Reel(shape.picture.rate if shape.picture else Fraction(1))
    reel.add(FlvParser().receive_data(data.getvalue()))
    reel.finish()
    return reel


def seen_in(reel: Reel) -> Decoded:
    """One pass of it, decoded."""
    frames = Playback(reel).due(int(reel.length_s * 1000))
    return decoded(flv_of(tags_of([*reel.configs, *frames])))


def middle(picture: bytes, width: int = 128, height: int = 96) -> int:
    return picture[height // 2 * width + width // 2]


def test_a_film_keeps_its_length_and_its_tracks(tmp_path: Path) -> None:
    reel = reel_of(film(tmp_path / "a.mkv", pictures=75, sound_s=3))
    seen = seen_in(reel)
    assert reel.length_s == pytest.approx(3, abs=0.05)
    assert seen.codecs == {"video": "h264", "audio": "aac"}
    assert middle(seen.pictures[0]) == pytest.approx(WHITE, abs=4)
    assert seen.loudest > 0.3


@pytest.mark.parametrize(("rate", "count"), [(10, 30), (25, 75), (60, 180)])
def test_pictures_come_at_the_rate_of_the_shape(tmp_path: Path, rate: int, count: int) -> None:
    reel = reel_of(film(tmp_path / "a.mkv", pictures=count, sound_s=0, rate=rate))
    assert len(reel.pictures) == pytest.approx(75, abs=2)
    assert [n for n, frame in enumerate(reel.pictures) if frame.keyframe] == [0, 50]


@pytest.mark.parametrize(
    ("size", "black"),
    [((640, 480), []), ((640, 200), ["above"]), ((100, 200), ["beside"])],
)
def test_other_proportions_have_black_beside_them(
    tmp_path: Path, size: tuple[int, int], black: list[str]
) -> None:
    source = film(tmp_path / "a.mkv", size=size, sound_s=0, pictures=3)
    picture = seen_in(reel_of(source)).pictures[0]
    assert middle(picture) == pytest.approx(WHITE, abs=6)
    assert picture[64] == pytest.approx(BLACK if "above" in black else WHITE, abs=6)
    assert picture[48 * 128] == pytest.approx(BLACK if "beside" in black else WHITE, abs=6)


@pytest.mark.parametrize(
    ("colorspace", "height", "expected"),
    [
        (1, 480, (100, 90, 200)),  # BT.709, as it goes out
        (5, 480, (89, 98, 199)),  # BT.601: the same colour has other numbers
        (2, 480, (89, 98, 199)),  # unknown, but as small as those are
        (2, 720, (100, 90, 200)),
    ],
)
def test_colours_stay_what_they_are(
    tmp_path: Path, colorspace: int, height: int, expected: tuple[int, int, int]
) -> None:
    frame = av.VideoFrame(640, height, "yuv420p")
    for plane, value in zip(frame.planes, (100, 90, 200), strict=True):
        plane.update(bytes((value,)) * plane.buffer_size)
    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 640, height, "yuv420p"
        stream.codec_context.colorspace = colorspace
        frame.colorspace = colorspace
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    reel = reel_of(tmp_path / "a.mkv", Shape(SMALL, None))
    frames = Playback(reel).due(40)
    with av.open(io.BytesIO(flv_of(tags_of([*reel.configs, *frames])))) as file:
        (picture,) = file.decode(video=0)
    middles = [
        bytes(plane)[plane.height // 2 * plane.line_size + plane.width // 2]
        for plane in picture.planes
    ]
    assert middles == pytest.approx(expected, abs=3)


def test_a_film_without_sound_comes_with_silence(tmp_path: Path) -> None:
    reel = reel_of(film(tmp_path / "a.mkv", sound_s=0, pictures=75))
    seen = seen_in(reel)
    assert len(reel.sounds) * reel.sound_s >= reel.length_s - reel.sound_s
    assert seen.loudest < 0.001


def test_sound_alone_is_heard_over_the_card(tmp_path: Path) -> None:
    reel = reel_of(film(tmp_path / "a.wav", pictures=0, sound_s=3))
    seen = seen_in(reel)
    assert reel.length_s == pytest.approx(3, abs=0.1)
    assert seen.pictures[0][0] == seen.pictures[-1][0] == pytest.approx(CARD_LUMA, abs=3)
    assert seen.loudest > 0.3


def test_a_picture_stands_still_for_one_group(tmp_path: Path) -> None:
    picture = av.VideoFrame(256, 192, "rgb24")
    picture.planes[0].update(b"\xff" * picture.planes[0].buffer_size)
    with av.open(str(tmp_path / "a.png"), "w", "image2", {"update": "1"}) as out:
        stream = out.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 256, 192, "rgb24"
        out.mux(stream.encode(picture))
    reel = reel_of(tmp_path / "a.png")
    assert (len(reel.pictures), reel.length_s) == (50, 2)
    seen = seen_in(reel)
    assert middle(seen.pictures[0]) == middle(seen.pictures[-1]) == pytest.approx(WHITE, abs=4)


def test_a_stream_of_sound_gets_the_sound_of_a_film(tmp_path: Path) -> None:
    reel = reel_of(film(tmp_path / "a.mkv", sound_s=3), Shape(None, STEREO))
    assert not reel.has_pictures
    assert reel.length_s == pytest.approx(3, abs=0.1)
    assert seen_in(reel).loudest > 0.3


def test_a_stream_of_sound_gets_silence_where_there_is_none(tmp_path: Path) -> None:
    for source in (film(tmp_path / "a.mkv", sound_s=0), "card"):
        reel = reel_of(source, Shape(None, STEREO))
        assert reel.length_s == pytest.approx(2, abs=0.1)
        assert seen_in(reel).loudest < 0.001


def test_a_stream_without_sound_gets_none(tmp_path: Path) -> None:
    for source in (film(tmp_path / "a.mkv"), film(tmp_path / "a.wav", pictures=0), "card"):
        reel = reel_of(source, Shape(SMALL, None))
        assert reel.has_pictures
        assert not reel.has_sounds


def test_sound_that_begins_late_is_heard_late(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mkv", pictures=75, sound_s=1, sound_from_s=2)
    reel = reel_of(source, Shape(SMALL, SoundShape(Codec.FLAC, 48_000, 2)))
    loud = [len(frame.body) > 500 for frame in reel.sounds]  # silence is small
    assert loud.index(True) * reel.sound_s == pytest.approx(2, abs=0.15)


def test_a_track_that_ends_early_is_filled_up(tmp_path: Path) -> None:
    reel = reel_of(film(tmp_path / "a.mkv", pictures=25, sound_s=4))
    assert reel.length_s == pytest.approx(4, abs=0.1)
    assert middle(seen_in(reel).pictures[-1]) == pytest.approx(WHITE, abs=4)  # held
    reel = reel_of(film(tmp_path / "b.mkv", pictures=100, sound_s=1))
    assert reel.length_s == pytest.approx(4, abs=0.1)
    assert len(reel.sounds) * reel.sound_s == pytest.approx(4, abs=0.1)


def test_a_long_film_is_cut_at_its_limits(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mkv", pictures=250, sound_s=10)
    assert reel_of(source, max_s=3).length_s == pytest.approx(3, abs=0.1)
    assert reel_of(source, max_bytes=20_000).bytes == pytest.approx(20_000, rel=0.4)


def test_half_a_file_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mkv", pictures=100, sound_s=4)
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    assert 1 < reel_of(source).length_s < 3


@pytest.mark.parametrize(
    ("content", "error", "reason"),
    [
        (None, OSError, "No such file"),
        (b"hello", av.InvalidDataError, "Invalid data"),
        (b"1\n00:00:00,000 --> 00:00:01,000\nHello\n", ValueError, "neither picture nor sound"),
    ],
)
def test_what_is_no_film_is_refused(
    tmp_path: Path, content: bytes | None, error: type[Exception], reason: str
) -> None:
    source = tmp_path / ("a.srt" if content and b"-->" in content else "a.mp4")
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(error, match=reason):
        reel_of(source)


def test_a_name_that_looks_like_an_address_is_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "http:"
    folder.mkdir()
    source = film(folder / "a.mkv", sound_s=0, pictures=3)
    assert reel_of(source).ready


def test_the_largest_size_with_the_same_proportions() -> None:
    assert fitted(SMALL, 1280, 960) == (128, 96)
    assert fitted(SMALL, 1920, 1080) == (128, 72)
    assert fitted(SMALL, 1080, 1920) == (54, 96)
    assert fitted(SMALL, 4000, 10) == (128, 16)
    assert fitted(replace(SMALL, width=1920, height=1080), 2, 1) == (1920, 960)
