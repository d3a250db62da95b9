"""The native part of lsmdb. Import lsmdb instead."""

from collections.abc import Callable, Iterable
from collections.abc import Iterator as _Iterator
from os import PathLike
from types import TracebackType
from typing import Any, Literal, NoReturn, Protocol, Self, TypeAlias, TypeVar, final, overload

from typing_extensions import Buffer

from lsmdb._errors import Error
from lsmdb._explain import Diagnosis, Explanation
from lsmdb._options import Durability, KeyspaceOptions, Moment, Ttl
from lsmdb._progress import Bar, Told
from lsmdb._readers import ReaderInfo
from lsmdb._usage import Estimate, Usage

__version__: str

_T = TypeVar("_T")

_Mode: TypeAlias = Literal["r", "w", "c", "n", "x"]
_Bound: TypeAlias = Buffer | None
_Pair: TypeAlias = tuple[bytes, bytes]
_Path: TypeAlias = str | bytes | PathLike[str] | PathLike[bytes]

# A dict, a database, a range: whatever has keys that can be looked up.
class _Keyed(Protocol):
    def keys(self) -> Iterable[bytes]: ...
    def __getitem__(self, key: bytes, /) -> Buffer: ...

_Pairs: TypeAlias = _Keyed | Iterable[tuple[Buffer, Buffer]]

# What Arrow reads: pyarrow, pandas, polars, DuckDB, and ranges.
class _ArrowStream(Protocol):
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

class _ArrowArray(Protocol):
    def __arrow_c_array__(
        self, requested_schema: object | None = None
    ) -> tuple[object, object]: ...

# The program's own merge operators, comparators and compaction filters.
_Functions: TypeAlias = tuple[
    list[tuple[Any, ...]],
    list[tuple[str, Callable[[bytes], bytes]]],
    list[tuple[str, Callable[..., object]]],
]

# What is told (done, total) while a call goes on. What it raises ends the call.
_Progress: TypeAlias = Told | Bar

@final
class Value:
    """The bytes of a value where they lie in the database's memory: nothing was copied.

    `memoryview(value)` reads them in place, `bytes(value)` copies them. They stay as they are
    whatever is written afterwards, and even when the database is closed. A value that is kept may
    keep a block of the cache in memory: `release()` it, use it in a `with` statement, or let it go.

    >>> db[b"k"] = b"a long value" * 10
    >>> with db.get_value(b"k") as view:
    ...     view[:6].tobytes()
    b'a long'
    """

    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __bytes__(self) -> bytes: ...
    def __len__(self) -> int: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __enter__(self) -> memoryview: ...
    def __exit__(self, *_exception: object) -> None: ...
    def release(self) -> None:
        """
        Lets go of the bytes before the object itself goes. `BufferError` while a memoryview of them
        is still there; nothing happens the second time.
        """

