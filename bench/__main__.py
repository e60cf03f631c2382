"""The command line: `python -m bench fanout`, or another benchmark, or `all`.

Tables go to the terminal, and with the rounds, the machine and the picture to a folder.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from . import (
    fanout,
    flv,
    formats,
    hls,
    hls_viewers,
    ingest,
    machine,
    memory,
    picture,
    slow,
    start,
    tls,
    workers,
)
from .report import Report
from .servers import all_servers
from .settings import Settings

BENCHMARKS: dict[str, Callable[[Settings], Report]] = {
    "fanout": fanout.run,
    "late": fanout.run_late,
    "flv": flv.run,
    "tls": tls.run,
    "hls": hls.run,
    "hls-viewers": hls_viewers.run,
    "formats": formats.run,
    "workers": workers.run,
    "ingest": ingest.run,
    "memory": memory.run,
    "start": start.run,
    "slow": slow.run,
}


def main() -> None:
    """Measure what the command line asks for."""
    arguments = _parser().parse_args()
    machine.raise_open_files()
    settings = _settings(arguments)
    os.sched_setaffinity(0, {settings.cores.load})  # this process is load, too
    names = list(BENCHMARKS) if arguments.benchmark == "all" else [arguments.benchmark]
    folder = Path(arguments.out)
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        report = BENCHMARKS[name](settings)
        print(f"\n{report.markdown()}\n", flush=True)
        _write(folder, name, report)


def _settings(arguments: argparse.Namespace) -> Settings:
    named = {field.name for field in fields(Settings)}
    chosen: dict[str, Any] = {
        name: given for name, given in vars(arguments).items() if name in named
    }
    cores = machine.choose_cores()
    if arguments.cores is not None:
        cores = replace(cores, server=arguments.cores[0], load=arguments.cores[1])
    return Settings(**chosen | {"cores": cores})


def _two_numbers(text: str) -> tuple[int, int]:
    first, second = map(int, text.split(","))
    return first, second


def _write(folder: Path, name: str, report: Report) -> None:
    about = {"date": time.strftime("%Y-%m-%d %H:%M"), "machine": machine.describe()}
    whole = json.dumps(about | report.to_json(), indent=1)
    (folder / f"{name}.json").write_text(whole + "\n")
    (folder / f"{name}.md").write_text(report.markdown() + "\n")
    dots = [
        picture.Dot(row.case, row.server, row.latency_median_ms, row.cpu_s_per_gb)
        for row in report.combined()
        if isinstance(row, fanout.FanoutRow)
    ]
    if dots:
        (folder / f"{name}.svg").write_text(picture.draw(dots))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Media servers side by side, each on one core, the load on another.",
        epilog=f"Servers: {', '.join(all_servers())}. See bench/README.md.",
    )
    add = parser.add_argument
    add("benchmark", choices=[*BENCHMARKS, "all"])
    add("--servers", metavar="A,B", help="names, or beginnings of names, in the order of a round")
    add("--rounds", type=int, help="how often each is measured, alternately")
    add("--seconds", type=float, help="measured in each round")
    add("--viewers", type=int)
    add("--publishers", type=int, help="ingest and workers")
    add("--bitrate", type=float, metavar="MBPS", dest="bitrate_mbps", help="fan-out, flv, workers")
    add("--chunk-size", type=int, help="of the publishers, ingest only")
    add("--read-every-ms", type=int, help="how late viewers read, fan-out and late")
    add("--workers", type=int, help="of Slipstream, workers only; usually one for each core")
    add("--cores", type=_two_numbers, metavar="SERVER,LOAD", help="usually the last and the first")
    add("--quick", action="store_true", help="a tenth of the load, one short round")
    add("--out", default="bench/results", help="folder for tables, JSON and the picture")
    return parser


if __name__ == "__main__":
    main()
