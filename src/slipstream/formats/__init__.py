"""Wire forms of a stream: frames in, bytes appended to a log.

A format is asked for by its class and made on first use; whoever sends its log to viewers
needs to know nothing of what the bytes mean.
"""

from slipstream.formats.flv import FlvFormat, FlvMultitrackFormat
from slipstream.formats.format import Flag, Format, Greeting
from slipstream.formats.rtmp import RtmpFormat, RtmpMultitrackFormat
from slipstream.formats.ts import TsFormat
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
    )
}

__all__ = [
    "FORMATS",
    "Flag",
    "FlvFormat",
    "FlvMultitrackFormat",
    "Format",
    "Greeting",
    "RtmpFormat",
    "RtmpMultitrackFormat",
    "TsFormat",
    "WsFlvFormat",
    "WsFlvMultitrackFormat",
    "message_header",
]