class Readable:
    """
    A sorted mapping of bytes to bytes that can be read: what a database, a keyspace, a snapshot and
    a view have in common.

    Keys are in the order of their bytes. Keys and values are anything with the buffer protocol
    when they go in, and `bytes` when they come out. It is a mapping in all but one thing: there is
    no `len()`, which would have to read everything without saying so. `count()` does, and `bool()`
    is always true.
    """

    @overload
    def __getitem__(self, key: Buffer, /) -> bytes: ...
    @overload
    def __getitem__(self, key: slice[_Bound, _Bound, None], /) -> Range: ...
    def __contains__(self, key: Buffer, /) -> bool: ...
    def __iter__(self) -> _Iterator[bytes]: ...
    def __reversed__(self) -> _Iterator[bytes]: ...
    def __bool__(self) -> Literal[True]: ...
    def __reduce__(self) -> NoReturn: ...
    @overload
    def get(self, key: Buffer, default: None = None, /) -> bytes | None:
        """The value of a key, or `default` if there is none.

        >>> db[b"k"] = b"v"
        >>> db.get(b"k"), db.get(b"missing"), db.get(b"missing", b"")
        (b'v', None, b'')
        """
    @overload
    def get(self, key: Buffer, default: _T, /) -> bytes | _T: ...
    def expires_at(self, key: Buffer, /) -> float | None:
        """
        When the value of a key expires, in seconds since 1970; `None` if it never does. `KeyError`
        if the key has no value.

        >>> db.put(b"k", b"v", expires_at=4e9)
        >>> db.expires_at(b"k")
        4000000000.0
        """
    def ttl(self, key: Buffer, /) -> float | None:
        """
        How many seconds the value of a key has to live; `None` if it does for ever. `KeyError` if
        the key has no value.

        >>> db.put(b"k", b"v", ttl=60)
        >>> 0 < db.ttl(b"k") <= 60
        True
        """
    def get_value(self, key: Buffer, /) -> Value | None:
        """The value of a key where it lies in the database's memory, not copied; `None` if there is
        none. Values of up to 30 bytes are copied: that is cheaper.

        >>> db[b"k"] = bytes(1000)
        >>> len(db.get_value(b"k"))
        1000
        """
    def get_into(self, key: Buffer, buffer: Buffer, /) -> int | None:
        """Copies the value of a key to the front of a writable buffer, such as a `bytearray` or an
        array, and answers its length; `None` if there is none. `BufferError` if it does not fit.

        >>> db[b"k"] = b"abc"
        >>> buffer = bytearray(8)
        >>> db.get_into(b"k", buffer), bytes(buffer[:3])
        (3, b'abc')
        """
    @overload
    def get_many(self, keys: Iterable[Buffer], default: None = None, /) -> list[bytes | None]:
        """The values of several keys, all of the same moment, with `default` where there is none.
        Looking them up together costs less than one by one, and other threads run meanwhile.

        >>> db.update({b"a": b"1", b"b": b"2"})
        >>> db.get_many([b"a", b"b", b"c"])
        [b'1', b'2', None]
        """
    @overload
    def get_many(self, keys: Iterable[Buffer], default: _T, /) -> list[bytes | _T]: ...
    def range(
        self, start: _Bound = None, stop: _Bound = None, *, reverse: bool = False
    ) -> Range:
        """The pairs from `start` to before `stop`, as a range that can be gone through again and
        again. Nothing is read yet. `None` leaves an end open; `reverse` begins at the last.

        >>> db.update({b"a": b"1", b"b": b"2", b"c": b"3"})
        >>> list(db.range(b"a", b"c"))
        [(b'a', b'1'), (b'b', b'2')]
        >>> list(db.range(b"b", reverse=True).keys())
        [b'c', b'b']
        """
    def prefix(self, prefix: Buffer, *, reverse: bool = False) -> Range:
        """The pairs whose keys begin with `prefix`, as a range.

        >>> db.update({b"user:1": b"ann", b"user:2": b"bob", b"zoo": b""})
        >>> list(db.prefix(b"user:").values())
        [b'ann', b'bob']
        """
    def keys(self) -> _Iterator[bytes]:
        """An iterator over all keys, in order."""
    def values(self) -> _Iterator[bytes]:
        """An iterator over all values, in the order of their keys."""
    def items(self) -> _Iterator[_Pair]:
        """An iterator over all pairs, in the order of their keys. It sees the moment at which it
        begins, whatever is written meanwhile.
        """
    def first(self) -> _Pair | None:
        """The first pair; `None` if there is none."""
    def last(self) -> _Pair | None:
        """The last pair; `None` if there is none."""
    def count(self, *, progress: _Progress | None = None) -> int:
        """How many keys there are. Exact, and reads every one of them.

        `progress` is called with how many were counted, now and then, or is a bar of tqdm.
        """
    def explain_get(self, key: Buffer, /) -> Explanation:
        """Looks a key up as `get` does, and tells which memtables, tables, filters and blocks were
        asked, what each said, and what it cost: a dict whose `str()` is a text. Its `answer` is
        "found", "deleted", "expired", "covered" (by a range that was deleted) or "missing".

        >>> db[b"k"] = b"v"
        >>> told = db.explain_get(b"k")
        >>> told["answer"], told["seqno"] == db.latest_seqno, told["value_bytes"]
        ('found', True, 1)
        >>> str(told).splitlines()[0].endswith(": found, 1 bytes, entry 1")
        True
        """
    def explain_range(
        self,
        start: _Bound = None,
        stop: _Bound = None,
        *,
        reverse: bool = False,
        limit: int | None = None,
        progress: _Progress | None = None,
        timeout: float | None = None,
    ) -> Explanation:
        """Walks through the pairs from `start` to before `stop`, `limit` of them at most, and tells
        what was read, what was passed over, and what that cost: a dict whose `str()` is a text.

        `progress` is called with how many pairs were passed, now and then, or is a bar of tqdm.

        >>> db.update({b"a": b"1", b"b": b"2", b"c": b"3"})
        >>> del db[b"b"]
        >>> told = db.explain_range(b"a", b"c")
        >>> told["pairs"], told["entries"]["deleted"], told["is_complete"]
        (1, 1, True)
        """
    def approximate_count(self, start: _Bound = None, stop: _Bound = None) -> Estimate:
        """
        About how many keys there are now from `start` to before `stop`, as an `Estimate`: an `int`,
        the best guess, with bounds that always hold, `at_least` and `at_most`. Of large ranges only
        both ends are looked at.

        >>> db.update({b"a": b"1", b"b": b"2", b"c": b"3"})
        >>> db.approximate_count(b"b").at_most
        2
        """
    def _try_get(self, key: Buffer, default: _T | None = None, /) -> bytes | _T | None: ...
    def _try_get_many(
        self, keys: Iterable[Buffer], default: _T | None = None, /
    ) -> list[bytes | _T | None]: ...

