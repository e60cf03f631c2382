"""`slipstream probe`, as a user runs it."""

from __future__ import annotations

import json

import pytest

from slipstream.tools.probe import MAX_VALUES, _as_tree
from tests.server import RunningServer
from tests.tools.command import run_here
from tests.tools.conftest import STREAM


def test_the_tracks_are_told_in_a_table(
    on_air: RunningServer, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = run_here(capsys, "probe", on_air.play_url(STREAM), "--seconds", "1.5")
    assert code == 0
    assert lines[0].startswith(on_air.play_url(STREAM))
    assert max(len(line) for line in lines) <= 80
    rows = {line.split()[0]: line.split()[1:] for line in lines[1:] if line.strip()}
    assert rows["video"] == ["audio"]
    assert rows["codec"][:2] == ["H.264", "Constrained"]
    assert rows["codec"][-2:] == ["AAC", "LC"]
    assert rows["string"] == ["avc1.42c00a", "mp4a.40.2"]
    assert rows["shape"] == ["64x48", "48000", "Hz", "stereo"]
    assert 24 < float(rows["frames"][0]) < 26
    assert rows["keyframes"][:2] == ["every", "0.4"]
    assert rows["gaps"] == ["none", "none"]


def test_programs_get_json(on_air: RunningServer, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = run_here(capsys, "probe", on_air.flv_url(STREAM), "--seconds", "1.5", "--json")
    assert code == 0
    report = json.loads("\n".join(lines))
    video, audio = report["tracks"]
    assert (video["kind"], video["codec"], video["width"], video["height"]) == (
        "video",
        "avc1",
        64,
        48,
    )
    assert video["keyframe_every_ms"][0] == 400
    assert video["frames_per_s"] == pytest.approx(25, rel=0.03)
    assert video["bits_per_s"] > 100_000
    assert (audio["kind"], audio["codec_string"], audio["sample_rate"]) == (
        "audio",
        "mp4a.40.2",
        48_000,
    )
    assert (audio["gaps"], audio["lost_ms"]) == (0, 0)
    assert report["metadata"]["width"] == 64


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("localhost/live/a", "localhost/live/a begins neither with rtmp:// nor with http://"),
        ("rtmps://127.0.0.1:1/live/a", "connection refused; no server is running there"),
        ("http://127.0.0.1:1/live/a.flv", "connection refused; no server is running there"),
    ],
)
def test_an_address_that_is_none_is_told(
    capsys: pytest.CaptureFixture[str], url: str, reason: str
) -> None:
    code, (line,) = run_here(capsys, "probe", url)
    assert code == 1
    assert line.startswith("slipstream: ")
    assert line.endswith(reason)


def test_metadata_that_refers_to_itself_is_shown_and_ends() -> None:
    endless: dict[str, object] = {"title": "a"}
    endless["self"] = [endless, endless]
    tree = _as_tree(endless, [MAX_VALUES])
    text = json.dumps(tree)
    assert text.startswith('{"title": "a", "self": [{"title": "a"')
    assert "..." in text
    assert len(text) < 100 * MAX_VALUES
