"""What a server says of itself, compared with what its clients know.

The server is right if every worker, asked about the whole server, tells of exactly those
publishers and viewers that there are, and of the worker that the kernel says has each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .encoder import EncoderState
from .server import ServerTree
from .viewer import Visit

APP = "live"
Answer = Mapping[str, Any]


@dataclass(slots=True)
class Truth:
    """Who is there, by what the clients and the kernel say. Processes stand for workers."""

    workers: set[int] = field(default_factory=set)
    publishers: dict[str, int] = field(default_factory=dict)  # the process of each stream's
    viewers: Counter[tuple[str, int]] = field(default_factory=Counter)  # by stream and process
    protocols: Counter[str] = field(default_factory=Counter)  # of the viewers

    @classmethod
    def of(
        cls,
        whereabouts: Mapping[int, int],
        workers: set[int],
        encoders: Sequence[EncoderState],
        visits: Sequence[Visit],
    ) -> Truth:
        """Join what clients know with the processes that have their connections."""
        truth = cls(workers)
        for encoder in encoders:
            if encoder.port:
                truth.publishers[f"{APP}/{encoder.name}"] = whereabouts.get(encoder.port, 0)
        for visit in visits:
            if not visit.closed_ns and visit.port:
                process = whereabouts.get(visit.port, 0)
                truth.viewers[f"{APP}/{visit.stream}", process] += 1
                truth.protocols[visit.protocol] += 1
        return truth


def mistakes(
    tree: ServerTree, encoders: Sequence[EncoderState], visits: Sequence[Visit]
) -> list[str]:
    """What any worker says that is not so; empty if all are right."""
    truth = Truth.of(tree.whereabouts(), tree.children(), encoders, visits)
    servers, streams = tree.ask_every_worker("server"), tree.ask_every_worker("streams")
    found = []
    for process in sorted(truth.workers):
        if process not in servers or process not in streams:
            found.append(f"worker process {process} is not known, or does not answer")
            continue
        server = servers[process]
        said = [*server_mistakes(server, truth), *stream_mistakes(server, streams[process], truth)]
        found += [f"worker process {process} says {mistake}" for mistake in said]
    return found


def server_mistakes(server: Answer, truth: Truth) -> Iterator[str]:
    """What is wrong in an answer to `/api/v1/server`."""
    rows = {row["pid"]: row for row in server["workers"]}
    if rows.keys() != truth.workers:
        yield f"workers are {sorted(rows)}, there are {sorted(truth.workers)}"
    if sum(server["publishers"].values()) != len(truth.publishers):
        yield f"publishers are {server['publishers']}, there are {len(truth.publishers)}"
    if Counter(server["viewers"]) != truth.protocols:
        yield f"viewers are {server['viewers']}, there are {dict(truth.protocols)}"
    for process, row in rows.items():
        publishers = sum(home == process for home in truth.publishers.values())
        viewers = sum(count for (_, where), count in truth.viewers.items() if where == process)
        said = (row["publishers"], row["viewers"])
        if said != (publishers, viewers):
            yield f"{process} has {said} publishers, viewers; it has {publishers, viewers}"


def stream_mistakes(server: Answer, streams: Answer, truth: Truth) -> Iterator[str]:
    """What is wrong in an answer to `/api/v1/streams`, seen with the same worker's other one."""
    processes = {row["number"]: row["pid"] for row in server["workers"]}
    rows = {row["name"]: row for row in streams["streams"]}
    names = {*truth.publishers, *(name for name, _ in truth.viewers)}
    if rows.keys() != names:
        yield f"streams are {sorted(rows)}, there are {sorted(names)}"
    for name in names & rows.keys():
        row = rows[name]
        state = "live" if name in truth.publishers else "waiting"
        home = processes.get(row["worker"], 0)
        viewers = sum(count for (stream, _), count in truth.viewers.items() if stream == name)
        if row["state"] != state:
            yield f"{name} is {row['state']}, it is {state}"
        if home != truth.publishers.get(name, 0):
            yield f"{name} is published to {home}, it is to {truth.publishers.get(name, 0)}"
        if row["viewers"] != viewers:
            yield f"{name} has {row['viewers']} viewers, it has {viewers}"
