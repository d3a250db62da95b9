"""`CompactionFilter`: what compactions take away or change."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum


class FilterDecision(Enum):
    """What becomes of a value that a compaction filter is shown. Bytes take its place."""

    KEEP = "keep"
    """It stays."""
    REMOVE = "remove"
    """It goes, as if the key had been deleted: nothing older comes to light."""


@dataclass(frozen=True, slots=True)
class FilterContext:
    """What a compaction filter may know besides key and value."""

    keyspace: str
    """The name of the keyspace."""
    level: int
    """The level where the value will stand."""
    is_last_level: bool
    """Nothing older lies beneath what is rewritten."""
    expires_at: float | None
    """When the value expires, in seconds since 1970, or that it never does."""


Decision = FilterDecision | bytes | bytearray | memoryview | bool | None
Filter = Callable[[bytes, bytes], Decision] | Callable[[bytes, bytes, FilterContext], Decision]


@dataclass(frozen=True)
class CompactionFilter:
    """What compactions take away or change, in keyspaces that choose it by its name.

    `filter` is given a key, a value and, if it takes three arguments, a `FilterContext`. It answers
    `FilterDecision.KEEP`, `True` or `None` for a value that stays, `FilterDecision.REMOVE` or
    `False` for one that goes, and bytes that take its place, which expire when it would have.

    It is shown a value whenever a compaction rewrites it, and every value by `compact` of a whole
    keyspace, but none that a snapshot sees. What it answers has to depend on its arguments, and on
    nothing that goes back: it may be asked again. Threads of the database call it; it may read the
    database, but not write to it. What it raises keeps the value: `doctor()` and an event tell.

    >>> sweeper = lsmdb.CompactionFilter("sweeper", lambda key, value: value != b"garbage")
    >>> with lsmdb.DB("things", compaction_filters=[sweeper]) as db:
    ...     things = db.keyspace("t", lsmdb.KeyspaceOptions(compaction_filter="sweeper"))
    ...     things[b"a"], things[b"b"] = b"garbage", b"of use"
    ...     things.compact()
    ...     list(things)
    [b'b']
    """

    name: str
    """1 to 64 letters, digits, `-`, `_` and `.`."""
    filter: Filter
    """What becomes of a value."""


CompactionFilters = Iterable[CompactionFilter] | Mapping[str, Filter]
_About = tuple[str, int, bool, float | None]
_Ask = Callable[[bytes, bytes, _About], object]


def native_filters(filters: CompactionFilters) -> list[tuple[str, _Ask]]:
    """The filters as the native database takes them."""
    if isinstance(filters, Mapping):
        filters = [CompactionFilter(name, function) for name, function in filters.items()]
    return [(one.name, _asking(one.filter)) for one in filters]


def _asking(function: Callable[..., Decision]) -> _Ask:
    """Asks `function`, and answers as the native database wants it: `None`, `False` or bytes."""
    if not callable(function):
        kind = type(function).__name__
        raise TypeError(f"a compaction filter is a function, which {kind} is not")
    is_told = _takes_three(function)

    def ask(key: bytes, value: bytes, about: _About) -> object:
        answer = function(key, value, FilterContext(*about)) if is_told else function(key, value)
        if answer is FilterDecision.KEEP or answer is True:
            return None
        return False if answer is FilterDecision.REMOVE else answer

    return ask


def _takes_three(function: Callable[..., object]) -> bool:
    try:
        inspect.signature(function).bind(b"", b"", None)
    except TypeError:
        return False
    except ValueError:  # nothing is known of it
        return True
    return True
