"""The interface of Python's `dbm` modules over lsmdb.

A program changes one import:

>>> from lsmdb import dbm
>>> with dbm.open("sessions", "c") as sessions:
...     sessions["ada"] = "1815"
...     sessions["ada"], len(sessions), sessions.keys()
(b'1815', 1, [b'ada'])

Keys and values are bytes, or `str`, which is written as UTF-8; bytes come out. `shelve.Shelf` works
over it, which `open_shelf` does in one call. What differs from the modules of the standard library:
the database is a directory, keys come in order, one process at a time has it open for writing, and
`len(db)` reads all keys.
"""

from __future__ import annotations

import contextlib
import io
import os
import shelve
from collections.abc import ItemsView, Iterator, MutableMapping, ValuesView
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar, cast, overload

import lsmdb
from lsmdb._errors import Error
from lsmdb._pairs import pairs

if TYPE_CHECKING:
    from typing_extensions import Buffer

    Text: TypeAlias = str | Buffer

__all__ = ["Database", "error", "library", "open", "open_shelf", "whichdb"]

library = "lsmdb"
_Path: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]
# What the heads of a database are called, and how each begins.
_HEADS = ("a.head", "b.head")
_MAGIC = b"\x89LSM\r\n\x1a\n"
T = TypeVar("T")
_MISSING: Any = object()


class error(Error, OSError):  # noqa: N801 - all dbm modules call it so
    """Whatever goes wrong with a database. What lsmdb raised is its cause."""


class _Telling:
    """Within it, errors of lsmdb become the one error that users of dbm catch."""

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, cause: BaseException | None, _: TracebackType | None
    ) -> None:
        if isinstance(cause, Error) and not isinstance(cause, error):
            raise _as_dbm(cause) from cause


_telling = _Telling()


def _as_dbm(cause: Error) -> error:
    # A third argument that is None would stay among them.
    place = () if cause.path is None else (cause.path,)
    told = error(str(cause)) if cause.errno is None else error(cause.errno, str(cause), *place)
    told.path, told.offset = cause.path, cause.offset
    told.retryable, told.maybe_committed = cause.retryable, cause.maybe_committed
    return told


def _bytes(given: object) -> bytes:
    if type(given) is bytes:
        return given
    if isinstance(given, str):
        return given.encode()
    try:
        return memoryview(cast(Any, given)).tobytes()
    except TypeError:
        name = type(given).__name__
        raise TypeError(f"keys and values are bytes or str, not {name}") from None


class Database(MutableMapping[bytes, bytes]):
    """An open database. `open` makes it."""

    def __init__(self, db: lsmdb.DB, *, writable: bool) -> None:
        self._db = db
        self._writable = writable

    def __getitem__(self, key: Text) -> bytes:
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: Text, value: Text) -> None:
        with _telling:
            self._db[_bytes(key)] = _bytes(value)

    def __delitem__(self, key: Text) -> None:
        data = _bytes(key)
        with _telling:
            # Who may not write is told so, whether the key is there or not.
            if self._writable and data not in self._db:
                raise KeyError(key)
            del self._db[data]

    def __contains__(self, key: object) -> bool:
        with _telling:
            return _bytes(key) in self._db

    def __len__(self) -> int:
        with _telling:
            return self._db.count()

    def __bool__(self) -> bool:
        with _telling:
            return self._db.first() is not None

    def __iter__(self) -> Iterator[bytes]:
        with _telling:
            return _told(iter(self._db))

    def __reversed__(self) -> Iterator[bytes]:
        with _telling:
            return _told(reversed(self._db))

    @overload
    def get(self, key: Text, /) -> bytes | None: ...
    @overload
    def get(self, key: Text, default: bytes | T, /) -> bytes | T: ...
    def get(self, key: Text, default: Any = None, /) -> Any:
        """Gives the value of a key, or `default` if it is not there."""
        with _telling:
            return self._db.get(_bytes(key), default)

    def setdefault(self, key: Text, default: Text = b"", /) -> bytes:
        """Gives the value of a key, and writes `default` first if it is not there."""
        with _telling:
            return self._db.setdefault(_bytes(key), _bytes(default))

    @overload
    def pop(self, key: Text, /) -> bytes: ...
    @overload
    def pop(self, key: Text, default: bytes | T, /) -> bytes | T: ...
    def pop(self, key: Text, default: Any = _MISSING, /) -> Any:
        """Takes a key away and gives its value; without it `default`, or KeyError."""
        with _telling:
            value = self._db.pop(_bytes(key), _MISSING)
        if value is not _MISSING:
            return value
        if default is _MISSING:
            raise KeyError(key)
        return default

    def popitem(self) -> tuple[bytes, bytes]:
        """Takes the first key and its value away. KeyError if there is none."""
        with _telling:
            return self._db.popitem()

    def update(self, other: Any = (), /, **others: Text) -> None:
        """Writes all pairs or none."""
        found = [(_bytes(key), _bytes(value)) for key, value in pairs(other)]
        found += [(_bytes(key), _bytes(value)) for key, value in others.items()]
        with _telling:
            self._db.update(found)

    def clear(self) -> None:
        """Takes all keys away."""
        with _telling:
            self._db.clear()

    def keys(self) -> list[bytes]:  # type: ignore[override]
        """All keys, as a list: what dbm has always given. Iterating holds one at a time."""
        return list(iter(self))

    def values(self) -> ValuesView[bytes]:
        """A view of the values, in the order of their keys."""
        return _Values(self)

    def items(self) -> ItemsView[bytes, bytes]:
        """A view of the keys with their values, in order."""
        return _Items(self)

    def _pairs(self) -> Iterator[tuple[bytes, bytes]]:
        with _telling:
            return _told(self._db.items())

    def firstkey(self) -> bytes | None:
        """The first key, or None. With `nextkey`, the loop of gdbm's users."""
        with _telling:
            return next(iter(self), None)

    def nextkey(self, key: Text, /) -> bytes | None:
        """The first key behind `key`, which need not be there any more, or None."""
        data = _bytes(key)
        with _telling:
            cursor = self._db.range(data).cursor(keys_only=True)
            pair = cursor.next()
            if pair is not None and pair[0] == data:
                pair = cursor.next()
            return None if pair is None else pair[0]

    def sync(self) -> None:
        """Makes everything written durable. Who only reads has written nothing."""
        with _telling:
            if self._writable or self._db.closed:
                self._db.sync()

    def reorganize(self) -> None:
        """Gives back the space of what was deleted or overwritten. Rewrites the data."""
        with _telling:
            self._db.compact()

    def close(self) -> None:
        """Closes the database. Closing twice is closing once; anything else raises `error`."""
        with _telling:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<lsmdb.dbm {self._db.path!r}>"