class Writable(Readable):
    """A sorted mapping that can be written, too: what a database and a keyspace have in common.

    Deletes are blind: `del mapping[key]` raises no `KeyError`, since finding out would cost a read.
    Each write takes these keywords: `durability`, one of "durable", "buffered" and "volatile", as
    the database has it otherwise; `timeout`, in seconds, for how long it may wait; and
    `low_priority`, to let other writes go first while writers are held back.
    """

    def __setitem__(self, key: Buffer, value: Buffer, /) -> None: ...
    def __delitem__(self, key: Buffer | slice[_Bound, _Bound, None], /) -> None: ...
    def __ior__(self, items: _Pairs, /) -> Self: ...
    def put(
        self,
        key: Buffer,
        value: Buffer,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
        ttl: Ttl | None = None,
        expires_at: Moment | None = None,
    ) -> None:
        """
        Gives a key a value. It can expire: `ttl` seconds from now, or at the moment `expires_at`.

        >>> db.put(b"k", b"v", durability="durable")
        >>> db.put(b"session", b"ann", ttl=3600)
        """
    def merge(
        self,
        key: Buffer,
        operand: Buffer,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
        ttl: Ttl | None = None,
        expires_at: Moment | None = None,
    ) -> None:
        """
        Applies an operand to the value of a key, or to none, by the keyspace's merge operator, and
        reads nothing for that. The value then expires as `ttl` or `expires_at` say, else as the
        keyspace has it, or, if that says nothing, when it would have before.

        >>> log = db.keyspace("log", lsmdb.KeyspaceOptions(merge_operator="append"))
        >>> log.merge(b"k", b"a"), log.merge(b"k", b"b"), log[b"k"]
        (None, None, b'ab')
        """
    def touch(
        self,
        key: Buffer,
        *,
        ttl: Ttl | None = None,
        expires_at: Moment | None = None,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
    ) -> bool:
        """
        Lets the value that a key has expire at another moment, or never: with `math.inf`. Answers
        whether there was one; what has expired is gone.

        >>> db[b"k"] = b"v"
        >>> db.touch(b"k", ttl=60), db.touch(b"missing", ttl=60)
        (True, False)
        """
    def delete(
        self,
        key: Buffer,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
    ) -> None:
        """Takes a key away, whether or not it is there."""
    def single_delete(
        self,
        key: Buffer,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
    ) -> None:
        """Takes a key away, whether or not it is there. In a keyspace with `write_once` this takes
        less room than `delete`: it is gone as soon as it meets the put. Elsewhere it is as that.
        """
    def delete_range(
        self,
        start: _Bound,
        stop: _Bound,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
    ) -> None:
        """
        Takes every key from `start` to before `stop` away, at the same cost for any number of them.
        `None` leaves an end open.

        >>> db.update({b"a": b"1", b"b": b"2", b"c": b"3"})
        >>> db.delete_range(b"a", b"c")
        >>> list(db)
        [b'c']
        """
    def insert_if_absent(
        self,
        key: Buffer,
        value: Buffer,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
        ttl: Ttl | None = None,
    ) -> bool:
        """Gives a key a value if it has none. Answers whether it did; a value that is there stays.

        >>> db.insert_if_absent(b"lock", b"mine"), db.insert_if_absent(b"lock", b"yours")
        (True, False)
        """
    def compare_and_set(
        self,
        key: Buffer,
        expected: Buffer | None,
        new: Buffer | None,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
    ) -> bool:
        """Gives a key the value `new` if it has the value `expected`; `None` stands for no value on
        both sides. Answers whether it did.

        >>> db[b"k"] = b"1"
        >>> db.compare_and_set(b"k", b"1", b"2"), db.compare_and_set(b"k", b"1", None)
        (True, False)
        """
    def fetch_update(
        self,
        key: Buffer,
        update: Callable[[bytes | None], Buffer | None],
        /,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
    ) -> bytes | None:
        """Replaces the value of a key by what `update` makes of it, and answers the value before.
        `None` stands for no value. `update` is called again if somebody else was faster.

        >>> db.fetch_update(b"count", lambda old: b"%d" % (int(old or 0) + 1))
        >>> db.fetch_update(b"count", lambda old: b"%d" % (int(old or 0) + 1))
        b'1'
        """
    def update(
        self,
        items: _Pairs | None = None,
        /,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
    ) -> None:
        """Writes the pairs of a mapping, or an iterable of pairs, as one: all of them or none, for
        every reader and after every crash.
        """
    def put_many(
        self,
        items: _Pairs,
        /,
        *,
        durability: Durability | None = None,
        progress: _Progress | None = None,
    ) -> int:
        """
        Writes the pairs of a mapping, or an iterable of pairs, in batches of about a mebibyte, and
        answers how many there were. Fast for any number of pairs, and for those that do not fit
        into memory; not all or nothing: what was written before an error stays.

        `progress` is called with how many were written, now and then, or is a bar of tqdm.

        >>> db.put_many((b"%06d" % number, b"value") for number in range(1000))
        1000
        """
    def load(
        self,
        source: _ArrowStream | _ArrowArray,
        /,
        *,
        key: str = "key",
        value: str = "value",
        durability: Durability | None = None,
        progress: _Progress | None = None,
    ) -> int:
        """
        Writes the rows of a table as pairs, as `put_many` writes them, and answers how many there
        were: of anything that Arrow reads, such as a table of pyarrow, a frame of pandas or polars,
        a result of DuckDB, a range of another database. `key` and `value` name the columns, which
        hold binary or strings and no nulls.

        An error has a note, and an attribute `loaded`, of how many pairs were written before it.

        >>> old = db.keyspace("old")
        >>> old.update({b"a": b"1", b"b": b"2"})
        >>> db.load(old.range())
        2
        """
    def load_columns(
        self,
        keys: Buffer,
        values: Buffer,
        /,
        *,
        durability: Durability | None = None,
        progress: _Progress | None = None,
    ) -> int:
        """
        The same of two arrays with a row for each pair: of NumPy, or with a buffer like theirs. A
        row's bytes are the key, or the value, as they lie there. Numbers are keys in their order
        if they are unsigned and big-endian, as in `numpy.arange(9, dtype=">u8")`.

        >>> from array import array
        >>> db.load_columns(memoryview(b"abc"), array("d", [0.5, 1.5, 2.5]))
        3
        """
    @overload
    def pop(self, key: Buffer, /) -> bytes:
        """Takes a key away and answers its value; `default`, or `KeyError`, if there is none. Of
        several who do this, one gets the value.
        """
    @overload
    def pop(self, key: Buffer, default: _T, /) -> bytes | _T: ...
    def popitem(self) -> _Pair:
        """Takes the first pair away and answers it; `KeyError` if there is none. Of several who do
        this, each gets another pair.
        """
    def setdefault(self, key: Buffer, default: Buffer, /) -> bytes:
        """The value of a key; one that has none gets `default` first. All who do this get the same."""
    def clear(self) -> None:
        """Takes everything away, at the same cost for any number of keys."""
    def flush(
        self, *, progress: _Progress | None = None, timeout: float | None = None
    ) -> None:
        """Writes what is in memory to a table, and returns when it is durable there. Seldom needed:
        `durability` and `DB.sync` are about what survives.

        `progress` is called with how many entries are written, now and then, or is a bar of tqdm.
        """
    def compact(
        self,
        start: _Bound = None,
        stop: _Bound = None,
        *,
        progress: _Progress | None = None,
        timeout: float | None = None,
    ) -> None:
        """Merges everything from `start` to before `stop` down to the last level, and returns when
        that is done: afterwards nothing that was deleted takes space. Ctrl-C stops it at once.

        `progress` is called with how many entries are merged, now and then, or is a bar of tqdm.
        """
    def at(self, snapshot: Snapshot, /) -> KeyspaceView:
        """The same keyspace as a snapshot sees it.

        >>> users = db.keyspace("users")
        >>> users[b"ann"] = b"1"
        >>> with db.snapshot() as snapshot:
        ...     users[b"ann"] = b"2"
        ...     users.at(snapshot)[b"ann"]
        b'1'
        """
    def reading(
        self, *, fill_cache: bool = True, cached_only: bool = False, verify: bool = False
    ) -> KeyspaceView:
        """
        The same keyspace, read in another way: without keeping blocks in the cache that have to be
        read (`fill_cache=False`, for large scans); only as far as no disk is needed, with `Busy`
        otherwise (`cached_only=True`); or believing nothing that is in memory (`verify=True`).
        """
    @property
    def name(self) -> str:
        """The keyspace's name."""
    @property
    def options(self) -> KeyspaceOptions:
        """How the keyspace is kept, as it was chosen when it was made."""
    def usage(self) -> Usage:
        """
        What the keyspace takes, on disk and in memory, and how much of that is alive and how much
        garbage, with bounds that always hold. Opens tables that were not opened yet.

        >>> db[b"key"] = b"value"
        >>> db.usage().live_keys
        Estimate(1)
        """
    def _try_put(
        self, key: Buffer, value: Buffer, durability: Durability | None = None, /
    ) -> int: ...
    def _try_delete(
        self, key: Buffer, durability: Durability | None = None, /
    ) -> int: ...

