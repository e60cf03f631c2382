"""nginx-rtmp's configurations as people write them, in our words."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from slipstream.control import load_config
from slipstream.errors import SlipstreamError
from slipstream.tools.nginx_import import import_nginx

SCHOOL = """
worker_processes auto;
events { worker_connections 1024; }
rtmp {
    max_connections 500;
    server {
        listen 1936;
        chunk_size 4096;
        on_update http://127.0.0.1:9000/update;
        notify_update_timeout 15s;
        application school {
            live on;
            wait_key on;
            hls on;
            hls_path /tmp/hls;
            hls_fragment 3s;
            hls_playlist_length 60;
            drop_idle_publisher 20s;
            on_publish http://127.0.0.1:9000/publish;
            on_publish_done http://127.0.0.1:9000/done;
            record all;
        }
    }
}
"""
RELAY = """
rtmp {
    server {
        listen 127.0.0.1:1935;
        allow publish 10.0.0.0/8;
        deny publish all;
        application in {
            live on;
            push rtmp://a.example.com/app/secret;
            push 10.0.0.7;
            pull rtmp://b.example.com/live/cam name=cam static;
            exec /usr/bin/ffmpeg -i rtmp://localhost/$app/${name}_low "{x}";
            exec_push ffmpeg -i rtmp://localhost/$app/$name;
        }
        application out {
            live on;
            deny play 192.0.2.1;
            allow publish all;
            push rtmp://c.example.com/live;
        }
    }
    server { listen 1937; application more { live on; strange_thing 5; } }
}
stream { server { listen 443 ssl; proxy_pass 127.0.0.1:1935; } }
"""


def imported(folder: Path, text: str) -> tuple[dict[str, Any], str]:
    """The settings, which are right, and the notes."""
    (folder / "nginx.conf").write_text(text)
    result = import_nginx(folder / "nginx.conf")
    (folder / "slipstream.toml").write_text(result.toml)
    load_config(folder / "slipstream.toml", [], {})  # raises what `slipstream check` says
    return tomllib.loads(result.toml), "\n".join(result.notes)


def test_hooks_and_times_are_carried_over(tmp_path: Path) -> None:
    config, notes = imported(tmp_path, SCHOOL)
    assert config["server"] == {"rtmp": ":1936"}
    school = config["apps"]["school"]
    assert school["access"] == {"publish": "hook", "play": "open"}
    assert school["streams"] == {"segment_ms": 3000, "window_ms": 60_000, "idle_s": 20}
    assert school["hooks"] == {
        "form": "nginx-rtmp",
        "ask_publish": "http://127.0.0.1:9000/publish",
        "ask_update": "http://127.0.0.1:9000/update",
        "update_s": 15,
        "urls": {"publish_done": "http://127.0.0.1:9000/done"},
    }
    assert "nginx.conf:21: record: recording is not carried over" in notes
    assert "nginx.conf:5: max_connections: " in notes
    assert "nginx.conf:8: chunk_size" not in notes


def test_relays_rules_and_programs_are_carried_over(tmp_path: Path) -> None:
    config, notes = imported(tmp_path, RELAY)
    assert config["server"] == {"rtmp": "127.0.0.1:1935"}
    inside, outside = config["apps"]["in"], config["apps"]["out"]
    assert inside["access"]["publish_allow"] == ["10.0.0.0/8"]
    assert outside["access"] == {
        "publish": "anonymous",
        "play": "open",
        "play_deny": ["192.0.2.1"],
    }
    command = ["/usr/bin/ffmpeg", "-i", "rtmp://localhost/{app}/{name}_low", "{{x}}"]
    assert inside["hooks"]["commands"] == {"publish": [command]}
    assert config["relays"] == {
        "allowed_hosts": ["10.0.0.7"],
        "push": [
            {"stream": "in/*", "url": "rtmp://10.0.0.7/in/{name}"},
            {"stream": "out/*", "url": "rtmp://c.example.com/live/{name}"},
        ],
        "pull": [{"stream": "in/cam", "url": "rtmp://b.example.com/live/cam"}],
    }
    for told in ("push: several streams", "exec_push: write the whole path", "strange_thing: "):
        assert told in notes
    assert "listen: one address" in notes
    assert "stream: for RTMPS" in notes


def test_denying_all_first_denies_all(tmp_path: Path) -> None:
    text = "rtmp { server { application a { deny publish all; allow publish 192.0.2.1; } } }"
    config, _ = imported(tmp_path, text)
    assert config["apps"]["a"]["access"]["publish_deny"] == ["0.0.0.0/0", "::/0"]


@pytest.mark.parametrize("text", ["events { }", "rtmp {"])
def test_what_is_no_such_configuration_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(SlipstreamError):
        imported(tmp_path, text)
