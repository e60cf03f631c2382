"""Wire forms of a stream: frames in, bytes appended to a log.

A format is asked for by its class and made on first use; whoever sends its log to viewers
needs to know nothing of what the bytes mean.
"""

from slipstream.errors import BadNameError
from slipstream.formats.cmaf import CmafFormat
from slipstream.formats.flv import FlvFormat, FlvMultitrackFormat
from slipstream.formats.format import KIND_ORDER, PICTURELESS_AFTER_MS, Flag, Format, Greeting
from slipstream.formats.names import init_name, part_name, segment_name
from slipstream.formats.rtmp import RtmpFormat, RtmpMultitrackFormat
from slipstream.formats.segments import (
    SegmentGreeting,
    SegmentStart,
    Shape,
    TrackInfo,
    unpack_start,
)
from slipstream.formats.selection import MARK, Selection, selected, split_selection
from slipstream.formats.ts import TsFormat
from slipstream.formats.ts_window import TsWindow
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


def format_named(name: str) -> type[Format] | None:
    """The format of that name, of all tracks or of some; None if there is none."""
    form = FORMATS.get(name.partition(MARK)[0])
    try:
        selection = split_selection(name)[1]
    except BadNameError:
        return None
    return form if form is None or selection is None else selected(form, selection)


__all__ = [
    "FORMATS",
    "KIND_ORDER",
    "MARK",
    "PICTURELESS_AFTER_MS",
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
    "Selection",
    "Shape",
    "TrackInfo",
    "TsFormat",
    "TsWindow",
    "Window",
    "WsFlvFormat",
    "WsFlvMultitrackFormat",
    "format_named",
    "init_name",
    "message_header",
    "part_name",
    "segment_name",
    "selected",
    "split_selection",
    "unpack_start",
]
