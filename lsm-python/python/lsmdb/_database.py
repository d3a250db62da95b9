"""`DB`: the native database, and what becomes of one that is forgotten."""

import os
import sys
import warnings
import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Literal, Self

from lsmdb._comparators import SortKey, native_comparators
from lsmdb._errors import InvalidArgument
from lsmdb._filters import CompactionFilters, native_filters
from lsmdb._native import Closer, Database, Event
from lsmdb._operators import MergeOperators, native_operators
from lsmdb._options import Durability, KeyspaceOptions, Options

Mode = Literal["r", "w", "c", "n", "x"]
StrPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]
Place = tuple[str, int, str]
_PACKAGE = os.path.join(os.path.dirname(__file__), "")


class DB(Database):
    """An open database: a sorted mapping of bytes to bytes that survives.

    As a mapping it is its default keyspace. `mode` is as for `dbm`: "c" opens it and makes it if
    there is none, "w" opens what is there, "r" opens it to be read only, "n" replaces what is there
    by an empty one, and "x" makes a new one or fails. What else is chosen stands in `options`, or
    beside it for what is chosen most. `listener` is called with an `Event` whenever something
    happens inside, on the thread where it happens: it may read, must be quick, and must not write.
    `comparators` are what keyspaces can choose as `user:` and a name to order their keys by:
    functions that make of a key the bytes by which it is ordered, always the same of the same key.
    `merge_operators` are what keyspaces can choose by name, beside the built-in ones: objects of
    `MergeOperator`, or a mapping of names to functions. `compaction_filters` are what keyspaces can
    choose by name to have their compactions filtered by: objects of `CompactionFilter`, or a
    mapping of names to functions. `default_keyspace` says how the default keyspace is kept, if the
    database is made; one that is there with another default keyspace is refused.

    With "r" another process may be writing: what is shown is as it was when it was opened, until
    `refresh` is called, or as it was `refresh_every` so many seconds at most ago.

    >>> with lsmdb.DB("fruits") as db:
    ...     db[b"apple"] = b"red"
    ...     db[b"plum"] = b"blue"
    ...     list(db[b"a":b"b"])
    [(b'apple', b'red')]
    """

    __slots__ = ("_finalizer",)
    _finalizer: "weakref.finalize[[Closer, str, Place], Self]"

    def __new__(
        cls,
        path: StrPath,
        /,
        *,
        mode: Mode = "c",
        memory_limit: int | None = None,
        memtable_bytes: int | None = None,
        threads: int | None = None,
        durability: Durability | None = None,
        refresh_every: float | None = None,
        options: Options | None = None,
        listener: Callable[[Event], object] | None = None,
        merge_operators: MergeOperators = (),
        comparators: Mapping[str, SortKey] = MappingProxyType({}),
        compaction_filters: CompactionFilters = (),
        default_keyspace: KeyspaceOptions | None = None,
    ) -> Self:
        if not os.fsdecode(path):
            raise InvalidArgument("the path of the database is empty")
        if listener is not None and not callable(listener):
            kind = type(listener).__name__
            raise TypeError(f"the listener is called with events, which {kind} cannot be")
        chosen: dict[str, Any] = {
            "memory_limit": memory_limit,
            "memtable_bytes": memtable_bytes,
            "background_threads": threads,
            "durability": durability,
            "refresh_every_ms": None if refresh_every is None else _millis(refresh_every),
        }
        beside = {name: value for name, value in chosen.items() if value is not None}
        text = str(replace(options or Options(), **beside))
        functions = (
            native_operators(merge_operators),
            native_comparators(comparators),
            native_filters(compaction_filters),
        )
        self = super().__new__(
            cls,
            path,
            mode=mode,
            options=text,
            listener=listener,
            functions=functions,
            default_keyspace=None if default_keyspace is None else str(default_keyspace),
        )
        name = Database.__repr__(self)  # a subclass may not be ready for its own yet
        told = self._closer(), name, _opener()
        self._finalizer = weakref.finalize(self, _forget, *told)
        return self

    def __init__(self, path: StrPath, /, **_chosen: Any) -> None:
        super().__init__()

    def __enter__(self) -> Self:
        _ = self.latest_seqno  # a closed one says so, as it does everywhere else
        return super().__enter__()


def _millis(seconds: float) -> int:
    """At least one, for 0 would be never."""
    if not 0 < seconds < 1 << 32:
        raise InvalidArgument(f"refresh_every is a number of seconds above 0, not {seconds}")
    return max(1, round(seconds * 1000))


def _opener() -> Place:
    """Where a program opens a database: the first file, line and module outside of the package."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno, frame.f_globals.get("__name__", "")


def _forget(closer: Closer, name: str, opened: Place) -> None:
    """Closes what nobody has closed, also when the interpreter ends."""
    if not closer.closed:
        try:
            message = f"unclosed database {name}"
            warnings.warn_explicit(message, ResourceWarning, *opened, source=closer)
        finally:  # a warning may have been made an error
            closer.close()
