"""The table of codecs and formats in docs/reference/formats.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from slipstream.formats import FORMATS
from slipstream.http.live import MEDIA
from slipstream.media import CARRIED, MP4_CARRIED, Codec

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "formats.md"
NAMES = {
    Codec.H264: "H.264",
    Codec.H265: "H.265",
    Codec.H266: "H.266",
    Codec.OPUS: "Opus",
    Codec.AC3: "AC-3",
    Codec.EAC3: "E-AC-3",
    Codec.PCMA: "G.711",
    Codec.PCMU: "G.711",
    Codec.SPEEX: "Speex",
    Codec.NELLYMOSER: "Nellymoser",
    Codec.SORENSON: "Sorenson",
    Codec.H263: "H.263",
    Codec.MPEG4: "MPEG-4",
    Codec.VP6_ALPHA: "VP6",
    Codec.SCREEN: "Screen Video",
    Codec.SCREEN2: "Screen Video",
}
NO_CODECS = {Codec.DATA, Codec.UNKNOWN}


def table() -> dict[str, dict[str, str]]:
    """By codec and format."""
    text = PAGE.read_text().partition("## Codecs")[2]
    head, *rows = re.findall(r"^\| (.*) \|$", text, re.M)
    _, *formats = re.findall(r"`([a-z-]+)`", f"`codec` {head}")
    found = {}
    for row in rows:
        codecs, *cells = row.split(" | ")
        for codec in codecs.split(", "):
            found[codec] = dict(zip(formats, cells, strict=True))
    return found


def test_every_codec_has_its_row_and_containers_say_which_they_carry() -> None:
    expected = {
        NAMES.get(codec, codec.name): {
            "rtmp": "yes",
            "flv": "yes",
            "ws-flv": "yes",
            "ts": "yes" if codec in CARRIED else "no",
            "cmaf": "yes" if codec in MP4_CARRIED else "no",
        }
        for codec in set(Codec) - NO_CODECS
    }
    assert table() == expected


def test_every_format_is_in_the_list_with_its_protocol() -> None:
    listed = dict(
        re.findall(r"^\| `([a-z-]+)` \| `\S+` \| `([a-z0-9-]+)` \|", PAGE.read_text(), re.M)
    )
    assert set(listed) == {name.removesuffix("-multitrack") for name in FORMATS}
    for media in MEDIA.values():
        for carrier in (media.response, media.websocket):
            if carrier is not None:
                assert listed[carrier.form.name] == carrier.protocol
