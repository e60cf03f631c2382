"""Data messages: a name, then values, all AMF0; above all "onMetaData".

Encoders describe in it what they send: sizes, rates, their own name. It is shown and passed
on to players, who expect it first, but no decoder is ever set up from it: DJI, XSplit and
others have been seen to send it wrong, and the codecs' own configurations know better.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from slipstream.amf import EcmaArray, Value, build_amf0, parse_amf0
from slipstream.errors import AmfError, MediaError
from slipstream.media.frame import Frame

ON_METADATA = b"onMetaData"
SET_DATA_FRAME = b"\x02\x00\x0d@setDataFrame"
STRING = 0x02  # AMF0 marker; a 2-byte length follows
# What says that there are pictures. FFmpeg leaves these out for sound alone.
PICTURE_KEYS = frozenset(("videocodecid", "width", "height", "framerate", "videodatarate"))
SOUND_KEYS = frozenset(
    (
        *("audiocodecid", "audiodatarate", "audiosamplerate", "audiosamplesize"),
        *("audiochannels", "stereo"),
    )
)


INFO_MAP = "TrackIdInfoMap"
TRACK_NUMBER = re.compile(r"[0-9]{1,3}").fullmatch
LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}").fullmatch  # RFC 5646, in short


def without_set(body: bytes) -> bytes:
    """Take off "@setDataFrame", the publisher's word for "keep this"; players never see it."""
    return body.removeprefix(SET_DATA_FRAME)


def data_name(body: bytes) -> bytes:
    """Return the name that a data message begins with.

    Raises:
        MediaError: it begins with none. FFmpeg sends the bare 4 bytes of a time code so.
    """
    end = 3 + int.from_bytes(body[1:3])
    if not body or body[0] != STRING or not 3 < end <= len(body):
        raise MediaError(f"data message of {len(body)} bytes without a name")
    return body[3:end]


def parse_metadata(body: bytes) -> dict[str, Value]:
    """Read the body of an onMetaData message, with or without "@setDataFrame" in front.

    Raises:
        MediaError: it is another message, no AMF0, or has no names in it.
    """
    body = without_set(body)
    if data_name(body) != ON_METADATA:
        raise MediaError(f"data message {data_name(body)[:40]!r} instead of onMetaData")
    try:
        values = parse_amf0(body)
    except AmfError as error:
        raise MediaError(f"onMetaData: {error}") from error
    if len(values) < 2 or not isinstance(values[1], dict) or not values[1]:
        raise MediaError("onMetaData without names and values")
    return values[1]


def build_metadata(values: Mapping[str, Value], *, set_data_frame: bool = False) -> bytes:
    """Build the body of an onMetaData message, as players (or, with "@set", servers) get it."""
    body = build_amf0(ON_METADATA.decode(), EcmaArray(values))
    return SET_DATA_FRAME + body if set_data_frame else body


def metadata_of_tracks(frame: Frame, video: int | None, audio: int | None) -> Frame | None:
    """Say of two tracks what onMetaData says of all; None: that cannot be said.

    The default tracks are described in the open; Enhanced RTMP v2 has maps for what is otherwise
    with each of the others. Data messages of other names pass as they are.

    Args:
        frame: a data message.
        video: the number of the only picture track; None: there is none.
        audio: of the only sound track; None: there is none.
    """
    if not frame.config:
        return frame
    try:
        values = dict(parse_metadata(frame.body))
        for number, keys, kind in ((video, PICTURE_KEYS, "video"), (audio, SOUND_KEYS, "audio")):
            own = _track_infos(values, kind).get(str(number), {})
            values.pop(kind + INFO_MAP, None)
            if number is None or (number and not own):
                values = {name: value for name, value in values.items() if name not in keys}
            values |= own
            if (claim := f"has{kind.title()}") in values:
                values[claim] = number is not None
        return frame._replace(body=build_metadata(values)) if values else None
    except (MediaError, AmfError):
        return None


def sound_languages(metadata: Frame) -> dict[int, str]:
    """In which language each sound track is, by its number, if onMetaData says so.

    The standard has no name for that in its maps; "language" is what its readers would look for.
    """
    try:
        infos = _track_infos(parse_metadata(metadata.body), "audio")
    except MediaError:
        return {}
    languages = {number: info.get("language") for number, info in infos.items()}
    return {
        int(number): language
        for number, language in languages.items()
        if TRACK_NUMBER(number) and isinstance(language, str) and LANGUAGE_TAG(language)
    }


def _track_infos(values: Mapping[str, Value], kind: str) -> dict[str, dict[str, Value]]:
    """What onMetaData says of each track alone, `kind` being "video" or "audio"."""
    infos = values.get(kind + INFO_MAP)
    pairs = infos.items() if isinstance(infos, dict) else ()
    return {number: info for number, info in pairs if isinstance(info, dict)}


def announces_video(metadata: Frame) -> bool | None:
    """Whether onMetaData says that pictures come; None if it leaves that open."""
    try:
        values = parse_metadata(metadata.body)
    except MediaError:
        return None
    if "hasVideo" in values:
        return bool(values["hasVideo"])
    if any(values.get(key) for key in PICTURE_KEYS):
        return True
    return False if "audiocodecid" in values else None
