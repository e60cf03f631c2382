from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from structlog.testing import capture_logs

from slipstream.hooks import HookSettings
from slipstream.hooks.commands import ENVIRONMENT, MAX_LINES, Commands
from slipstream.hub import Notice, NoticeKind

NOTICE = Notice(NoticeKind.PUBLISH, stream="live/a", id="rtmp-7", address="192.0.2.1")


@asynccontextmanager
async def running(*words: str, **settings: object) -> AsyncIterator[Callable[[], Commands]]:
    hooks = HookSettings.model_validate({"commands": {"publish": [list(words)]}, **settings})
    commands = Commands(lambda stream: hooks)

    def run() -> Commands:
        commands.run(NOTICE, hooks)
        return commands

    yield run
    await commands.stop()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_program_gets_its_arguments_and_a_clean_environment(tmp_path: Path) -> None:
    script = (
        "import json, os, sys; json.dump([sys.argv[1:], dict(os.environ)], open(sys.argv[1], 'w'))"
    )
    file = tmp_path / "out"
    async with running(sys.executable, "-c", script, str(file), "{stream}", "$({id})") as run:
        run()
        await until(lambda: file.exists() and file.read_text().endswith("]"))
    arguments, environment = json.loads(file.read_text())
    assert arguments == [str(file), "live/a", "$(rtmp-7)"]
    assert environment.items() >= ENVIRONMENT.items()
    assert not environment.keys() - ENVIRONMENT.keys() - {"LC_CTYPE"}


async def test_what_it_says_is_in_the_log_up_to_a_limit() -> None:
    script = "i=0; while [ $i -lt 100 ]; do echo line $i; i=$((i+1)); done; echo end >&2; exit 3"
    with capture_logs() as lines:
        async with running("/bin/sh", "-c", script) as run:
            commands = run()
            await until(lambda: commands.failed)
    said = [line["text"] for line in lines if line["event"] == "command.says"]
    assert said == [f"line {number}" for number in range(MAX_LINES)]
    (failure,) = [line for line in lines if line["event"] == "command.failed"]
    assert failure["reason"] == "ended with the code 3"


async def test_so_many_run_at_a_time_and_the_others_wait(tmp_path: Path) -> None:
    words = ("/bin/sh", "-c", 'mktemp -p "$0" >&2; while [ ! -e "$0/go" ]; do sleep 0.01; done')
    async with running(*words, str(tmp_path), max_commands=2) as run:
        for _ in range(3):
            commands = run()
        await until(lambda: len(os.listdir(tmp_path)) == 2)
        assert commands.started == 2
        (tmp_path / "go").touch()
        await until(lambda: commands.started == 3)
    assert commands.dropped == 0


async def test_one_that_takes_too_long_is_ended_with_all_it_has_started(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    words = ("/bin/sh", "-c", 'sleep 600 & echo $! $$ > "$0"; wait', str(file))
    async with running(*words, command_timeout_s=0.5) as run:
        commands = run()
        await until(lambda: commands.failed)
    for pid in file.read_text().split():
        stat = Path(f"/proc/{pid}/stat")
        assert not stat.exists() or " Z " in stat.read_text()


async def test_a_program_that_is_not_there_is_counted() -> None:
    async with running("/nowhere/at/all") as run:
        commands = run()
        await until(lambda: commands.failed)
        assert commands.started == 0


async def test_a_name_that_would_be_an_option_starts_nothing() -> None:
    hooks = HookSettings(commands={"publish": [["/bin/true", "{name}"]]})
    commands = Commands(lambda stream: hooks)
    commands.run(Notice(NoticeKind.PUBLISH, stream="live/-rf"), hooks)
    assert (commands.started, commands.failed) == (0, 1)
    await commands.stop()
