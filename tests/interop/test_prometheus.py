"""Prometheus' own tool reads the metrics, and understands what the dashboard asks."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.control.test_dashboard import targets
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer

PROMTOOL = shutil.which("promtool")
pytestmark = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")


def promtool(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PROMTOOL), *arguments], input=text, capture_output=True, text=True, check=False
    )


def test_promtool_finds_nothing_wrong_with_the_metrics(server: RunningServer) -> None:
    with RtmpClient.publishing(server.publish_url("live/prometheus")):
        page = server.metrics()
    assert 'stream="live/prometheus"' in page
    said = promtool("check", "metrics", text=page).stderr.splitlines()
    # It would have bytes, but bitrates are told in bits wherever there is video.
    assert [line for line in said if 'use base unit "bytes" instead of "bits"' not in line] == []


def test_promtool_understands_every_query_of_the_dashboard(tmp_path: Path) -> None:
    rules = [
        {"record": f"query:{number}", "expr": expression}
        for number, (expression, _) in enumerate(targets())
    ]
    text = json.dumps({"groups": [{"name": "dashboard", "rules": rules}]})
    path = tmp_path / "rules.yml"  # JSON is YAML
    path.write_text(text.replace("$__rate_interval", "1m").replace("$stream", ".*"))
    checked = promtool("check", "rules", str(path))
    assert checked.returncode == 0, checked.stderr
    assert f"{len(rules)} rules found" in checked.stdout
