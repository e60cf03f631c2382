"""Encoding: each codec comes out as FLV that decodes, and can be repeated from its beginning."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction

import av
import pytest

from slipstream.media import Codec, FlvParser
from slipstream.transcode import encoders
from slipstream.transcode.encoding import EncoderError, Encoding, open_encoding
from slipstream.transcode.film import card_picture
from slipstream.transcode.pipe import OPTIONS
from slipstream.transcode.reel import Playback, Reel
from slipstream.transcode.shape import Shape, SoundShape
from tests.transcode.stage import SMALL, STEREO, decoded, flv_of, tags_of

FFMPEG_NAMES = {
    Codec.H264: "h264",
    Codec.H265: "hevc",
    Codec.AV1: "av1",
    Codec.VP9: "vp9",
    Codec.AAC: "aac",
    Codec.MP3: "mp3",
    Codec.OPUS: "opus",
    Codec.FLAC: "flac",
    Codec.AC3: "ac3",
    Codec.EAC3: "eac3",
}
SECONDS = 5


def encoded(shape: Shape, seconds: float = SECONDS) -> tuple[Reel, list[str]]:
    """A card and silence, as a reel; and what was told."""
    data = io.BytesIO()
    told: list[str] = []
    encoding = open_encoding(shape, lambda: av.open(data, "w", "flv", OPTIONS), told.append)
    fill(encoding, Fraction(seconds))
    reel = Reel(shape.picture.rate if shape.picture else Fraction(1))
    parser = FlvParser()
    reel.add(parser.receive_data(data.getvalue()))
    assert parser.error is None
    reel.finish()
    return reel, told


def fill(encoding: Encoding, until_s: Fraction) -> None:
    for tenth in range(1, int(10 * until_s) + 1):
        if encoding.pictures:
            picture = card_picture(encoding.pictures, "soon")
            while encoding.pictures.seconds < Fraction(tenth, 10):
                encoding.pictures.send(picture)
        if encoding.sounds:
            encoding.sounds.send_silence(Fraction(tenth, 10))
    encoding.finish()


def flv(reel: Reel, seconds: int) -> bytes:
    """So much of it, played."""
    return flv_of(tags_of([*reel.configs, *Playback(reel).due(seconds * 1000)]))


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265, Codec.AV1, Codec.VP9])
@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30_000, 1001)])
def test_pictures_of_each_codec_decode_however_often_they_are_repeated(
    codec: Codec, rate: Fraction
) -> None:
    reel, told = encoded(Shape(replace(SMALL, codec=codec, rate=rate), None))
    assert not told
    seen = decoded(flv(reel, 12))
    assert seen.codecs == {"video": FFMPEG_NAMES[codec]}
    assert seen.size == (128, 96)
    assert len(seen.pictures) == -(-12 * rate // 1)
    assert seen.picture_ms == [int(1000 * n / rate + 1 / 2) for n in range(len(seen.pictures))]


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265, Codec.AV1, Codec.VP9])
def test_pictures_are_sent_as_they_are_shown_with_keyframes_between(codec: Codec) -> None:
    reel, _ = encoded(Shape(replace(SMALL, codec=codec), None))
    assert len(reel.pictures) == SECONDS * 25
    assert [n for n, frame in enumerate(reel.pictures) if frame.keyframe] == [0, 50, 100]
    assert all(frame.cts_ms == 0 for frame in reel.pictures)
    assert all(frame.codec is codec for frame in [*reel.configs[1:], *reel.pictures])


@pytest.mark.parametrize(
    ("codec", "rate", "channels"),
    [
        (Codec.AAC, 48_000, 2),
        (Codec.AAC, 22_050, 1),
        (Codec.AAC, 48_000, 6),
        (Codec.MP3, 44_100, 2),
        (Codec.MP3, 22_050, 1),
        (Codec.OPUS, 48_000, 2),
        (Codec.OPUS, 48_000, 1),
        (Codec.AC3, 48_000, 6),
        (Codec.EAC3, 44_100, 2),
        (Codec.FLAC, 44_100, 2),
    ],
)
def test_sound_of_each_codec_decodes_however_often_it_is_repeated(
    codec: Codec, rate: int, channels: int
) -> None:
    reel, told = encoded(Shape(None, SoundShape(codec, rate, channels)))
    assert not told
    seen = decoded(flv(reel, 12))
    assert seen.codecs == {"audio": FFMPEG_NAMES[codec]}
    assert (seen.sample_rate, seen.channels) == (rate, channels)
    assert seen.samples == pytest.approx(12 * rate, abs=float(2 * reel.sound_s * rate))
    assert seen.loudest < 0.001


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265, Codec.AV1])
def test_ten_bits_stay_ten_bits(codec: Codec) -> None:
    reel, told = encoded(Shape(replace(SMALL, codec=codec, deep=True), None), 1)
    assert not told
    assert decoded(flv(reel, 2)).pix_fmt == "yuv420p10le"


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265, Codec.AV1, Codec.VP9])
@pytest.mark.parametrize(("width", "height"), [(16, 16), (360, 640), (1918, 1080)])
def test_sizes_that_are_not_usual_are_kept(codec: Codec, width: int, height: int) -> None:
    reel, _ = encoded(Shape(replace(SMALL, codec=codec, width=width, height=height), None), 0.2)
    assert decoded(flv(reel, 1)).size == (width, height)


def test_the_card_keeps_its_colours() -> None:
    reel, _ = encoded(Shape(SMALL, None), 0.2)
    with av.open(io.BytesIO(flv(reel, 1))) as file:
        picture = next(file.decode(video=0))
        assert file.streams.video[0].codec_context.colorspace == 1  # BT.709
    corners = [bytes(plane)[0] for plane in picture.planes]
    assert corners == pytest.approx([30, 136, 126], abs=3)


def test_what_nobody_can_encode_becomes_h264_and_aac() -> None:
    shape = Shape(replace(SMALL, codec=Codec.H266), replace(STEREO, codec=Codec.SPEEX))
    reel, told = encoded(shape, 1)
    assert decoded(flv(reel, 2)).codecs == {"video": "h264", "audio": "aac"}
    assert told == [
        "vvc1 cannot be encoded: there is no encoder",
        "spex cannot be encoded: there is no encoder",
    ]


def test_an_encoder_that_refuses_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = replace(
        encoders.PICTURE_ENCODERS[Codec.H265], options=lambda shape: {"preset": "nonsense"}
    )
    monkeypatch.setitem(encoders.PICTURE_ENCODERS, Codec.H265, broken)
    reel, told = encoded(Shape(replace(SMALL, codec=Codec.H265), STEREO), 1)
    assert decoded(flv(reel, 2)).codecs == {"video": "h264", "audio": "aac"}
    assert len(told) == 1
    assert told[0].startswith("hvc1 cannot be encoded: ")


def test_when_nothing_is_left_to_try_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(encoders.PICTURE_ENCODERS, Codec.H264)
    with pytest.raises(EncoderError, match="avc1 cannot be encoded: there is no encoder"):
        encoded(Shape(replace(SMALL, codec=Codec.H266), None))
