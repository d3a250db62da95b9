"""`DB`: the native database, and what becomes of one that is forgotten."""

import os
import warnings
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, Self

from lsmdb._native import Closer, Database, Event
from lsmdb._options import Durability, Options

Mode = Literal["r", "w", "c", "n", "x"]
StrPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]


class DB(Database):
    """An open database: a sorted mapping of bytes to bytes that survives.

    As a mapping it is its default keyspace. `mode` is as for `dbm`: "c" opens it and makes it if
    there is none, "w" opens what is there, "r" opens it to be read only, "n" replaces what is there
    by an empty one, and "x" makes a new one or fails. What else is chosen stands in `options`, or
    beside it for what is chosen most. `listener` is called with an `Event` whenever something
    happens inside, on the thread where it happens: it may read, must be quick, and must not write.

    >>> with lsmdb.DB("fruits") as db:
    ...     db[b"apple"] = b"red"
    ...     db[b"plum"] = b"blue"
    ...     list(db[b"a":b"b"])
    [(b'apple', b'red')]
    """

    __slots__ = ("_finalizer",)
    _finalizer: "weakref.finalize[[Closer, str], Self]"

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
        options: Options | None = None,
        listener: Callable[[Event], object] | None = None,
    ) -> Self:
        chosen: dict[str, Any] = {
            "memory_limit": memory_limit,
            "memtable_bytes": memtable_bytes,
            "background_threads": threads,
            "durability": durability,
        }
        beside = {name: value for name, value in chosen.items() if value is not None}
        text = str(replace(options or Options(), **beside))
        self = super().__new__(cls, path, mode=mode, options=text, listener=listener)
        name = Database.__repr__(self)  # a subclass may not be ready for its own yet
        self._finalizer = weakref.finalize(self, _forget, self._closer(), name)
        return self

    def __init__(self, path: StrPath, /, **_chosen: Any) -> None:
        super().__init__()


def _forget(closer: Closer, name: str) -> None:
    """Closes what nobody has closed, also when the interpreter ends."""
    if not closer.closed:
        try:
            warnings.warn(f"unclosed database {name}", ResourceWarning, stacklevel=2)
        finally:  # a warning may have been made an error
            closer.close()
