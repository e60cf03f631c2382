"""Settings that do not go together."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipstream.control.configuration.config import load_config
from slipstream.control.configuration.mistakes import ConfigError

PARTS = "parts of 900 ms are longer than segments (800)"
SLATE = "a slate after 3 s is seen by nobody: viewers stay for 3 s (streams.grace_s)"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            'server.rtmp = ":80"\nserver.http = ":80"\n',
            [":2: server.http: is the address of server.rtmp as well: :80"],
        ),
        (
            'server.rtmp = ":8080"\n',
            [":1: server.rtmp: is the address of server.rtmp as well: :8080"],
        ),
        ('server.rtmp = ":0"\nserver.http = ":0"\n', []),
        ("streams.segment_ms = 800\nstreams.part_ms = 900\n", [f":2: streams.part_ms: {PARTS}"]),
        (
            "streams.part_ms = 900\n[apps.a.streams]\nsegment_ms = 800\n",
            [f":3: apps.a.streams.segment_ms: {PARTS}"],
        ),
        (  # once, not again for an application that has it from there
            "streams.segment_ms = 800\nstreams.part_ms = 900\n[apps.a.streams]\ngrace_s = 1\n",
            [f":2: streams.part_ms: {PARTS}"],
        ),
        (
            'slate.source = "card"\nslate.after_s = 3\nstreams.grace_s = 3\n',
            [f":2: slate.after_s: {SLATE}"],
        ),
        ("slate.after_s = 3\nstreams.grace_s = 3\n", []),
        (
            "slate.after_s = 3\nstreams.grace_s = 3\n[apps.a]\nslate.source = 'card'\n",
            [f":4: apps.a.slate.source: {SLATE}"],
        ),
        (  # beside a mistake of another kind; but a wrong value contradicts nothing
            "streams.segment_ms = 800\nstreams.part_ms = 900\nx = 1\n",
            [f":2: streams.part_ms: {PARTS}", ":3: x: unknown key"],
        ),
        (
            'streams.segment_ms = 800\nstreams.part_ms = "900"\n',
            [':2: streams.part_ms: must be a valid integer, not "900"'],
        ),
    ],
)
def test_what_does_not_go_together_is_told_where_it_was_set(
    tmp_path: Path, text: str, told: list[str]
) -> None:
    path = tmp_path / "s.toml"
    path.write_text(text)
    if not told:
        load_config(path)
        return
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert [str(mistake).removeprefix(str(path)) for mistake in caught.value.mistakes] == told
