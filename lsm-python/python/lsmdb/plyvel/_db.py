"""The database."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

import lsmdb
from lsmdb import _errors as engine
from lsmdb.plyvel._batch import WriteBatch
from lsmdb.plyvel._errors import Error, copied, telling, told
from lsmdb.plyvel._iterator import RawIterator
from lsmdb.plyvel._opening import Mode, Name, Opening, opened, pairs_of
from lsmdb.plyvel._parts import PrefixedDB, Snapshot
from lsmdb.plyvel._property import property_of
from lsmdb.plyvel._source import Source

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from lsmdb.plyvel._source import View

_T = TypeVar("_T")


class DB(Source):
    """A database, as plyvel has it.

    >>> from lsmdb import plyvel
    >>> db = plyvel.DB("users", create_if_missing=True)
    >>> db.put(b"ada", b"1815")
    >>> db.get(b"ada"), db.get(b"bob")
    (b'1815', None)
    >>> list(db)
    [(b'ada', b'1815')]
    >>> db.close()

    Of the options, `write_buffer_size`, `lru_cache_size`, `max_open_files`, `block_size`,
    `compression` and `bloom_filter_bits` have their like in the engine; the last three count when
    the database is made. `paranoid_checks`, `block_restart_interval` and `max_file_size` are taken
    without effect. `comparator` may name the order of bytes, and no other.
    """

    _closed = True

    def __init__(
        self,
        name: Name,
        create_if_missing: bool = False,
        *,
        error_if_exists: bool = False,
        paranoid_checks: bool | None = None,
        write_buffer_size: int | None = None,
        max_open_files: int | None = None,
        lru_cache_size: int | None = None,
        block_size: int | None = None,
        block_restart_interval: int | None = None,
        max_file_size: int | None = None,
        compression: str | bytes | None = "snappy",
        bloom_filter_bits: int = 0,
        comparator: object = None,
        comparator_name: bytes | None = None,
    ) -> None:
        self._name = name
        opening = Opening(
            write_buffer_size=write_buffer_size,
            lru_cache_size=lru_cache_size,
            max_open_files=max_open_files,
            block_size=block_size,
            compression=compression,
            bloom_filter_bits=bloom_filter_bits,
            comparator=comparator,
            comparator_name=comparator_name,
        )
        self._open(opening, bool(create_if_missing), bool(error_if_exists))

    def _open(self, opening: Opening, may_create: bool, must_create: bool) -> None:
        mode: Mode = "w" if not may_create else "x" if must_create else "c"
        self._native = opened(self._name, mode, opening)
        if must_create and not may_create:
            self._native.close()
            raise Error(f"{self._name!r}: exists (error_if_exists is true)")
        self._pairs = pairs_of(self._native, opening)
        self._closed = False

    @property
    def name(self) -> Name:
        """The name that it was opened by.

        >>> from lsmdb import plyvel
        >>> plyvel.DB("users", create_if_missing=True).name
        'users'
        """
        return self._name

    @property
    def closed(self) -> bool:
        """True once it is closed.

        >>> from lsmdb import plyvel
        >>> with plyvel.DB("users", create_if_missing=True) as db:
        ...     db.closed
        False
        >>> db.closed
        True
        """
        return self._closed

    def close(self) -> None:
        """Closes the database with its iterators and snapshots. A second time does nothing."""
        if self._closed:
            return
        self._closed = True
        with telling():
            self._native.close()

    @overload
    def get(
        self, key: Buffer, *, verify_checksums: bool = ..., fill_cache: bool = ...
    ) -> bytes | None: ...
    @overload
    def get(
        self, key: Buffer, default: _T, *, verify_checksums: bool = ..., fill_cache: bool = ...
    ) -> bytes | _T: ...
    def get(
        self,
        key: Buffer,
        default: Any = None,
        *,
        verify_checksums: bool = False,
        fill_cache: bool = True,
    ) -> Any:
        """The value of the key, or `default` if there is none.

        >>> from lsmdb import plyvel
        >>> db = plyvel.DB("users", create_if_missing=True)
        >>> db.get(b"nobody"), db.get(b"nobody", b"-")
        (None, b'-')
        """
        try:
            if fill_cache and not verify_checksums:
                return self._pairs.get(key, default)
            view = self._pairs.reading(verify=verify_checksums, fill_cache=fill_cache)
            return view.get(key, default)
        except engine.Error as error:
            raise told(error) from error

    def put(self, key: Buffer, value: Buffer, *, sync: bool = False) -> None:
        """Gives the key this value. With `sync`, it survives the loss of power from then on;
        without, the death of the process, and the loss of power after about a second.

        >>> from lsmdb import plyvel
        >>> db = plyvel.DB("users", create_if_missing=True)
        >>> db.put(b"ada", b"1815", sync=True)
        """
        try:
            if sync:
                self._pairs.put(key, value, durability="durable")
            else:
                self._pairs[key] = value
        except engine.Error as error:
            raise told(error) from error

    def delete(self, key: Buffer, *, sync: bool = False) -> None:
        """Deletes the key, whether it is there or not.

        >>> from lsmdb import plyvel
        >>> db = plyvel.DB("users", create_if_missing=True)
        >>> db.delete(b"nobody")
        """
        try:
            if sync:
                self._pairs.delete(key, durability="durable")
            else:
                self._pairs.delete(key)
        except engine.Error as error:
            raise told(error) from error

    def write_batch(self, *, transaction: bool = False, sync: bool = False) -> WriteBatch:
        """A batch for writes that are to happen all or none. Its `with` block ends with its
        writing; after an exception as well, unless it is a `transaction`.

        >>> from lsmdb import plyvel
        >>> db = plyvel.DB("users", create_if_missing=True)
        >>> with db.write_batch(transaction=True, sync=True) as batch:
        ...     batch.put(b"ada", b"1815")
        """
        self._check_open()
        return WriteBatch(self, b"", transaction, sync)

    def raw_iterator(
        self, *, verify_checksums: bool = False, fill_cache: bool = True
    ) -> RawIterator:
        """An iterator that stands on entries, as LevelDB's own do. It sees the database as it is
        now.

        >>> from lsmdb import plyvel
        >>> plyvel.DB("letters", create_if_missing=True).raw_iterator().valid()
        False
        """
        return self._raw_iterator(self._seen())

    def snapshot(self) -> Snapshot:
        """What is in the database now, for reading it later.

        >>> from lsmdb import plyvel
        >>> db = plyvel.DB("users", create_if_missing=True)
        >>> with db.snapshot() as snapshot:
        ...     db.put(b"ada", b"1815")
        ...     snapshot.get(b"ada"), db.get(b"ada")
        (None, b'1815')
        """
        self._check_open()
        return Snapshot(self, b"")

    def prefixed_db(self, prefix: Buffer) -> PrefixedDB:
        """The part of the database whose keys begin so, as if it was a database of its own.

        >>> from lsmdb import plyvel
        >>> db = plyvel.DB("all", create_if_missing=True)
        >>> db.prefixed_db(b"users/").put(b"ada", b"1815")
        >>> list(db)
        [(b'users/ada', b'1815')]
        """
        return PrefixedDB(self, prefix=prefix)

    def compact_range(self, *, start: Buffer | None = None, stop: Buffer | None = None) -> None:
        """Merges the tables of these keys, down to the last level.

        >>> from lsmdb import plyvel
        >>> plyvel.DB("users", create_if_missing=True).compact_range(start=b"a", stop=b"b")
        """
        self._check_open()
        first, last = (None if bound is None else copied(bound) for bound in (start, stop))
        if first is None or last is None or first < last:
            with telling():
                self._pairs.compact(first, last)

    def get_property(self, name: bytes) -> bytes | None:
        """What is known by this name, or None: `leveldb.num-files-at-level<N>`, `leveldb.stats`,
        `leveldb.sstables`, `leveldb.approximate-memory-usage`.

        >>> from lsmdb import plyvel
        >>> plyvel.DB("users", create_if_missing=True).get_property(b"leveldb.num-files-at-level0")
        b'0'
        """
        self._check_open()
        with telling():
            return property_of(self._native, copied(name))

    def approximate_size(self, start: Buffer, stop: Buffer) -> int:
        """About how many bytes of tables the keys from start to stop take. What was written last
        is in memory, and counts as nothing.

        >>> from lsmdb import plyvel
        >>> plyvel.DB("users", create_if_missing=True).approximate_size(b"a", b"z")
        0
        """
        return self.approximate_sizes((start, stop))[0]

    def approximate_sizes(self, *ranges: tuple[Buffer, Buffer]) -> list[int]:
        """The same for several pairs of start and stop.

        >>> from lsmdb import plyvel
        >>> db = plyvel.DB("users", create_if_missing=True)
        >>> db.approximate_sizes((b"a", b"m"), (b"m", b"z"))
        [0, 0]
        """
        self._check_open()
        return [self._size(copied(start), copied(stop)) for start, stop in ranges]

    def _size(self, start: bytes, stop: bytes) -> int:
        with telling():
            return self._pairs.range(start, stop).approximate_bytes() if start < stop else 0

    def _check_open(self, message: str = "Database is closed") -> None:
        if self._closed:
            raise RuntimeError(message)

    def _seen(self) -> View:
        """The pairs as they are now, for an iterator."""
        self._check_open("Database or iterator is closed")
        try:
            snapshot = self._native.snapshot()
        except engine.Error as error:
            raise told(error) from error
        return self._at(snapshot)

    def _at(self, snapshot: lsmdb.Snapshot) -> View:
        try:
            return self._pairs.at(snapshot)
        except engine.Error as error:
            raise told(error) from error

    def _owner(self) -> DB:
        return self

    def _raw_iterator(self, view: View) -> RawIterator:
        with telling():
            return RawIterator(self, view.range())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def __repr__(self) -> str:
        state = " (closed)" if self._closed else ""
        return f"<lsmdb.plyvel.DB with name {self._name!r}{state} at {id(self):#x}>"
