"""`slipstream play`, as a user runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server import RunningServer
from tests.tools.command import Command, run_here
from tests.tools.conftest import STREAM
from tests.tools.files import tracks_of

TRACKS = ["  audio: AAC LC, 48000 Hz stereo", "  video: H.264 Constrained Baseline 1.0, 64x48"]


@pytest.mark.parametrize("protocol", ["rtmp", "http-flv"])
def test_a_stream_is_watched_and_kept(
    on_air: RunningServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], protocol: str
) -> None:
    url = on_air.play_url(STREAM) if protocol == "rtmp" else on_air.flv_url(STREAM)
    kept = tmp_path / "kept.flv"
    code, lines = run_here(capsys, "play", url, "--seconds", "1.2", "--out", str(kept))
    head, *tracks, summary, last = lines
    assert code == 0
    assert head == f"Playing {url}"
    assert sorted(tracks) == TRACKS
    assert summary.startswith("Played 0:00:0")
    assert ", no gaps, jitter " in summary
    assert last == f"Kept in {kept}."
    content = tracks_of(kept)
    assert content["video"].size == (64, 48)
    assert len(content["video"].dts_ms) >= 25
    assert len(content["audio"].dts_ms) >= 45


def test_ctrl_c_ends_it_with_a_summary(on_air: RunningServer, tmp_path: Path) -> None:
    with Command("play", on_air.play_url(STREAM), folder=tmp_path) as play:
        play.wait_for("  audio")
        assert play.interrupt() == 0
    assert play.text().splitlines()[-1].startswith("Played 0:00:0")
    assert "Traceback" not in play.text()


@pytest.mark.parametrize("protocol", ["rtmp", "http-flv"])
def test_a_stream_that_nobody_publishes_is_told(
    server: RunningServer, capsys: pytest.CaptureFixture[str], protocol: str
) -> None:
    url = server.play_url("live/no") if protocol == "rtmp" else server.flv_url("live/no")
    code, (line,) = run_here(capsys, "play", url)
    assert code == 1
    assert line.startswith("slipstream: ")
    assert "nobody publishes this stream" in line


def test_a_file_that_cannot_be_written_is_told(
    on_air: RunningServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "nowhere" / "a.flv"
    arguments = "play", on_air.play_url(STREAM), "--out", str(path)
    assert run_here(capsys, *arguments) == (1, [f"slipstream: {path}: No such file or directory"])