@final
class Keyspace(Writable):
    """A mapping of its own inside a database, with its own options. Batches and snapshots span all
    keyspaces.

    >>> users = db.keyspace("users")
    >>> users[b"ann"] = b"1"
    >>> db.keyspaces()
    ['users']
    """

@final
class KeyspaceView(Readable):
    """A keyspace as a snapshot sees it, or read in another way than usual: of `Keyspace.at` and
    `Keyspace.reading`.
    """

@final
class Range:
    """
    The pairs of a mapping from one key to before another. It is lazy, and can be gone through again
    and again: each time it sees one moment, that at which the iteration began.

    >>> db.update({b"a": b"1", b"b": b"2", b"c": b"3"})
    >>> range = db[b"a":b"c"]
    >>> list(range), list(reversed(range))
    ([(b'a', b'1'), (b'b', b'2')], [(b'b', b'2'), (b'a', b'1')])
    """

    def __getitem__(self, key: Buffer, /) -> bytes: ...
    def __contains__(self, key: Buffer, /) -> bool: ...
    def __iter__(self) -> _Iterator[_Pair]: ...
    def __reversed__(self) -> _Iterator[_Pair]: ...
    def __reduce__(self) -> NoReturn: ...
    def keys(self) -> _Iterator[bytes]:
        """An iterator over the keys alone: values are not touched."""
    def values(self) -> _Iterator[bytes]:
        """An iterator over the values."""
    def items(self) -> _Iterator[_Pair]:
        """An iterator over the pairs, as iterating over the range itself."""
    def zero_copy(self) -> _Iterator[tuple[Value, Value]]:
        """An iterator over pairs of which nothing is copied: a `Value` for the key, and one for the
        value. Worth it for values of some kilobytes.
        """
    def chunks(self, size: int = 1024) -> _Iterator[list[_Pair]]:
        """An iterator over lists of up to `size` pairs.

        >>> db.update({b"a": b"1", b"b": b"2", b"c": b"3"})
        >>> [len(chunk) for chunk in db.range().chunks(2)]
        [2, 1]
        """
    def first(self) -> _Pair | None:
        """The first pair in the range's own direction; `None` if there is none."""
    def last(self) -> _Pair | None:
        """The last pair in the range's own direction; `None` if there is none."""
    def count(self, *, progress: _Progress | None = None) -> int:
        """How many keys there are. Exact, and reads every one of them."""
    def approximate_bytes(self) -> int:
        """About how many bytes the range takes on disk, as it is now."""
    def approximate_count(self) -> Estimate:
        """About how many keys the range has now, as an `Estimate`: an `int`, the best guess, with
        bounds that always hold, `at_least` and `at_most`. Of a large range only both ends are
        looked at.
        """
    def approximate_size(self) -> Estimate:
        """
        About how many bytes the range takes on disk, as an `Estimate`: at least the blocks that lie
        in it as a whole, at most those that hold some of it too.
        """
    def split_points(self, parts: int) -> list[bytes]:
        r"""
        At most `parts` - 1 keys, ascending and strictly inside of the range, that cut it into parts
        of about the same size.

        >>> db.update({bytes([n]): b"value" for n in range(8)})
        >>> db.range().split_points(4)
        [b'\x02', b'\x04', b'\x06']
        """
    def split(self, parts: int) -> list[Range]:
        """The range as at most `parts` ranges of about the same size, one after the other, so that
        several threads can each go through one. Where there is little data they are fewer.

        >>> db.update({bytes([n]): b"value" for n in range(8)})
        >>> [part.count() for part in db.range().split(4)]
        [2, 2, 2, 2]
        """
    def columns(self, rows: int = ..., *, nbytes: int = ...) -> ColumnsIterator:
        """
        An iterator over `Columns`: chunks of up to `rows` pairs, which are complete, too, with the
        pair that brings their keys and values to `nbytes`. pyarrow reads it as a stream of record
        batches of that size.

        >>> db.update({b"a": b"1", b"b": b"2", b"c": b"3"})
        >>> [columns.keys() for columns in db.range().columns(rows=2)]
        [[b'a', b'b'], [b'c']]
        """
    def to_numpy(self, key: Any = None, value: Any = None) -> tuple[Any, Any]:
        r"""All keys and all values as two NumPy arrays, as `Columns.to_numpy` makes them.

        >>> db.update({b"a": b"\x00\x01", b"b": b"\x01\x00"})
        >>> db.range().to_numpy(key="S1", value=">u2")[1].tolist()
        [1, 256]
        """
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def __arrow_c_schema__(self) -> object: ...
    def cursor(self, *, keys_only: bool = False) -> Cursor:
        """A cursor over the range, in front of its smallest key, whichever way the range goes; with
        `keys_only` it reads no values, and answers empty ones.
        """
    @property
    def start(self) -> bytes | None:
        """Where it starts; `None` if that end is open."""
    @property
    def stop(self) -> bytes | None:
        """Before which key it stops; `None` if that end is open."""
    @property
    def reverse(self) -> bool:
        """True if it is gone through from the last key to the first."""

