"""Other people's programs that publish to us and watch us.

A publisher is called, and returns when all of the film is sent. A watcher is a command that
writes a file, and a way to read that file packet by packet: programs that can say themselves
what they got (FFmpeg, ffprobe, PyAV) are asked, the others write FLV. Whatever is missing on
the machine, or fails, raises.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.clips import Content, Packet, has_picture, has_sound, is_plain, read_content
from tests.interop import nginx
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer, wait_until

TIMEOUT_S = 60.0
PYAV_CLIENT = [sys.executable, "-m", "tests.pyav_client"]
FFMPEG = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error"]
GSTREAMER = ["gst-launch-1.0", "-q"]


@dataclass(frozen=True)
class Publisher:
    """A program that publishes.

    Args:
        publish: sends a film to a URL, with a folder for what else it needs; returns the file
            of what it sent, which is the film unless the program changes it.
        misses_start: it may begin at a later keyframe of the film.
    """

    name: str
    publish: Callable[[Path, str, Path], Path]
    misses_start: bool = False


@dataclass(frozen=True)
class Watcher:
    """A program that watches.

    Args:
        command: of the URL and the file to write.
        read: what the file holds.
        http: it wants a URL of HTTP-FLV, not one of RTMP.
        ends: it ends with the stream; otherwise it is to be ended.
    """

    name: str
    command: Callable[[str, Path], list[str]]
    read: Callable[[Path], Content] = read_content
    http: bool = False
    ends: bool = True


def run(command: list[str]) -> None:
    """Run a program to its end; raise with its last words if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    words = done.stdout + done.stderr
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{words[-4000:]}"


def watch(watcher: Watcher, server: RunningServer, stream: str, folder: Path) -> Content:
    """Watch until the stream has ended; what came."""
    url = server.flv_url(stream) if watcher.http else server.play_url(stream)
    file = folder / "received.flv"
    with subprocess.Popen(watcher.command(url, file), stdin=subprocess.DEVNULL) as process:
        try:
            if watcher.ends:
                assert process.wait(TIMEOUT_S) == 0, f"{watcher.name} failed"
            else:
                wait_until(file.exists, f"{watcher.name} to receive something", TIMEOUT_S)
                server.wait_for_viewers(stream, 0)
        finally:
            process.terminate()
    return watcher.read(file)


# Publishers


def _publish_with_pyav(film: Path, url: str, folder: Path) -> Path:
    sent = folder / "sent.flv"
    run([*PYAV_CLIENT, "publish", str(film), url, str(sent)])
    return sent


def _publish_with_ffmpeg(film: Path, url: str, _: Path) -> Path:
    run([*FFMPEG, "-re", "-i", str(film), "-c", "copy", "-f", "flv", url])
    return film


def _publish_with_gstreamer(sink: str, film: Path, url: str, folder: Path) -> Path:
    """GStreamer's flvmux writes times of its own, so what it wrote is kept."""
    sent = folder / "sent.flv"
    pipeline = f"filesrc location={film} ! flvdemux name=film flvmux name=flv streamable=true"
    pipeline += f" ! tee name=both ! queue ! {sink} location={url}"
    pipeline += f" both. ! queue ! filesink location={sent}"
    if has_picture(film):
        pipeline += " film.video ! queue ! flv.video"
    if has_sound(film):
        pipeline += " film.audio ! queue ! flv.audio"
    run([*GSTREAMER, *pipeline.split()])
    return sent


def _publish_with_librtmp(film: Path, url: str, folder: Path) -> Path:
    """What flvmux cannot write goes to librtmp as it is, in one piece: it loses a tag whose header
    is cut. It need not know the codec, nor the time, and sends as fast as it can.
    """
    if is_plain(film):
        return _publish_with_gstreamer("rtmpsink", film, url, folder)
    pipeline = f"filesrc location={film} blocksize={film.stat().st_size} ! rtmpsink location={url}"
    run([*GSTREAMER, *pipeline.split()])
    return film


def _publish_with_nginx(film: Path, url: str, folder: Path) -> Path:
    with nginx.pushing(url, folder) as place:
        return _publish_with_our_own(film, place, folder)


