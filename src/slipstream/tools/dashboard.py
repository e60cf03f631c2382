"""A server's figures as tables for a terminal, out of what its API tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from slipstream.tools.wording import count_words, rate_words, size_words, time_words

Told = Mapping[str, Any]

NAME_WIDTH = 28  # of a stream; what is longer is cut
NONE = "-"


@dataclass(frozen=True, slots=True)
class Look:
    """What the API told at one moment."""

    at: float
    """Seconds on any steady clock."""
    server: Told
    streams: Sequence[Told]
    viewers: Sequence[Told]
    matching_viewers: int


def dashboard(look: Look, before: Look | None = None, note: str = "") -> RenderableType:
    """What there is to be seen.

    Args:
        look: the newest.
        before: the one before, from which rates are computed.
        note: what is wrong now.
    """
    parts: list[RenderableType] = [_head(look.server), Text(note, style="red") if note else Text()]
    parts.append(_workers(look, before))
    if look.streams:
        parts += [Text(), _streams(look.streams)]
    if look.viewers:
        more = look.matching_viewers - len(look.viewers)
        parts += [Text(), _viewers(look.viewers)]
        if more > 0:
            parts.append(Text(f" and {count_words(more, 'more viewer')}", style="dim"))
    return Group(*parts)


def _head(server: Told) -> Text:
    live = server["streams"].get("live", 0)
    return Text("  ").join(
        [
            Text(f"Slipstream {server['version']}", style="bold"),
            Text(f"{count_words(live, 'stream')} on air"),
            Text(count_words(sum(server["viewers"].values()), "viewer")),
            Text(f"in {rate_words(server['received_bps'])}"),
        ]
    )


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=True, padding=(0, 1))
    for name in columns:
        is_text = name in ("stream", "state", "id", "protocol", "address", "worker", "from")
        table.add_column(
            name,
            justify="left" if is_text else "right",
            no_wrap=True,
            overflow="ellipsis",
            max_width=NAME_WIDTH if name == "stream" else None,
        )
    return table


def _workers(look: Look, before: Look | None) -> Table:
    table = _table("worker", "cpu", "memory", "publishers", "viewers", "late")
    used = (
        {} if before is None else {row["number"]: row["cpu_s"] for row in before.server["workers"]}
    )
    for row in look.server["workers"]:
        cpu = NONE
        if before is not None and row["number"] in used and look.at > before.at:
            share = (row["cpu_s"] - used[row["number"]]) / (look.at - before.at)
            cpu = f"{max(share, 0):.0%}"
        table.add_row(
            str(row["number"]),
            cpu,
            size_words(row["memory_bytes"]),
            str(row["publishers"]),
            str(row["viewers"]),
            f"{row['loop_lag_ms']:.0f} ms",
        )
    return table


def _streams(streams: Sequence[Told]) -> Table:
    table = _table("stream", "state", "from", "bitrate", "fps", "viewers", "age", "alerts")
    for row in streams:
        publisher = row["publisher"]
        alerts = [str(alert["alert"]) for alert in row.get("alerts", ())]
        table.add_row(
            row["name"],
            Text(row["state"], style="green" if row["state"] == "live" else "yellow"),
            publisher["address"] if publisher else NONE,
            rate_words(publisher["bitrate_bps"]) if publisher else NONE,
            f"{publisher['frame_rate']:.1f}" if publisher else NONE,
            str(row["viewers"]),
            time_words(row["for_s"]),
            Text(", ".join(alerts) or NONE, style="red" if alerts else "dim"),
        )
    return table


def _viewers(viewers: Sequence[Told]) -> Table:
    is_scored = any(row.get("score") is not None for row in viewers)
    last = ("score",) if is_scored else ()
    table = _table("id", "stream", "protocol", "address", "behind", "jumps", "sent", "time", *last)
    for row in viewers:
        score = row.get("score")
        table.add_row(
            row["id"],
            row["stream"],
            row["protocol"],
            row["address"],
            "waits" if row["waiting"] else f"{row['lag_ms']} ms",
            str(row["jumps"]),
            size_words(row["bytes"]),
            time_words(row["for_s"]),
            *((NONE if score is None else f"{score:.0f}",) if is_scored else ()),
        )
    return table