@final
class Iterator:
    """An iterator over a range. It sees the moment at which it was made."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Any: ...

@final
class ZeroCopyIterator:
    """An iterator over pairs of `Value`. It sees the moment at which it was made."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> tuple[Value, Value]: ...

@final
class Columns:
    """
    A chunk of pairs as two columns. The bytes of all keys lie behind each other in `key_data`, and
    key `i` is what lies there from `key_offsets[i]` to `key_offsets[i + 1]`; values likewise.

    >>> db.update({b"a": b"one", b"b": b"two"})
    >>> columns = next(db.range().columns())
    >>> len(columns), bytes(columns.value_data), columns.value_offsets.tolist()
    (2, b'onetwo', [0, 3, 6])

    The memoryviews copy nothing, and keep the chunk; so does what reads it through Arrow.
    """

    def __len__(self) -> int: ...
    @property
    def nbytes(self) -> int:
        """How many bytes its keys and values have."""
    @property
    def key_data(self) -> memoryview:
        """The bytes of all keys."""
    @property
    def key_offsets(self) -> memoryview:
        """Where each key begins in `key_data`, and where the last one ends."""
    @property
    def value_data(self) -> memoryview:
        """The bytes of all values."""
    @property
    def value_offsets(self) -> memoryview:
        """Where each value begins in `value_data`, and where the last one ends."""
    def keys(self) -> list[bytes]:
        """The keys as a list of bytes."""
    def values(self) -> list[bytes]:
        """The values as a list of bytes."""
    def to_numpy(self, key: Any = None, value: Any = None) -> tuple[Any, Any]:
        r"""
        The keys and the values as two NumPy arrays. Where a dtype is given, all of them must have
        its width; the array then lies where the chunk does, and is read-only. Without one it is an
        array of bytes objects.

        >>> db.update({b"a": b"\x00\x01", b"b": b"\x01\x00"})
        >>> keys, values = next(db.range().columns()).to_numpy(key="S1", value=">u2")
        >>> keys.tolist(), values.tolist()
        ([b'a', b'b'], [1, 256])
        """
    def __arrow_c_array__(
        self, requested_schema: object | None = None
    ) -> tuple[object, object]: ...
    def __arrow_c_schema__(self) -> object: ...