def _publish_with_our_own(film: Path, url: str, _: Path) -> Path:
    with RtmpClient.publishing(url) as client:
        client.send_file(film)
        client.leave()
    return film


OUR_OWN = Publisher("Slipstream's own client", _publish_with_our_own)
PUBLISHERS = (
    Publisher("PyAV (FFmpeg 8)", _publish_with_pyav),
    Publisher("ffmpeg 5.1", _publish_with_ffmpeg),
    Publisher("GStreamer rtmp2sink", partial(_publish_with_gstreamer, "rtmp2sink")),
    Publisher("GStreamer rtmpsink (librtmp)", _publish_with_librtmp),
    Publisher("nginx-rtmp push", _publish_with_nginx, misses_start=True),
    OUR_OWN,
)


# Watchers


def _read_json(path: Path) -> Content:
    packets, configs = json.loads(path.read_text())
    return Content([Packet(*packet) for packet in packets], configs)


def _read_ffprobe(path: Path) -> Content:
    shown = json.loads(path.read_text())
    content = Content([], {})
    for packet in shown["packets"]:
        kind, digest = packet["codec_type"], _plain(packet["data_hash"])
        keyframe = "K" in packet["flags"]
        content.packets.append(Packet(kind, packet["dts"], packet["pts"], digest, keyframe))
    for stream in shown["streams"]:
        if "extradata_hash" in stream:
            content.configs[stream["codec_type"]] = _plain(stream["extradata_hash"])
    return content


def _plain(digest: str) -> str:
    return digest.removeprefix("SHA256:")


def _read_framehash(path: Path) -> Content:
    """Read what FFmpeg's muxer "framehash" writes; it knows no keyframes."""
    text = path.read_text()
    kinds = dict(re.findall(r"^#media_type (\d+): (\w+)", text, re.MULTILINE))
    configs = re.findall(r"^#extradata (\d+),\s*\d+,\s*(\w+)", text, re.MULTILINE)
    content = Content([], {kinds[number]: digest for number, digest in configs})
    for line in text.splitlines():
        if not line.startswith("#"):
            number, dts, pts, _, _, digest = (field.strip() for field in line.split(","))
            content.packets.append(Packet(kinds[number], int(dts), int(pts), digest))
    return content


def _hash_with_ffmpeg(url: str, file: Path) -> list[str]:
    copy = ["-copyts", "-c", "copy", "-f", "framehash", "-hash", "sha256"]
    return [*FFMPEG, "-i", url, *copy, str(file)]


def _ask_ffprobe(url: str, file: Path) -> list[str]:
    shown = [
        "-show_packets",
        "-show_streams",
        "-show_data_hash",
        "sha256",
        "-of",
        "json",
        "-o",
        str(file),
    ]
    return ["ffprobe", "-hide_banner", "-loglevel", "error", *shown, url]


def _watch_with_pyav(url: str, file: Path) -> list[str]:
    return [*PYAV_CLIENT, "watch", url, str(file)]


WATCHERS = (
    Watcher("PyAV (FFmpeg 8)", _watch_with_pyav, _read_json),
    Watcher("ffmpeg 5.1", _hash_with_ffmpeg, _read_framehash),
    Watcher("ffprobe 5.1", _ask_ffprobe, _read_ffprobe),
    Watcher("rtmpdump", lambda url, file: ["rtmpdump", "-q", "-r", url, "-o", str(file)]),
    Watcher(
        "GStreamer rtmp2src",
        lambda url, file: [
            *(*GSTREAMER, "rtmp2src", f"location={url}", "!"),
            *("filesink", f"location={file}"),
        ],
    ),
    Watcher("nginx-rtmp pull", nginx.pull_command, ends=False),
    Watcher("PyAV (FFmpeg 8), HTTP-FLV", _watch_with_pyav, _read_json, http=True),
    Watcher("ffmpeg 5.1, HTTP-FLV", _hash_with_ffmpeg, _read_framehash, http=True),
    Watcher(
        "curl, HTTP-FLV",
        lambda url, file: ["curl", "--silent", "--show-error", "-o", str(file), url],
        http=True,
    ),
)
