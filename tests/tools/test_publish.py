"""`slipstream publish`, as a user runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server import RunningServer, running_server, wait_until
from tests.tools.command import Command, children_of, run_here
from tests.tools.files import film


def test_a_film_is_published_to_its_end(
    server: RunningServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = film(tmp_path / "a.mkv", "libx265", "mp2", seconds=1)
    code, lines = run_here(capsys, "publish", str(source), server.publish_url("live/a"))
    assert lines[:3] == [
        f"Publishing {source} to {server.play_url('live/a')}",
        "  video: H.265 64x48 at 25 fps, copied",
        "  audio: MP2 (MPEG audio layer 2) 48000 Hz stereo, encoded to AAC",
    ]
    assert lines[3].startswith("Published 0:00:0")
    assert lines[3].endswith("nothing dropped.")
    assert (code, len(lines)) == (0, 4)
    server.wait_for_log(r"publish\.end.*stream=live/a reason=unpublished")


def test_it_goes_on_in_a_loop_until_ctrl_c(server: RunningServer, tmp_path: Path) -> None:
    source = film(tmp_path / "b.mp4", seconds=0.5)
    with Command(
        "publish", str(source), server.publish_url("live/b"), "--loop", folder=tmp_path
    ) as publish:
        wait_until(lambda: (server.stream("live/b") or {}).get("publisher"), "publishing")
        publish.wait_for("Publishing")
        (child,) = children_of(publish.process)
        assert publish.interrupt() == 0
    assert "Published 0:00:" in publish.text()
    assert "Traceback" not in publish.text()
    assert not Path(f"/proc/{child}").exists()
    server.wait_for_log(r"publish\.end.*stream=live/b reason=unpublished")


def test_it_ends_with_a_reason_when_the_server_goes(tmp_path: Path) -> None:
    source = film(tmp_path / "c.mp4", seconds=0.5)
    with running_server(tmp_path / "server") as server:
        url = server.publish_url("live/c")
        with Command("publish", str(source), url, "--loop", folder=tmp_path) as publish:
            publish.wait_for("Publishing")
            server.terminate()
            assert publish.wait() == 1
    reason = publish.text().splitlines()[-1]
    assert reason.startswith(f"slipstream: 127.0.0.1:{server.rtmp_port} ")
    assert "Traceback" not in publish.text()


def test_a_wrong_key_is_told_in_the_words_of_the_server(
    server: RunningServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"{server.play_url('live/d')}?key=guessed-wrongly-0123456789"
    code, lines = run_here(capsys, "publish", str(film(tmp_path / "d.mp4", seconds=0.2)), url)
    assert code == 1
    (line,) = lines
    assert line.startswith(f"slipstream: 127.0.0.1:{server.rtmp_port} refused to publish 'd': ")
    assert "guessed" not in line


def test_a_file_that_is_none_is_told_before_any_server_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = "publish", str(tmp_path / "no.mp4"), "rtmp://127.0.0.1:1/live/a"
    assert run_here(capsys, *arguments) == (
        1,
        [f"slipstream: {tmp_path}/no.mp4: No such file or directory"],
    )