@final
class ColumnsIterator:
    """
    An iterator over a range in chunks of columns. It sees the moment at which it was made. What is
    left of it can be taken as an Arrow stream, too.
    """

    def __iter__(self) -> Self: ...
    def __next__(self) -> Columns: ...
    def __reduce__(self) -> NoReturn: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def __arrow_c_schema__(self) -> object: ...

@final
class Cursor:
    """A gap between two entries of a range. It moves both ways and seeks: `next()` passes the entry
    behind the gap and answers it, `prev()` the one in front.

    >>> db.update({b"a": b"1", b"c": b"3"})
    >>> cursor = db.range().cursor()
    >>> cursor.seek(b"b").next(), cursor.next(), cursor.prev()
    ((b'c', b'3'), None, (b'c', b'3'))

    It sees the moment at which it was made, until `refresh()`.
    """

    def __iter__(self) -> Self: ...
    def __next__(self) -> _Pair: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_exception: object) -> None: ...
    def __reduce__(self) -> NoReturn: ...
    def seek(self, key: Buffer, /) -> Self:
        """Moves in front of the first entry whose key is `key` or behind it."""
    def seek_first(self) -> Self:
        """Moves in front of everything."""
    def seek_last(self) -> Self:
        """Moves behind everything."""
    def next(self) -> _Pair | None:
        """Passes the next pair and answers it; `None` behind the last."""
    def prev(self) -> _Pair | None:
        """Passes the pair before and answers it; `None` in front of the first."""
    def expires_at(self) -> float | None:
        """
        When the value that was passed last expires, in seconds since 1970; `None` if it never does,
        or unless the last move passed one.
        """
    def value(self) -> Value | None:
        """The value that was passed last, where it lies; `None` unless the last move passed one."""
    def refresh(self) -> Self:
        """
        Sees from now on what is newest now, and stays in the same gap. One of a snapshot stays as
        it is.
        """
    def close(self) -> None:
        """Lets go of what it sees, before the object itself goes."""

@final
class Snapshot(Readable):
    """The whole database as it was at one moment. It reads the default keyspace as it was then;
    `keyspace.at(snapshot)` reads another one.

    What it sees stays on the disk until it is closed, by `close()`, at the end of a `with`
    statement, or when nobody has it any more.

    >>> db[b"k"] = b"before"
    >>> with db.snapshot() as snapshot:
    ...     db[b"k"] = b"after"
    ...     snapshot[b"k"]
    b'before'
    """

    @property
    def seqno(self) -> int:
        """The number of the last write that it sees."""
    @property
    def closed(self) -> bool:
        """True once it was closed, or the database was."""
    def close(self) -> None:
        """
        Lets go of what it sees; does nothing the second time. Ranges of it that are there already
        stay good.
        """
    def __enter__(self) -> Self: ...
    def __exit__(self, *_exception: object) -> None: ...

