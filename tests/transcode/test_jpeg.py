"""JPEGs as decoders read them: the right picture, in the right size and the right colours."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import pytest

from slipstream.media import Codec
from slipstream.transcode import jpeg
from slipstream.transcode.jpeg import make_jpegs
from slipstream.transcode.keyframe import Keyframe
from tests.clips import X264, Film, encode_film
from tests.transcode.films import keyframe_in

RED, GREEN, BLUE = (200, 20, 20), (20, 200, 20), (20, 20, 200)


def decoded(data: bytes) -> av.VideoFrame:
    with av.open(io.BytesIO(data), format="jpeg_pipe") as file:
        (picture,) = file.decode(video=0)
    return picture


def size_of(data: bytes) -> tuple[int, int]:
    picture = decoded(data)
    return picture.width, picture.height


def flat(
    width: int, height: int, colour: tuple[int, int, int], matrix: int, *, said: int = 2
) -> Keyframe:
    """A picture of one colour, coded with a matrix that it does not mention, or names wrongly."""
    source = av.VideoFrame(width, height, "rgb24")
    plane = source.planes[0]
    row = bytes(colour) * width
    plane.update((row + bytes(plane.line_size - len(row))) * height)
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.options = (
        Fraction(1, 25),
        {
            "preset": "ultrafast",
            "crf": "5",
        },
    )
    encoder.colorspace = said
    frame = source.reformat(format="yuv420p", dst_colorspace=matrix)
    frame.colorspace, frame.color_range, frame.pts = said, 0, 0
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    return Keyframe(Codec.H264, b"", b"".join(map(bytes, packets)))


def colour_of(picture: av.VideoFrame) -> tuple[int, ...]:
    plane = picture.reformat(format="rgb24", src_colorspace=5).planes[0]
    middle = picture.height // 2 * plane.line_size + picture.width // 2 * 3
    return tuple(bytes(plane)[middle : middle + 3])


@pytest.mark.parametrize("colour", [RED, GREEN, BLUE])
@pytest.mark.parametrize(("size", "matrix"), [((320, 240), 5), ((1280, 720), 1)])
def test_colours_are_those_that_were_meant(
    size: tuple[int, int], matrix: int, colour: tuple[int, int, int]
) -> None:
    (made,) = make_jpegs(flat(*size, colour, matrix), [160])
    assert colour_of(decoded(made)) == pytest.approx(colour, abs=6)


@pytest.mark.parametrize("said", range(15))
def test_no_matrix_that_a_picture_names_is_in_the_way(said: int) -> None:
    keyframe = flat(320, 240, RED, 5, said=said)
    (made,) = make_jpegs(keyframe, [160])
    assert size_of(made) == (160, 120)
    if said in (5, 6) or said not in jpeg.MATRICES:
        assert colour_of(decoded(made)) == pytest.approx(RED, abs=6)


def test_nothing_is_made_wider_than_it_is() -> None:
    made = make_jpegs(flat(320, 240, RED, 5), [16, 160, 319, 320, 1920])
    assert [size_of(one) for one in made] == [
        (16, 12),
        (160, 120),
        (319, 239),
        (320, 240),
        (320, 240),
    ]


def test_dots_that_are_no_squares_are_made_squares(tmp_path: Path) -> None:
    film = Film(options={**X264, "x264-params": "sar=2/1"}, audio=None, seconds=0.2)
    encode_film(film, tmp_path / "wide.flv")
    made = make_jpegs(keyframe_in(tmp_path / "wide.flv"), [640, 128])
    assert [size_of(one) for one in made] == [(256, 96), (128, 48)]


def test_a_picture_larger_than_any_screen_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    keyframe = flat(320, 240, RED, 5)
    monkeypatch.setattr(jpeg, "MAX_DOTS", 320 * 240 - 1)
    with pytest.raises((av.FFmpegError, ValueError)):
        make_jpegs(keyframe, [64])
    monkeypatch.setattr(jpeg, "MAX_DOTS", 2 * 320 * 240)
    assert make_jpegs(keyframe, [64])


def test_a_codec_without_a_decoder_is_told() -> None:
    with pytest.raises(ValueError, match="no decoder for FSV1"):
        make_jpegs(Keyframe(Codec.SCREEN, b"", b"x"), [64])
