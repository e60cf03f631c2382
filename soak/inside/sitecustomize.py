"""Python imports this first in every process of the server under test, and in no other.

On SIGUSR1 a process collects its garbage, then writes what it holds that nobody can see from
outside: tasks that are not done, and objects by type, into the folder that the environment names.
"""

import asyncio
import gc
import json
import os
import signal
from collections import Counter
from types import FrameType

FOLDER = os.environ.get("SOAK_HOLDINGS", "")


def _tell(_: int, __: FrameType | None) -> None:
    gc.collect()
    everything = gc.get_objects()
    kinds = Counter(f"{type(it).__module__}.{type(it).__qualname__}" for it in everything)
    holdings = {
        "tasks": sum(isinstance(it, asyncio.Future) and not it.done() for it in everything),
        "objects": len(everything),
        "kinds": dict(kinds.most_common(100)),
    }
    path = os.path.join(FOLDER, str(os.getpid()))
    with open(f"{path}.part", "w") as file:
        json.dump(holdings, file)
    os.rename(f"{path}.part", path)


if FOLDER and hasattr(signal, "SIGUSR1"):
    signal.signal(signal.SIGUSR1, _tell)
