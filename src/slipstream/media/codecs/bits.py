"""Reading bit by bit, most significant first, as codec headers are written."""

from __future__ import annotations

from slipstream.errors import MediaError

MAX_GOLOMB_ZEROS = 32  # an Exp-Golomb number with more is beyond 32 bits


class BitReader:
    """A position in some bytes. Reading past their end raises MediaError."""

    __slots__ = ("_data", "_end", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self._end = 8 * len(data)

    @property
    def left(self) -> int:
        """How many bits remain."""
        return self._end - self._position

    def skip(self, count: int) -> None:
        """Pass over `count` bits."""
        self._position += count
        if self._position > self._end:
            raise MediaError(f"codec header of {self._end} bits ends before {self._position}")

    def read(self, count: int) -> int:
        """Read an unsigned number of `count` bits."""
        start = self._position
        self.skip(count)
        last = (self._position + 7) // 8
        number = int.from_bytes(self._data[start // 8 : last])
        return number >> (8 * last - self._position) & ((1 << count) - 1)

    def flag(self) -> bool:
        """Read one bit."""
        return self.read(1) == 1

    def unsigned_golomb(self) -> int:
        """Read ue(v): as many zeros as bits follow the first one (H.264 §9.1)."""
        zeros = 0
        while not self.read(1):
            zeros += 1
            if zeros > MAX_GOLOMB_ZEROS:
                raise MediaError("Exp-Golomb number of more than 32 bits")
        return (1 << zeros) - 1 + self.read(zeros)

    def signed_golomb(self) -> int:
        """Read se(v): 0, 1, -1, 2, -2 ... (H.264 §9.1.1)."""
        number = self.unsigned_golomb()
        return (number + 1) // 2 if number % 2 else -(number // 2)

    def bounded_golomb(self, limit: int, what: str) -> int:
        """Read ue(v) that may not exceed `limit`, so that loops over it end soon."""
        number = self.unsigned_golomb()
        if number > limit:
            raise MediaError(f"{what} {number}, limit {limit}")
        return number
