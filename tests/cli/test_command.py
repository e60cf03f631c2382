"""The command line: what it calls, what it says, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from slipstream import __version__
from slipstream.cli import main
from slipstream.control.configuration.config import Config
from slipstream.control.pid_file import PID_FILE
from slipstream.errors import SlipstreamError
from slipstream.tools.doctor import Patient

COMMANDS = ("serve", "replace", "top", "check", "demo", "publish", "play", "probe")
GROUPS = {
    "keys": ("list", "add", "rotate", "disable", "enable", "remove"),
    "users": ("list", "add", "remove"),
    "operators": ("list", "add", "remove"),
    "token": ("make", "sign", "inspect"),
}


class Tool:
    """Stands in for the tools: keeps what it was called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        self.error: BaseException | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append((args, kwargs))
        if self.error is not None:
            raise self.error


class Served:
    """Stands in for the server: keeps its configuration, and the arguments for another one."""

    def __init__(self) -> None:
        self.configs: list[Config] = []
        self.arguments: list[str] = []
        self.error: BaseException | None = None

    def __call__(self, load: Callable[[], Config], arguments: Sequence[str]) -> None:
        self.configs.append(load())
        self.arguments = list(arguments)
        if self.error is not None:
            raise self.error

    @property
    def config(self) -> Config:
        return self.configs[-1]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Served:
    served = Served()
    monkeypatch.setattr("slipstream.supervisor.serve", served)
    return served


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Tool:
    tool = Tool()
    for name in ("demo", "publish", "play", "probe"):
        module = ModuleType(f"slipstream.tools.{name}")
        module.run = tool  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(f"slipstream.tools.{name}", module, raising=False)
    return tool


def errors(capsys: pytest.CaptureFixture[str]) -> list[str]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_serve_without_flags_has_the_defaults(served: Served) -> None:
    assert main(["serve"]) == 0
    assert served.config == Config()


