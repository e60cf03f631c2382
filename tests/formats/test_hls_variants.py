"""The playlist of playlists keeps the rules of RFC 8216, second edition, too."""

from __future__ import annotations

import m3u8
import pytest

from slipstream.formats import Window, hls
from tests.formats.cmaf_stage import CONFIGS, Publisher, made, stream
from tests.formats.hls_reader import attributes
from tests.formats.hls_stage import Look, life


def test_each_track_of_pictures_is_a_variant_and_each_of_sound_a_rendition() -> None:
    for look in life()[::17]:
        playlist = m3u8.loads(look.multivariant)
        assert playlist.is_variant
        assert [variant.uri for variant in playlist.playlists] == [
            "a@v0.m3u8" if "v0" in look.reach else "a@a0.m3u8"
        ]
        renditions = [(one.type, one.group_id, one.uri) for one in playlist.media]
        both = len(look.reach) == 2
        assert renditions == ([("AUDIO", "audio", "a@a0.m3u8")] if both else [])


def test_the_codecs_are_those_of_all_renditions() -> None:
    """§4.4.6.2, §6.2.4."""
    seen = set()
    for look in life():
        info = stream_info(look)
        codecs = info["CODECS"].split(",")
        assert {"avc1": "v0", "mp4a": "a0"}[codecs[0][:4]] in look.reach
        assert len(codecs) == len(look.reach)
        seen.add(info["CODECS"])
        assert ("RESOLUTION" in info) == ("v0" in look.reach)
        assert ("AUDIO" in info) == (len(look.reach) == 2)
    assert len(seen) == 3


def stream_info(look: Look) -> dict[str, str]:
    (line,) = [one for one in look.multivariant.split("\n") if "STREAM-INF" in one]
    return attributes(line.partition(":")[2])


def test_the_bandwidth_is_that_of_the_heaviest_segments() -> None:
    """§4.4.6.2: at most, and on average."""
    form = made()
    publisher = Publisher(form)
    heavy = [f._replace(body=f.body + bytes(1_000)) for f in stream(4_000, sounds=False)]
    light = stream(12_000, from_ms=4_000, sounds=False)
    publisher.publish([CONFIGS[0], *heavy, *light])
    window = Window(form.log, form.shape)
    window.update()
    (info,) = m3u8.loads(hls.multivariant_playlist(window, "a")).playlists
    peak, average = info.stream_info.bandwidth, info.stream_info.average_bandwidth
    assert peak == pytest.approx(25 * 8 * 1_009, rel=0.1)
    assert average == pytest.approx(peak / 3, rel=0.2)


def test_sound_alone_is_a_variant_where_that_is_asked_for() -> None:
    form = made()
    Publisher(form).publish([*CONFIGS, *stream(5_000)])
    window = Window(form.log, form.shape)
    window.update()
    playlist = m3u8.loads(hls.multivariant_playlist(window, "a", audio_only=True))
    (variant,) = playlist.playlists
    assert variant.uri == "a@a0.m3u8"
    assert variant.stream_info.codecs == "mp4a.40.2"
    assert not playlist.media


def test_a_suffix_stands_behind_every_address() -> None:
    form = made()
    Publisher(form).publish([*CONFIGS, *stream(5_000)])
    window = Window(form.log, form.shape)
    window.update()
    video = window.track("v0")
    assert video is not None
    media = hls.media_playlist(window, video, "a", "?token=x")
    texts = [hls.multivariant_playlist(window, "a", "?token=x"), media]
    plain = [hls.multivariant_playlist(window, "a"), hls.media_playlist(window, video, "a")]
    for text, without in zip(texts, plain, strict=True):
        assert text.replace("?token=x", "") == without
        for line in text.split("\n"):
            if line and ("URI=" in line or not line.startswith("#")):
                assert "?token=x" in line
