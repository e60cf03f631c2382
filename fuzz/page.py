"""The figures of `docs/measurements/fuzzing.md`, written out of the results: `python -m fuzz.page`.

Takes `results.json` and `conversations.json` of the folder given by `--out` and writes tables
between the page's marks.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from fuzz.seeds import ROOT
from fuzz.targets import corpus

PAGE = ROOT / "docs" / "measurements" / "fuzzing.md"


def main() -> None:
    """Write the page's tables anew."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.page", description=__doc__)
    parser.add_argument("--out", default=".fuzz", help="folder with the results")
    folder = Path(parser.parse_args().out)
    targets = json.loads((folder / "results.json").read_text())
    conversations = json.loads((folder / "conversations.json").read_text())
    text = put_between(PAGE.read_text(), "targets", targets_table(targets))
    PAGE.write_text(put_between(text, "conversations", conversations_table(conversations)))


def put_between(text: str, name: str, table: str) -> str:
    """Replace what stands between `<!-- name -->` and `<!-- end -->`.

    Raises:
        ValueError: the text has no such marks.
    """
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    replaced, count = marks.subn(lambda found: f"{found[1]}{table}\n{found[2]}", text)
    if count != 1:
        raise ValueError(f"{count} places for the table of {name}")
    return replaced


def targets_table(results: list[dict[str, Any]]) -> str:
    """A line for each target, and their sum."""
    lines = [
        "| target | inputs | seconds | inputs/s | edges | features | kept files | memory |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in results:
        inputs, seconds = row["inputs"], row["seconds"]
        lines.append(
            f"| `{row['name']}` | {inputs:,} | {seconds:,.0f} | {inputs / seconds:,.0f} "
            f"| {row['coverage']} | {row['features']} | {len(corpus(row['name']))} "
            f"| {row['peak_mb']} MB |"
        )
    inputs, seconds = (sum(row[name] for row in results) for name in ("inputs", "seconds"))
    files = sum(len(corpus(row["name"])) for row in results)
    lines.append(f"| all | {inputs:,} | {seconds:,.0f} | {inputs / seconds:,.0f} | | | {files} | |")
    return "\n".join(lines)


def conversations_table(report: dict[str, Any]) -> str:
    """What was done to the server, and what became of it."""
    counted, saw = report["counted"], report["bystander"]
    memory, descriptors = report["memory_mb"], report["descriptors"]
    rows = {
        "conversations": f"{report['conversations']:,}, seed `{report['seed']}`",
        "time": f"{report['seconds']:,.0f} s",
        "sent": f"{report['megabytes']:,.0f} MB",
        "connections that were answered": f"{report['answered']:,}",
        "that the server closed first": f"{report['closed_by_server']:,}",
        "that came to publish": f"{counted['publications']:,}",
        "that took a stream over": f"{counted['takeovers']:,}",
        "that came to play": f"{counted['subscriptions']:,}",
        "messages that the bystander sent and got, unchanged": f"{saw['messages']:,}",
        "its longest wait, from message to message": f"{saw['worst_gap_s'] * 1000:.0f} ms",
        "longest sleep that the machine added to its 40 ms": f"{saw['overslept_s'] * 1000:.0f} ms",
        "memory before, at most, after": " / ".join(f"{size:.1f}" for size in memory) + " MB",
        "descriptors before, at most, after": " / ".join(map(str, descriptors)),
        "processor time when idle again": f"{report['idle']:.1%} of a core",
        "findings": ", ".join(report["findings"]) or "none",
    }
    mutations = ", ".join(f"`{name}` {count:,}" for name, count in sorted(report["done"].items()))
    table = "\n".join(f"| {what} | {value} |" for what, value in rows.items())
    return f"| | |\n|---|---|\n{table}\n\nMutations, several in one conversation: {mutations}."


if __name__ == "__main__":
    main()