def test_serve_puts_flags_over_the_file(served: Served, tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text('[server]\nrtmp = ":1"\nhttp = ":2"\n[streams]\ngrace_s = 1\n')
    flags = ["--rtmp", "127.0.0.1:3", "--data-dir", str(tmp_path), "--pump-interval", "33"]
    assert main(["serve", "--config", str(path), *flags, "--allow-anonymous-publish"]) == 0
    config = served.config
    assert (config.server.rtmp, config.server.http) == ("127.0.0.1:3", ":2")
    assert config.server.data_dir == tmp_path
    assert config.net.pump_interval == 33
    assert config.access.publish == "anonymous"
    assert config.streams.grace_s == 1


def test_what_takes_over_is_started_as_this_one_was(served: Served, tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text("[streams]\ngrace_s = 1\n")
    flags = ["--rtmp", "127.0.0.1:3", "--workers", "2", "--pump-interval", "33"]
    assert main(["serve", "--config", str(path), *flags, "--allow-anonymous-publish"]) == 0
    assert main(["serve", *served.arguments]) == 0
    first, second = served.configs
    assert first == second
    assert second.server.workers == 2


def test_replace_signals_the_server_of_a_folder(tmp_path: Path) -> None:
    file = tmp_path / PID_FILE
    program = (
        "import signal, sys, pathlib; from slipstream.control.pid_file import pid_file\n"
        "with pid_file(pathlib.Path(sys.argv[1])):\n"
        "    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])\n"
        "    print('ready', flush=True)\n"
        "    print(signal.sigwait([signal.SIGUSR2]).name)"
    )
    command = [sys.executable, "-c", program, str(tmp_path), "slipstream", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        assert file.read_text().split()[0] == str(server.pid)
        assert main(["replace", "--data-dir", str(tmp_path)]) == 0
        assert server.stdout.readline() == "SIGUSR2\n"


def test_replace_finds_no_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replace", "--data-dir", str(tmp_path)]) == 1
    assert errors(capsys) == [
        f"slipstream: no server serves from {tmp_path}: No such file or directory"
    ]


def test_replace_leaves_others_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours = os.getpid()
    (tmp_path / PID_FILE).write_text(f"{ours}\n1\n")  # of an earlier process with our number
    assert main(["replace", "--data-dir", str(tmp_path)]) == 1
    assert errors(capsys) == [
        f"slipstream: no server serves from {tmp_path}: its slipstream.pid is left over"
    ]
    assert main(["replace", "--pid", "1"]) == 1
    assert errors(capsys) == ["slipstream: process 1 is no server of ours"]


def test_the_pump_adapts_if_told_so(served: Served) -> None:
    assert main(["serve", "--pump-interval", "auto"]) == 0
    assert served.config.net.pump_interval == "auto"


@pytest.mark.parametrize(("told", "workers"), [("3", 3), ("auto", "auto")])
def test_workers_are_a_number_or_as_many_as_there_are_cores(
    served: Served, told: str, workers: object
) -> None:
    assert main(["serve", "--workers", told]) == 0
    assert served.config.server.workers == workers


def test_all_wrong_flags_are_told_at_once(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--rtmp", "x", "--workers", "many", "--pump-interval", "fast"]) == 1
    assert errors(capsys) == [
        "slipstream: --rtmp: server.rtmp: 'x' is no address: expected HOST:PORT, :PORT or PORT",
        "slipstream: --workers: server.workers: must be 'auto' or a valid integer, not \"many\"",
        "slipstream: --pump-interval: net.pump_interval: must be 'auto' or a valid number, "
        'not "fast"',
    ]
    assert not served.configs


def test_what_cannot_be_done_is_one_line_and_exit_code_1(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    served.error = SlipstreamError("cannot listen on :1935: another program has the port")
    assert main(["serve"]) == 1
    assert errors(capsys) == ["slipstream: cannot listen on :1935: another program has the port"]


def test_ctrl_c_is_quiet(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    served.error = KeyboardInterrupt()
    assert main(["serve"]) == 130
    assert errors(capsys) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["serv"],
        ["serve", "--bogus"],
        ["serve", "--no-allow-anonymous-publish"],
        ["serve", "extra"],
        ["publish", "only-one"],
        ["play"],
        ["check"],
    ],
)
def test_what_is_not_understood_is_one_line_and_exit_code_2(
    arguments: list[str], served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    (line,) = errors(capsys)
    assert line.startswith("slipstream: ")
    assert line.endswith("Try 'slipstream --help'.")
    assert not served.configs


def test_check_finds_no_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "s.toml"
    path.write_text("[streams]\ngrace_s = 1\n")
    assert main(["check", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: no mistakes\n"


def test_check_tells_every_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "s.toml"
    path.write_text("[streams]\ngrace = 1\nwait_s = -1\n")
    assert main(["check", str(path)]) == 1
    assert errors(capsys) == [
        f"slipstream: {path}:2: streams.grace: unknown key, did you mean grace_s?",
        f"slipstream: {path}:3: streams.wait_s: must be greater than or equal to 0, not -1",
    ]


@pytest.mark.parametrize(
    ("certificates", "mistake"),
    [
        ('"yes"', "must be 'auto', not \"yes\""),
        ("[1]", "must be a table, not 1"),
        ('[{ certificate = "a" }]', "key is missing"),
        ("[{ certificate = 1, key = 'b' }]", "1 is no name of a file"),
        ("[{ certificate = 'a', key = 'b', host = 'c' }]", "unknown key"),
    ],
)
def test_check_says_what_is_wrong_with_certificates(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, certificates: str, mistake: str
) -> None:
    path = tmp_path / "s.toml"
    path.write_text(f"[tls]\ncertificates = {certificates}\n")
    assert main(["check", str(path)]) == 1
    assert errors(capsys) == [f"slipstream: {path}:2: tls.certificates: {mistake}"]


def test_a_flag_asks_for_a_certificate_of_our_own_making(served: Served) -> None:
    assert main(["serve", "--tls", "auto"]) == 0
    assert served.config.tls.certificates == "auto"
    assert served.config.encrypted() == (":1936", ":8443")
    assert served.arguments == ["--tls=auto"]


def test_the_doctor_looks_at_what_speaks_tls_and_its_certificates(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    patients: list[Patient] = []

    def run(patient: Patient, **_: object) -> bool:
        patients.append(patient)
        return True

    monkeypatch.setattr("slipstream.tools.doctor.run", run)
    path = tmp_path / "s.toml"
    path.write_text(
        "[server]\nhttps = ''\n[tls]\ncertificates = [{ certificate = '/a.crt', key = '/a.key' }]\n"
    )
    main(["doctor", "--config", str(path)])
    (patient,) = patients
    assert list(patient.addresses)[2:] == [("RTMPS", ":1936")]
    assert patient.certificates == [Path("/a.crt")]


def test_check_says_that_a_file_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "/nowhere.toml"]) == 1
    assert errors(capsys) == [
        "slipstream: /nowhere.toml: cannot be read: No such file or directory"
    ]


def test_tools_get_what_was_written(tool: Tool) -> None:
    for arguments in (
        ["publish", "film.mp4", "rtmp://h/live/a?key=k", "--loop"],
        ["publish", "test", "rtmps://h/live/a", "--insecure"],
        ["play", "rtmp://h/live/a", "--out", "a.flv"],
        ["probe", "rtmp://h/live/a", "--seconds", "9", "--json"],
    ):
        assert main(arguments) == 0
    assert tool.calls == [
        (("film.mp4", "rtmp://h/live/a?key=k"), {"loop": True, "insecure": False}),
        (("test", "rtmps://h/live/a"), {"loop": False, "insecure": True}),
        (("rtmp://h/live/a",), {"out": Path("a.flv"), "seconds": None, "insecure": False}),
        (("rtmp://h/live/a",), {"seconds": 9.0, "as_json": True, "insecure": False}),
    ]


def test_the_demo_serves_where_it_is_told_with_the_keys_it_is_given(
    tool: Tool, tmp_path: Path
) -> None:
    assert main(["demo", "--http", ":1234", "--data-dir", str(tmp_path)]) == 0
    ((_, key, rtmp, http), _) = tool.calls[-1]
    assert key == (tmp_path / "publish.key").read_text().strip()
    assert (rtmp, http) == (":1935", ":1234")


@pytest.mark.parametrize("command", [*COMMANDS, *GROUPS])
def test_the_help_of_every_command_shows_how_to_use_it(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert f" slipstream {command}" in text.partition("Usage")[2].partition("\n")[2]


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    text = capsys.readouterr().out
    for command in (*COMMANDS, *GROUPS):
        assert f"│ {command} " in text


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "slipstream", "serv"], capture_output=True, check=False, text=True
    )
    assert done.returncode == 2
    assert done.stderr.startswith('slipstream: Unknown command "serv".')


def test_help_does_not_load_the_server() -> None:
    program = (
        "import sys; from slipstream.cli import main; main(['--help']); "
        "sys.exit(any(name in sys.modules for name in ('aiohttp', 'pydantic', 'av')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return f"127.0.0.1:{sock.getsockname()[1]}"


def test_serve_serves_until_ctrl_c(tmp_path: Path) -> None:
    rtmp, http = free_address(), free_address()
    command = [sys.executable, "-m", "slipstream", "serve", "--data-dir", str(tmp_path / "data")]
    addresses = ["--rtmp", rtmp, "--http", http]
    log = tmp_path / "log"
    with log.open("w") as out, subprocess.Popen([*command, *addresses], stderr=out) as server:
        try:
            wait_for(lambda: "Slipstream is ready" in log.read_text())
            with urllib.request.urlopen(f"http://{http}/health/ready") as answer:
                assert answer.status == 200
            second = subprocess.run(
                [*command, "--rtmp", rtmp, "--http", "127.0.0.1:0"],
                capture_output=True,
                check=False,
                text=True,
            )
            assert second.returncode == 1
            assert second.stderr == (
                f"slipstream: cannot listen on {rtmp}: another program has the port\n"
            )
        finally:
            server.send_signal(signal.SIGINT)
        assert server.wait(10) == 0
    key = (tmp_path / "data" / "publish.key").read_text().strip()
    assert f"stream key   NAME?key={key}" in log.read_text()
    assert "Traceback" not in log.read_text()


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(200):
        if condition():
            return
        time.sleep(0.05)
    raise TimeoutError
