"""Where fuzzing begins: what real clients sent, and the vectors in the tests.

Captures are cut down to what is worth changing: commands, configurations and the beginnings
of pictures. Vectors are the hexadecimal strings in the test files of the same parser.
"""

from __future__ import annotations

import ast
import re
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from fuzz.script import Script
from slipstream.amf import Value, build_amf0
from slipstream.errors import MediaError
from slipstream.formats import SegmentStart, TrackInfo
from slipstream.media import (
    MP4_CARRIED,
    Codec,
    FlvParser,
    coded_data,
    config_data,
    parse_tag,
)
from slipstream.rtmp import PUBLISHER, ChunkDecoder, Message, MessageType, encode
from slipstream.workers.announcements import (
    build_entries,
    build_greeting,
    build_mark,
    build_segment,
)

ROOT = Path(__file__).parents[1]
CAPTURES = ROOT / "tests" / "captures"
TESTS = ROOT / "tests"

HANDSHAKE = 3073  # bytes
MESSAGES = 30  # of one conversation; the rest is more of the same
BODY = 90  # bytes of a picture or a sound
SCRIPT = 300  # bytes of a conversation made into a script

_HEX = re.compile(r"[0-9a-fA-F]{2}[0-9a-fA-F ]*")


def vectors(*folders: str) -> Iterator[bytes]:
    """The hexadecimal strings and bytes in test files."""
    for folder in folders:
        path = TESTS / folder
        for file in [path] if path.suffix else sorted(path.rglob("test_*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                if not isinstance(node, ast.Constant):
                    continue
                text = node.value
                if isinstance(text, bytes):
                    yield text
                elif isinstance(text, str) and _HEX.fullmatch(text):
                    digits = text.replace(" ", "")
                    if len(digits) % 2 == 0:
                        yield bytes.fromhex(digits)


@cache
def conversations() -> tuple[bytes, ...]:
    """What each recorded client sent."""
    return tuple(path.read_bytes() for path in sorted(CAPTURES.glob("*.rtmp")))


@cache
def messages() -> tuple[tuple[Message, ...], ...]:
    """The first messages of each conversation, pictures and sounds cut short."""
    found = []
    for data in conversations():
        decoder = ChunkDecoder(limits=PUBLISHER)
        said = decoder.receive_data(data[HANDSHAKE:])
        found.append(tuple(map(_short, said[:MESSAGES])))
    return tuple(found)


def _short(message: Message) -> Message:
    if message.type_id in (MessageType.AUDIO, MessageType.VIDEO):
        return message._replace(payload=message.payload[:BODY])
    return message


def _payloads(*types: int) -> Iterator[bytes]:
    for conversation in messages():
        for message in conversation:
            if message.type_id in types:
                yield message.payload


def _bodies() -> Iterator[tuple[int, bytes]]:
    for path in sorted(CAPTURES.glob("*.flv")):
        for tag in FlvParser().receive_data(path.read_bytes())[:20]:
            yield tag.type_id, tag.body[:BODY]


def handshake() -> Iterator[bytes]:
    """Every client's, for a server and turned around for a client."""
    for data in conversations():
        for kind in (0, 1, 2, 6, 3, 11):
            yield data[: HANDSHAKE + 20] + bytes((kind, 0, 6, 200, 0))
    yield from (b"\x06\0\0\0\0\0", b"\x16\0\0\0\0\0", b"GET /\0\0\0\0\0")


def chunks() -> Iterator[bytes]:
    """Conversations behind the handshake, as they were and in our own chunks."""
    for data, said in zip(conversations(), messages(), strict=True):
        yield data[HANDSHAKE : HANDSHAKE + 2000] + bytes((1, 0, 1, 3, 0))
        rewritten = b"".join(encode(message, 3 + n % 3, 128) for n, message in enumerate(said))
        yield rewritten[:3000] + bytes((0, 9, 0, 50, 0))
    for vector in vectors("rtmp/test_chunk_decoder.py", "rtmp/test_chunk_decoder_limits.py"):
        yield vector + bytes((2, 1, 0, 1, 0))


def amf0() -> Iterator[bytes]:
    """Commands and data of all clients."""
    yield from _payloads(MessageType.COMMAND, MessageType.DATA)
    yield from vectors("amf/test_amf0.py", "rtmp/test_commands.py", "media/test_metadata.py")


def amf3() -> Iterator[bytes]:
    """The vectors."""
    yield from vectors("amf/test_amf3.py", "amf/test_amf0.py")


def payloads_of_messages() -> Iterator[bytes]:
    """All that is no media, by type."""
    for conversation in messages():
        for message in conversation:
            if message.type_id not in (MessageType.AUDIO, MessageType.VIDEO):
                for choice in range(5 if message.type_id == MessageType.COMMAND else 1):
                    yield bytes((message.type_id, choice)) + message.payload
    for type_id in (1, 2, 3, 4, 5, 6, 22):
        for vector in vectors("rtmp/test_messages.py", "rtmp/test_aggregate.py"):
            yield bytes((type_id, 0)) + vector


def server() -> Iterator[bytes]:
    """The conversations as scripts: each message in clear, an answer behind each."""
    types = (20, 18, 9, 8, 4, 17, 15, 22, 1, 2, 3, 5, 6, 16, 19, 0)
    for conversation in messages():
        script = begin = b"\x50\0\x11"
        for message in conversation:
            if message.type_id not in types:
                continue
            head = bytes((1, types.index(message.type_id), message.stream_id % 5))
            step = head + len(message.payload).to_bytes(2, "little") + message.payload + b"\x06"
            if len(script) + len(step) > SCRIPT:
                yield script
                script = begin
            script += step
        yield script
    connected = begin + bytes((3, 0, 3 << 2, 0, 1, 6 | 1 << 3, 0, 2 | 3 << 3, 6))
    created = connected + bytes((3, 1, 1 << 2, 1, 6))
    for command in range(25):
        call = bytes((3, command, 1 | 3 << 2, 1, 0, 2 | 1 << 3))
        yield created + call
        for use in (7, 8):  # publish and play
            used = created + bytes((3, use, 1 | 3 << 2, 1, 0, 2 | 1 << 3, 6))
            yield used + call + b"\x07"
            yield used + bytes((1, 2, 1, 8, 0)) + bytes(8) + call + bytes((0x0F,))


def client() -> Iterator[bytes]:
    """Answers of a server: `_result` to each call, then the status that starts the stream."""
    result = bytes((3, 0, 3 << 2))  # _result with three values
    connected = result + bytes((1 | 1 << 3, 0, 0))
    created = bytes((1 | 4 << 3, 0, 1 | 1 << 3))
    for goal in (0, 1):
        start = bytes((goal, 40, 0, 9))
        for code in range(22):
            status = bytes((3, 2, 3 << 2 | 1, 1, 0, 7 | code << 3))
            call = 4 if goal else 2
            answer = result + bytes((1 | call << 3, 0, 1 | 1 << 3))
            yield start + connected + answer + status + b"\x07" + created


def tag() -> Iterator[bytes]:
    """Bodies of all films and captures, and all vectors."""
    choice = {9: 0, 8: 1, 18: 2}
    for type_id, body in _bodies():
        yield bytes((choice[type_id],)) + body
    tests = ("media/test_tag.py", "media/test_enhanced_tag.py", "media/test_players.py",
             "media/test_payload.py", "media/test_description.py", "media/test_nal.py")  # fmt: skip
    for vector in vectors(*tests):
        yield b"\0" + vector
        yield b"\1" + vector


def codecs() -> Iterator[bytes]:
    """Vectors and configurations for each reader."""
    data = [*vectors("media/codecs", "media/test_nal.py")]
    data += [body[skip:] for _, body in _bodies() for skip in (2, 5)]
    for reader in range(32):
        for vector in data:
            yield bytes((reader,)) + vector


def metadata() -> Iterator[bytes]:
    """Data messages of all clients."""
    yield from _payloads(MessageType.DATA)
    yield from vectors("media/test_metadata.py", "amf/test_amf0.py")


def timeline() -> Iterator[bytes]:
    """Steady times, wraps and jumps."""
    yield bytes((0, 40, 0x41, 40)) * 30
    yield bytes((0x40, 33, 0x45, 21)) * 30 + bytes((0x30, 255, 255, 255, 255)) + bytes((0, 40)) * 9
    yield bytes((0x70, 0xF0, 0xFF, 0xFF, 0)) + bytes((0x41, 40, 0xC0, 40, 2, 1, 3, 1)) * 20
    yield bytes((0x20, 0, 0, 0, 0x80, 0x10, 0, 0x80, 0x51, 1, 2)) * 20


def flv() -> Iterator[bytes]:
    """Films, and the vectors."""
    for path in sorted(CAPTURES.glob("*.flv")):
        yield path.read_bytes()[:1500] + bytes((23, 50, 0, 3))
    for vector in vectors("media/test_flv.py"):
        yield b"FLV\1\5\0\0\0\t\0\0\0\0" + vector + bytes((10, 9, 0, 1))
        yield vector + bytes((10, 9, 0, 1))


def config() -> Iterator[bytes]:
    """The sample, whole and in pieces, and the texts in the tests."""
    sample = (ROOT / "slipstream.sample.toml").read_bytes()
    yield re.sub(rb"(?m)^#.*\n", b"", sample)[:2000]
    yield from re.sub(rb"(?m)^# ?", b"", sample).split(b"\n\n")
    for node in ast.walk(ast.parse((TESTS / "control" / "test_config.py").read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "=" in node.value:
            yield node.value.encode()


def names() -> Iterator[bytes]:
    """Names as encoders and people write them."""
    for name in _texts("rtmp/test_address.py"):
        yield name
        yield b"live\0rtmp://h/live?a=b\0" + name
        yield name + b"\0" + name + b"\0film"


def rtmp_url() -> Iterator[bytes]:
    """The URLs in the tests."""
    yield from _texts("rtmp/test_address.py")


def _texts(test: str) -> Iterator[bytes]:
    for node in ast.walk(ast.parse((TESTS / test).read_text())):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and len(text) < 100:
            yield text.encode(errors="surrogateescape")


def gate() -> Iterator[bytes]:
    """Keys right, wrong, twice and hidden."""
    queries = (
        b"key=K",
        b"key=wrong",
        b"key=K&key=wrong",
        b"a=b&key=%4B",
        b"key=k3y%7Ek3y~k3y~k3y~",
    )
    for query in queries:
        yield b"".join(bytes((choice, len(query))) + query for choice in (0, 0x41, 0x43, 0x7C) * 3)


def wish() -> Iterator[bytes]:
    """Queries and values."""
    yield from (b"delay=3.5&latency=2000", b"key=x&delay=0", b"5", b"1e3", b"-1", b"nan", b"100000")
    yield from _texts("net/test_wish.py")


def websocket() -> Iterator[bytes]:
    """Frames of every kind, masked, and some that break a rule."""
    mask = bytes((1, 2, 3, 4))
    ping = b"\x89\x84" + mask + b"abcd"
    close = b"\x88\x82" + mask + b"\x02\xea"
    parts = b"\x01\x81" + mask + b"x" + ping + b"\x80\x81" + mask + b"y"
    long = b"\x82\xfe\x01\x00" + mask + bytes(256)
    for said in (ping, close, parts, long, ping + close, b"\x82\xff" + b"\xff" * 12, b"\x89\x00"):
        yield said + b"\x05\x03"


def proxy_protocol() -> Iterator[bytes]:
    """Headers of both versions, and what is none."""
    ports = b"\xdc\x04\x07\x8f"
    signature = b"\r\n\r\n\0\r\nQUIT\n"
    yield b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 1935\r\n\x03"
    yield b"PROXY TCP6 2001:db8::1 2001:db8::2 56324 1935\r\nGET /"
    yield from (b"PROXY UNKNOWN\r\n", b"PROXY TCP4 x\r\n", b"GET / HTTP/1.1", b"\x03")
    yield signature + b"\x20\0\0\0"
    yield signature + b"\x21\x11\0\x0c" + bytes((192, 0, 2, 1, 198, 51, 100, 1)) + ports
    yield signature + b"\x21\x11\0\x13" + bytes(8) + ports + b"\x01\0\x04h2h2"
    mapped = bytes(10) + b"\xff\xff\xc0\0\x02\x01"
    yield signature + b"\x21\x21\0\x24" + mapped + bytes(16) + ports
    yield signature + b"\x21\x31\0\xd8" + bytes(216)


def announcements() -> Iterator[bytes]:
    """One packet of each kind."""
    config, sound = b"\x17\0\0\0\0\1\x64\0\x1f\xff\xe0\0", b"\xaf\0\x12\x10"
    frames = [parse_tag(9, 0, config), parse_tag(8, 0, sound)]
    yield build_segment(1 << 20, 77)
    yield build_greeting(tuple(frames))
    yield build_mark()
    yield build_entries([10, 20], array("q", [0, 40]), b"\x01\x02", more=False)


def shape() -> Iterator[bytes]:
    """Metadata and configurations of each film, and sizes and rates of all kinds."""
    for path in sorted(CAPTURES.glob("*.flv")):
        tags = FlvParser().receive_data(path.read_bytes())[:6]
        kinds = {9: 0, 8: 1, 18: 2}
        bodies = [(kinds[tag.type_id], tag.body[:250]) for tag in tags]
        yield b"".join(bytes((kind, len(body))) + body for kind, body in bodies)[:500]
    for width in (16, 1920, 1e6, float("inf"), -1, float("nan")):
        values: Value = {"videocodecid": 7.0, "width": width, "height": 9e6, "framerate": 29.97,
                  "audiocodecid": "mp4a", "audiosamplerate": width, "stereo": True}  # fmt: skip
        body = build_amf0(values)
        yield bytes((3, len(body))) + body


def ts() -> Iterator[bytes]:
    """The beginning of each film, as far as its frames are short, and MP3, Opus and G.711."""
    kinds = {9: 0, 8: 1, 18: 2}
    for path in sorted(CAPTURES.glob("*.flv")):
        tags = FlvParser().receive_data(path.read_bytes())
        short = [(kinds[tag.type_id] | 4, tag.body) for tag in tags if len(tag.body) < 250]
        yield b"\2" + b"".join(bytes((head, len(body))) + body for head, body in short[:8])[:1000]
    config, key, inter = (
        bytes.fromhex("1700000000014d400affe10004674d400a01000268ce"),
        bytes.fromhex("1701000000 00000003 656162"),
        bytes.fromhex("2701ffffd8 00000003 416364"),
    )
    sounds = (b"\x2f\xff\xfb\x90\x64" + bytes(40), b"\x91Opus\xfc" + bytes(30), b"\x72" + bytes(9))
    for sound in (*sounds, b"\xaf\0\x12\x10", b"\xaf\1\x21\x10"):
        pieces = ((0, config), (0, key), (5, sound), (4, inter), (9, sound), (4, key))
        yield b"\0" + b"".join(bytes((head, len(body))) + body for head, body in pieces)
        yield b"\3" + bytes((5, len(sound))) + sound + bytes((85, len(sound))) + sound


def cmaf() -> Iterator[bytes]:
    """The same, half a second apart, over two publications; and the start of a segment."""
    for data in ts():
        script, pieces = Script(data[1:]), []
        while not script.at_end:
            head, body = script.number(1), script.take(script.number(1))
            step = 12 if head % 3 == 0 else head >> 2
            pieces.append(bytes((step << 2 | head % 3, len(body))) + body)
        half = b"".join(pieces)[:240]
        yield half + b"".join(pieces)
        yield half + b"\3\1\2" + half + b"\3\1\0" + half
    track = TrackInfo("v0", 1, "avc1.4d400a", 90_000, 320, 240, 25.0, init=b"init")
    yield SegmentStart(7, 3, 40, 1_800_000_000_000, 2_000, (track,), b"init").pack()


def mp4() -> Iterator[bytes]:
    """The default tracks of each film, as far as frames are short; and the other codecs."""
    for path in sorted(CAPTURES.glob("*.flv")):
        frames = []
        for tag in FlvParser().receive_data(path.read_bytes()):
            with suppress(MediaError):
                frames.append(parse_tag(*tag))
        for config in frames:
            if config.config and config.codec in MP4_CARRIED:
                same = [f for f in frames if f.codec is config.codec and not f.config]
                pieces = [bytes(coded_data(frame)[:250]) for frame in same[:4]]
                yield _mp4_input(config.codec, config_data(config), pieces)[:1000]
    vvc = bytes.fromhex("ff00115f010233800007800438 000000")
    vpc = bytes.fromhex("000a800202020000")
    opus = b"OpusHead" + bytes.fromhex("0106380180bb0000000001 0402 000401020305")
    flac = bytes.fromhex("12001200000000000000 0bb802f000000000") + bytes(16)
    for codec, settings, frame in (
        (Codec.H266, vvc, "00000001 61"),
        (Codec.VP8, vpc, "9000009d012aa0007800"),
        (Codec.VP9, vpc, "824983420009f00770"),
        (Codec.AV1, bytes.fromhex("81000c00"), "12000a0a00000003b4ff71abe601"),
        (Codec.AAC, bytes.fromhex("eb8a0800"), "2110"),
        (Codec.MP3, b"", "fffb9064"),
        (Codec.OPUS, opus, "ff06"),
        (Codec.OPUS, b"", "fc"),
        (Codec.FLAC, flac, "fff97918c280012b"),
        (Codec.AC3, b"", "0b77000014404000"),
        (Codec.EAC3, b"", "0b7700030c80 0000 0b7700030c80 0000"),
    ):
        yield _mp4_input(codec, settings, [bytes.fromhex(frame)] * 3)


def _mp4_input(codec: Codec, config: bytes, pieces: Iterable[bytes]) -> bytes:
    head = bytes((sorted(MP4_CARRIED).index(codec),)) + len(config).to_bytes(2, "little")
    frames = [bytes((129 + 2 * n, len(data))) + data for n, data in enumerate(pieces)]
    return head + config + b"".join(frames)


SEEDS: dict[str, Callable[[], Iterator[bytes]]] = {
    "handshake": handshake,
    "chunks": chunks,
    "amf0": amf0,
    "amf3": amf3,
    "messages": payloads_of_messages,
    "server": server,
    "client": client,
    "tag": tag,
    "codecs": codecs,
    "metadata": metadata,
    "timeline": timeline,
    "flv": flv,
    "config": config,
    "names": names,
    "rtmp_url": rtmp_url,
    "gate": gate,
    "wish": wish,
    "websocket": websocket,
    "proxy_protocol": proxy_protocol,
    "announcements": announcements,
    "shape": shape,
    "ts": ts,
    "mp4": mp4,
    "cmaf": cmaf,
}
