"""nginx-rtmp's configurations as people write them, in our words.

In those of the folder `nginx` a line that is carried over ends with the comment `# kept`; all
others must be told of. nginx itself takes them, with Debian's libnginx-mod-rtmp.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from slipstream.control.configuration.config import load_config
from slipstream.errors import SlipstreamError
from slipstream.tools.nginx_import import import_nginx
from tests.interop.nginx import MODULE

REAL = sorted((Path(__file__).parent / "nginx").glob("*.conf"))
KEPT = "# kept"
OUR_BLOCKS = ("rtmp", "server", "application")  # whose lines are looked at one by one

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
    assert "nginx.conf:8: chunk_size: needs no setting" in notes


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
    text = (
        "rtmp { server { application a { live on; deny publish all; allow publish 192.0.2.1; } } }"
    )
    config, _ = imported(tmp_path, text)
    assert config["apps"]["a"]["access"]["publish_deny"] == ["0.0.0.0/0", "::/0"]


def expected(file: Path) -> set[int]:
    """The numbers of the lines that must be told of."""
    told, outer = set(), list[bool]()  # of each block around, whether it is told of as a whole
    for number, line in enumerate(file.read_text().splitlines(), 1):
        words = line.partition("#")[0].split()
        if words[:1] == ["}"]:
            outer.pop()
        elif words:
            if not any(outer) and not line.endswith(KEPT):
                told.add(number)
            if words[-1] == "{":
                outer.append(number in told and words[0] not in OUR_BLOCKS)
    return told


@pytest.mark.parametrize("file", REAL, ids=lambda file: file.stem)
def test_every_directive_is_carried_over_or_told_of(file: Path) -> None:
    notes = import_nginx(file).notes
    told = {int(note.removeprefix(f"{file}:").partition(":")[0]) for note in notes}
    inside = {number for number in told if "rtmp_" in file.read_text().splitlines()[number - 1]}
    assert told - inside == expected(file) - inside


def test_a_church_with_hls_and_platforms(tmp_path: Path) -> None:
    config, _ = imported(tmp_path, (REAL[0].parent / "church.conf").read_text())
    assert config["apps"]["live"] == {
        "access": {
            "publish": "anonymous",
            "play": "open",
            "publish_allow": ["127.0.0.1", "192.168.1.0/24"],
        },
        "streams": {"segment_ms": 3000, "window_ms": 60_000},
    }


def test_what_is_beyond_our_limits_is_told_with_what_it_became(tmp_path: Path) -> None:
    config, notes = imported(tmp_path, (REAL[0].parent / "school.conf").read_text())
    assert config["apps"]["low"]["streams"] == {"segment_ms": 500, "window_ms": 600_000}
    assert config["apps"]["low"]["hooks"]["update_s"] == 1
    assert "streams.segment_ms is 500 and not 100: 500 to 60000" in notes
    assert "streams.window_ms is 600000 and not 900000: 2000 to 600000" in notes
    assert "hooks.update_s is 1 and not 0.1: 1 to 86400" in notes
    assert "dash_fragment: another directive has set streams.segment_ms = 500" in notes
    assert "allow: a line above has decided for everybody" in notes


def test_what_is_not_live_is_not_open_to_anybody(tmp_path: Path) -> None:
    config, notes = imported(tmp_path, (REAL[0].parent / "edge.conf").read_text())
    attic = config["apps"]["attic"]["access"]
    assert (attic["publish"], attic["publish_deny"]) == ("key", ["0.0.0.0/0", "::/0"])
    assert "application: nobody may publish, since it is not `live on`" in notes
    assert "hls: is not switched off" in notes
    assert "application: there is one of this name" in notes
    assert config["apps"]["relay"]["access"] == {
        "publish": "anonymous",
        "play": "open",
        "play_allow": ["10.0.0.0/8"],
        "play_deny": ["10.9.9.9"],
    }


def test_what_no_application_has_is_told_of(tmp_path: Path) -> None:
    text = "rtmp { on_play http://a/;\n server { chunk_size 1;\n on_publish http://b/; } }"
    config, notes = imported(tmp_path, text)
    assert config == {}
    for line, name in ((1, "on_play"), (2, "chunk_size"), (3, "on_publish")):
        assert f"nginx.conf:{line}: {name}: no application has it" in notes


def test_nothing_is_printed_that_our_own_loader_refuses(tmp_path: Path) -> None:
    # A port that there is not: nginx would refuse it as well.
    (tmp_path / "nginx.conf").write_text("rtmp { server { listen 99999; } }")
    done = subprocess.run(
        [sys.executable, "-m", "slipstream", "import", str(tmp_path / "nginx.conf")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "server.rtmp" in done.stderr


@pytest.mark.interop
@pytest.mark.parametrize("file", REAL, ids=lambda file: file.stem)
def test_nginx_takes_what_is_imported_here(file: Path, tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text(file.read_text().replace("/tmp/", f"{tmp_path}/"))
    own = f"load_module {MODULE}; pid {tmp_path}/pid;"
    command = ["nginx", "-t", "-e", f"{tmp_path}/log", "-g", own, "-c", f"{tmp_path}/nginx.conf"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text", ["events { }", "rtmp {"])
def test_what_is_no_such_configuration_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(SlipstreamError):
        imported(tmp_path, text)
