"""Viewers behind a link that is too narrow: they lose pictures before they lose sound."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import av
import pytest

from slipstream.media import FlvTag, Frame, Kind, build_flv_tag, flv_header, parse_tag
from tests.behaviour.conftest import OpenServer
from tests.behaviour.judging import judge
from tests.behaviour.pictures import CONFIGS, CONFIGS_AGAIN, PICTURE_MS, bodies
from tests.behaviour.visits import on_air
from tests.clips import B_FRAMES, Film, encode_film, read_tags
from tests.flv_client import FlvClient
from tests.hub.stage import inter, key, sound
from tests.raw_client import RawClient
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer

CEILING_MS = 4_000
SETTINGS = f"[streams]\nlatency_ceiling_ms = {CEILING_MS}\ngrace_s = 1\n"
FILLING = 12_000  # bytes a picture: 2.4 Mbit/s
SMALL_BUFFER = 16 << 10  # bytes that the kernel holds at a slow viewer's side
SECONDS = 8


def spare(time_ms: int, mark: bytes) -> Frame:
    """A picture that nothing refers to: nal_ref_idc is 0 (H.264 §7.4.1)."""
    frame = parse_tag(9, time_ms, b"\x27\x01\0\0\0\0\0\0\x05\x01" + mark)
    assert frame.disposable
    return frame


def marked_spare(time_ms: int, mark: bytes) -> Frame:
    """The same, and the tag says so too (FLV 10.1 §E.4.3.1, frame type 3)."""
    frame = parse_tag(9, time_ms, b"\x37\x01\0\0\0\0\0\0\x05\x01" + mark)
    assert frame.disposable
    return frame


def second(start_ms: int) -> list[Frame]:
    """A GOP: every third picture is one that others refer to; sound lies between."""
    frames = []
    makers = (inter, spare, marked_spare)
    for number in range(1000 // PICTURE_MS):
        time_ms = start_ms + number * PICTURE_MS
        mark = b"%d " % time_ms + bytes(FILLING)
        frames.append((makers[number % 3] if number else key)(time_ms, mark))
        frames.append(sound(time_ms + 5, mark[:16]))
    return frames


def live(start_ms: int, seconds: int) -> Iterator[list[Frame]]:
    """A picture and a sound at a time, when they are due."""
    started = time.monotonic()
    for start in range(start_ms, start_ms + seconds * 1000, 1000):
        frames = second(start)
        for index in range(0, len(frames), 2):
            due_s = (frames[index].dts_ms - start_ms) / 1000
            time.sleep(max(started + due_s - time.monotonic(), 0))
            yield frames[index : index + 2]


def viewer_report(server: RunningServer, stream: str) -> dict[str, int]:
    """What the server says of the viewer that has lost most."""
    reports: list[dict[str, int]] = server.api(f"streams/{stream}")["viewers"]
    return max(reports, key=lambda report: report["dropped_frames"])


class NarrowPlayer:
    """Plays, and reads no more than it is told."""

    def __init__(self, server: RunningServer, stream: str) -> None:
        self.client = RawClient(server, receive_buffer=SMALL_BUFFER).connect()
        self.stream_id = self.client.create_stream()
        name = stream.removeprefix("live/")
        self.client.command("play", 0, None, name, stream_id=self.stream_id)
        self.came: list[bytes] = []

    def read(self, count: int) -> None:
        self.came += bodies(self.client.hear_some(self.stream_id, count))

    def read_until(self, body: bytes) -> None:
        while body not in self.came:
            self.came += bodies(self.client.take(self.stream_id, 1))


@pytest.mark.parametrize("share", [0.6, 0.3])
def test_a_link_too_narrow_for_the_pictures_carries_all_of_the_sound(
    open_server: OpenServer, stream: str, share: float
) -> None:
    server = open_server(settings=SETTINGS)
    sent: list[Frame] = []
    with on_air(server, stream) as station:
        station.send(*(first := second(1_000)))
        sent += first
        player = NarrowPlayer(server, stream)
        server.wait_for_viewers(stream, 2)
        for frames in live(2_000, SECONDS):
            station.send(*frames)
            sent += frames
            player.read(int(len(frames[0].body) * share))
        report = viewer_report(server, stream)
        player.read_until(sent[-1].body)
        player.client.close()
    got = judge(player.came[len(CONFIGS) :], sent, CONFIGS_AGAIN)
    assert got.jumps == 0  # nothing but pictures is missing
    assert len(got.missing) >= report["dropped_frames"] > 0
    assert any(frame.disposable for frame in got.missing)
    assert report["jumps"] == report["skipped_ms"] == 0
    server.wait_for_log(rf"play.end .*stream={stream}.* jumps=0 skipped_ms=0 dropped=[1-9]")


def test_what_was_left_out_comes_again_once_the_link_is_wide_enough(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server(settings=SETTINGS)
    sent: list[Frame] = []
    with on_air(server, stream) as station:
        station.send(*(first := second(1_000)))
        sent += first
        player = NarrowPlayer(server, stream)
        server.wait_for_viewers(stream, 2)
        for frames in live(2_000, 4):
            station.send(*frames)
            sent += frames
            player.read(len(frames[0].body) // 4)
        assert viewer_report(server, stream)["dropped_frames"] > 0
        for frames in live(6_000, 2):
            station.send(*frames)
            sent += frames
            player.read(1 << 20)
        calm = second(8_000)
        station.send(*calm)
        player.read_until(calm[-1].body)
        player.client.close()
    judge(player.came[len(CONFIGS) :], [*sent, *calm], CONFIGS_AGAIN)
    assert player.came[-len(calm) :] == bodies(calm)


def test_a_picture_refused_by_the_player_is_no_loss_of_sound(
    open_server: OpenServer, stream: str
) -> None:
    """The same on the private path: who asked for sound alone gets it whole."""
    server = open_server(settings=SETTINGS)
    with on_air(server, stream) as station:
        player = NarrowPlayer(server, stream)
        server.wait_for_viewers(stream, 2)
        player.client.command("receiveVideo", 0, None, False, stream_id=player.stream_id)
        player.client.command("getStreamLength", 9, None, "x")  # its answer: all was obeyed
        player.client.hear_command("_result")
        player.read(1 << 20)
        sent: list[Frame] = []
        for start_ms in (1_000, 2_000, 3_000):
            station.send(*(frames := second(start_ms)))
            sent += frames
        player.read_until(sent[-1].body)
        player.client.close()
    sounds = [frame.body for frame in sent if frame.kind == Kind.AUDIO]
    assert [body for body in player.came if body in sounds] == sounds
    assert player.came[-len(sounds) :] == sounds


# Seen by a real decoder


def decoded(path: Path) -> tuple[int, int, list[str]]:
    """Pictures and sounds in a file that can be decoded, and what FFmpeg complains of."""
    pictures = sounds = 0
    with av.logging.Capture(local=False) as lines, av.open(str(path)) as film:
        for frame in film.decode():
            if isinstance(frame, av.VideoFrame):
                assert not frame.is_corrupt
                pictures += 1
            else:
                sounds += 1
    return pictures, sounds, [text for level, _, text in lines if level <= av.logging.ERROR]


def test_what_comes_through_a_narrow_link_is_decoded_without_a_complaint(
    open_server: OpenServer, stream: str, tmp_path: Path
) -> None:
    server = open_server(settings=SETTINGS)
    seconds, film, copy = 6, tmp_path / "film.flv", tmp_path / "copy.flv"
    encode_film(
        Film(options=B_FRAMES, seconds=seconds, bit_rate=2_500_000, gop=50, width=320, height=240),
        film,
    )
    bytes_per_s = film.stat().st_size / seconds
    with (
        FlvClient(server, f"/{stream}.flv", receive_buffer=SMALL_BUFFER) as viewer,
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
    ):
        sending = Thread(target=publisher.send_file, args=(film,))
        sending.start()
        assert viewer.status == 200
        tags = viewer.crawl(bytes_per_s / 4, sending.is_alive)
        publisher.leave()
        tags += viewer.drain()
        sending.join()
    copy.write_bytes(flv_header() + b"".join(build_flv_tag(*tag) for tag in tags))
    whole, part = decoded(film), decoded(copy)
    assert part[1] == whole[1]
    assert 0 < part[0] < whole[0]
    assert part[2] == []
    dropped = pictures_in(read_tags(film)) - pictures_in(tags)
    server.wait_for_log(rf"play.end .*stream={stream}.* jumps=0 .*dropped={dropped}\b")


def pictures_in(tags: list[FlvTag]) -> int:
    return [tag.type_id for tag in tags].count(Kind.VIDEO)
