"""What a keyspace takes, and numbers that are known up to an error that they state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class Estimate(int):
    """A number that lies between two that are known; as an `int` it is the best guess.

    >>> db.update({b"a": b"1", b"b": b"2"})
    >>> count = db.approximate_count()
    >>> count, count.at_least, count.at_most
    (Estimate(2), 2, 2)
    """

    at_least: int
    """The number is no less than this."""
    at_most: int
    """The number is no more than this."""

    def __new__(cls, estimate: int, at_least: int | None = None, at_most: int | None = None) -> Any:
        """Makes one; without bounds, of a number that is known."""
        made = super().__new__(cls, estimate)
        made.at_least = int(estimate if at_least is None else at_least)
        made.at_most = int(estimate if at_most is None else at_most)
        return made

    @property
    def estimate(self) -> int:
        """The best guess."""
        return int(self)

    @property
    def is_exact(self) -> bool:
        """True if there is no error."""
        return self.at_least == self.at_most

    def __reduce__(self) -> tuple[Any, ...]:
        """What makes it once more."""
        return (type(self), (int(self), self.at_least, self.at_most))

    def __repr__(self) -> str:
        """The guess, and the bounds if there is an error."""
        if self.is_exact:
            return f"Estimate({int(self)})"
        return f"Estimate({int(self)}, at_least={self.at_least}, at_most={self.at_most})"


@dataclass(frozen=True)
class Usage:
    """What a keyspace takes, and how much of that is alive.

    Data is counted before it is packed: an entry counts for its key, its value and 12 bytes, a
    deleted range for its two ends and 16. What a reader sees now is live; the rest is garbage,
    which a compaction of everything gives back, but for what snapshots still see.

    >>> db[b"key"] = b"an old value"
    >>> db[b"key"] = b"a value"
    >>> usage = db.usage()
    >>> usage.live_bytes, usage.garbage_bytes, usage.live_keys
    (22, 27, Estimate(1))
    """

    disk_bytes: int
    """About how many bytes its tables take on disk."""
    memory_bytes: int
    """About how much memory its entries take in memtables."""
    memory_entries: int
    """How many entries are in memtables, deletes and older versions counted."""
    table_entries: int
    """How many entries are in tables, deletes and older versions counted."""
    data_bytes: int
    """Bytes of all entries and deleted ranges, in tables and in memory."""
    live_bytes: int
    """Bytes of them that a reader sees: the best guess."""
    live_bytes_min: int
    """They are no fewer."""
    live_bytes_max: int
    """They are no more."""
    garbage_bytes: int
    """Bytes of what is overwritten, deleted or expired, and of deletes: the best guess."""
    garbage_bytes_min: int
    """They are no fewer."""
    garbage_bytes_max: int
    """They are no more."""
    reclaimable_bytes: int
    """About how many bytes on disk a compaction of everything would give back."""
    live_keys: Estimate
    """Keys that a reader sees."""
    quota_bytes: int
    """What the keyspace may take, on disk and in memory together; 0 if there is no limit."""
    is_over_quota: bool
    """True if it takes more, and is given no new values."""
    quota_refusals: int
    """How many writes were refused for that since the opening."""

    @classmethod
    def _made(cls, sizes: Any, data: int, live: Any, garbage: Any, rest: Any, quota: Any) -> Usage:
        numbers: list[Any] = [*sizes, data, *live, *garbage, *rest, *quota]
        return cls(*numbers)
