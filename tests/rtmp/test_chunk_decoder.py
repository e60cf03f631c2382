"""ChunkDecoder against the spec's examples and what real peers send, then against any input."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipstream.rtmp.chunk_decoder import PUBLISHER, RUN, ChunkDecoder
from slipstream.rtmp.messages import Message
from tests.rtmp.chunk_reader import GeneralDecoder, decode, read_all
from tests.rtmp.chunk_writer import (
    ABORT,
    AUDIO,
    SET_CHUNK_SIZE,
    VIDEO,
    Peer,
    basic_header,
    chunks,
    control,
    slices,
    wire,
)

# The specification's examples and the forms of the headers.


def test_spec_example_1_evenly_spaced_audio() -> None:
    """§5.3.2.1: four messages in chunks of 44, 36, 33 and 33 bytes."""
    sound = bytes(range(32))
    first = bytes.fromhex("04 0003e8 000020 08 39300000") + sound  # 1000 ms, stream 12345
    data = first + bytes.fromhex("84 000014") + sound + b"\xc4" + sound + b"\xc4" + sound
    assert len(data) == 44 + 36 + 33 + 33
    assert decode(data) == [Message(t, AUDIO, 12345, sound) for t in (1000, 1020, 1040, 1060)]


def test_spec_example_2_long_video() -> None:
    """§5.3.2.2: one message of 307 bytes in chunks of 140, 129 and 52 bytes."""
    frame = bytes(i % 251 for i in range(307))
    first = bytes.fromhex("06 0003e8 000133 09 3a300000") + frame[:128]
    data = first + b"\xc6" + frame[128:256] + b"\xc6" + frame[256:]
    assert len(data) == 140 + 129 + 52
    assert decode(data) == [Message(1000, VIDEO, 12346, frame)]


@pytest.mark.parametrize(
    ("basic", "csid"),
    [("02", 2), ("3f", 63), ("0000", 64), ("00ff", 319), ("010001", 320), ("01ffff", 65599)],
)
def test_every_form_of_csid(basic: str, csid: int) -> None:
    frame = Message(7, VIDEO, 1, bytes(range(200)))
    data = bytes.fromhex(basic) + bytes.fromhex("000007 0000c8 09 01000000") + frame.payload[:128]
    assert decode(data + basic_header(3, csid) + frame.payload[128:]) == [frame]


def test_csid_64_is_the_same_in_its_two_forms() -> None:
    frame = Message(7, VIDEO, 1, bytes(200))
    first, second = chunks(64, frame)
    assert second[:2] == bytes.fromhex("c000")
    assert decode(first + bytes.fromhex("c10000") + second[2:]) == [frame]


def test_an_empty_message_ends_with_its_header() -> None:
    """Empty audio means silence."""
    empty, sound = Message(5, AUDIO, 1, b""), Message(6, AUDIO, 1, b"a")
    assert decode(wire(4, empty) + wire(4, sound) + wire(4, empty)) == [empty, sound, empty]


# Timestamps.


@pytest.mark.parametrize(
    ("form", "timestamps"),
    [
        pytest.param("04 0186a0 000001 08 01000000 61 44 000014 000001 08 62", [100_000, 100_020]),
        pytest.param(
            "04 0186a0 000001 08 01000000 61 84 000014 62 c4 63", [10**5, 100_020, 100_040]
        ),
        pytest.param("04 00001a 000001 08 01000000 61 c4 62 c4 63", [26, 52, 78], id="FMLE"),
        pytest.param("04 001388 000001 08 01000000 61 c4 62", [5000, 10_000], id="5 s"),
        pytest.param(
            "04 001389 000001 08 01000000 61 c4 62", [5001, 5001], id="librtmp: same time"
        ),
        pytest.param("04 ffffff 000001 08 01000000 fffffff0 61 84 000020 62", [2**32 - 16, 16]),
        pytest.param(
            "04 0186a7 000004 08 01000000 af016161 44 ffffff 000004 09 fffef717 27016262",
            [100_007, 32_190],
            id="librtmp: backwards",
        ),
        pytest.param("04 ffffff 000001 08 01000000 00ffffff 61", [0xFFFFFF], id="first long time"),
        pytest.param("04 fffffe 000001 08 01000000 61", [0xFFFFFE], id="last short time"),
        pytest.param("44 000005 000001 08 61 84 000005 62", [5, 10], id="opens with type 1"),
    ],
)
def test_timestamps(form: str, timestamps: list[int]) -> None:
    assert [message.timestamp for message in decode(bytes.fromhex(form))] == timestamps


def test_ffmpeg_s_first_message_on_csid_2() -> None:
    """FFmpeg's and librtmp's Set Buffer Length opens csid 2 with a type 1 chunk."""
    data = bytes.fromhex("42 000001 00000a 04 0003 00000001 00000bb8")
    assert decode(data) == [Message(1, 4, 0, data[8:])]


LATE = Message(0x1000000, VIDEO, 1, bytes(i % 256 for i in range(400)))


def test_an_extended_time_is_repeated_by_ffmpeg_and_gstreamer() -> None:
    first = bytes.fromhex("06 ffffff 000190 09 01000000 01000000")
    between = bytes.fromhex("c6 01000000")
    assert decode(first + between.join(slices(LATE.payload, 128))) == [LATE]


def test_an_extended_time_is_not_repeated_by_librtmp_of_2011() -> None:
    first = bytes.fromhex("06 ffffff 000190 09 01000000 01000000")
    assert decode(first + b"\xc6".join(slices(LATE.payload, 128))) == [LATE]


@pytest.mark.parametrize("left", [1, 2, 3, 4])
def test_a_short_rest_that_looks_like_the_time_is_payload(left: int) -> None:
    """Only the chunk that follows can tell; until it comes the message has to wait."""
    payload = bytes(128) + bytes.fromhex("01000002")[:left]
    first = bytes.fromhex("06 ffffff") + len(payload).to_bytes(3) + b"\x09" + bytes(4)
    data = first + bytes.fromhex("01000000") + payload[:128] + b"\xc6" + payload[128:]
    sound = Message(7, AUDIO, 1, b"abc")
    assert decode(data + wire(4, sound)) == [Message(0x1000000, VIDEO, 0, payload), sound]


def test_the_absolute_time_may_be_repeated_where_a_delta_was_extended() -> None:
    payload = bytes(200)
    start = bytes.fromhex("06 000064 000001 09 01000000 61")
    delta = bytes.fromhex("46 ffffff 0000c8 09 01000000") + payload[:128]
    absolute = bytes.fromhex("c6 01000064") + payload[128:]
    assert decode(start + delta + absolute)[1] == Message(0x1000064, VIDEO, 1, payload)


def test_a_type_3_that_begins_a_message_repeats_the_extended_delta() -> None:
    data = bytes.fromhex("46 ffffff 000001 09 01000000 61" + "c6 01000000 62" + "c6 63")
    late = bytes.fromhex("04 000000 000001 08 00000000 64")
    times = [message.timestamp for message in decode(data + late)]
    assert times == [0x1000000, 0x2000000, 0x3000000, 0]


def test_a_type_3_that_begins_a_message_may_repeat_its_absolute_time() -> None:
    data = bytes.fromhex("06 000064 000001 09 01000000 61" + "46 ffffff 000001 09 01000000 62")
    found = decode(data + bytes.fromhex("c6 02000064 63"))
    assert [m.timestamp for m in found] == [0x64, 0x1000064, 0x2000064]
    assert [m.payload for m in found] == [b"a", b"b", b"c"]


def test_a_time_that_is_extended_no_more_is_not_looked_for() -> None:
    data = bytes.fromhex("06 ffffff 000004 09 01000000 01000000 61616161")
    ordinary = bytes.fromhex("06 000064 000004 09 01000000 62626262" + "c6 01000000")
    assert [m.payload for m in decode(data + ordinary)] == [b"aaaa", b"bbbb", bytes([1, 0, 0, 0])]


# Interleaving and control.


def test_messages_interleave_and_the_chunk_size_changes_in_the_middle_of_one() -> None:
    frame = Message(40, VIDEO, 1, bytes(range(200)))
    sound, resize = Message(40, AUDIO, 1, b"sound"), control(SET_CHUNK_SIZE, 50)
    head, _ = chunks(6, frame)
    rest = b"".join(b"\xc6" + piece for piece in slices(frame.payload[128:], 50))
    assert decode(head + wire(4, sound) + wire(2, resize) + rest) == [sound, resize, frame]


def test_set_chunk_size_governs_the_very_next_chunk() -> None:
    resize, frame = control(SET_CHUNK_SIZE, 300), Message(0, VIDEO, 1, bytes(300))
    assert decode(wire(2, resize) + wire(4, frame, size=300)) == [resize, frame]


def test_control_messages_are_obeyed_on_any_csid() -> None:
    """PTZ cameras send them on csid 3 to 6."""
    resize, frame = control(SET_CHUNK_SIZE, 300), Message(0, VIDEO, 1, bytes(300))
    assert decode(wire(5, resize) + wire(5, resize) + wire(4, frame, 300))[2:] == [frame]


@pytest.mark.parametrize("size", [1, 2, 127, 0xFFFFFF, 0x1000000, 0x7FFFFFFF])
def test_chunk_sizes_that_are_legal(size: int) -> None:
    resize, frame = control(SET_CHUNK_SIZE, size), Message(0, VIDEO, 1, bytes(range(250)))
    assert decode(wire(2, resize) + wire(6, frame, size) * 3) == [resize, frame, frame, frame]


@pytest.mark.parametrize("csid", [4, 300, 1000], ids=["1-byte", "2-byte", "3-byte"])
def test_abort_forgets_what_its_chunk_stream_had_begun(csid: int) -> None:
    torn = chunks(csid, Message(0, VIDEO, 1, bytes(200)))[0]
    abort, frame = control(ABORT, csid), Message(7, VIDEO, 1, b"kept")
    assert decode(torn + wire(2, abort) + wire(csid, frame)) == [abort, frame]


def test_abort_of_a_chunk_stream_that_never_was() -> None:
    assert decode(wire(2, control(ABORT, 77))) == [control(ABORT, 77)]


def test_a_run_ends_where_another_chunk_stream_comes_in_between() -> None:
    frame, sound = Message(0, VIDEO, 1, bytes(range(256)) * 4), Message(0, AUDIO, 1, b"s" * 100)
    pieces = chunks(6, frame)
    opening = wire(6, frame) + wire(4, sound)
    for place in range(1, len(pieces)):
        mixed = b"".join([*pieces[:place], wire(4, sound), *pieces[place:]])
        assert decode(opening + mixed)[2:] == [sound, frame]


@pytest.mark.parametrize("size", [RUN * 128 - 1, RUN * 128, RUN * 128 + 1, 3 * RUN * 128])
def test_long_messages_come_in_several_runs(size: int) -> None:
    frame = Message(0, VIDEO, 1, bytes(i * 7 % 256 for i in range(size)))
    data = wire(6, frame) * 2
    for decoder in (ChunkDecoder(limits=PUBLISHER), GeneralDecoder(limits=PUBLISHER)):
        assert read_all(decoder, *slices(data, 1448)) == ([frame, frame], False)
    assert ChunkDecoder(limits=PUBLISHER).receive_data(data) == [frame, frame]


def test_a_message_begun_anew_replaces_the_half_received_one() -> None:
    torn = chunks(6, Message(0, VIDEO, 1, bytes(200)))[0]
    frame = Message(9, VIDEO, 1, bytes(range(200)))
    decoder = ChunkDecoder()
    assert decoder.receive_data(torn * 3 + wire(6, frame)) == [frame]
    assert decoder.dropped_messages == 3
    assert decode(torn + wire(6, frame) * 2) == [frame, frame]


# Any input.


def outcomes(data: bytes, cuts: list[int]) -> list[tuple[list[Message], str]]:
    """What comes of the same bytes read in six ways."""
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    ways = [data], slices(data, 1), [data[a:b] for a, b in pairwise(places)]
    found = []
    for decoder_class in (ChunkDecoder, GeneralDecoder):
        for reads in ways:
            decoder = decoder_class()
            messages, _ = read_all(decoder, *reads)
            found.append((messages, str(decoder.error)))
    return found


@settings(deadline=None)
@given(st.randoms(use_true_random=False), st.lists(st.integers(0, 5000), max_size=3))
def test_messages_survive_any_headers_any_interleaving_and_any_cut(
    random: Random, cuts: list[int]
) -> None:
    peer = Peer(random)
    data = b"".join(peer.chunk() for _ in range(random.choice([1, 5, 30])))
    assert outcomes(data, cuts) == [(peer.sent, "None")] * 6


@settings(deadline=None)
@given(st.randoms(use_true_random=False), st.lists(st.integers(0, 2000), max_size=3))
def test_damaged_bytes_mean_the_same_wherever_a_read_ends(random: Random, cuts: list[int]) -> None:
    peer = Peer(random)
    data = bytearray(b"".join(peer.chunk() for _ in range(10)))
    for _ in range(random.choice([1, 2, 5])):
        data[random.randrange(len(data))] = random.choice([0x02, 0x44, 0xC4, random.randrange(256)])
    found = outcomes(bytes(data), cuts)
    assert found == [found[0]] * 6


@settings(deadline=None)
@given(st.binary(max_size=600), st.lists(st.integers(0, 600), max_size=3))
def test_any_bytes_give_messages_or_a_chunk_error(data: bytes, cuts: list[int]) -> None:
    found = outcomes(data, cuts)
    assert found == [found[0]] * 6