def _told(found: Iterator[T]) -> Iterator[T]:
    with _telling:
        yield from found


class _Values(ValuesView[bytes]):
    _mapping: Database

    def __iter__(self) -> Iterator[bytes]:
        return (value for _, value in self._mapping._pairs())


class _Items(ItemsView[bytes, bytes]):
    _mapping: Database

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return self._mapping._pairs()


def open(  # noqa: A001 - all dbm modules call it so
    file: _Path,
    flag: str = "r",
    mode: int = 0o666,
    **options: Any,
) -> Database:
    """Opens the database in the directory `file`.

    `flag` is `r` to read, `w` or `rw` to write, `c` to write and to make it if it is not there, `n`
    to make it new and empty. What gdbm has behind that is taken: with `s` every write is durable
    before it returns; `f` asks for what is so without it, and `u` for no lock, which there always
    is. `mode` holds for a directory that is made, less the umask: who may read it may also enter
    it. `options` are those of `lsmdb.open`.
    """
    verb, more = _read(flag)
    if "s" in more and verb != "r":
        options.setdefault("durability", "durable")
    path = os.fspath(file)
    with contextlib.ExitStack() as undo, _telling:
        if verb in "cn" and _made(path, mode):
            undo.callback(_unmade, path)
        db = lsmdb.DB(path, mode=cast(Any, verb), **options)
        undo.pop_all()
        return Database(db, writable=verb != "r")


def open_shelf(
    file: _Path,
    flag: str = "c",
    *,
    protocol: int | None = None,
    writeback: bool = False,
    **options: Any,
) -> shelve.Shelf[Any]:
    """Opens a shelf, as `shelve.open` does: a mapping of `str` to whatever can be pickled.

    Open only what you trust: pickles may do anything when they are read.

    >>> from lsmdb import dbm
    >>> with dbm.open_shelf("objects") as shelf:
    ...     shelf["primes"] = {2, 3, 5}
    ...     shelf["primes"]
    {2, 3, 5}
    """
    return shelve.Shelf(open(file, flag, **options), protocol, writeback)


def whichdb(filename: _Path) -> str | None:
    """Tells which module opens what lies at a path: `lsmdb.dbm` where a database of lsmdb is.

    Of anything else it answers what the standard library's function does: the name of a module,
    None if nothing can be read there, and an empty string if it is nothing that is known.

    >>> from lsmdb import dbm
    >>> dbm.open("sessions", "c").close()
    >>> dbm.whichdb("sessions")
    'lsmdb.dbm'
    """
    path = os.fsdecode(filename)
    if not os.path.isdir(path):
        import dbm

        return dbm.whichdb(path)
    try:
        os.listdir(path)
    except OSError:
        return None
    return "lsmdb.dbm" if any(_is_head(os.path.join(path, name)) for name in _HEADS) else ""


def _is_head(path: str) -> bool:
    try:
        with io.open(path, "rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def _read(flag: object) -> tuple[str, str]:
    """What is to be opened, and what gdbm has behind it."""
    if isinstance(flag, str):
        verb, more = ("w", flag[2:]) if flag.startswith("rw") else (flag[:1], flag[1:])
        if verb in ("r", "w", "c", "n") and set(more) <= set("fsu"):
            return verb, more
    wanted = "'r', 'w', 'rw', 'c' or 'n', with 'f', 's' or 'u' behind it"
    raise ValueError(f"flag is {wanted}, not {flag!r}")


def _made(path: str | bytes, mode: int) -> bool:
    """Makes the directory, unless there is something."""
    try:
        os.mkdir(path, mode | (mode & 0o444) >> 2)
    except FileExistsError:
        return False
    except OSError as cause:
        told = error(cause.errno, cause.strerror, cause.filename)
        told.path = os.fsdecode(path)
        raise told from cause
    return True


def _unmade(path: str | bytes) -> None:
    # What is in it by now is not ours to remove.
    with contextlib.suppress(OSError):
        os.rmdir(path)
