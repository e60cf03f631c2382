"""The command line: `python -m soak NAME [--short] [--seed N]`.

The table goes to the terminal; table, JSON and pictures go to a folder. With `--page` the table
also goes into the run's page in `docs/measurements/`, between its two marks, and the pictures
beside it. Ends with 1 if a promise was not kept.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from importlib import import_module
from pathlib import Path

from bench import machine

from .report import Report
from .settings import Settings

RUNS = {
    "churn": "connections of all kinds that come and go, for half an hour",
    "kills": "kill -9 of a random worker, again and again",
    "storm": "a thousand viewers at once, and gone again",
    "handshakes": "the same with TLS",
    "replacement": "a new generation of workers under load",
    "reload": "a thousand reloads of the configuration, half of them wrong",
    "failover": "encoders killed and stopped while another one stands by",
}
PAGES = Path(__file__).parent.parent / "docs" / "measurements"
FIGURES = PAGES / "figures"
MARKS = re.compile(r"(<!-- measured -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> int:
    """Do what the command line asks for."""
    arguments = _parser().parse_args()
    machine.raise_open_files()
    settings = Settings(short=arguments.short, seed=arguments.seed)
    names = list(RUNS) if arguments.run == "all" else [arguments.run]
    kept = True
    for name in names:
        started = time.strftime("%Y-%m-%d %H:%M")
        module = import_module(f"{__package__}.{name}")
        report: Report = module.run(settings)
        pictures: dict[str, str] = module.pictures(report) if hasattr(module, "pictures") else {}
        print(f"\n{report.name}: {report.what}\n\n{report.markdown()}\n", flush=True)
        _write(Path(arguments.out), name, report, pictures, started)
        if arguments.page:
            _fill_page(name, report, pictures, started)
        kept &= report.kept
    return 0 if kept else 1


def _write(folder: Path, name: str, report: Report, pictures: dict[str, str], started: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    about = {"date": started, "machine": machine.describe()}
    (folder / f"{name}.json").write_text(json.dumps(about | report.to_json(), indent=1) + "\n")
    (folder / f"{name}.md").write_text(report.markdown() + "\n")
    (folder / f"{name}.log").write_text(report.log)
    for title, picture in pictures.items():
        (folder / f"{title}.svg").write_text(picture)


def _fill_page(name: str, report: Report, pictures: dict[str, str], started: str) -> None:
    """Put what was measured between the marks of the run's page."""
    page = PAGES / f"{name}.md"
    text = page.read_text()
    about = machine.describe()
    where = f"{about['processor']}, Linux {about['kernel']}, Python {about['python']}"
    parts = [f"{started}, {where}. {report.what}", report.markdown()]
    for title, picture in pictures.items():
        FIGURES.mkdir(exist_ok=True)
        (FIGURES / f"{title}.svg").write_text(picture)
        parts.append(f"![{title}](figures/{title}.svg)")
    filled = "\n\n".join(parts)
    page.write_text(MARKS.sub(lambda marks: f"{marks[1]}{filled}\n{marks[2]}", text))


def _parser() -> argparse.ArgumentParser:
    runs = "\n".join(f"  {name:12} {what}" for name, what in RUNS.items())
    parser = argparse.ArgumentParser(
        prog="python -m soak",
        description="Long runs of a whole server, and what was promised of them.",
        epilog=f"runs:\n{runs}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("run", choices=[*RUNS, "all"])
    add("--short", action="store_true", help="a form of at most a minute")
    add("--seed", type=int, default=1, help="of all chance in the run")
    add("--page", action="store_true", help="put the table into docs/measurements/")
    add("--out", default="soak/results", help="folder for tables, JSON and pictures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
