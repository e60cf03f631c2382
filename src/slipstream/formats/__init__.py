"""Wire forms of a stream: frames in, bytes appended to a log.

A format is asked for by its class and made on first use; whoever sends its log to viewers
needs to know nothing of what the bytes mean.
"""

from slipstream.formats.cmaf import CmafFormat
from slipstream.formats.flv import FlvFormat, FlvMultitrackFormat
from slipstream.formats.format import Flag, Format, Greeting
from slipstream.formats.rtmp import RtmpFormat, RtmpMultitrackFormat
from slipstream.formats.segments import (
    SegmentGreeting,
    SegmentStart,
    Shape,
    TrackInfo,
    unpack_start,
)
from slipstream.formats.ts import TsFormat
from slipstream.formats.window import MediaSegment, Part, Window
from slipstream.formats.ws_flv import WsFlvFormat, WsFlvMultitrackFormat, message_header

FORMATS: dict[str, type[Format]] = {
    form.name: form
    for form in (
        RtmpFormat,
        RtmpMultitrackFormat,
        FlvFormat,
        FlvMultitrackFormat,
        WsFlvFormat,
        WsFlvMultitrackFormat,
        TsFormat,
        CmafFormat,
    )
}

__all__ = [
    "FORMATS",
    "CmafFormat",
    "Flag",
    "FlvFormat",
    "FlvMultitrackFormat",
    "Format",
    "Greeting",
    "MediaSegment",
    "Part",
    "RtmpFormat",
    "RtmpMultitrackFormat",
    "SegmentGreeting",
    "SegmentStart",
    "Shape",
    "TrackInfo",
    "TsFormat",
    "Window",
    "WsFlvFormat",
    "WsFlvMultitrackFormat",
    "message_header",
    "unpack_start",
]
