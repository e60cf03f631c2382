"""MPEG-TS: what it cannot carry is left out, and nothing that strangers send harms it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.formats import TsFormat
from slipstream.media import (
    Codec,
    Frame,
    Packetizer,
    Timeline,
    build_audio_config,
    build_audio_tag,
    build_pat,
    build_pes,
    build_pmt,
    open_elementary,
    parse_tag,
)
from tests.clips import film_file, read_tags
from tests.formats.ts_reader import Content, Unit, read_ts
from tests.formats.ts_stage import (
    CLOCK,
    H264,
    OFFSET_MS,
    annex_b,
    content,
    inter,
    key,
    written,
)
from tests.hub.stage import audio_config, sound, video_config


@pytest.mark.parametrize(
    "sounds",
    [[parse_tag(8, time_ms, b"\x72\xd5\xd5\xd5\xd5") for time_ms in range(0, 100, 20)], []],
    ids=["G.711", "nothing"],
)
def test_a_picture_goes_without_a_sound_that_cannot_be_carried(sounds: list[Frame]) -> None:
    frames = [video_config(), key(0), *sounds, inter(120)]
    found = read_ts(content(written(frames)))
    assert [s.stream_type for s in found.programmes[-1].streams] == [H264]
    assert len(found.units) == 2


def test_a_stream_of_which_nothing_can_be_carried_is_an_empty_programme(folder: Path) -> None:
    frames = []
    for tag in read_tags(film_file(folder, "vp9-flac")):
        try:
            frames.append(parse_tag(*tag))
        except MediaError:
            continue  # FFmpeg's FLV muxer ends FLAC with an empty packet
    form = written(frames)
    found = read_ts(content(form))
    assert not found.units
    assert {programme.streams for programme in found.programmes} == {()}
    assert form.log.sync_points  # so that viewers do not wait for ever
    greeting = form.log.sync_points[-1].greeting
    assert isinstance(greeting, tuple)
    assert TsFormat.left_out(greeting) == [Codec.FLAC, Codec.VP9]


@pytest.mark.parametrize(
    "config",
    [
        "f8e62000",  # ELD
        "1194",  # frames of 960 samples
        "1180",  # channels listed, no list
        "17b8",  # a rate index that there is not
        "0f80561010",  # a rate of its own, 44 kHz
        "",
        "ff",
    ],
)
def test_aac_that_adts_cannot_say_is_left_out(config: str) -> None:
    frames = [video_config(), key(0)]
    body = b"\xaf\0" + bytes.fromhex(config)
    if len(body) > 2:
        frames.insert(1, parse_tag(8, 0, body))
    found = read_ts(content(written([*frames, sound(10), inter(40)])))
    assert [s.stream_type for s in found.programmes[-1].streams] == [H264]


@pytest.mark.parametrize("channels", range(1, 9))
def test_opus_says_how_many_channels_it_has(channels: int) -> None:
    order = [[0], [0, 1], [0, 2, 1], [0, 1, 2, 3], [0, 4, 1, 2, 3], [0, 4, 1, 2, 3, 5],
             [0, 4, 1, 2, 3, 5, 6], [0, 6, 1, 2, 3, 4, 5, 7]][channels - 1]  # fmt: skip
    coupled = (0, 1, 1, 2, 2, 2, 3, 3)[channels - 1]
    head = b"OpusHead\1" + bytes((channels, 56, 1, 0x80, 0xBB, 0, 0, 0, 0, channels > 2))
    if channels > 2:
        head += bytes((channels - coupled, coupled, *order))
    packets = [parse_tag(8, t, build_audio_tag(Codec.OPUS, b"\xfc" + bytes(t))) for t in (0, 253)]
    frames = [parse_tag(8, 0, build_audio_config(Codec.OPUS, head)), *packets]
    found = read_ts(content(written(frames)))
    (stream,) = found.programmes[0].streams
    assert stream.descriptors == b"\5\4Opus\x7f\2\x80" + bytes((channels,))
    assert [u.payload[:4] for u in found.units] == [b"\x7f\xe0\1\xfc", b"\x7f\xe0\xfe\xfc"]


def test_long_opus_packets_say_their_length_in_several_bytes() -> None:
    stream = open_elementary(Codec.OPUS, b"", b"\xfc")
    assert stream.payload(memoryview(bytes(600)), keyframe=False) == (
        b"\x7f\xe0\xff\xff\x5a" + bytes(600)
    )


def test_units_lengths_may_have_fewer_bytes() -> None:
    config = bytearray(video_config().body)
    config[9] = 0xFD  # lengths of 2 bytes
    picture = parse_tag(9, 0, b"\x17\x01\0\0\0\0\3\x65ab\0\2\x65c")
    found = read_ts(content(written([parse_tag(9, 0, bytes(config)), picture])))
    (unit,) = found.units
    assert annex_b(unit.payload)[-2:] == [b"\x65ab", b"\x65c"]


def test_delimiters_of_the_publisher_are_not_doubled() -> None:
    picture = parse_tag(9, 0, b"\x17\x01\0\0\0" + b"\0\0\0\2\x09\x10" + b"\0\0\0\2\x65a")
    (unit,) = read_ts(content(written([video_config(), picture]))).units
    assert [one[0] & 31 for one in annex_b(unit.payload)].count(9) == 1


def test_parameter_sets_without_measure_are_refused() -> None:
    huge = b"\1\x64\0\x1f\xff\xe1" + (40_000).to_bytes(2) + bytes(40_000) + b"\1\0\2\x68\0"
    with pytest.raises(MediaError):
        open_elementary(Codec.H264, huge, b"")


@pytest.mark.parametrize(
    "stray",
    [b"\x57\0", b"\xd1hvc1", b"\x52\0", b"\x91hvc1\0\0\0xyz"],
    ids=["command", "Enhanced command", "command of another codec", "picture of another codec"],
)
def test_strays_between_pictures_cost_at_most_the_rest_of_their_group(stray: bytes) -> None:
    frames = [video_config(), key(0), inter(40), parse_tag(9, 60, stray), inter(80), key(120)]
    times = [unit.dts // 90 - OFFSET_MS for unit in read_ts(content(written(frames))).of(0x100)]
    assert times == [0, 40, *([80] if stray[0] >> 4 & 7 == 5 else []), 120]


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.binary(max_size=1000) | st.integers(0, 140_000).map(bytes),
            st.none() | st.integers(0, 1 << 40),
            st.booleans(),
            st.integers(0, 1 << 40),
            st.integers(0, 1 << 20),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_any_payload_reads_back(
    cases: list[tuple[bytes, int | None, bool, int, int]],
) -> None:
    packets = Packetizer()
    info = open_elementary(Codec.OPUS, b"", b"\xfc").info._replace(stream_id=0xE0)
    data = packets.table(0, build_pat()) + packets.table(0x1000, build_pmt(7, info.pid, [info]))
    expected, clocks = [], []
    for payload, pcr, random_access, dts, delay in cases:
        pes = build_pes(info.stream_id, payload, dts, dts + delay)
        data += packets.pes(info.pid, pes, pcr, random_access=random_access)
        if pcr is not None:
            clocks.append(pcr % CLOCK * 300)
        times = (dts + delay) % CLOCK, dts % CLOCK
        expected.append(Unit(info.pid, info.stream_id, *times, random_access, payload))
    found: Content = read_ts(data)
    assert found.units == expected
    assert found.clocks == clocks
    assert found.programmes[0].version == 7


heads = st.sampled_from(
    [
        (9, b"\x17\0\0\0\0"),
        (9, b"\x17\1\0\0\0"),
        (9, b"\x27\1\0\0\0"),
        (9, b"\x1c\0\0\0\0"),
        (9, b"\x1c\1\0\0\0"),
        (9, b"\x90hvc1"),
        (9, b"\x91hvc1\0\0\0"),
        (9, b"\x90av01"),
        (9, b"\x52"),
        (9, b"\x96"),
        (9, b"\x22"),
        (8, b"\xaf\0"),
        (8, b"\xaf\1"),
        (8, b"\x2f"),
        (8, b"\x90Opus"),
        (8, b"\x91Opus"),
        (8, b"\x91ac-3"),
        (8, b"\x72"),
        (18, b"\2\0\4nope"),
    ]
)
tails = st.binary(max_size=60) | st.sampled_from(
    [video_config().body[5:], audio_config().body[2:], b"\0\0\0\1\x65", b"OpusHead\1\2" + bytes(9)]
)


@settings(max_examples=300)
@given(st.lists(st.tuples(heads, tails, st.integers(0, 9_000)), max_size=15), st.integers(1, 5))
def test_whatever_strangers_send_the_stream_keeps_the_rules(
    sent: list[tuple[tuple[int, bytes], bytes, int]], at_once: int
) -> None:
    frames = []
    for (type_id, head), tail, time_ms in sent:
        try:
            frames.append(parse_tag(type_id, time_ms, head + tail))
        except MediaError:
            continue
    data = content(written(Timeline().steady(frames), at_once=at_once))
    read_ts(data)
