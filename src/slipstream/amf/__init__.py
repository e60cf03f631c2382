"""Action Message Format: the values inside RTMP commands and metadata.

`parse_amf0` and `parse_amf3` turn bytes into a list of values, or raise AmfError; `build_amf0`
and `build_amf3` go the other way. RTMP speaks AMF0; AMF3 comes inside messages of types 15 to
17 and behind AMF0's avmplus marker. Nothing here knows what a value means.
"""

from slipstream.amf.amf0 import build_amf0, parse_amf0, parse_amf3_message
from slipstream.amf.amf3 import build_amf3, parse_amf3
from slipstream.amf.limits import COMMAND_LIMITS, DATA_LIMITS, Limits
from slipstream.amf.values import UNDEFINED, EcmaArray, TypedObject, Undefined, Value, Xml

__all__ = [
    "COMMAND_LIMITS",
    "DATA_LIMITS",
    "UNDEFINED",
    "EcmaArray",
    "Limits",
    "TypedObject",
    "Undefined",
    "Value",
    "Xml",
    "build_amf0",
    "build_amf3",
    "parse_amf0",
    "parse_amf3",
    "parse_amf3_message",
]
