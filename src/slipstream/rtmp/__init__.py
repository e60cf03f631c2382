"""RTMP without I/O: bytes in, events out, bytes to send; the server's end and the client's.

`ServerConnection` and `ClientConnection` are what to use. Both take what a socket gave with
`receive_data()` and return events; what they want written is in `data_to_send()`. Around them
stand the names that their users need: the events, addresses, messages and their chunks.
"""

from slipstream.rtmp.address import RtmpUrl, parse_rtmp_url
from slipstream.rtmp.capabilities import Ability, CapsEx, EnhancedCapabilities
from slipstream.rtmp.chunk_decoder import PUBLISHER, UNAUTHORISED, ChunkDecoder, ChunkLimits
from slipstream.rtmp.chunk_encoder import encode, encode_parts, message_header
from slipstream.rtmp.client import ClientConnection
from slipstream.rtmp.events import (
    BufferLengthSet,
    Connected,
    ConnectRequested,
    Ended,
    Event,
    HandshakeDone,
    MediaReceived,
    PauseRequested,
    PlayEnded,
    PlayMode,
    PlayRequested,
    PlayStart,
    PlayStarted,
    PongReceived,
    PublishEnded,
    PublishKind,
    PublishRequested,
    PublishStarted,
    ReceiveAudio,
    ReceiveVideo,
    ReconnectRequested,
    SeekRequested,
    StatusReceived,
    StreamCreated,
)
from slipstream.rtmp.limits import ServerLimits
from slipstream.rtmp.messages import Message, MessageType
from slipstream.rtmp.outbox import OUT_CHUNK_SIZE
from slipstream.rtmp.server import ServerConnection
from slipstream.rtmp.status import Code, Level

__all__ = [
    "OUT_CHUNK_SIZE",
    "PUBLISHER",
    "UNAUTHORISED",
    "Ability",
    "BufferLengthSet",
    "CapsEx",
    "ChunkDecoder",
    "ChunkLimits",
    "ClientConnection",
    "Code",
    "ConnectRequested",
    "Connected",
    "Ended",
    "EnhancedCapabilities",
    "Event",
    "HandshakeDone",
    "Level",
    "MediaReceived",
    "Message",
    "MessageType",
    "PauseRequested",
    "PlayEnded",
    "PlayMode",
    "PlayRequested",
    "PlayStart",
    "PlayStarted",
    "PongReceived",
    "PublishEnded",
    "PublishKind",
    "PublishRequested",
    "PublishStarted",
    "ReceiveAudio",
    "ReceiveVideo",
    "ReconnectRequested",
    "RtmpUrl",
    "SeekRequested",
    "ServerConnection",
    "ServerLimits",
    "StatusReceived",
    "StreamCreated",
    "encode",
    "encode_parts",
    "message_header",
    "parse_rtmp_url",
]
