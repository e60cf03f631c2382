"""The stream that everyone publishes: one group of pictures, sent over and over.

In two seconds: 60 video messages of H.264 (one keyframe, eight times as long as the others) and
94 audio messages of AAC, 128 kbit/s of sound, the rest pictures. Headers, configurations and
NAL framing are real; the coded pictures are filler that no decoder would like, which no server
here looks at. Every message carries a stamp: its number in the stream, counted over audio and
video together, and the moment at which it was sent (CLOCK_MONOTONIC, ns).
"""

from __future__ import annotations

from typing import NamedTuple

from . import amf
from .chunks import AUDIO, VIDEO, Message

CYCLE_MS = 2000  # one group of pictures
FRAMES, KEYFRAME_WEIGHT = 60, 8  # video messages a cycle; size of the first, in ordinary ones
SOUNDS, SOUND_SIZE = 94, 340  # audio messages a cycle, 47 a second, and bytes in each
MESSAGES_PER_S = (FRAMES + SOUNDS) * 1000 // CYCLE_MS
SMALLEST_MESSAGE = SOUND_SIZE  # bytes; any smaller difference between viewers is not media

STAMP_SIZE = 32  # hexadecimal digits, so that no start code can appear in them
VIDEO_HEADER = b"\x01\x00\x00\x00"  # AVC NAL units, composition time 0
STAMP_NAL = bytes((6, 5, 16 + STAMP_SIZE)) + b"slipstream bench"  # SEI, user data, a 16-byte UUID
VIDEO_STAMP_AT = 1 + len(VIDEO_HEADER) + 4 + len(STAMP_NAL)
AUDIO_STAMP_AT = 2
KEYFRAME, INTER_FRAME, AAC = 0x17, 0x27, 0xAF  # first byte of a tag body

# What x264 and an AAC encoder send first: 1280x720 Main profile; 48 kHz stereo, low complexity.
VIDEO_CONFIG = bytes.fromhex(
    "1700000000014d401fffe10019674d401feca02802dd8088000003000800000301e078c18cb001000468ef8fc8"
)
AUDIO_CONFIG = bytes.fromhex("af001190")
PROPERTIES: dict[str, amf.Value] = {
    "width": 1280,
    "height": 720,
    "framerate": 30,
    "videocodecid": 7,
    "audiocodecid": 10,
    "audiosamplerate": 48000,
    "stereo": True,
    "encoder": "bench",
}
METADATA = amf.build("@setDataFrame", "onMetaData", PROPERTIES)


class Piece(NamedTuple):
    """One message of the cycle: when it is due, what it carries, and where its stamp goes."""

    at_ms: int
    type_id: int
    body: bytes
    stamp_at: int


class Stamp(NamedTuple):
    """What a publisher wrote into a message."""

    number: int
    sent_ns: int


def build_cycle(bitrate_bps: int) -> list[Piece]:
    """The messages of one group of pictures, in the order of sending, keyframe first."""
    video_bytes = bitrate_bps * CYCLE_MS // 8000 - SOUNDS * SOUND_SIZE
    ordinary = video_bytes // (FRAMES - 1 + KEYFRAME_WEIGHT)
    pieces = [
        Piece(index * CYCLE_MS // FRAMES, VIDEO, _build_frame(index == 0, ordinary), VIDEO_STAMP_AT)
        for index in range(FRAMES)
    ]
    sound = (bytes((AAC, 1)) + _filler(SOUND_SIZE))[:SOUND_SIZE]
    pieces += [
        Piece(index * CYCLE_MS // SOUNDS, AUDIO, sound, AUDIO_STAMP_AT) for index in range(SOUNDS)
    ]
    return sorted(pieces, key=lambda piece: (piece.at_ms, -piece.type_id))


def _build_frame(keyframe: bool, ordinary_size: int) -> bytes:
    size = ordinary_size * KEYFRAME_WEIGHT if keyframe else ordinary_size
    stamp_nal = STAMP_NAL + bytes(STAMP_SIZE) + b"\x80"
    slice_nal = bytes((0x65 if keyframe else 0x41,)) + _filler(size)
    head = bytes((KEYFRAME if keyframe else INTER_FRAME,)) + VIDEO_HEADER
    head += len(stamp_nal).to_bytes(4, "big") + stamp_nal
    slice_nal = slice_nal[: size - len(head) - 4]
    return head + len(slice_nal).to_bytes(4, "big") + slice_nal


def _filler(size: int) -> bytes:
    return (bytes(range(1, 256)) * (size // 255 + 1))[:size]


def build_stamp(number: int, sent_ns: int) -> bytes:
    """The bytes that go to a piece's `stamp_at`."""
    return b"%016x%016x" % (number, sent_ns)


def parse_stamp(message: Message) -> Stamp | None:
    """The stamp in a message that a server passed on; None in configurations and commands."""
    body = message.payload
    if message.type_id == VIDEO and body[1:2] == b"\x01":
        digits = body[VIDEO_STAMP_AT : VIDEO_STAMP_AT + STAMP_SIZE]
    elif message.type_id == AUDIO and body[1:2] == b"\x01":
        digits = body[AUDIO_STAMP_AT : AUDIO_STAMP_AT + STAMP_SIZE]
    else:
        return None
    return Stamp(int(digits[:16], 16), int(digits[16:], 16))


def is_keyframe(message: Message) -> bool:
    """Whether a picture can be decoded from this message on."""
    return message.type_id == VIDEO and message.payload[:2] == bytes((KEYFRAME, 1))
