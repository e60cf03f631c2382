"""Failed keys, counted by address, so that keys cannot be guessed.

Whoever fails `limit` times within `window_s` is refused unheard, with the right key too, until
less than that lies in the window again. Time is an argument; memory is bounded whatever the
number of addresses.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict, deque
from collections.abc import Callable

IPV6_SITE_BITS = 64  # one customer has at least so many addresses: all of them count as one


class Failures:
    """Ask `is_blocked()` before a key is looked at, `note()` each wrong one.

    Args:
        limit: failures that are answered within the window.
        window_s: seconds that a failure counts.
        max_addresses: addresses remembered, about 1 KB each; beyond it the one that failed
            longest ago is forgotten.
    """

    def __init__(
        self, *, limit: int = 5, window_s: float = 10.0, max_addresses: int = 4096
    ) -> None:
        self.total = 0
        self.on_noted: Callable[[str], None] | None = None  # tells other processes
        self._limit = limit
        self._window_s = window_s
        self._max_addresses = max_addresses
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._times)

    def is_blocked(self, address: str, now: float) -> bool:
        """Whether this address has failed too often to be heard."""
        times = self._times.get(_site(address))
        return times is not None and len(times) == self._limit and now - times[0] < self._window_s

    def note(self, address: str, now: float) -> None:
        """Count a wrong key that this address has shown."""
        self.total += 1
        self.note_elsewhere(address, now)
        if self.on_noted is not None:
            self.on_noted(address)

    def note_elsewhere(self, address: str, now: float) -> None:
        """Count a wrong key that another process was shown."""
        site = _site(address)
        self._times.setdefault(site, deque(maxlen=self._limit)).append(now)
        self._times.move_to_end(site)
        self._forget(now)

    def _forget(self, now: float) -> None:
        """Drop the addresses whose failures count no more, and those beyond the bound."""
        while self._times:
            site, times = next(iter(self._times.items()))
            if len(self._times) <= self._max_addresses and now - times[-1] < self._window_s:
                break
            del self._times[site]


def _site(address: str) -> str:
    """What counts as one address."""
    if ":" not in address:
        return address
    try:
        number = int(ipaddress.IPv6Address(address))
    except ValueError:
        return address
    return f"{number >> IPV6_SITE_BITS:x}::/{IPV6_SITE_BITS}"