@final
class Batch:
    """
    Writes that happen together: all of them or none, for every reader and after every crash, over
    any number of keyspaces.

    A `with` statement commits at its end, and drops the batch if its block raises. Without one,
    `commit()` writes, and leaves the batch empty and ready for more.

    >>> users = db.keyspace("users")
    >>> with db.batch() as batch:
    ...     batch.put(b"k", b"v")
    ...     batch.put(b"ann", b"1", keyspace=users)
    >>> users[b"ann"]
    b'1'
    """

    def put(
        self,
        key: Buffer,
        value: Buffer,
        /,
        *,
        keyspace: Keyspace | Database | None = None,
        ttl: Ttl | None = None,
        expires_at: Moment | None = None,
    ) -> None:
        """
        Gives a key a value, in the default keyspace if none is named. It can expire: `ttl` seconds
        from now, or at the moment `expires_at`.
        """
    def merge(
        self,
        key: Buffer,
        operand: Buffer,
        /,
        *,
        keyspace: Keyspace | Database | None = None,
        ttl: Ttl | None = None,
        expires_at: Moment | None = None,
    ) -> None:
        """Applies an operand to the value of a key by the keyspace's merge operator, as
        `Writable.merge` does.
        """
    def delete(self, key: Buffer, /, *, keyspace: Keyspace | Database | None = None) -> None:
        """Takes a key away, whether or not it is there."""
    def single_delete(
        self, key: Buffer, /, *, keyspace: Keyspace | Database | None = None
    ) -> None:
        """Takes a key away, as `Writable.single_delete` does."""
    def delete_range(
        self, start: _Bound, stop: _Bound, /, *, keyspace: Keyspace | Database | None = None
    ) -> None:
        """Takes every key from `start` to before `stop` away; `None` leaves an end open."""
    def require_absent(
        self, key: Buffer, /, *, keyspace: Keyspace | Database | None = None
    ) -> None:
        """Adds a condition: the key has no value. All conditions are looked at in the moment of the
        commit; if one does not hold, nothing is written, and `commit` raises `Conflict`.

        >>> with db.batch() as batch:
        ...     batch.require_absent(b"k")
        ...     batch.put(b"k", b"v")
        """
    def require_value(
        self, key: Buffer, value: Buffer, /, *, keyspace: Keyspace | Database | None = None
    ) -> None:
        """Adds a condition: the key has this value."""
    def require_unchanged(
        self, key: Buffer, snapshot: Snapshot, /, *, keyspace: Keyspace | Database | None = None
    ) -> None:
        """
        Adds a condition: nobody has written to the key since the snapshot, not even the same value
        again. A key that had no value then and has none now may count as unchanged. The snapshot
        may be closed; the batch keeps what it needs of it.
        """
    @property
    def conditions(self) -> int:
        """How many conditions it has."""
    def __setitem__(self, key: Buffer, value: Buffer, /) -> None: ...
    def __delitem__(self, key: Buffer | slice[_Bound, _Bound, None], /) -> None: ...
    def __len__(self) -> int: ...
    @property
    def nbytes(self) -> int:
        """How many bytes its writes take."""
    def clear(self) -> None:
        """Drops what was not committed."""
    def commit(self) -> int:
        """Writes it, and answers the number of its last write, for `DB.wait_durable`. A batch that
        could not be written stays as it is.
        """
    def _try_commit(self) -> int: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        _exception: BaseException | None = None,
        _traceback: TracebackType | None = None,
    ) -> None: ...

class Database(Writable):
    """The native part of `lsmdb.DB`: everything but how one is forgotten."""

    def __new__(
        cls,
        path: _Path,
        /,
        *,
        mode: _Mode = "c",
        options: str = "",
        listener: Callable[[Event], object] | None = None,
        functions: _Functions = ...,
        default_keyspace: str | None = None,
    ) -> Self: ...
    @property
    def path(self) -> str:
        """The directory that it was opened in, as the opening named it."""
    @property
    def closed(self) -> bool:
        """True once it was closed; in a forked child, too."""
    @property
    def default(self) -> Keyspace:
        """The keyspace that every database has: the one that the database's own verbs are about."""
    @property
    def open_report(self) -> dict[str, Any]:
        """What the opening found, as data."""
    @property
    def latest_seqno(self) -> int:
        """The number of the last write that readers see."""
    @property
    def durable_seqno(self) -> int:
        """Every write up to this number is durable, but for those that are "volatile"."""
    @property
    def fault(self) -> Error | None:
        """The error that stopped writes, if one did; `None` while all is well."""
    def keyspace(self, name: str, options: KeyspaceOptions | None = None, /) -> Keyspace:
        """
        The keyspace of this name, made if there is none. With `options` it is made so, and one that
        is there with others is refused.

        >>> logs = db.keyspace("logs", lsmdb.KeyspaceOptions(compression="none"))
        >>> logs.options.compression
        'none'
        """
    def keyspaces(self) -> list[str]:
        """The names of all keyspaces but the default one, in order."""
    def drop_keyspace(self, name: str, /) -> bool:
        """
        Drops a keyspace with everything in it; false if there is none. What is left of it in Python
        answers `Closed`.
        """
    def batch(
        self,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
    ) -> Batch:
        """An empty batch. The keywords are those of a write, and count when it is committed."""
    def snapshot(self) -> Snapshot:
        """The whole database as it is now."""
    def refresh(self) -> bool:
        """Shows what the writer, in another process, has done up to now; true if there is something
        new. For a database that was opened with mode "r": until then reads show what they showed,
        unless it was opened with `refresh_every`. Snapshots and iterators stay what they are.

        >>> db[b"k"] = b"v"
        >>> with lsmdb.open(db.path, mode="r") as reader:
        ...     db[b"k"] = b"w"
        ...     reader[b"k"], reader.refresh(), reader[b"k"]
        (b'v', True, b'w')
        """
    def readers(self) -> list[ReaderInfo]:
        """The readers in this and other processes for which the writer keeps files.

        >>> with lsmdb.open(db.path, mode="r"):
        ...     len(db.readers())
        1
        """
    def sync(self) -> None:
        """Makes every write so far durable, but for those that are "volatile"."""
    def wait_durable(self, seqno: int, timeout: float | None = None, /) -> None:
        """
        Returns once the write with this number is durable, and every one before it; `Timeout` after
        so many seconds.

        >>> with db.batch() as batch:
        ...     batch.put(b"k", b"v")
        >>> db.wait_durable(db.latest_seqno)
        >>> db.durable_seqno >= db.latest_seqno
        True
        """
    def resume(self) -> None:
        """Takes up writing again after a fault, once its cause is mended."""
    def pause_background(self) -> None:
        """
        Begins no more merges until `resume_background`, for hours in which the disk is needed for
        something else. Pauses count: as many are taken back as were begun.
        """
    def resume_background(self) -> None:
        """Takes one `pause_background` back; does nothing if there is none."""
    def wait_idle(self) -> None:
        """Returns once nothing is left to flush or to merge, and old tables are gone."""
    def verify(
        self, *, progress: _Progress | None = None, timeout: float | None = None
    ) -> None:
        """
        Checks every file: each checksum, the order of entries, the filters, the log, and what all
        that is said to be. Reads every byte; `Corruption` names the file and the byte.

        `progress` is called with how many bytes were checked, now and then, or is a bar of tqdm.
        """
    def doctor(self) -> Diagnosis:
        """
        Says in plain words what is wrong or slow, and which limit or option causes it: a dict whose
        `str()` is a text. As cheap as `stats`.

        >>> print(db.doctor())
        healthy: nothing was found that is wrong or slow
        """
    def stats(self) -> dict[str, Any]:
        """What was counted and measured since the opening, and what there is now, as data."""
    def metrics(self) -> dict[str, float]:
        """The same as numbers by name, in the way that Prometheus names them."""
    def close(self) -> None:
        """Makes everything durable and lets go of the directory. Whatever is still there of the
        database answers `Closed` from then on. Does nothing the second time, or in a forked child.
        """
    def __enter__(self) -> Self: ...
    def __exit__(self, *_exception: object) -> None: ...
    def _closer(self) -> Closer: ...

@final
class Closer:
    """Closes a database that was forgotten."""

    @property
    def closed(self) -> bool:
        """True once the database was closed; in a forked child, too."""
    def close(self) -> None:
        ...

class _Roamer:
    """A place between two entries of a range. The next ones are fetched many at a time, as by other
    iterators; a turn gives back what was not handed out.
    """

    def __new__(
        cls,
        range: Range,
        shown: tuple[bool, bool],
        prefix: Buffer,
        told: Callable[[Any], BaseException],
    ) -> Self: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> Any: ...
    def prev(self) -> Any:
        """Moves one step back and answers the entry that it passed; StopIteration where the iterator
        began.
        """
    def seek(self, target: Buffer) -> None:
        """Moves in front of the first key that is `target` or behind it, within the iterator's part
        of the keys.
        """
    def seek_to_start(self) -> None:
        """Moves in front of the smallest key of the iterator's part, in whichever direction it goes."""
    def seek_to_stop(self) -> None:
        """Moves behind the largest key of the iterator's part, in whichever direction it goes."""
    def close(self) -> None:
        """Lets go of what it sees."""

@final
class Event:
    """Something that happened inside a database. `str(event)` is a sentence."""

    @property
    def kind(self) -> str:
        """What: "flushed", "compacted", "pacing_changed" and so on."""
    @property
    def level(self) -> Literal["error", "warn", "info", "debug"]:
        """How much it matters: "error", "warn", "info" or "debug"."""
    @property
    def keyspace(self) -> str | None:
        """The keyspace, if it is about one."""
    @property
    def message(self) -> str:
        """A sentence."""

def destroy(path: _Path, /) -> list[str]:
    """Deletes the files of the database in a directory, and nothing else. Answers the names of what
    else lies there, which stays, and so does the directory. `Locked` while somebody has the
    database open.
    """
def salvage(
    path: _Path,
    new_path: _Path,
    /,
    *,
    options: object = None,
    progress: object = None,
    timeout: float | None = None,
) -> dict[str, Any]:
    """
    Rebuilds what can be read of the damaged database at `path` in `new_path`, a directory that is
    made. Answers a report of what was lost: `is_complete`; `lost`, ranges of keys with
    `keyspace`, `from`, `to` and `file`; `lost_log`, sequence numbers; `files` with their `damage`;
    `keyspaces` with their `pairs`; `ignored`; `notes`.

    The damaged directory is only read: `Locked` while somebody writes there. `options` are those of
    the new database. `progress` is called with how many bytes were read, now and then, or is a bar
    of tqdm. If the call fails or is stopped, the new database goes again.

    >>> with lsmdb.open("fruits") as db:
    ...     db[b"apple"] = b"red"
    >>> report = lsmdb.salvage("fruits", "rescued")
    >>> report["is_complete"], report["lost"]
    (True, [])
    """
def _options_text(text: str) -> str: ...
def _keyspace_options_text(text: str) -> str: ...
